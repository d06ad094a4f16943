"""Photos on a real server: what is made of an upload, and what an edit leaves as it was."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from dash_messenger import Refused
from dash_messenger.client import Client
from dash_messenger.testing import People, upload
from dash_messenger_photo.server import Photos
from PIL import Image

CLAIMS: list[dict[str, Any]] = [
    {"width": 10**400},
    {"height": -1},
    {"width": 7.5},
    {"hash": "x" * 10_000},
    {"backdrop": "url(evil)"},
    {"variants": [{}]},
    {"variants": [{"blob": "a" * 32, "width": 0}]},
    {"variants": [{"blob": "../..", "width": 10}]},
    {"variants": [{"blob": "a" * 32, "width": 10}] * 1_000},
    {"variants": 7},
]


@pytest.mark.parametrize("claims", CLAIMS, ids=str)
def test_what_an_author_claims_is_refused_where_it_cannot_be(claims: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"photos": [{"blob": "a" * 32, **claims}]}, Photos)


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (900, 600), colour).save(out, "JPEG")
    return out.getvalue()


def animation() -> bytes:
    out = io.BytesIO()
    noise = [Image.effect_noise((64, 64), 90 + n) for n in range(3)]
    noise[0].save(out, "GIF", save_all=True, append_images=noise[1:])
    return out.getvalue()


@dataclass
class Sender:
    """Somebody with a token, and a conversation with somebody else."""

    client: Client
    token: str
    conversation: str
    url: str

    async def upload(self, colour: str) -> str:
        return await self.upload_bytes(picture(colour))

    async def upload_bytes(self, data: bytes) -> str:
        blob = await upload(self.url, data, token=self.token, name="photo.jpg")
        return str(blob["id"])

    async def send(self, *colours: str) -> dict[str, Any]:
        """The message as its readers get it."""
        photos = [{"blob": await self.upload(colour), "alt": colour} for colour in colours]
        sent = await self.client.call(
            "message.send",
            conversation=self.conversation,
            type="photo",
            content={"photos": photos, "caption": "Colours"},
        )
        return await self.message(sent["id"])

    async def edit(self, message: dict[str, Any], **content: Any) -> dict[str, Any]:
        await self.client.call("message.edit", message=message["id"], content=content)
        return await self.message(message["id"])

    async def message(self, id: str) -> dict[str, Any]:
        found = await self.client.call("message.get", messages=[id])
        message: dict[str, Any] = found["messages"][0]
        return message


@pytest.fixture
async def ann(people: People) -> Sender:
    _, token = await people.register()
    client, bob = await people.connect(token), await people()
    made = await client.call("conversation.create", kind="direct", members=[bob.me["username"]])
    return Sender(client, token, made["id"], people.server.url)


async def test_words_are_changed_and_no_photo_is_made_again(ann: Sender) -> None:
    message = await ann.send("red", "blue")
    red, blue = message["content"]["photos"]
    edited = await ann.edit(
        message,
        caption="Two of them",
        photos=[{"blob": blue["blob"], "alt": "the sea"}, {"blob": red["blob"]}],
    )
    # In another order; what is said of one is changed, of the other no more.
    without_alt = {name: value for name, value in red.items() if name != "alt"}
    assert edited["content"]["caption"] == "Two of them"
    assert edited["content"]["photos"] == [
        {**blue, "alt": "the sea"},
        {**without_alt, "alt": ""},
    ]
    assert edited["text"] == "Two of them\nthe sea"


async def test_what_an_editor_claims_of_a_photo_does_not_count(ann: Sender) -> None:
    message = await ann.send("red")
    other = (await ann.send("blue"))["content"]["photos"][0]
    (photo,) = message["content"]["photos"]
    forged = {**photo, "width": 1, "hash": "x", "variants": other["variants"], "animated": True}
    edited = await ann.edit(message, photos=[{**forged, "alt": "mine"}])
    assert edited["content"]["photos"] == [{**photo, "alt": "mine"}]


async def test_a_photo_is_taken_out_and_another_put_in(ann: Sender) -> None:
    message = await ann.send("red", "blue")
    red = message["content"]["photos"][0]
    edited = await ann.edit(message, photos=[red, {"blob": await ann.upload("green")}])
    kept, new = edited["content"]["photos"]
    assert kept == red
    assert (new["width"], new["height"], new["alt"]) == (900, 600, "")


async def test_an_edit_takes_nothing_from_somebody_else(ann: Sender, people: People) -> None:
    message = await ann.send("red")
    _, token = await people.register()
    theirs = await upload(people.server.url, picture("blue"), token=token, name="blue.jpg")
    with pytest.raises(Refused, match="upload it again") as refused:
        await ann.edit(message, photos=[{"blob": theirs["id"]}])
    assert refused.value.params["field"] == "photos[0]"
    assert (await ann.message(message["id"]))["content"] == message["content"]


async def test_a_refused_album_says_which_photo_it_is(ann: Sender) -> None:
    photos = [{"blob": await ann.upload(colour)} for colour in ("red", "blue")]
    photos.insert(1, {"blob": await ann.upload_bytes(picture("green")[:2_000])})
    with pytest.raises(Refused, match="damaged") as refused:
        await ann.client.call(
            "message.send",
            conversation=ann.conversation,
            type="photo",
            content={"photos": photos},
        )
    assert refused.value.params["field"] == "photos[1]"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (picture("red")[:2_000], "This picture is damaged."),
        (b"%PDF-1.7", "This is no picture."),
        (animation()[:-400], "This picture is damaged."),
    ],
    ids=["cut off", "no picture", "last frame cut off"],
)
async def test_an_upload_is_checked_before_it_is_sent(
    ann: Sender, data: bytes, reason: str
) -> None:
    for good in (picture("red"), animation()):
        await ann.client.call("photo.check", blob=await ann.upload_bytes(good))
    with pytest.raises(Refused) as refused:
        await ann.client.call("photo.check", blob=await ann.upload_bytes(data))
    assert refused.value.params["reason"] == reason


async def test_nobody_checks_an_upload_of_somebody_else(ann: Sender, people: People) -> None:
    _, token = await people.register()
    theirs = await upload(people.server.url, picture("blue"), token=token, name="blue.jpg")
    with pytest.raises(Refused, match="upload it again"):
        await ann.client.call("photo.check", blob=theirs["id"])
