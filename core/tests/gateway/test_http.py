"""The HTTP side: errors, origins, cookies, limits, headers."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog.testing
from dash_messenger.blobs.content_files import Contents
from dash_messenger.gateway.http import OpenPaths
from fixtures.local_server import PASSWORD, Answer, LocalServer, open_server

ORIGIN = "http://localhost"
FOREIGN = [
    "null",
    "http://evil.example",
    "https://localhost",
    "http://localhost.evil.example",
    "http://evillocalhost",
    "http://localhost:8000",
    "http://localhost/",
    "http://LOCALHOST ",
    "localhost",
    "",
    "file://",
    "http://localhost, http://evil.example",
]


async def log_in_by_cookie(local: LocalServer) -> str:
    answer = await local.request(
        "/api/session.open",
        body={"username": "ann", "password": PASSWORD, "as": "cookie"},
        headers={"Origin": ORIGIN},
    )
    assert answer.status == 200
    assert "token" not in answer.body
    cookie: str = answer.headers["Set-Cookie"]
    return cookie


async def test_cookie_is_for_browsers_only_and_opens_a_session(local: LocalServer) -> None:
    cookie = await log_in_by_cookie(local)
    assert cookie.startswith("session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    answer = await local.request(
        "/api/account.get", headers={"Cookie": cookie.split(";")[0], "Origin": ORIGIN}
    )
    assert answer.status == 200


async def test_a_browser_keeps_the_cookie_as_long_as_the_session_goes_on(
    local: LocalServer,
) -> None:
    cookie = await log_in_by_cookie(local)
    headers = {"Cookie": cookie.split(";")[0], "Origin": ORIGIN}
    lifetime = [part for part in cookie.split("; ") if part.startswith("Max-Age=")]
    for days in (0, 60, 60):
        local.clock.advance(s=days * 86_400)
        answer = await local.request("/api/account.get", headers=headers)
        assert answer.status == 200
        kept = answer.headers.get("Set-Cookie", "")
        if days:
            assert kept.startswith(headers["Cookie"] + ";")
            assert lifetime[0] in kept.split("; ")
            assert "HttpOnly" in kept
        else:
            # Not with every answer.
            assert kept == ""
    # Closing takes it back, also where the session would have gone on.
    local.clock.advance(s=86_400)
    answer = await local.request("/api/session.close", headers=headers)
    assert answer.headers["Set-Cookie"].startswith("session=;")


async def test_under_tls_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    async with open_server(tmp_path, public_url="https://chat.example.org") as local:
        await local.add("ann")
        answer = await local.request(
            "/api/session.open",
            body={"username": "ann", "password": PASSWORD, "as": "cookie"},
            headers={"Origin": "https://chat.example.org"},
        )
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-session=")
        assert "Secure" in cookie
        assert "Domain" not in cookie
        assert answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_another_sites_page_cannot_act_by_the_cookie(local: LocalServer, origin: str) -> None:
    cookie = (await log_in_by_cookie(local)).split(";")[0]
    for path in ("/api/account.get", "/api/session.open", "/_dash-update-component", "/other"):
        answer = await local.request(path, headers={"Cookie": cookie, "Origin": origin})
        assert (answer.status, answer.key) == (403, "foreign_origin"), path


async def test_a_cookie_without_an_origin_does_nothing(local: LocalServer) -> None:
    cookie = (await log_in_by_cookie(local)).split(";")[0]
    answer = await local.request("/api/account.get", headers={"Cookie": cookie})
    assert answer.key == "foreign_origin"


async def test_callbacks_need_a_session(local: LocalServer) -> None:
    answer = await local.request("/_dash-update-component", headers={"Origin": ORIGIN})
    assert answer.status == 401


async def test_log_out_takes_the_cookie_back(local: LocalServer) -> None:
    headers = {"Cookie": (await log_in_by_cookie(local)).split(";")[0], "Origin": ORIGIN}
    answer = await local.request("/api/session.close", headers=headers)
    assert answer.headers["Set-Cookie"].startswith("session=;")
    assert (await local.request("/api/account.get", headers=headers)).status == 401


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/message.send/x", "/api/a.b"])
async def test_unknown_commands_are_not_found_in_json(local: LocalServer, path: str) -> None:
    answer = await local.request(path, token=await local.token("ann"))
    assert (answer.status, answer.key) == (404, "unknown_command")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_commands_are_posted(local: LocalServer, method: str) -> None:
    answer = await local.request("/api/account.get", method=method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b"{", "parse_error"),
        (b"\xff\xfe", "parse_error"),
        (b"[]", "invalid_params"),
        (b"null", "invalid_params"),
        (b'"text"', "invalid_params"),
        (b'{"users":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "invalid_params"),
        (b'{"users":["a"],"more":1}', "invalid_params"),
        (b'{"users":"a"}', "invalid_params"),
        (b'{"users":[]}', "invalid_params"),
    ],
)
async def test_bad_parameters_are_explained(local: LocalServer, body: bytes, key: str) -> None:
    answer = await local.request("/api/user.get", body=body, token=await local.token("ann"))
    assert (answer.status, answer.key) == (400, key)


async def test_a_large_body_is_refused(local: LocalServer) -> None:
    answer = await local.request("/api/user.get", body=b" " * 70_000)
    assert (answer.status, answer.key) == (413, "too_large")


async def test_a_defect_is_told_without_its_details(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("the secret of the house")

    command = local.server.commands["account.get"]
    local.server.commands._registry.discard(command.name)
    local.server.commands.add("core", replace(command, handler=broken))
    answer = await local.post("account.get", await local.token("ann"))
    assert (answer.status, answer.key) == (500, "internal_error")
    assert "secret" not in str(answer.body)


async def test_answers_carry_the_headers_that_protect(local: LocalServer) -> None:
    headers = (await local.post("account.get")).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"


async def test_the_socket_s_address_without_an_upgrade_says_what_is_missing(
    local: LocalServer,
) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            answer = await local.request("/ws", method="GET")
            assert (answer.status, answer.key) == (426, "upgrade_required")
            assert answer.headers["Upgrade"] == "websocket"
    assert [line["event"] for line in lines] == ["websocket_without_upgrade"]


async def test_not_ready_before_it_listens(local: LocalServer) -> None:
    answer = await local.request("/healthz", method="GET")
    assert answer.status == 503


async def test_a_full_disk_is_told_to_whoever_looks_after_the_server(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = SimpleNamespace(ready=True, stopping_for_s=lambda: 0.0)
    monkeypatch.setattr(local.server, "_http", ready)

    async def told(free: int) -> tuple[int, str]:
        monkeypatch.setattr(Contents, "_free_bytes", lambda contents: (free, 10**12))
        answer = await local.request("/healthz", method="GET")
        return answer.status, answer.body["status"]

    assert await told(2 * 1024**3) == (200, "ok")
    assert await told(1024**3 - 1) == (200, "disk low")
    assert await told(2**20 - 1) == (503, "disk full")

    def refuse(contents: Contents) -> tuple[int, int]:
        raise OSError(errno.ENOSPC, "refused")

    monkeypatch.setattr(Contents, "_free_bytes", refuse)
    answer = await local.request("/healthz", method="GET")
    assert (answer.status, answer.body["status"]) == (503, "disk full")


def test_open_paths_are_exact_or_end_in_a_slash() -> None:
    paths = OpenPaths()
    paths.add("/", "/login", "/assets/")
    assert all(path in paths for path in ("/", "/login", "/assets/a/b.css"))
    assert not any(path in paths for path in ("/login/x", "/loginx", "/assets", "/c/1"))


async def https_by_proxy(local: LocalServer) -> Answer:
    return await local.request(
        "/api/session.open",
        body={"username": "ann", "password": PASSWORD, "as": "cookie"},
        headers={"Origin": "https://localhost", "X-Forwarded-Proto": "https"},
    )


async def test_a_trusted_proxy_says_that_browsers_come_by_tls(
    local: LocalServer,
) -> None:
    answer = await https_by_proxy(local)
    assert answer.status == 200, answer.body
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie
    assert answer.headers["Strict-Transport-Security"]
    headers = {"Cookie": cookie.partition(";")[0], "Origin": "https://localhost"}
    by_tls = await local.request(
        "/api/account.get", headers={**headers, "X-Forwarded-Proto": "https"}
    )
    assert by_tls.status == 200
    assert (await local.request("/api/account.get", headers=headers)).key == "foreign_origin"


async def test_nobody_else_says_so(tmp_path: Path) -> None:
    async with open_server(tmp_path, trusted_proxies=("192.0.2.1",)) as local:
        await local.add("ann")
        assert (await https_by_proxy(local)).key == "foreign_origin"
