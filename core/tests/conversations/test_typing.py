"""``typing.set``: who hears of it, how often, and when it is over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts.privacy_watch import PrivacyWatch
from dash_messenger.conversations import typing as module
from dash_messenger.conversations.typing import LIVES_S, Typing
from dash_messenger.protocol.commands import Caller
from dash_messenger.testing import FakeClock
from fixtures.ears import Ear, listen
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from sqlalchemy import Connection


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben", "cleo")
        yield local


async def direct(local: LocalServer, by: str = "ann", other: str = "ben") -> str:
    made = await local.call(by, "conversation.create", kind="direct", members=[other])
    return str(made["id"])


async def types(local: LocalServer, by: str, conversation: str, on: bool = True) -> Any:
    return await local.call(by, "typing.set", conversation=conversation, on=on)


def heard(ear: Ear) -> list[bool]:
    """Whether each that was told is that somebody types, or does no longer."""
    return [said["on"] for said in ear.told("typing")]


async def test_the_other_one_hears_it_and_nobody_else(server: LocalServer) -> None:
    conversation = await direct(server)
    ann, ben = listen(server, "ann", conversation), listen(server, "ben", conversation)
    cleo = listen(server, "cleo")
    assert await types(server, "ann", conversation) == {"on": True}
    assert ben.told("typing") == [
        {"conversation": conversation, "user": server.users["ann"], "on": True}
    ]
    assert await types(server, "ann", conversation, on=False) == {"on": False}
    assert heard(ben) == [True, False]
    assert (ann.heard, cleo.heard) == ([], [])


async def test_a_group_gets_one_frame_but_for_the_one_who_types(server: LocalServer) -> None:
    group = await server.group("ann", "ben", "cleo")
    ears = {name: listen(server, name, group) for name in ("ann", "ben", "cleo")}
    await types(server, "ben", group)
    assert ears["ben"].frames == []
    assert ears["ann"].frames == ears["cleo"].frames
    assert ears["ann"].frames[0] is ears["cleo"].frames[0]


async def test_large_groups_are_told_nothing(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"member{n}" for n in range(module.MAX_MEMBERS - 1)]
    await server.add(*names)
    group = await server.group("ann", *names)
    ear = listen(server, names[0], group)
    await types(server, "ann", group)
    assert heard(ear) == [True]
    await server.call("ann", "conversation.add", conversation=group, members=["ben"])
    await types(server, names[1], group)
    assert [one["user"] for one in ear.told("typing")] == [server.users["ann"]]


async def test_who_may_not_send_is_refused_as_a_message_is(server: LocalServer) -> None:
    conversation = await direct(server)
    await server.say("ann", conversation)
    strange = {"conversation": "f" * 32, "on": True}
    assert (await server.failure("ann", "typing.set", **strange)).key == "not_found"
    ben = listen(server, "ben", conversation)
    asked = {"conversation": conversation, "on": True}
    assert (await server.failure("cleo", "typing.set", **asked)).key == "not_found"
    await server.call("ben", "privacy.except", user="ann", message="deny")
    assert (await server.failure("ann", "typing.set", **asked)).key == "messages_not_accepted"
    await server.call("ben", "privacy.except", user="ann", message=None)
    await server.call("ben", "user.block", user="ann")
    refused = await server.failure("ann", "typing.set", **asked)
    assert refused.key == "messages_not_accepted"
    sent = await server.failure(
        "ann",
        "message.send",
        conversation=conversation,
        client_id="1" * 32,
        type="note",
        content={"words": "x"},
    )
    assert (sent.key, str(sent)) == (refused.key, str(refused))
    assert (await server.failure("ben", "typing.set", **asked)).key == "blocked_by_you"
    assert heard(ben) == []
    # That one stopped is refused to nobody, and told to nobody.
    assert await types(server, "ann", conversation, on=False) == {"on": False}
    assert heard(ben) == []


async def test_a_message_ends_it_without_another_word(server: LocalServer) -> None:
    conversation = await direct(server)
    ben = listen(server, "ben", conversation)
    await types(server, "ann", conversation)
    await server.say("ann", conversation)
    await types(server, "ann", conversation, on=False)
    assert heard(ben) == [True]
    # Another's message ends nothing.
    group = await server.group("ann", "ben")
    ben = listen(server, "ben", group)
    await types(server, "ann", group)
    await server.say("ben", group)
    await types(server, "ann", group, on=False)
    assert heard(ben) == [True, False]


async def test_what_is_asked_while_the_message_is_sent_is_not_told_after_it(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await direct(server)
    ben = listen(server, "ben", conversation)
    began, go_on = asyncio.Event(), threading.Event()
    loop, hearers = asyncio.get_running_loop(), module._hearers

    def slow(*asked: Any) -> Any:
        found = hearers(*asked)
        loop.call_soon_threadsafe(began.set)
        assert go_on.wait(30)
        return found

    monkeypatch.setattr(module, "_hearers", slow)
    for end in ("message", "stop", "privacy"):
        began.clear()
        go_on.clear()
        asked = asyncio.ensure_future(types(server, "ann", conversation))
        await began.wait()
        if end == "message":
            await server.say("ann", conversation)
        elif end == "stop":
            await types(server, "ann", conversation, on=False)
        else:
            await server.call("ann", "privacy.update", typing="nobody")
        go_on.set()
        assert await asked == {"on": True}
        assert heard(ben) == [], end
    typing = server.server.services.talk.typing
    assert typing._asked == {}


class Heard:
    """Notes what is told: to whom, and whether somebody types."""

    def __init__(self) -> None:
        self.all: list[tuple[str, bool]] = []
        self.new = asyncio.Event()

    def notify_user(self, user: str, method: str, params: Any) -> None:
        self.all.append((user, params.on))
        self.new.set()

    def notify_conversation(
        self,
        conversation: str,
        method: str,
        params: Any,
        *,
        but: str | None = None,
        only: Callable[[str], bool] | None = None,
    ) -> None:
        self.all.append((conversation, params.on))
        self.new.set()


class Answers:
    """A store whose every answer is the same: who is told."""

    def __init__(self, hearers: Any) -> None:
        self.hearers = hearers

    async def read(self, work: object) -> Any:
        return self.hearers


def made(
    every_s: float, hearers: tuple[str | None, Collection[str], int] = ("ben", (), 0)
) -> tuple[Typing, Heard, PrivacyWatch, FakeClock]:
    told, watch, clock = Heard(), PrivacyWatch("everybody"), FakeClock()
    store: Any = Answers(module._Hearers(*hearers))
    return Typing(store, told, watch, clock, every_s), told, watch, clock


async def ask(typing: Typing, on: bool = True, conversation: str = "c" * 32) -> None:
    caller = Caller(user="ann", session="0" * 32, address="test")
    await typing.set(caller, module.TypingSet(conversation, on))


async def test_it_is_told_at_once_and_then_once_in_its_time() -> None:
    typing, told, _, _ = made(0.02)
    for _ in range(5):
        await ask(typing)
    assert told.all == [("ben", True)]
    told.new.clear()
    await asyncio.wait_for(told.new.wait(), 30)
    assert told.all == [("ben", True)] * 2
    # Another conversation has a time of its own.
    await ask(typing, conversation="d" * 32)
    assert told.all == [("ben", True)] * 3
    typing.close()


async def test_that_one_stopped_is_told_at_once_and_what_waits_is_not() -> None:
    typing, told, _, _ = made(3_600)
    await ask(typing)
    await ask(typing)
    await ask(typing, on=False)
    await ask(typing, on=False)
    assert told.all == [("ben", True), ("ben", False)]
    # Whoever begins and stops in turn is told no more often than others.
    for _ in range(5):
        await ask(typing)
        await ask(typing, on=False)
    assert told.all == [("ben", True), ("ben", False)]
    assert typing._states == {}
    typing.close()


async def test_what_is_forgotten_already_is_not_ended() -> None:
    typing, told, _, clock = made(3_600)
    await ask(typing)
    clock.advance(s=LIVES_S)
    await ask(typing, on=False)
    assert told.all == [("ben", True)]
    typing.close()


async def test_who_types_no_more_is_forgotten() -> None:
    typing, _, _, clock = made(3_600)
    for n in range(20):
        await ask(typing, conversation=f"{n:032x}")
    clock.advance(s=LIVES_S / 2)
    await ask(typing, conversation=f"{0:032x}")
    clock.advance(s=LIVES_S / 2)
    await ask(typing, conversation="d" * 32)
    assert [key[0] for key in typing._states] == [f"{0:032x}", "d" * 32]
    typing.close()


@pytest.mark.parametrize("peer", ["ben", None])
async def test_nothing_is_told_that_was_asked_before_a_change(peer: str | None) -> None:
    typing, told, watch, _ = made(0.02, (peer, (), 0))
    await ask(typing)
    await ask(typing)
    watch.changes += 1
    # It would have been told by then.
    await asyncio.sleep(0.1)
    await ask(typing, on=False)
    assert [on for _, on in told.all] == [True]
    typing.close()


async def test_settings_are_read_at_the_start(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben")
        group = await local.group("ann", "ben")
        await local.call("ann", "privacy.update", typing="contacts")
        users = local.users
    async with open_server(tmp_path) as local:
        local.users = users
        ear = listen(local, "ben", group)
        await types(local, "ann", group)
        assert heard(ear) == []
        await local.call("ann", "privacy.update", typing="everybody")
        await types(local, "ann", group)
        assert heard(ear) == [True]
    async with open_server(tmp_path, privacy_typing="nobody") as local:
        local.users = users
        ear = listen(local, "ann", group)
        await types(local, "ben", group)
        assert heard(ear) == []


async def test_it_is_asked_by_indexes(server: LocalServer) -> None:
    conversations = [await direct(server), await server.group("ann", "ben", "cleo")]

    def work(connection: Connection) -> dict[str, str]:
        plans: dict[str, str] = {}
        for one in conversations:
            plans |= query_plans(
                connection,
                lambda one=one: module._hearers(connection, one, server.users["ann"], 0),  # type: ignore[misc]
            )
        return plans

    for text, plan in (await server.server.store.read(work)).items():
        scanned = [line for line in plan.splitlines() if line.startswith("SCAN")]
        allowed = ("CONSTANT ROW", "SCAN anon_1")
        assert not [line for line in scanned if not any(one in line for one in allowed)], text
