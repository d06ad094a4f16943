"""The wire: JSON-RPC 2.0 frames and what travels in them, as typed structs.

Owns encoding and decoding. Does no I/O and must not know asyncio, Quart or SQLAlchemy. Decoding
either returns a value of the declared shape or raises a `Failure`; encoding never fails for the
structs defined here.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dash_messenger.errors import (
    Failure,
    InvalidParams,
    InvalidRequest,
    ParseError,
)

__all__ = [
    "HIDDEN",
    "MAX_INBOUND_BYTES",
    "MAX_IN_FLIGHT",
    "MAX_PAGE_BYTES",
    "SUBPROTOCOL",
    "Event",
    "Message",
    "Reply",
    "Request",
    "User",
    "decode_params",
    "decode_request",
    "encode_error",
    "encode_event",
    "encode_notification",
    "encode_result",
    "event_body",
    "explain",
    "failure_body",
    "hide",
    "http_error_body",
    "number_in",
    "request_id",
    "size_of",
]

SUBPROTOCOL = "dash-messenger.1"
# As msgspec says it: "Expected `str` of length <= 100", "Expected `int` >= 1".
_LIMIT = re.compile(r"Expected `(\w+)` (of length )?(<=|>=|<|>) (-?\d+)")
# A frame of 64 KiB holds any message; files travel by HTTP.
MAX_INBOUND_BYTES = 65_536
MAX_IN_FLIGHT = 32
# What the events or messages of one answer come to, save that there is at least one; with names and
# all else the answer stays below 1 MB, which a slow line carries in seconds.
MAX_PAGE_BYTES = 900_000
# The kind of an event about a message from before its reader's time.
HIDDEN = "hidden"

T = TypeVar("T")


class User(Struct, frozen=True, omit_defaults=True):
    """Somebody, as everybody may see them; ``photo`` is a blob, left out where there is none."""

    id: str
    username: str
    display_name: str
    photo: str | None = None


class Reply(Struct, frozen=True):
    """The message that another one answers."""

    id: str
    number: int


class Message(Struct, frozen=True):
    """The current state of a message, as every reader of its conversation gets it.

    ``reactions`` is a list of ``{"emoji": …, "count": …}``; ``type_version`` is there where the
    content was written by another version than the first. ``view`` stands last: see `encode_event`.
    """

    id: str
    conversation: str
    seq: int
    rev: int
    number: int
    sender: str
    client_id: str
    type: str
    content: Raw | None
    text: str | None
    sent_at_ms: int
    edited_at_ms: int | UnsetType | None = UNSET
    deleted_at_ms: int | UnsetType | None = UNSET
    state: Raw | UnsetType = UNSET
    reply_to: Reply | UnsetType = UNSET
    reactions: Raw | UnsetType = UNSET
    type_version: int | UnsetType = UNSET
    view: Raw | UnsetType = UNSET


class Event(Struct, frozen=True):
    """One entry of a log. ``data`` is JSON; a message travels beside it so as to be stored once.

    What tells of a message has it, or its ``number`` among the data; see `hide`.
    """

    log: str
    after: int
    seq: int
    kind: str
    by: str
    at_ms: int
    data: dict[str, Any]
    message: Message | None = None


class Request(Struct, frozen=True):
    """A client's request: ``id`` names the answer."""

    id: int | str
    method: str
    params: Raw = Raw(b"{}")
    jsonrpc: Literal["2.0"] = "2.0"


class _Envelope(Struct):
    """What any JSON object may hold where a request was expected."""

    jsonrpc: Any = None
    id: Any = None
    method: Any = None


class _Result(Struct, tag_field="jsonrpc", tag="2.0"):
    """An answer on the wire; a struct is encoded several times quicker than a dict."""

    id: int | str
    result: Any


class _Notification(Struct, tag_field="jsonrpc", tag="2.0"):
    """A notification on the wire."""

    method: str
    params: Any


class _EventParams(Struct):
    """The parameters of an event's notification, as `event_body` gives them."""

    log: str
    after: int
    seq: int
    kind: str
    by: str | UnsetType
    at_ms: int
    data: dict[str, Any]


_request_decoder = msgspec.json.Decoder(Request)
_envelope_decoder = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()


