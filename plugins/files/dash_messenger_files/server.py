"""Files: any, with what they are called and how large they are.

The server says name, size and type of each; what the author claims of them does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from dash_messenger import Context, Demo, MessageType, Preparing, Refused, hookimpl
from msgspec import Meta, Struct

__all__ = ["MAX_FILES", "Files", "FilesMessage", "OneFile", "on_demo", "register_message_types"]

MAX_FILES = 10
MAX_CAPTION_CHARACTERS = 1_000


class OneFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file: an author sends ``blob``, the upload's id; the server fills in the rest."""

    blob: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    # What an author claims of these is not kept; but it is drawn in a preview.
    name: Annotated[str, Meta(max_length=255)] = ""
    media_type: Annotated[str, Meta(max_length=128)] = ""
    bytes: Annotated[int, Meta(ge=0, le=2**60)] = 0


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
        """The files."""
        return [file.blob for file in content.files]

    async def prepare(self, content: Files, preparing: Preparing) -> Files:
        """With name, type and size as the server knows them.

        Raises:
            Refused: an upload is gone.
        """
        files = []
        for file in content.files:
            info = await preparing.context.blobs.info(file.blob)
            if info is None:
                raise Refused(
                    reason="This file is no longer there. Please upload it again.",
                    key="no_file",
                    field="files",
                )
            files.append(OneFile(info.id, info.name, info.media_type, info.bytes))
        return Files(files, content.caption)


@hookimpl
def register_message_types() -> list[MessageType[Files]]:
    """The type ``files``."""
    return [FilesMessage()]


@hookimpl
async def on_demo(demo: Demo, context: Context) -> None:
    """A table and a melody."""
    from dash_messenger_files.demo_sound import MELODY, TABLE, melody

    by = demo.people[3]
    files = []
    for name, media_type, data in (
        (TABLE, "text/csv", b"what,how much\r\nrye flour,2 kg\r\nsalt,1 packet\r\n"),
        (MELODY, "audio/wav", melody()),
    ):
        blob = await context.blobs.put(data, name=name, media_type=media_type, owner=by.id)
        files.append(OneFile(blob.id))
    await demo.say(by, "files", Files(files, "The list, and a song for the kitchen"))
