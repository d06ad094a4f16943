"""A process of strangers who guess one person's password, each at an address of their own.

    python -m tests.attacks.guesser URL USERNAME

Begins at once, ends when its input does, and says as JSON how often each status was answered. It is
a process of its own, so that its work does not delay what others measure.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit

GUESSERS = 100
# Each guesses so often: they never pause, and the machine is not what they test.
EVERY_S = 2.0


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


async def attack(url: str, username: str) -> None:
    """Guess until the input ends."""
    # It stands for a hundred other machines: its own work must not take this one's.
    os.nice(19)
    answers: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(GUESSERS + 1) as threads:

        async def guess(number: int) -> None:
            address = f"203.0.113.{number}"
            # They know nothing of each other, so they do not begin in the same moment.
            await asyncio.sleep(EVERY_S * number / GUESSERS)
            while True:
                answer = await loop.run_in_executor(
                    threads, log_in, url, username, "not the password", address
                )
                answers[answer.status] += 1
                await asyncio.sleep(EVERY_S)

        guessing = [asyncio.create_task(guess(number)) for number in range(GUESSERS)]
        await loop.run_in_executor(threads, sys.stdin.read)
        for task in guessing:
            task.cancel()
        await asyncio.wait(guessing)
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], sys.argv[2]))
