"""Strangers who guess lock nobody out, and get nowhere themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from dash_messenger.accounts.attempts import ANSWERS_A_DAY, MAX_ACCOUNTS, Attempts, Known
from dash_messenger.accounts.passwords import Passwords
from dash_messenger.errors import RateLimited
from dash_messenger.places import Place
from dash_messenger.store.tables import known_places
from fixtures.factor_plugin import Key, enrol, go_on, waiting
from fixtures.full_plugin import install
from fixtures.local_server import PASSWORD, Answer, LocalServer, open_server
from sqlalchemy import select

GUESSERS = [Place(f"198.51.100.{n}") for n in range(100)]
HOME, CAFE = Place("192.0.2.1"), Place("203.0.113.9")
DAY_S = 86_400
WRONG = "x" * 20


@dataclass
class Trying:
    """Attempts at an account by a clock of its own."""

    now_s: float = 0.0
    attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self.attempts = Attempts(enabled=True, clock_s=lambda: self.now_s)

    def wait_s(self, place: Place, known: Known = None, account: str = "ann") -> float:
        """0 if the try is let in, else how long it is told to wait."""
        try:
            self.attempts.log_in(account, place, known)
        except RateLimited as refused:
            return float(str(refused.params["retry_after_s"]))
        return 0.0

    def guess(self, places: list[Place], seconds: int, every_s: int) -> int:
        """How many guesses are let in while all these places go on for so long."""
        let_in, end_s = 0, self.now_s + seconds
        while self.now_s < end_s:
            let_in += sum(self.wait_s(place) == 0 for place in places)
            self.now_s += every_s
        return let_in


@pytest.mark.parametrize(("addresses", "every_s"), [(1, 30), (100, 300), (500, 3_600)])
def test_strangers_have_less_than_a_thousand_guesses_a_day(addresses: int, every_s: int) -> None:
    places = [Place(f"10.0.{n // 250}.{n % 250}") for n in range(addresses)]
    assert 500 < Trying().guess(places, DAY_S, every_s) < 1_000


@pytest.mark.parametrize("known", ["device", "address", "session"])
def test_the_owner_gets_in_at_once_where_they_are_known(known: Known) -> None:
    trying = Trying()
    trying.guess(GUESSERS, 3_600, every_s=10)
    assert sum(trying.wait_s(place) > 0 for place in GUESSERS) >= 99
    assert trying.wait_s(HOME, known) == 0


@pytest.mark.parametrize("guessing_for_s", [10, 100, 900])
def test_the_owner_gets_in_from_a_new_place_within_two_minutes(guessing_for_s: int) -> None:
    trying = Trying()
    trying.guess(GUESSERS, guessing_for_s, every_s=1)
    began_s = trying.now_s
    while (wait_s := trying.wait_s(CAFE)) > 0:
        assert trying.now_s + wait_s - began_s <= 120
        trying.guess(GUESSERS, round(wait_s), every_s=1)
    assert trying.now_s - began_s <= 120


def test_an_owner_who_mistypes_stays_next() -> None:
    trying = Trying()
    trying.guess(GUESSERS, 600, every_s=1)
    for _ in range(3):
        began_s = trying.now_s
        while (wait_s := trying.wait_s(CAFE)) > 0:
            trying.guess(GUESSERS, round(wait_s), every_s=1)
        assert trying.now_s - began_s <= 120


def test_a_place_that_is_not_fetched_goes_to_others() -> None:
    trying = Trying()
    trying.guess(GUESSERS, 600, every_s=5)
    assert trying.wait_s(CAFE) > 0
    assert trying.guess(GUESSERS, 600, every_s=5) > 0


def test_what_was_right_is_given_back() -> None:
    trying = Trying()
    for _ in range(500):
        assert trying.wait_s(CAFE) == 0
        trying.attempts.logged_in("ann", CAFE)


@pytest.mark.parametrize("known", ["device", "address", "session", None])
def test_each_counter_is_bounded_and_says_when_to_come_back(known: Known) -> None:
    trying = Trying()
    tries = [trying.wait_s(HOME, known) for _ in range(11)]
    assert tries[:10] == [0] * 10
    assert tries[10] > 0
    trying.now_s += tries[10]
    assert trying.wait_s(HOME, known) == 0


def test_devices_and_addresses_do_not_use_up_each_others_tries() -> None:
    trying = Trying()
    while not trying.wait_s(HOME, "address"):
        continue
    assert trying.wait_s(Place(HOME.address, device="laptop"), "device") == 0
    assert trying.wait_s(CAFE, "address") == 0
    assert trying.wait_s(CAFE) == 0


def test_an_ipv6_household_is_one_stranger() -> None:
    trying = Trying()
    tries = [trying.wait_s(Place(f"2001:db8:0:1::{n:x}")) for n in range(1, 12)]
    assert tries[10] > 0
    assert trying.wait_s(Place("2001:db8:0:2::1")) == 0


def test_one_password_tried_on_many_names_is_stopped() -> None:
    trying = Trying()
    let_in = [trying.wait_s(CAFE, account=f"user{n}") == 0 for n in range(200)]
    assert sum(let_in) == 100
    assert trying.wait_s(CAFE, "device") == 0


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    trying = Trying(now_s=10_000)
    while not trying.wait_s(HOME, "device"):
        continue
    trying.now_s = 0
    assert trying.wait_s(HOME, "device") > 0


def test_names_without_end_are_forgotten_and_who_is_attacked_is_not() -> None:
    trying = Trying()
    while not trying.wait_s(CAFE):
        trying.now_s += 0.1
    trying.guess(GUESSERS, 60, every_s=1)
    for n in range(MAX_ACCOUNTS + 10):
        trying.wait_s(Place(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"), account=f"user{n}")
    assert len(trying.attempts._strangers) <= MAX_ACCOUNTS
    assert sum(trying.wait_s(place) > 0 for place in GUESSERS) >= 99


def test_codes_of_one_kind_leave_those_of_another() -> None:
    trying = Trying()
    attempts = trying.attempts

    def answered(counter: str) -> int:
        count = 0
        for place in GUESSERS:
            for _ in range(10):
                try:
                    attempts.answer("ann", counter, place)
                except RateLimited:
                    return count
                count += 1
        return count

    assert answered("totp code") == ANSWERS_A_DAY
    assert answered("totp recovery") == ANSWERS_A_DAY
    attempts.answer("ann", "totp code", Place(HOME.address, device="laptop"), "device")


# Through the whole server.


async def log_in(
    local: LocalServer, peer: str, password: str = PASSWORD, cookie: str = "", **more: str
) -> Answer:
    headers = {"Origin": "http://localhost", **more, **({"Cookie": cookie} if cookie else {})}
    return await local.request(
        "/api/session.open",
        body={"username": "ann", "password": password, "as": "cookie"},
        headers=headers,
        peer=peer,
    )


def device_cookie(answer: Answer) -> str:
    cookies = answer.headers.getlist("Set-Cookie")
    (found,) = [one for one in cookies if one.startswith("device=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {one.strip() for one in found.split(";")}
    return str(found).partition(";")[0]


async def attack(local: LocalServer) -> None:
    """Let 100 addresses guess until none of them is let in."""
    for place in GUESSERS:
        await log_in(local, place.address, WRONG)


async def test_while_a_hundred_guess_the_owner_gets_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann")
        first = await log_in(local, HOME.address)
        cookie = device_cookie(first)
        token = first.headers["Set-Cookie"].partition(";")[0]
        await local.request(
            "/api/session.close", headers={"Cookie": token, "Origin": "http://localhost"}
        )
        hashed = count_hashing(monkeypatch)
        await attack(local)
        assert 10 < hashed() < 50
        refused = await log_in(local, GUESSERS[0].address, WRONG)
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) > 0
        # From the device she logged out of, elsewhere; and from home by another device.
        assert (await log_in(local, CAFE.address, cookie=cookie)).status == 200
        assert (await log_in(local, HOME.address)).status == 200
        # From a new place, while they go on.
        waited_s = 0
        while (answer := await log_in(local, "203.0.113.77")).status == 429:
            wait_s = int(answer.headers["Retry-After"])
            waited_s += wait_s
            local.clock.advance(s=wait_s)
            await attack(local)
        assert answer.status == 200
        assert waited_s <= 120


def count_hashing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    counted: list[None] = []
    compare = Passwords.compare

    async def counting(self: Passwords, password: str, stored: str | None) -> object:
        counted.append(None)
        return await compare(self, password, stored)

    monkeypatch.setattr(Passwords, "compare", counting)
    return lambda: len(counted)


async def test_a_known_address_is_none_behind_a_proxy_that_nobody_named(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True, trusted_proxies=("192.0.2.99",)) as local:
        await local.add("ann")
        proxied = {"X-Forwarded-For": "192.0.2.50"}
        assert (await log_in(local, HOME.address, **proxied)).status == 200
        rows = await stored(local)
        assert [row.kind for row in rows] == ["device"]
        await attack(local)
        assert (await log_in(local, HOME.address, **proxied)).status == 429


async def test_an_unknown_name_is_limited_like_a_known_one(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann")
        said = []
        for name in ("ann", "nobody"):
            params = {"username": name, "password": WRONG}
            answers = [
                await local.request("/api/session.open", body=params, peer=place.address)
                for place in GUESSERS
            ]
            said.append([(one.status, one.headers.get("Retry-After")) for one in answers])
        assert said[0] == said[1]


async def test_of_places_only_hashes_are_stored_and_not_without_end(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        await local.add("ann")
        cookies = []
        for n in range(40):
            cookies.append(device_cookie(await log_in(local, f"203.0.113.{n}")))
            local.clock.advance(s=1)
        rows = await stored(local)
        assert [sum(row.kind == kind for row in rows) for kind in ("device", "address")] == [32, 32]
        assert cookies[-1].removeprefix("device=") not in str(rows)
        assert "203.0.113" not in str(rows)


async def stored(local: LocalServer) -> list[Any]:
    return [*await local.server.store.read(lambda c: c.execute(select(known_places)).all())]


async def test_codes_that_come_at_once_do_not_share_a_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", monkeypatch, "keys", "fixtures.factor_plugin:Keys")
    async with open_server(tmp_path / "data", loaded=("keys",), rate_limits=True) as local:
        await local.add("ann")
        secret = await enrol(local, await local.token("ann"))
        logins = [await waiting(local, "ann") for _ in GUESSERS]
        looked = Mock(side_effect=Key().verify)
        monkeypatch.setattr(Key, "verify", lambda self, *arguments: looked(*arguments))

        async def answer(login: str, place: Place) -> int:
            body = {"login": login, "step": "key", "answer": {"code": "wrong"}}
            said = await local.request("/api/session.continue", body=body, peer=place.address)
            return said.status

        said = await asyncio.gather(*map(answer, logins, GUESSERS))
        assert said.count(422) == looked.call_count == ANSWERS_A_DAY
        assert (await go_on(local, await waiting(local, "ann"), f"{secret}-2")).status == 429
        local.clock.advance(s=DAY_S / ANSWERS_A_DAY)
        assert (await go_on(local, await waiting(local, "ann"), f"{secret}-2")).status == 200
