"""Frames: what is accepted, what is refused with which code, what is sent."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import msgspec
import pytest
from dash_messenger.errors import InvalidParams, InvalidRequest, ParseError, UnknownUser
from dash_messenger.protocol.events import Event, MessageCreated, encode_event
from dash_messenger.protocol.jsonrpc import (
    decode_request,
    encode_error,
    encode_result,
    http_error_body,
    request_id,
)
from dash_messenger.protocol.models import Message
from dash_messenger.protocol.params import decode_params, explain
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Raw, Struct


class Params(msgspec.Struct, forbid_unknown_fields=True):
    conversation: str
    limit: int = 50


def test_request_is_decoded_and_its_params_left_for_the_command() -> None:
    request = decode_request(b'{"jsonrpc":"2.0","id":7,"method":"sync","params":{"since":null}}')
    assert (request.id, request.method, bytes(request.params)) == (7, "sync", b'{"since":null}')


def test_params_may_be_left_out() -> None:
    request = decode_request(b'{"jsonrpc":"2.0","id":"a","method":"sync"}')
    assert bytes(request.params) == b"{}"


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"nonsense", b'{"id":', b"\xff\xfe", b'{"id":1,"method":"\xff"}']
)
def test_what_is_not_json_is_a_parse_error(frame: bytes) -> None:
    with pytest.raises(ParseError):
        decode_request(frame)


@pytest.mark.parametrize(
    "frame",
    [
        b"1",
        b"null",
        b"[]",
        b"[" * 60_000,
        b"{}",
        b'{"id":1,"method":2}',
        b'{"id":null,"method":"sync"}',
        b'{"id":1.5,"method":"sync"}',
        b'{"id":1,"method":"sync","jsonrpc":"1.0"}',
    ],
)
def test_json_of_another_shape_is_an_invalid_request(frame: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_request(frame)


def test_id_of_an_invalid_request_is_found_for_the_answer() -> None:
    assert request_id(b'{"id":9,"method":2}') == 9
    assert request_id(b'{"id":true,"method":2}') is None
    assert request_id(b"{") is None


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(frame: bytes) -> None:
    with contextlib.suppress(ParseError, InvalidRequest):
        decode_request(frame)
    request_id(frame)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        (b"{}", "conversation"),
        (b'{"conversation":1}', "conversation"),
        (b'{"conversation":"x","limit":"5"}', "limit"),
        (b'{"conversation":"x","other":1}', "other"),
        (b"[]", ""),
    ],
)
def test_invalid_params_name_the_field(params: bytes, field: str) -> None:
    with pytest.raises(InvalidParams) as raised:
        decode_params(msgspec.json.Decoder(Params), params)
    assert raised.value.params["field"] == field


def test_result_and_error_carry_the_request_id() -> None:
    assert msgspec.json.decode(encode_result("a", {"ok": True})) == {
        "jsonrpc": "2.0",
        "id": "a",
        "result": {"ok": True},
    }
    assert msgspec.json.decode(encode_error(3, UnknownUser(username="bob"))) == {
        "jsonrpc": "2.0",
        "id": 3,
        "error": {
            "code": 1005,
            "message": "There is nobody called bob.",
            "data": {"key": "unknown_user", "params": {"username": "bob"}, "retryable": False},
        },
    }


def test_http_error_has_code_message_and_retryable() -> None:
    error = msgspec.json.decode(http_error_body(UnknownUser(username="bob")))["error"]
    assert error["code"] == 1005
    assert error["message"] == "There is nobody called bob."
    assert error["retryable"] is False


def test_event_carries_its_interval_and_the_view_only_where_one_is_given() -> None:
    message = Message(
        id="m",
        conversation="c",
        seq=8,
        rev=1,
        number=5,
        sender="u",
        client_id="k",
        type="text",
        content=Raw(b'{"text":"hi"}'),
        text="hi",
        sent_at_ms=1,
    )
    event = Event("c", 7, 8, "u", 1, MessageCreated(message))
    plain = msgspec.json.decode(encode_event(event))["params"]
    assert (plain["after"], plain["seq"], plain["kind"]) == (7, 8, "message.created")
    assert plain["data"]["message"]["content"] == {"text": "hi"}
    assert "view" not in plain["data"]["message"]
    drawn = msgspec.json.decode(encode_event(event, Raw(b'"hi"')))["params"]
    assert drawn["data"]["message"]["view"] == "hi"


def test_nesting_without_end_is_refused() -> None:
    deep = b'{"jsonrpc":"2.0","id":1,"method":"sync","params":' + b"[" * 50_000
    with pytest.raises(ParseError):
        decode_request(deep)
    closed = deep + b"]" * 50_000 + b"}"
    with pytest.raises(ParseError):
        decode_request(closed)


class Tried(Struct):
    word: Annotated[str, Meta(min_length=2, max_length=3, pattern="^a")] = "ab"
    line: Annotated[str, Meta(min_length=1)] = "a"
    some: Annotated[tuple[int, ...], Meta(min_length=1, max_length=2)] = (1,)
    few: Annotated[int, Meta(ge=1, lt=5)] = 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"word": "a"}, {"field": "word", "rule": "too_short", "n": 2}),
        ({"word": "abcd"}, {"field": "word", "rule": "too_long", "n": 3}),
        ({"word": "bcd"}, {"field": "word", "rule": "invalid"}),
        ({"line": ""}, {"field": "line", "rule": "required"}),
        ({"some": []}, {"field": "some", "rule": "at_least", "n": 1}),
        ({"some": [1, 2, 3]}, {"field": "some", "rule": "at_most", "n": 2}),
        ({"some": ["x"]}, {"field": "some[0]", "rule": "invalid"}),
        ({"few": 0}, {"field": "few", "rule": "at_least", "n": 1}),
        ({"few": 5}, {"field": "few", "rule": "at_most", "n": 4}),
    ],
)
def test_what_a_value_breaks_is_told_by_rule(values: dict[str, object], told: Any) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(values, Tried)
    explained = explain(error.value)
    assert explained.pop("reason")
    assert explained == told


def test_what_a_struct_itself_refuses_has_no_rule() -> None:
    class Picky(Struct):
        n: int

        def __post_init__(self) -> None:
            raise ValueError("Choose one of the two.")

    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({"n": 1}, Picky)
    assert explain(error.value) == {"field": "", "reason": "Choose one of the two."}
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({}, Picky)
    assert explain(error.value)["rule"] == "required"


class Anything(msgspec.Struct):
    value: msgspec.Raw


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb'"a\u0000b\u001B\b\f\t\n\r"', b'"ab\\t\\n\\r"'),
        (b'"a\x7fb\xc2\x85\xc2\xab"', b'"ab\xc2\xab"'),
        (rb'{"k\u0007":[{"a":"\u0000"},"b\u0001",1.50,10000000000000000000000]}',
         b'{"k":[{"a":""},"b",1.50,10000000000000000000000]}'),
        (rb'"C:\\bin\\u0000"', rb'"C:\\bin\\u0000"'),
        (b"[1.50]", b"[1.50]"),
    ],
)  # fmt: skip
def test_no_control_character_gets_in(sent: bytes, kept: bytes) -> None:
    params = b'{"value":' + sent + b"}"
    assert bytes(decode_params(msgspec.json.Decoder(Anything), params).value) == kept


def test_what_is_no_json_stays_refused() -> None:
    for params in (b'{"value":"\\u0000', b'{"value":' + b"[" * 100_000 + b'"\\u0000"'):
        with pytest.raises((ParseError, InvalidParams)):
            decode_params(msgspec.json.Decoder(Anything), params)


class Titled(msgspec.Struct):
    title: Annotated[str, msgspec.Meta(pattern=r"\S")]


class Lines(msgspec.Struct):
    lines: list[Titled]


def test_blanks_are_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidParams) as raised:
        decode_params(msgspec.json.Decoder(Lines), b'{"lines":[{"title":" "}]}')
    assert raised.value.params == {
        "field": "lines[0].title",
        "reason": "nothing in it can be seen",
        "rule": "invisible",
    }
