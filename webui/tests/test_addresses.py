"""Addresses of pages: what they are of, and where a log-in may lead."""

from __future__ import annotations

import pytest
from dash_messenger_webui.addresses import OPEN, is_beside, is_of_messenger, needs_login

CONVERSATION = f"/c/{'0a' * 16}"


@pytest.mark.parametrize(
    "path", [CONVERSATION, f"{CONVERSATION}/", "/j/ABCD-EFGH", "/p/poll/all", "/plugins"]
)
def test_a_log_in_may_lead_to_pages_and_the_guard_lets_strangers_ask_for_them(path: str) -> None:
    assert needs_login(path)
    assert path in OPEN or path.startswith(tuple(begin for begin in OPEN if begin.endswith("/")))
    assert is_of_messenger(path) != is_beside(path)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/login", "//evil.example/c/", "https://evil.example/plugins", f"/{CONVERSATION}"),
        *(f"{CONVERSATION}0", f"{CONVERSATION}\n", "/c/0a", "/p/poll", "/p//x", "/p/a/b/c"),
        *("/plugins/x", "/pluginsx", "/plugins?x", "/j/", "/j/a/b", "/j/a%2f"),
    ],
)
def test_a_log_in_leads_nowhere_else(path: str) -> None:
    assert not needs_login(path)
