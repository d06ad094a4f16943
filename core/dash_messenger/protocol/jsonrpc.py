"""The envelopes of JSON-RPC 2.0: requests in, answers, errors and notifications out.

Must not know what travels in them. Does no I/O. Decoding either returns a request or raises a
`Failure`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from dash_messenger.errors import (
    Failure,
    InvalidRequest,
    ParseError,
)

__all__ = [
    "MAX_INBOUND_BYTES",
    "MAX_IN_FLIGHT",
    "MAX_PAGE_BYTES",
    "SUBPROTOCOL",
    "Request",
    "decode_request",
    "encode_error",
    "encode_notification",
    "encode_result",
    "failure_body",
    "http_error_body",
    "request_id",
    "size_of",
]

SUBPROTOCOL = "dash-messenger.1"
# A frame of 64 KiB holds any message; files travel by HTTP.
MAX_INBOUND_BYTES = 65_536
MAX_IN_FLIGHT = 32
# What the events or messages of one answer come to, save that there is at least one; with names and
# all else the answer stays below 1 MB, which a slow line carries in seconds.
MAX_PAGE_BYTES = 900_000


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


def encode_result(id: int | str, result: object) -> bytes:
    """The answer to a request."""
    return _encoder.encode(_Result(id, result))


def encode_error(id: int | str | None, failure: Failure) -> bytes:
    """The answer to a request that was refused or failed; ``id`` None: it could not be read."""
    return _encoder.encode({"jsonrpc": "2.0", "id": id, "error": failure_body(failure)})


def encode_notification(method: str, params: object) -> bytes:
    """A message from the server that asks for no answer."""
    return _encoder.encode(_Notification(method, params))


def size_of(value: object) -> int:
    """How many bytes a value comes to on the wire."""
    return len(_encoder.encode(value))


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
