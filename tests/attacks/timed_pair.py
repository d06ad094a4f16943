"""Two people who write to each other at a steady pace, and how long each message took.

Owns what an attack must not change for them: each message arrives once, in its place, and in time.
A message counts from the moment at which it was due, so that a server that stops for a second
cannot hide it by slowing the sender down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.pair import Pair

__all__ = ["MAX_ANSWER_MS", "MAX_TIMES_QUIET", "TimedPair", "TooSlow", "percentile_ms"]

MESSAGES = 500
PER_S = 100.0
# What they keep up for as long as they like: the server lets a person send 50 a second.
LASTING_PER_S = 40.0
# The promise; on a busy machine, this many times what the same pair saw without the attack.
MAX_P99_MS = 250.0
MAX_TIMES_QUIET = 3.0
# Nothing that somebody beside it asks may take longer (GUARANTEES, I11).
MAX_ANSWER_MS = 1_000.0
TIME_LIMIT_S = 120


class TooSlow(AssertionError):
    """Their messages took longer than promised, and the machine is not that busy without it."""


class TimedPair(Pair):
    """A sender and a reader who keep to a schedule."""

    _said = 0

    async def talk_timed(self, messages: int = MESSAGES) -> list[float]:
        """Exchange messages on schedule; how long each took until it was read, in milliseconds.

        Raises:
            AssertionError: one was lost, came twice or in the wrong place.
            TimeoutError: they did not arrive in two minutes.
        """
        per_s = LASTING_PER_S if self._said else PER_S
        first, self._said = self._said, self._said + messages
        expected = [f"message {number}" for number in range(first, first + messages)]
        began = time.perf_counter()
        due = {text: began + index / per_s for index, text in enumerate(expected)}
        async with asyncio.timeout(TIME_LIMIT_S):
            listening = asyncio.create_task(self._listen(messages))
            sending = [asyncio.create_task(self._say(text, at)) for text, at in due.items()]
            await asyncio.gather(*sending)
            heard = await listening
        # Several may be on their way at once: the log's order is the server's to give.
        seqs = [seq for seq, _, _ in heard]
        assert seqs == list(range(seqs[0], seqs[0] + messages))
        assert sorted(text for _, text, _ in heard) == sorted(expected)
        return [(at - due[text]) * 1_000 for _, text, at in heard]

    async def beside_timed(
        self,
        attack: Callable[[], Awaitable[Any]],
        *,
        whole: bool = False,
        again: bool = False,
    ) -> list[float]:
        """Talk while ``attack`` goes on, and check what they saw; how long each message took.

        The attack is ended once they have said enough; ``whole`` lets it finish, and they go on.
        Where it took too long, they talk again without it, to see whether the machine is busy. With
        ``again`` they then do so once more beside it: what the server does to its people it does
        again, what else held the machine for a moment does not.

        Raises:
            TooSlow: too many messages took too long.
            AssertionError: a message was lost, or the attack itself failed.
        """
        attacking: asyncio.Future[Any] = asyncio.ensure_future(attack())
        took: list[float] = []
        try:
            while True:
                took += await self.talk_timed()
                if attacking.done() or not whole:
                    break
            if attacking.done():
                attacking.result()
        finally:
            attacking.cancel()
            await asyncio.wait([attacking])
        p99_ms = percentile_ms(took, 0.99)
        if p99_ms > MAX_P99_MS:
            quiet_ms = percentile_ms(await self.talk_timed(), 0.99)
            if p99_ms > MAX_TIMES_QUIET * quiet_ms:
                if again:
                    return await self.beside_timed(attack, whole=whole)
                raise TooSlow(f"{p99_ms:.0f} ms, quiet {quiet_ms:.0f} ms")
        return took

    async def _say(self, text: str, at: float) -> None:
        await asyncio.sleep(at - time.perf_counter())
        await self.sender.call(
            "message.send", conversation=self.conversation, type="text", content={"text": text}
        )

    async def _listen(self, messages: int) -> list[tuple[int, str, float]]:
        heard: list[tuple[int, str, float]] = []
        async for event in self.reader.events():
            if event.kind == "message.created":
                heard.append((event.seq, event.data["message"]["text"], time.perf_counter()))
                if len(heard) == messages:
                    break
        return heard


def percentile_ms(took: Sequence[float], part: float) -> float:
    """The least figure that ``part`` of them do not exceed."""
    ordered = sorted(took)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
