"""A hundred strangers guess somebody's password, and its owner wants to log in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping

from dash_messenger.testing import PASSWORD, People, ServerProcess

from tests.attacks.guesser import EVERY_S, Answer, log_in
from tests.attacks.timed_pair import TimedPair
from tests.environment import ROOT

# From a known device or address, and from a new device.
AT_ONCE_S = 5.0
NEW_DEVICE_S = 120.0
MAX_GUESSES_A_DAY = 1_000
DAY_S = 86_400


async def test_guessing_strangers_do_not_lock_the_owner_out(
    defended: ServerProcess, people: People, pair: TimedPair
) -> None:
    username, _ = await people.register()

    async def attempt(address: str, cookies: Mapping[str, str] = {}) -> Answer:
        return await asyncio.to_thread(log_in, defended.url, username, PASSWORD, address, cookies)

    home = await attempt("198.51.100.7")
    assert home.status == 200
    began = time.monotonic()
    async with _strangers(defended, username) as guessing:
        await pair.beside_timed(lambda: asyncio.sleep(10), whole=True, again=True)
        # The device that is known, somewhere else, and the address that is known, without it.
        for address, cookies in (("192.0.2.1", home.cookies), ("198.51.100.7", {})):
            known = await attempt(address, cookies)
            assert known.status == 200
            assert known.took_s < AT_ONCE_S
        asked_at = time.monotonic()
        while (new := await attempt("192.0.2.77")).status == 429:
            assert time.monotonic() - asked_at < NEW_DEVICE_S
            await asyncio.sleep(EVERY_S)
        assert new.status == 200
        # Closes its input, and so ends it.
        said, _ = await guessing.communicate(b"")
    answers = json.loads(said)
    lasted_s = time.monotonic() - began
    print(f"\n{answers} in {lasted_s:.0f} s")
    assert set(answers) == {"401", "429"}
    # What was looked at, at this rate for a day, beside the burst that a day begins with.
    assert answers["401"] <= MAX_GUESSES_A_DAY / 10 + MAX_GUESSES_A_DAY * lasted_s / DAY_S


@contextlib.asynccontextmanager
async def _strangers(
    server: ServerProcess, username: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that guesses until its input ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.attacks.guesser", server.url, username),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
