"""Events: their bytes in a frame, in a page of a log and in the database; views put into frames."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dash_messenger.protocol.events import (
    KINDS,
    AboutMessage,
    AboutNoMessage,
    Event,
    MessageData,
    encode_event,
    event_body,
    is_hidden,
    number_in,
    restore,
    row_of,
)
from dash_messenger.protocol.models import Message, Reply
from msgspec import UNSET, Raw
from msgspec.structs import replace

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
CONTACT = {"user": BEN, "state": "contact", "since_ms": 1_700_000_000_000}
ACCOUNT = {"display_name": "Ann", "language": None, "theme": None, "photo": None}
DATA: dict[str, tuple[str, dict[str, Any]]] = {
    "direct": ("conversation.created", {"kind": "direct", "title": None}),
    "group": ("conversation.created", {"kind": "group", "title": "Us"}),
    "nothing changed": ("conversation.updated", {}),
    "titled": ("conversation.updated", {"title": "We"}),
    "pictured": ("conversation.updated", {"photo": PHOTO}),
    "not pictured": ("conversation.updated", {"photo": None}),
    "titled and pictured": ("conversation.updated", {"title": "We", "photo": PHOTO}),
    "described": ("conversation.updated", {"description": "Tea", "rules": None}),
    "ruled": ("conversation.updated", {"description": None, "rules": "Be kind"}),
    "joined": ("member.joined", {"user": USER, "from_number": 1}),
    "joined later": ("member.joined", {"user": USER, "from_number": 7}),
    "joined by a link": ("member.joined", {"user": USER, "from_number": 7, "via": "link"}),
    "let in": ("member.joined", {"user": USER, "from_number": 7, "via": "request"}),
    "promoted": ("member.updated", {"user": BEN, "role": "admin"}),
    "banned": ("member.banned", {"user": BEN, "on": True}),
    "banned no more": ("member.banned", {"user": BEN, "on": False}),
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
    "a stranger": ("contact.updated", {"user": USER, "contact": None}),
    "asked": ("contact.updated", {"user": USER, "contact": {**CONTACT, "state": "sent"}}),
    "asking": (
        "contact.updated",
        {"user": USER, "contact": {**CONTACT, "state": "received", "note": "Hé"}},
    ),
    "labelled": ("contact.updated", {"user": USER, "contact": {**CONTACT, "label": "Mum"}}),
    "preferred": ("preferences.updated", {"conversation": LOG, "preferences": {"change_no": 3}}),
    "all preferences": (
        "preferences.updated",
        {
            "conversation": LOG,
            "preferences": {
                "change_no": 3,
                "muted_until_ms": 1_700_000_000_000,
                "notify": "mentions",
                "pinned_no": 2,
                "archived_no": 5,
                "marked_unread": True,
            },
        },
    ),
    "private": ("privacy.updated", {"find": "nobody", "message": "contacts", "receipts": "known"}),
    "an exception": (
        "privacy.exceptions_updated",
        {"user": USER, "exceptions": {"user": BEN, "message": "deny", "photo": "allow"}},
    ),
    "no exception": ("privacy.exceptions_updated", {"user": USER, "exceptions": None}),
    "blocked": ("block.updated", {"user": USER, "since_ms": 1_700_000_000_000}),
    "unblocked": ("block.updated", {"user": USER, "since_ms": None}),
    "a message waits": ("request.updated", {"user": USER, "since_ms": 1_700_000_000_000}),
    "no message waits": ("request.updated", {"user": USER, "since_ms": None}),
    "asking to join": (
        "join_request.updated",
        {"conversation": LOG, "user": USER, "waiting": True},
    ),
    "asking no more": (
        "join_request.updated",
        {"conversation": LOG, "user": USER, "waiting": False},
    ),
    "hidden": ("hidden", {}),
}


def an_event(kind: str, by: str, data: dict[str, Any], message: Message | None = None) -> Event:
    restored = restore(kind, msgspec.json.encode(data), message)
    return Event(LOG, 7, 8, by, 1_700_000_000_003, restored)


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


@pytest.mark.parametrize("name", cases())
def test_bytes_of_events_are_what_they_were(name: str) -> None:
    event = cases()[name]
    expected = BYTES[name]
    assert {
        "frame": encode_event(event).decode(),
        "page": msgspec.json.encode(event_body(event)).decode(),
        "row": None if (row := row_of(event.data)) is None else row.decode(),
    } == {field: expected[field] for field in ("frame", "page", "row")}
    if event.data.message is not None:
        assert encode_event(event, VIEW).decode() == expected["viewed_frame"]
        assert msgspec.json.encode(event_body(event, VIEW)).decode() == expected["viewed_page"]


def test_every_case_has_its_bytes() -> None:
    assert cases().keys() == BYTES.keys()
    assert {event.kind for event in cases().values()} == KINDS.keys()


def viewed(event: Event, view: Raw) -> bytes:
    """The slow way: a copy of the message that has the view."""
    assert isinstance(event.data, MessageData)
    message = replace(event.data.message, view=view)
    return encode_event(replace(event, data=replace(event.data, message=message)))


@pytest.mark.parametrize(
    "kind", [kind for kind, data in KINDS.items() if issubclass(data, MessageData)]
)
@pytest.mark.parametrize("view", ['"}}}}"', '{"html":"<b>é</b>","bare":true}', "null", '{"a":{}}'])
def test_view_put_into_a_frame_is_where_a_copy_would_have_it(kind: str, view: str) -> None:
    drawn = Raw(view.encode())
    for n in range(len(OPTIONAL) + 1):
        for names in combinations(OPTIONAL, n):
            for erased in ({}, dict.fromkeys(("content", "text"))):
                message = a_message(**erased, **{name: OPTIONAL[name] for name in names})
                event = an_event(kind, ANN, {}, message)
                assert encode_event(event, drawn) == viewed(event, drawn)


def test_a_view_takes_the_place_of_another() -> None:
    event = an_event("message.created", ANN, {}, a_message(view=Raw(b'"old"')))
    assert encode_event(event, VIEW) == viewed(event, VIEW)


@pytest.mark.parametrize(
    "name", [name for name, event in cases().items() if event.data.message is None]
)
def test_an_event_without_a_message_has_no_view(name: str) -> None:
    event = cases()[name]
    assert encode_event(event, VIEW) == encode_event(event)
    assert event_body(event, VIEW) == event_body(event)


@pytest.mark.parametrize("name", cases())
def test_an_event_is_restored_from_its_row(name: str) -> None:
    event = cases()[name]
    assert restore(event.kind, row_of(event.data), event.data.message) == event.data


@pytest.mark.parametrize(
    ("kind", "row"),
    [("poll.closed", None), ("member.removed", b"{}"), ("message.created", None), ("added", b"{")],
)
def test_an_unknown_kind_or_shape_is_no_event(kind: str, row: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"kind|missing|malformed"):
        restore(kind, row, None)


# Every reader of the log learns these, whatever messages they may read. Another kind belongs here
# only if nothing in it comes from a message of the log that it is in.
ABOUT_NO_MESSAGE = {
    *("conversation.created", "conversation.updated", "member.joined", "member.removed"),
    *("conversation.added", "conversation.removed", "mark.changed", "account.updated", "hidden"),
    *("contact.updated", "preferences.updated", "member.updated", "member.banned"),
    *("privacy.updated", "privacy.exceptions_updated", "block.updated", "request.updated"),
    "join_request.updated",
}


def test_each_kind_is_about_a_message_or_is_known_not_to_be() -> None:
    assert {
        kind for kind, data in KINDS.items() if issubclass(data, AboutNoMessage)
    } == ABOUT_NO_MESSAGE
    rest = [data for kind, data in KINDS.items() if kind not in ABOUT_NO_MESSAGE]
    assert all(issubclass(data, MessageData | AboutMessage) for data in rest)


@pytest.mark.parametrize("name", cases())
def test_number_of_a_message_is_found_wherever_an_event_has_it(name: str) -> None:
    event = cases()[name]
    assert number_in(event) == (None if event.kind in ABOUT_NO_MESSAGE else 5)


def test_what_tells_of_a_message_is_hidden_below_the_first_number() -> None:
    assert [is_hidden(number, 3) for number in (1, 2, 3, 4)] == [True, True, False, False]
    assert not is_hidden(1, 1)
    assert not is_hidden(None, 3)
