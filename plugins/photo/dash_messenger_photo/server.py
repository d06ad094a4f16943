"""Photos: one or several, with a caption.

An author uploads files and says what is to be seen on them; the server makes from each what is
shown, and keeps nothing else of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Literal

from dash_messenger import (
    Caller,
    Command,
    Context,
    Demo,
    MessageType,
    Portrait,
    Portraits,
    Preparing,
    Refused,
    User,
    hookimpl,
)
from msgspec import Meta, Struct
from msgspec.structs import replace

__all__ = [
    "MAX_CAPTION_CHARACTERS",
    "MAX_PHOTOS",
    "Check",
    "Checked",
    "Photo",
    "PhotoMessage",
    "PhotoPortraits",
    "Photos",
    "Variant",
    "on_demo",
    "register_commands",
    "register_message_types",
    "register_portraits",
]

MAX_PHOTOS = 10
MAX_CAPTION_CHARACTERS = 1_000
MAX_ALT_CHARACTERS = 500
MAX_UPLOAD_BYTES = 60_000_000
# What decodes is imported in a child process alone.
PICTURES = "dash_messenger_photo.pictures"
DRAW = "dash_messenger_photo.demo_landscapes:draw_landscape"

# What an author claims of these is not kept; but it is drawn in a preview.
MAX_SIDE_PX = 100_000
MAX_VARIANTS = 8
MAX_HASH_CHARACTERS = 64

BlobId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Variant(Struct, frozen=True):
    """A photo in one size: its blob and its width in pixels."""

    blob: BlobId
    width: Annotated[int, Meta(ge=1, le=MAX_SIDE_PX)]


class Photo(Struct, frozen=True, forbid_unknown_fields=True):
    """A photo: an author sends ``blob``, the upload's id, and ``alt``; the server adds the rest.

    ``hash`` is a ThumbHash in base64; ``variants`` go from the smallest to the photo itself. Of a
    photo that is transparent somewhere, ``hash`` is empty and ``backdrop`` says on what it can be
    seen.
    """

    blob: BlobId
    alt: Annotated[str, Meta(max_length=MAX_ALT_CHARACTERS)] = ""
    width: Annotated[int, Meta(ge=0, le=MAX_SIDE_PX)] = 0
    height: Annotated[int, Meta(ge=0, le=MAX_SIDE_PX)] = 0
    animated: bool = False
    hash: Annotated[str, Meta(max_length=MAX_HASH_CHARACTERS)] = ""
    variants: Annotated[list[Variant], Meta(max_length=MAX_VARIANTS)] = []
    backdrop: Literal["", "any", "light", "dark", "grey"] = ""


class Photos(Struct, frozen=True, forbid_unknown_fields=True):
    """1 to 10 photos, with a caption of at most 1,000 characters."""

    photos: Annotated[list[Photo], Meta(min_length=1, max_length=MAX_PHOTOS)]
    caption: Annotated[str, Meta(max_length=MAX_CAPTION_CHARACTERS)] = ""


class PhotoMessage(MessageType[Photos]):
    """The type ``photo``."""

    type = "photo"
    Content = Photos
    editable = True

    def text(self, content: Photos, state: None) -> str:
        """The caption and what is said of each photo."""
        said = [content.caption, *(photo.alt for photo in content.photos)]
        return "\n".join(line for line in said if line)

    def blobs(self, content: Photos) -> Iterable[str]:
        """Every size of every photo."""
        return [variant.blob for photo in content.photos for variant in photo.variants]

    async def prepare(self, content: Photos, preparing: Preparing) -> Photos:
        """With what was made of the uploads, which are not kept themselves.

        What an edit leaves in the message stays as it was made, with what is said of it now.

        Raises:
            Refused: an upload is gone or somebody else's, or is no photo; ``field`` says which:
                ``photos[2]`` is the third.
        """
        before: Photos | None = preparing.before
        made = {photo.blob: photo for photo in before.photos} if before else {}
        photos = []
        for place, photo in enumerate(content.photos):
            if photo.blob in made:
                photos.append(replace(made[photo.blob], alt=photo.alt))
                continue
            try:
                photos.append(await _prepared(preparing.context, photo, preparing.user))
            except Refused as refusal:
                refusal.params["field"] = f"photos[{place}]"
                raise
        return Photos(photos, content.caption)


@hookimpl
def register_message_types() -> list[MessageType[Photos]]:
    """The type ``photo``."""
    return [PhotoMessage()]


class Check(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``photo.check``: ``blob`` is an upload of one's own."""

    blob: BlobId