def decode_request(frame: bytes | bytearray | memoryview) -> Request:
    """The request in a text frame.

    Raises:
        ParseError: not JSON.
        InvalidRequest: JSON of another shape; ``params["id"]`` is the request's id if it has one.
    """
    try:
        request = _request_decoder.decode(frame)
    except msgspec.ValidationError as error:
        raise InvalidRequest(reason=str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ParseError from None
    return request


def request_id(frame: bytes | bytearray | memoryview) -> int | str | None:
    """The id in a frame that is not a valid request, so that the error can name it, or None."""
    try:
        value = _envelope_decoder.decode(frame).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def decode_params(decoder: msgspec.json.Decoder[T], params: Raw | bytes) -> T:
    """The parameters of a command, validated.

    Raises:
        InvalidParams: with the field and what is wrong with it.
    """
    try:
        return decoder.decode(params)
    except msgspec.ValidationError as error:
        raise InvalidParams(**explain(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ParseError from None
    except RecursionError:
        raise InvalidParams(field="", reason="nested too deeply") from None


def explain(error: msgspec.ValidationError) -> dict[str, str | int]:
    """``field`` and ``reason`` of a validation error, for `InvalidParams` and `ContentInvalid`.

    Where the reason is the library's, ``rule`` names it for translations (``required``,
    ``too_short`` and ``too_long`` of text, ``at_least`` and ``at_most`` of what is counted,
    ``invalid``), with the limit as ``n``.
    """
    sentence, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    if not field and "field `" in sentence:
        field = sentence.split("field `", 1)[1].partition("`")[0]
    return {"field": field, "reason": sentence, **_rule_of(sentence)}


def _rule_of(sentence: str) -> dict[str, str | int]:
    limit = _LIMIT.fullmatch(sentence)
    if limit is not None:
        kind, length, relation, number = limit.groups()
        least, n = relation[0] == ">", int(number)
        if kind == "str" and length:
            rule = "too_short" if least else "too_long"
            return {"rule": "required"} if (least and n == 1) else {"rule": rule, "n": n}
        # "< 5" of whole numbers is "at most 4".
        n += (least - (not least)) * (relation in "<>")
        return {"rule": "at_least" if least else "at_most", "n": n}
    if sentence.startswith("Object missing required field"):
        return {"rule": "required"}
    return {"rule": "invalid"} if sentence.startswith(("Expected `", "Object ", "Invalid ")) else {}


def encode_result(id: int | str, result: object) -> bytes:
    """The answer to a request."""
    return _encoder.encode(_Result(id, result))


def encode_error(id: int | str | None, failure: Failure) -> bytes:
    """The answer to a request that was refused or failed; ``id`` None: it could not be read."""
    return _encoder.encode({"jsonrpc": "2.0", "id": id, "error": failure_body(failure)})


def encode_notification(method: str, params: object) -> bytes:
    """A message from the server that asks for no answer."""
    return _encoder.encode(_Notification(method, params))


def encode_event(event: Event, view: Raw | UnsetType = UNSET) -> bytes:
    """An event's notification; its message carries ``view``, drawn for the readers who want it."""
    message = event.message
    data = event.data if message is None else {**event.data, "message": message}
    frame = _encoder.encode(
        _Notification(
            "event",
            _EventParams(
                event.log, event.after, event.seq, event.kind, event.by or UNSET, event.at_ms, data
            ),
        )
    )
    if message is None or view is UNSET:
        return frame
    # The view is the last field of what comes last, so it goes before the closing braces of
    # message, data, params and notification: a copy of the message would cost three times as much.
    return b"".join((frame[:-4], b',"view":', view, b"}}}}"))


def event_body(event: Event, view: Raw | UnsetType = UNSET) -> dict[str, object]:
    """An event as it stands in a notification and in a page of `log.read`."""
    data: dict[str, object] = dict(event.data)
    if event.message is not None:
        message = event.message
        if view is not UNSET:
            message = msgspec.structs.replace(message, view=view)
        data["message"] = message
    body: dict[str, object] = {
        "log": event.log,
        "after": event.after,
        "seq": event.seq,
        "kind": event.kind,
        "at_ms": event.at_ms,
        "data": data,
    }
    if event.by:
        body["by"] = event.by
    return body


def size_of(value: object) -> int:
    """How many bytes a value comes to on the wire."""
    return len(_encoder.encode(value))


def number_in(event: Event) -> int | None:
    """The number of the message that an event tells of, or None."""
    if event.message is not None:
        return event.message.number
    number = event.data.get("number")
    return number if isinstance(number, int) else None


def hide(event: Event) -> Event:
    """The event for a reader whose history begins after the message that it tells of.

    It covers the same interval, since leaving it out would make a gap, and says nothing else.
    """
    return Event(event.log, event.after, event.seq, HIDDEN, "", event.at_ms, {})


def failure_body(failure: Failure) -> dict[str, object]:
    """A failure as JSON-RPC's error object: the key, parameters and ``retryable`` are its data."""
    return {
        "code": failure.code,
        "message": failure.message,
        "data": {
            "key": failure.key,
            "params": failure.params,
            "retryable": failure.retryable,
        },
    }


def http_error_body(failure: Failure) -> bytes:
    """A failure as the body of an HTTP answer."""
    return _encoder.encode(
        {
            "error": {
                "code": failure.code,
                "key": failure.key,
                "message": failure.message,
                "params": failure.params,
                "retryable": failure.retryable,
            }
        }
    )
