"""Events: their bytes in a frame, in a page of a log and in the database; views put into frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dash_messenger.protocol.events import Event, encode_event, event_body
from dash_messenger.protocol.models import Message, Reply
from msgspec import UNSET, Raw

# How each event was encoded when its data was a dict, by the name of its case.
BYTES = json.loads((Path(__file__).parent / "event_bytes.json").read_text())
ANN, BEN, LOG, PHOTO, TEXT = "a1", "b1", "c1", "d1", "e1"
VIEW = Raw(b'{"html":"<b>\xc3\xa9</b>"}')
OPTIONAL: dict[str, Any] = {
    "edited_at_ms": 1_700_000_000_001,
    "deleted_at_ms": 1_700_000_000_002,
    "state": Raw(b'{"votes":[1,2]}'),
    "reply_to": Reply("e0", 3),
    "reactions": Raw(b'[{"emoji":"\xf0\x9f\x91\x8d","count":2}]'),
    "type_version": 2,
}


def a_message(**changed: Any) -> Message:
    fields: dict[str, Any] = {
        "id": TEXT,
        "conversation": LOG,
        "seq": 8,
        "rev": 1,
        "number": 5,
        "sender": ANN,
        "client_id": "f1",
        "type": "text",
        "content": Raw(b'{"text":"}\\"\xc3\xa9"}'),
        "text": '}"é',
        "sent_at_ms": 1_700_000_000_000,
    }
    return Message(**fields | changed)


MESSAGES = {
    "plain": a_message(),
    "without text": a_message(text=None),
    "erased": a_message(content=None, text=None, deleted_at_ms=9, state=UNSET),
    "never edited": a_message(edited_at_ms=None, deleted_at_ms=None),
    "with all": a_message(**OPTIONAL),
    **{f"with {name}": a_message(**{name: value}) for name, value in OPTIONAL.items()},
}
USER = {"id": BEN, "username": "ben", "display_name": "Bén"}
REACTION = {"message_id": TEXT, "number": 5, "emoji": "👍", "count": 2}
ACCOUNT = {"display_name": "Ann", "language": None, "theme": None, "photo": None}
DATA: dict[str, tuple[str, dict[str, Any]]] = {
    "direct": ("conversation.created", {"kind": "direct", "title": None}),
    "group": ("conversation.created", {"kind": "group", "title": "Us"}),
    "nothing changed": ("conversation.updated", {}),
    "titled": ("conversation.updated", {"title": "We"}),
    "pictured": ("conversation.updated", {"photo": PHOTO}),
    "not pictured": ("conversation.updated", {"photo": None}),
    "titled and pictured": ("conversation.updated", {"title": "We", "photo": PHOTO}),
    "joined": ("member.joined", {"user": USER, "from_number": 1}),
    "joined later": ("member.joined", {"user": USER, "from_number": 7}),
    "removed": ("member.removed", {"user": BEN}),
    "reacted": ("reaction.changed", {**REACTION, "on": True}),
    "reacted no more": ("reaction.changed", {**REACTION, "on": False}),
    "marked": (
        "mark.changed",
        {"conversation": LOG, "message_id": TEXT, "mark": Raw(b'{"choice":1}')},
    ),
    "mark removed": ("mark.changed", {"conversation": LOG, "message_id": TEXT, "mark": None}),
    "added": ("conversation.added", {"conversation": LOG}),
    "no longer there": ("conversation.removed", {"conversation": LOG}),
    "account": ("account.updated", ACCOUNT),
    "whole account": (
        "account.updated",
        {"display_name": "Ann", "language": "ru", "theme": "nord", "photo": PHOTO},
    ),
    "hidden": ("hidden", {}),
}


def an_event(kind: str, by: str, data: dict[str, Any], message: Message | None = None) -> Event:
    return Event(LOG, 7, 8, kind, by, 1_700_000_000_003, data, message)


def cases() -> dict[str, Event]:
    found = {
        f"message.updated: {name}": an_event("message.updated", ANN, {}, message)
        for name, message in MESSAGES.items()
    }
    for kind in ("message.created", "message.deleted"):
        found[f"{kind}: plain"] = an_event(kind, ANN, {}, MESSAGES["plain"])
    for name, (kind, data) in DATA.items():
        found[f"{kind}: {name}"] = an_event(kind, "" if kind == "hidden" else ANN, data)
    found["message.created: by nobody"] = an_event("message.created", "", {}, MESSAGES["plain"])
    return found


def stored(event: Event) -> bytes | None:
    return msgspec.json.encode(event.data) if event.data else None


@pytest.mark.parametrize("name", cases())
def test_bytes_of_events_are_what_they_were(name: str) -> None:
    event = cases()[name]
    expected = BYTES[name]
    row = stored(event)
    assert {
        "frame": encode_event(event).decode(),
        "page": msgspec.json.encode(event_body(event)).decode(),
        "row": None if row is None else row.decode(),
    } == {field: expected[field] for field in ("frame", "page", "row")}
    if event.message is not None:
        assert encode_event(event, VIEW).decode() == expected["viewed_frame"]
        assert msgspec.json.encode(event_body(event, VIEW)).decode() == expected["viewed_page"]


def test_every_case_has_its_bytes() -> None:
    assert cases().keys() == BYTES.keys()
