"""Exactly our own origin."""

import pytest
from dash_messenger.gateway.origin import origin_allowed

OURS = "https://chat.example.org"

FOREIGN = [
    "null",
    "",
    "http://chat.example.org",
    "https://chat.example.org/",
    "https://chat.example.org:443",
    "https://chat.example.org:8443",
    "https://CHAT.example.org",
    "https://chat.example.org.",
    "https://chat.example.org.evil.example",
    "https://evil-chat.example.org",
    "https://evilchat.example.org",
    "https://example.org",
    "https://sub.chat.example.org",
    "https://chat.example.org@evil.example",
    "https://user@chat.example.org",
    "https://evil.example",
    "https://evil.example/https://chat.example.org",
    "https://chat.example.org evil",
    " https://chat.example.org",
    "https://chat.example.org\t",
    "https://chat.example.org, https://evil.example",
    "https://chat.example.org\\.evil.example",
    "https://chat%2eexample.org",
    "https://chat.example.оrg",
    "ws://chat.example.org",
    "wss://chat.example.org",
    "file://",
    "chrome-extension://abcdef",
    "about:blank",
    "*",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_foreign_origin_is_refused_with_cookie_and_with_token(origin):
    for cookie, bearer in ((True, False), (False, True), (True, True)):
        assert not origin_allowed(
            origin,
            public_url=OURS,
            host="chat.example.org",
            secure=True,
            cookie=cookie,
            bearer=bearer,
        )


@pytest.mark.parametrize(
    ("cookie", "bearer", "allowed"),
    [(True, False, False), (True, True, False), (False, False, False), (False, True, True)],
)
def test_absent_origin_is_for_scripts_with_a_token_alone(cookie, bearer, allowed):
    answer = origin_allowed(None, public_url=OURS, host="x", cookie=cookie, bearer=bearer)
    assert answer is allowed


def test_own_origin_is_allowed():
    assert origin_allowed(OURS, public_url=OURS, host="backend", cookie=True, bearer=False)


@pytest.mark.parametrize(
    ("origin", "host", "secure", "allowed"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", False, True),
        ("http://box.lan", "BOX.lan", False, True),
        ("http://127.0.0.1:8000", "127.0.0.1:8001", False, False),
        ("http://127.0.0.1:8000", "localhost:8000", False, False),
        ("https://box.lan", "box.lan", False, False),
        ("https://box.lan", "box.lan", True, True),
        ("http://", "", False, False),
        ("http://", None, False, False),
    ],
)
def test_without_a_public_address_the_origin_is_where_the_request_went(
    origin, host, secure, allowed
):
    answer = origin_allowed(
        origin, public_url=None, host=host, secure=secure, cookie=True, bearer=False
    )
    assert answer is allowed