class Checked(Struct, frozen=True):
    """Result of ``photo.check``: it can be sent as a photo."""


@hookimpl
def register_commands(context: Context) -> list[Command]:
    """``photo.check``: forms ask before they send."""

    async def check(caller: Caller, params: Check) -> Checked:
        upload = partial(_upload, context, params.blob, caller.user_id)
        await context.limited(f"{PICTURES}:check_photo", upload)
        return Checked()

    summary = "Say whether an upload can be sent as a photo, or why not."
    return [Command("photo.check", Check, Checked, check, summary, rate="write")]


class PhotoPortraits:
    """Photos of people and groups: the middle of a picture, as a small square."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def make(self, upload: bytes) -> Portrait:
        """256 × 256 pixels, redrawn from the picture.

        Raises:
            Refused: it is no photo.
        """
        made = await self._context.limited(f"{PICTURES}:make_square", upload)
        return Portrait(made, "image/webp")


@hookimpl
def register_portraits(context: Context) -> Portraits:
    """Photos of people and groups."""
    return PhotoPortraits(context)


@hookimpl
async def on_demo(demo: Demo, context: Context) -> None:
    """Photos of people and of the group, an album, and one photo alone."""
    first, second, *_ = demo.people

    async def draw(user: User, seed: int, width: int, height: int) -> str:
        data = await context.limited(DRAW, seed, width, height)
        name = f"landscape-{seed}.jpg"
        blob = await context.blobs.put(data, name=name, media_type="image/jpeg", owner=user.id)
        return blob.id

    for seed, user in enumerate((first, second)):
        photo = await draw(user, 10 + seed, 400, 400)
        await demo.call(user, "account.update", photo=photo)
    photo = await draw(first, 14, 400, 400)
    await demo.call(first, "conversation.update", conversation=demo.conversation, photo=photo)
    sizes = ((1600, 1000), (1000, 1000), (1000, 1400))
    album = [
        Photo(await draw(second, seed, *size), alt="Hills in the evening")
        for seed, size in enumerate(sizes)
    ]
    await demo.say(second, "photo", Photos(album, "Evenings up there"))
    await demo.say(first, "photo", Photos([Photo(await draw(first, 5, 1600, 1000), "The lake")]))


async def _upload(context: Context, blob: str, user: str) -> bytes:
    info = await context.blobs.info(blob)
    if info is None or info.owner != user:
        raise Refused(
            reason="This photo is no longer there. Please upload it again.",
            key="no_photo",
        )
    return await context.blobs.read(info.id, max_bytes=MAX_UPLOAD_BYTES)


async def _prepared(context: Context, photo: Photo, user: str) -> Photo:
    # Read when it is its turn: what waits is in nobody's memory.
    upload = partial(_upload, context, photo.blob, user)
    made = await context.limited(f"{PICTURES}:make_photo", upload)
    # Each waits for the disk: together they wait once.
    blobs = await asyncio.gather(
        *(
            context.blobs.put(
                variant["webp"], name="photo.webp", media_type="image/webp", owner=user
            )
            for variant in made["variants"]
        )
    )
    variants = [
        Variant(blob.id, variant["width"])
        for blob, variant in zip(blobs, made["variants"], strict=True)
    ]
    return Photo(
        blob=variants[-1].blob,
        alt=photo.alt,
        width=made["width"],
        height=made["height"],
        animated=made["animated"],
        hash=made["hash"],
        backdrop=made["backdrop"],
        variants=variants,
    )
