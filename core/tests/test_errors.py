"""Codes and sentences that clients rely on."""

from __future__ import annotations

import pytest
from dash_messenger.errors import CloseCode, Failure, RateLimited, failures


def test_every_failure_has_a_code_and_a_key_of_its_own() -> None:
    codes = [kind.code for kind in failures()]
    keys = [kind.key for kind in failures()]
    assert len(set(codes)) == len(codes)
    assert len(set(keys)) == len(keys)


def test_our_codes_begin_at_1000_and_the_others_are_those_of_json_rpc() -> None:
    ours = {kind.code for kind in failures() if kind.code >= 0}
    theirs = {kind.code for kind in failures() if kind.code < 0}
    assert min(ours) == 1000
    assert theirs == {-32700, -32600, -32601, -32602, -32603}


def test_sentence_takes_its_parameters() -> None:
    assert RateLimited(retry_after_s=7).message == "Too many attempts. Try again in 7 seconds."


def test_missing_parameter_is_visible_and_does_not_raise() -> None:
    assert "{retry_after_s}" in str(RateLimited())


def test_a_brace_in_a_parameter_is_not_a_format() -> None:
    class Odd(Failure):
        sentence = "{reason}"

    assert Odd(reason="{x.__class__}").message == "{x.__class__}"


@pytest.mark.parametrize("kind", failures(), ids=lambda kind: kind.key)
def test_status_and_retryable_agree(kind: type[Failure]) -> None:
    assert 400 <= kind.http_status < 600
    assert not kind.retryable or kind.http_status in (429, 503, 504)


def test_close_codes_tell_come_back_from_do_not_reconnect() -> None:
    assert CloseCode.SERVICE_RESTART.comes_back
    assert CloseCode.SLOW_READER.comes_back
    assert not CloseCode.UNAUTHENTICATED.comes_back
    assert not CloseCode.SESSION_CLOSED.comes_back
    assert not CloseCode.TOO_LARGE.comes_back
