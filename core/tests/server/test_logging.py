"""What never stands in a log."""

from __future__ import annotations

from dash_messenger.server.logging import strike_secrets


def test_fields_that_hold_secrets_are_struck_out() -> None:
    fields = {"event": "x", "token": "t", "password": "p", "text": "hello", "user": "u"}
    assert strike_secrets(None, "info", fields) == {
        "event": "x",
        "token": "[struck out]",
        "password": "[struck out]",
        "text": "[struck out]",
        "user": "u",
    }
