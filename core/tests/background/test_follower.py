"""Followers: every event once or more, in order, from where they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog.testing
from dash_messenger.background import Follower
from dash_messenger.background.follower import PAGE
from dash_messenger.protocol.events import AccountUpdated, Event
from fixtures.filled_store import FilledStore


class Notes:
    """A handler that notes what it is given; it fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[Event] = []
        self.pages: list[int] = []
        self.failures = failures

    async def handle(self, events: Sequence[Event]) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not yet")
        self.events += events
        self.pages.append(len(events))

    @property
    def texts(self) -> list[str | None]:
        return [event.data.message.text for event in self.events if event.data.message is not None]

    async def comes_to(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.events) < count:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def following(filled: FilledStore, notes: Notes, **options: Any) -> AsyncIterator[Follower]:
    options = {"gathered_s": 0.0, "stored_every_s": 0.0} | options
    follower = Follower(filled.store, "test", notes.handle, **options)
    filled.store.listeners.after_answers(follower.hear)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.aclose()


async def say(filled: FilledStore, *texts: str) -> None:
    for text in texts:
        await filled.store.send(filled.draft(text))


async def test_what_was_and_what_comes_is_given_in_order(filled: FilledStore) -> None:
    await say(filled, "1", "2")
    notes = Notes()
    async with following(filled, notes):
        await notes.comes_to(2)
        await say(filled, "3")
        await notes.comes_to(3)
    assert notes.texts == ["1", "2", "3"]
    assert [(event.log, event.after, event.seq) for event in notes.events] == [
        (filled.conversation, seq - 1, seq) for seq in (1, 2, 3)
    ]


async def test_it_goes_on_where_it_was_when_it_was_closed(filled: FilledStore) -> None:
    first, second = Notes(), Notes()
    async with following(filled, first, stored_every_s=3_600):
        for count in (1, 2):
            await say(filled, str(count))
            await first.comes_to(count)
    await say(filled, "3")
    async with following(filled, second):
        await second.comes_to(1)
    assert (first.texts, second.texts) == (["1", "2"], ["3"])


async def test_a_place_that_was_not_stored_is_given_again(filled: FilledStore) -> None:
    first, second = Notes(), Notes()
    follower = Follower(filled.store, "test", first.handle, gathered_s=0, stored_every_s=3_600)
    await follower.start()
    await say(filled, "1")
    await first.comes_to(1)
    await say(filled, "2")
    await first.comes_to(2)
    # As in a crash: it is never closed while the second looks for its place.
    async with following(filled, second):
        await second.comes_to(1)
    assert second.texts == ["2"]
    await follower.aclose()


async def test_one_that_begins_now_is_not_given_what_was(filled: FilledStore) -> None:
    await say(filled, "1")
    notes, again = Notes(), Notes()
    async with following(filled, notes, from_now=True):
        await say(filled, "2")
        await notes.comes_to(1)
    await say(filled, "3")
    async with following(filled, again, from_now=True):
        await again.comes_to(1)
    assert (notes.texts, again.texts) == (["2"], ["3"])


async def test_a_page_whose_handler_fails_is_given_again(filled: FilledStore) -> None:
    notes = Notes(failures=1)
    with structlog.testing.capture_logs() as lines:
        async with following(filled, notes):
            await say(filled, "1")
            await notes.comes_to(1)
    assert notes.texts == ["1"]
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["follower_failed"]


async def test_pages_are_bounded_by_count_and_by_bytes(filled: FilledStore) -> None:
    await asyncio.gather(*[filled.store.send(filled.draft(str(n))) for n in range(PAGE + 10)])
    notes = Notes()
    async with following(filled, notes):
        await notes.comes_to(PAGE + 10)
    assert notes.pages == [PAGE, 10]
    large = Notes()
    await asyncio.gather(*[filled.store.send(filled.draft("x" * 400_000)) for _ in range(3)])
    async with following(filled, large):
        await large.comes_to(3)
    assert len(large.pages) > 1


async def test_events_of_users_and_of_every_conversation_are_given(filled: FilledStore) -> None:
    other = "0" * 32
    await filled.store.write(lambda transaction: filled.add_conversation(transaction, other))
    shown = AccountUpdated("Ann", None, None, None)
    notes = Notes()
    async with following(filled, notes):
        await say(filled, "here")
        await filled.store.send(filled.draft("there", conversation=other))
        await filled.store.write(lambda tx: tx.append(filled.ann, filled.ann, shown))
        await notes.comes_to(3)
    assert [event.log for event in notes.events] == [filled.conversation, other, filled.ann]
    assert notes.events[-1].data == shown
