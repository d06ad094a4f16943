"""A hundred strangers guess somebody's password, and its owner wants to log in."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit

from dash_messenger.testing import PASSWORD, People, ServerProcess

from tests.attacks.neighbours import Pair

GUESSERS = 100
# Each guesses so often: they never pause, and the machine is not what they test.
EVERY_S = 2.0
# From a known device or address, and from a new device.
AT_ONCE_S = 5.0
NEW_DEVICE_S = 120.0
MAX_GUESSES_A_DAY = 1_000
DAY_S = 86_400


class Answer(NamedTuple):
    """What the server says to a log-in."""

    status: int
    cookies: dict[str, str]
    took_s: float


def log_in(
    url: str, username: str, password: str, address: str, cookies: Mapping[str, str] = {}
) -> Answer:
    """Try it from an address, as the proxy in front of the server tells it."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(
            "POST",
            "/api/session.open",
            json.dumps({"username": username, "password": password, "as": "cookie"}),
            {
                "Content-Type": "application/json",
                "Origin": url,
                "X-Forwarded-For": address,
                "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            },
        )
        answer = connection.getresponse()
        answer.read()
        set_cookies = answer.headers.get_all("Set-Cookie") or []
    finally:
        connection.close()
    pairs = (one.partition(";")[0].partition("=") for one in set_cookies)
    return Answer(
        answer.status, {name: value for name, _, value in pairs}, time.monotonic() - began
    )


async def test_guessing_strangers_do_not_lock_the_owner_out(
    defended: ServerProcess, people: People, pair: Pair
) -> None:
    username, _ = await people.register()
    answers: Counter[int] = Counter()
    with ThreadPoolExecutor(GUESSERS + 4) as threads:
        loop = asyncio.get_running_loop()

        async def attempt(password: str, address: str, cookies: Mapping[str, str] = {}) -> Answer:
            return await loop.run_in_executor(
                threads, log_in, defended.url, username, password, address, cookies
            )

        home = await attempt(PASSWORD, "198.51.100.7")
        assert home.status == 200

        async def guess(number: int) -> None:
            while True:
                answers[(await attempt("not the password", f"203.0.113.{number}")).status] += 1
                await asyncio.sleep(EVERY_S)

        began = time.monotonic()
        guessing = [asyncio.create_task(guess(number)) for number in range(GUESSERS)]
        try:
            await pair.beside(lambda: asyncio.sleep(10), whole=True)
            # The device that is known, somewhere else, and the address that is known, without it.
            for address, cookies in (("192.0.2.1", home.cookies), ("198.51.100.7", {})):
                known = await attempt(PASSWORD, address, cookies)
                assert known.status == 200, answers
                assert known.took_s < AT_ONCE_S
            asked_at = time.monotonic()
            while (new := await attempt(PASSWORD, "192.0.2.77")).status == 429:
                assert time.monotonic() - asked_at < NEW_DEVICE_S, answers
                await asyncio.sleep(EVERY_S)
            assert new.status == 200
        finally:
            for task in guessing:
                task.cancel()
            await asyncio.gather(*guessing, return_exceptions=True)
        lasted_s = time.monotonic() - began
    # What was looked at, at this rate for a day, beside the burst that a day begins with.
    assert set(answers) <= {401, 429}
    assert answers[401] <= MAX_GUESSES_A_DAY / 10 + MAX_GUESSES_A_DAY * lasted_s / DAY_S
