"""Who asks, where proxies stand between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dash_messenger.gateway.client_address import (
    PLACE,
    Addresses,
    BehindProxies,
    on_this_machine,
    place_of,
)
from dash_messenger.gateway.origin import Origins
from dash_messenger.places import Place
from dash_messenger.protocol.request_rates import ALLOWANCES, Rates
from dash_messenger.settings import Settings, SettingsInvalid, load_settings
from fixtures.local_server import PASSWORD, open_server
from structlog.testing import capture_logs

BAD_LOGIN = {"login": "none", "step": "key", "answer": {}}


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6,::ffff:1.1.1.1,::ffff:10.0.0.2", "1.1.1.1"),
        ("::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("::ffff:9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "1.1.1.1:4711", "1.1.1.1"),
        ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", ", ".join(["1.1.1.1"] * 50 + ["10.0.0.2"] * 30), "10.0.0.1"),
        ("", "1.1.1.1", ""),
    ],
)
def test_only_a_named_proxy_is_believed(peer: str, forwarded: str, expected: str) -> None:
    found = Addresses(["10.0.0.0/8"])(peer, {"X-Forwarded-For": forwarded})
    assert found.place.address == expected


def test_a_proxy_on_this_machine_is_trusted_by_default(tmp_path: Path) -> None:
    addresses = Addresses(Settings(data=tmp_path).trusted_proxies)
    for peer in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
        headers = {"X-Forwarded-For": "1.1.1.1", "X-Forwarded-Proto": "https"}
        assert addresses(peer, headers) == (Place("1.1.1.1"), True)
    assert addresses("192.168.0.2", {"X-Forwarded-Proto": "https"}).secure is False


@pytest.mark.parametrize(
    ("proto", "secure"), [("https", True), ("HTTPS", True), ("https, http", False), ("", False)]
)
def test_the_nearest_proxy_says_whether_it_was_tls(proto: str, secure: bool) -> None:
    found = Addresses(["10.0.0.1"])("10.0.0.1", {"X-Forwarded-Proto": proto})
    assert found.secure is secure


async def test_all_lines_of_the_header_count() -> None:
    seen = []

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        seen.append((scope["client"], scope["scheme"], place_of(scope)))

    scope = {
        "type": "http",
        "scheme": "http",
        "client": ("10.0.0.1", 4711),
        "headers": [
            (b"x-forwarded-for", b"6.6.6.6"),
            (b"x-forwarded-proto", b"https"),
            (b"x-forwarded-for", b"1.1.1.1, 10.0.0.2"),
        ],
    }
    await BehindProxies(app, Addresses(["10.0.0.0/8"]))(scope, None, None)
    assert seen == [(("1.1.1.1", 4711), "https", Place("1.1.1.1"))]


def test_an_ipv6_household_is_one_place() -> None:
    assert Place("2001:db8:1:2:3::4").network == Place("2001:db8:1:2:ffff::").network
    assert Place("2001:db8:1:2::").network != Place("2001:db8:1:3::").network
    assert Place("192.0.2.1").network == "192.0.2.1"


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded"]
)
def test_people_behind_a_proxy_that_nobody_named_are_not_counted_as_one(header: str) -> None:
    addresses = Addresses(["10.0.0.1"])
    assert addresses("9.9.9.9", {}).place == Place("9.9.9.9")
    place = addresses("9.9.9.9", {header: "1.1.1.1"}).place
    assert place.shared
    assert place.address == "9.9.9.9"
    other = addresses("9.9.9.9", {header: "6.6.6.6, 2.2.2.2"}).place
    assert place.counted_as is None or place.counted_as != other.counted_as


def test_an_admin_is_told_once_which_setting_is_missing() -> None:
    addresses, origins = Addresses(["10.0.0.1"]), Origins("https://chat.example.org")
    with capture_logs() as logged:
        for _ in range(3):
            addresses("9.9.9.9", {"X-Forwarded-For": "1.1.1.1"})
            origins.allow("https://other.example", host="x", secure=True, cookie=True, bearer=False)
            addresses("10.0.0.1", {"X-Forwarded-For": "1.1.1.1"})
    assert [(one["event"], one["setting"]) for one in logged] == [
        ("proxy_not_trusted", "trusted_proxies"),
        ("origin_refused", "public_url"),
    ]
    assert logged[0]["peer"] == "9.9.9.9"
    assert logged[1]["expected"] == "https://chat.example.org"


def test_a_proxy_that_is_no_address_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="trusted_proxies"):
        load_settings(data=tmp_path, trusted_proxies=("proxy.example.org",))


@pytest.mark.parametrize(("proxies", "told"), [((), ["no_proxy_trusted"]), (("10.0.0.1",), [])])
async def test_a_public_address_by_tls_without_a_proxy_is_told_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxies: tuple[str, ...], told: list[str]
) -> None:
    monkeypatch.setattr("dash_messenger.server.app.HttpServer", _NoServer)
    settings = {"public_url": "https://chat.example.org", "trusted_proxies": proxies, "port": 0}
    async with open_server(tmp_path, **settings) as local:
        with capture_logs() as logged:
            await local.server.serve(lambda address: None)
    assert [one["event"] for one in logged if one.get("setting")] == told


class _NoServer:
    """Ends as soon as it was started."""

    started = True

    def __init__(self, *arguments: object, **more: object) -> None:
        pass

    async def serve(self, sockets: object) -> None:
        pass

    def stopping_for_s(self) -> float:
        return 0.0


async def test_no_limit_by_address_shuts_out_the_people_behind_an_unnamed_proxy(
    tmp_path: Path,
) -> None:
    """One of them has used up every limit; the next one logs in and registers."""
    async with open_server(tmp_path, rate_limits=True, trusted_proxies=("192.0.2.1",)) as local:
        await local.add("ann")

        async def ask(client: str, command: str, **params: object) -> int:
            headers = {"X-Forwarded-For": client}
            answer = await local.request(f"/api/{command}", body=params, headers=headers)
            return answer.status

        for number in range(101):
            name, bad = f"user{number}", "x" * 20
            assert await ask("6.6.6.6", "session.open", username=name, password=bad) in (401, 429)
        tries = [
            await ask("6.6.6.6", "account.register", username=f"u{number}", password="x")
            for number in range(101)
        ]
        assert tries[-1] == 429
        assert await ask("1.1.1.1", "session.open", username="ann", password=PASSWORD) == 200
        new = {"username": "ben", "password": PASSWORD}
        assert await ask("1.1.1.1", "account.register", **new) == 200


async def test_nor_does_the_limit_of_anonymous_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_server(tmp_path, rate_limits=True, trusted_proxies=("192.0.2.1",)) as local:

        async def ask(**headers: str) -> int:
            answer = await local.request("/api/session.continue", body=BAD_LOGIN, headers=headers)
            return answer.status

        rates = Rates(clock_s=lambda: 0.0)
        monkeypatch.setattr(local.server.commands, "rates", rates)
        for client in ("127.0.0.1", "127.0.0.1 for 6.6.6.6"):
            for _ in range(ALLOWANCES["anonymous"].burst):
                rates.take("anonymous", client)
        assert await ask() == 429
        assert await ask(**{"X-Forwarded-For": "6.6.6.6"}) == 429
        assert await ask(**{"X-Forwarded-For": "1.1.1.1"}) == 401
        assert await ask(**{"X-Real-IP": "6.6.6.6"}) == 401


def request_scope(
    peer: str = "127.0.0.1", host: str = "localhost:8000", version: str = "1.1", **headers: str
) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "http_version": version,
        "headers": [(b"host", host.encode()), *named],
        PLACE: Place(peer),
    }


@pytest.mark.parametrize(
    "scope",
    [
        request_scope(),
        request_scope(host="127.0.0.1:8000"),
        request_scope(peer="::1", host="[::1]:8000"),
        request_scope(peer="127.8.8.8", host="localhost"),
    ],
)
def test_a_browser_on_this_machine_is_known(scope: dict[str, Any]) -> None:
    assert on_this_machine(scope)


@pytest.mark.parametrize(
    "scope",
    [
        request_scope(peer="192.168.1.7"),
        request_scope(peer=""),
        # A name that somebody pointed here, or that a proxy passes on.
        request_scope(host="chat.example.org"),
        request_scope(host="192.168.1.7:8000"),
        request_scope(host=""),
        # nginx, when nobody told it which headers to send.
        request_scope(version="1.0"),
        request_scope(x_forwarded_for="127.0.0.1"),
        request_scope(x_forwarded_proto="https"),
        request_scope(x_forwarded_server="chat"),
        request_scope(forwarded="for=127.0.0.1"),
        request_scope(via="1.1 chat"),
        request_scope(x_real_ip="127.0.0.1"),
        request_scope(cf_connecting_ip="1.2.3.4"),
        {"type": "http", "headers": [(b"host", b"localhost")]},
    ],
)
def test_a_proxy_or_another_machine_is_not_this_machine(scope: dict[str, Any]) -> None:
    assert not on_this_machine(scope)
