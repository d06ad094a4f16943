"""Files: any, with what they are called and how large they are.

The server says name, size and type of each; what the author claims of them does not count. How long
audio and video are, and how a video looks, is the author's word: the server decodes neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Annotated

from dash_messenger import Blob, Context, Demo, MessageType, Preparing, Refused, hookimpl
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

__all__ = [
    "MAX_FILES",
    "Files",
    "FilesMessage",
    "OneFile",
    "Poster",
    "on_demo",
    "register_message_types",
]

MAX_FILES = 10
MAX_CAPTION_CHARACTERS = 1_000
# A week.
MAX_DURATION_MS = 604_800_000
# More than a browser can show.
MAX_SIDE_PX = 16_384
MAX_POSTER_UPLOAD_BYTES = 4_000_000
# What decodes is imported in a child process alone.
MAKE_POSTER = "dash_messenger_files.posters:make_poster"

BlobId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE_PX)]


class Poster(Struct, frozen=True, forbid_unknown_fields=True):
    """A picture of a video: an author sends an upload; the server keeps what it draws of it."""

    blob: BlobId


class OneFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file: an author sends ``blob``, the upload's id; the server fills in name, type and size.

    An author may say of audio and video how long it is, and of video how wide and high, and send a
    picture of it. Of other files that is not kept.
    """

    blob: BlobId
    # What an author claims of these is not kept; but it is drawn in a preview.
    name: Annotated[str, Meta(max_length=255)] = ""
    media_type: Annotated[str, Meta(max_length=128)] = ""
    bytes: Annotated[int, Meta(ge=0, le=2**60)] = 0
    duration_ms: Annotated[int, Meta(ge=1, le=MAX_DURATION_MS)] | UnsetType = UNSET
    width: Side | UnsetType = UNSET
    height: Side | UnsetType = UNSET
    poster: Poster | UnsetType = UNSET


class Files(Struct, frozen=True, forbid_unknown_fields=True):
    """1 to 10 files, with a caption of at most 1,000 characters."""

    files: Annotated[list[OneFile], Meta(min_length=1, max_length=MAX_FILES)]
    caption: Annotated[str, Meta(max_length=MAX_CAPTION_CHARACTERS)] = ""


class FilesMessage(MessageType[Files]):
    """The type ``files``."""

    type = "files"
    Content = Files
    editable = True

    def text(self, content: Files, state: None) -> str:
        """The caption and the files' names: what people wrote."""
        names = [file.name for file in content.files]
        return "\n".join([content.caption, *names] if content.caption else names)

    def blobs(self, content: Files) -> Iterable[str]:
        """The files, and the pictures of videos."""
        for file in content.files:
            yield file.blob
            if file.poster is not UNSET:
                yield file.poster.blob

    async def prepare(self, content: Files, preparing: Preparing) -> Files:
        """With name, type and size as the server knows them, and posters as it draws them.

        What an edit leaves in the message stays as it was.

        Raises:
            Refused: an upload is gone, or a poster is somebody else's or no picture; ``field`` says
                which file: ``files[2]`` is the third.
        """
        before: Files | None = preparing.before
        kept = {file.blob: file for file in before.files} if before else {}
        files = []
        for place, file in enumerate(content.files):
            info = await preparing.context.blobs.info(file.blob)
            if info is None:
                raise Refused(
                    reason="This file is no longer there. Please upload it again.",
                    key="no_file",
                    field="files",
                )
            if file.blob in kept:
                files.append(kept[file.blob])
                continue
            try:
                files.append(await _prepared(file, info, preparing))
            except Refused as refusal:
                refusal.params["field"] = f"files[{place}]"
                raise
        return Files(files, content.caption)


@hookimpl
def register_message_types() -> list[MessageType[Files]]:
    """The type ``files``."""
    return [FilesMessage()]


@hookimpl
async def on_demo(demo: Demo, context: Context) -> None:
    """A table and a melody."""
    from dash_messenger_files.demo_sound import MELODY, MELODY_MS, TABLE, melody

    by = demo.people[3]
    files = []
    for name, media_type, data in (
        (TABLE, "text/csv", b"what,how much\r\nrye flour,2 kg\r\nsalt,1 packet\r\n"),
        (MELODY, "audio/wav", melody()),
    ):
        blob = await context.blobs.put(data, name=name, media_type=media_type, owner=by.id)
        length = MELODY_MS if name == MELODY else UNSET
        files.append(OneFile(blob.id, duration_ms=length))
    await demo.say(by, "files", Files(files, "The list, and a song for the kitchen"))


async def _prepared(file: OneFile, info: Blob, preparing: Preparing) -> OneFile:
    known = OneFile(info.id, info.name, info.media_type, info.bytes)
    kind = info.media_type.partition("/")[0]
    if kind == "audio":
        return replace(known, duration_ms=file.duration_ms)
    if kind != "video":
        return known
    poster = await _poster(file.poster, preparing) if file.poster is not UNSET else UNSET
    return replace(
        known,
        duration_ms=file.duration_ms,
        width=file.width,
        height=file.height,
        poster=poster,
    )


async def _poster(poster: Poster, preparing: Preparing) -> Poster:
    context, user = preparing.context, preparing.user
    made = await context.limited(MAKE_POSTER, partial(_upload, context, poster.blob, user))
    blob = await context.blobs.put(made, name="poster.webp", media_type="image/webp", owner=user)
    return Poster(blob.id)


async def _upload(context: Context, blob: str, user: str) -> bytes:
    info = await context.blobs.info(blob)
    if info is None or info.owner != user:
        raise Refused(
            reason="The picture of this video is no longer there. Please choose the video again.",
            key="no_poster",
        )
    return await context.blobs.read(info.id, max_bytes=MAX_POSTER_UPLOAD_BYTES)
