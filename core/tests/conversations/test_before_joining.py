"""What was said before somebody joined, or while they were out, reaches them by no way out."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.errors import Failure
from dash_messenger.protocol.commands import Caller
from dash_messenger.store.access import MAY_READ_SQL, may_read_message
from dash_messenger.store.tables import conversations, messages
from server_world import ServerWorld, open_server
from sqlalchemy import select, update

CANARY = "canary"
ROUNDS = 8


class Socket:
    """A connection that keeps what it was sent, as text."""

    def __init__(self, user: str) -> None:
        self.user, self.session = user, f"session of {user}"
        self.view: str | None = None
        self.heard: list[str] = []

    def write(self, frames: bytes) -> None:
        self.heard.append(frames.decode(errors="replace"))

    def close(self, code: Any, reason: str = "") -> None:
        raise AssertionError(code)

    async def drained(self) -> None:
        """All was taken."""

    @property
    def text(self) -> str:
        return "".join(self.heard)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ServerWorld]:
    async with open_server(tmp_path) as world:
        await world.add("ann", "ben", "cleo")
        yield world


async def connect(world: ServerWorld, name: str) -> Socket:
    socket = Socket(world.users[name])
    assert world.server.hub.connect(socket) is None
    caller = Caller(user=socket.user, session=socket.session, address="test", connection=socket)
    await world.server.commands.dispatch(caller, "sync", b"{}")
    return socket


async def settle(world: ServerWorld) -> None:
    hub = world.server.hub
    while hub.backlog or hub._delivery._turns or hub._pacing._rounds:
        await asyncio.sleep(0.01)


async def edit(world: ServerWorld, by: str, message: str, words: str) -> None:
    params = {"message": message, "content": {"words": words}, "client_id": uuid.uuid4().hex}
    await world.call(by, "message.edit", **params)


async def change_all(world: ServerWorld, message: str) -> None:
    """Everything that can happen to an old message, but the end of it."""
    await edit(world, "ann", message, f"{CANARY} edited")
    await world.call("ann", "message.react", message=message, emoji="👍")
    await world.call("ann", "message.react", message=message, emoji="👍", on=False)


async def add(world: ServerWorld, conversation: str, who: str) -> None:
    await world.call("ann", "conversation.add", conversation=conversation, members=[who])


async def remove(world: ServerWorld, conversation: str, who: str) -> None:
    user = world.users[who]
    await world.call("ann", "conversation.remove", conversation=conversation, user=user)


async def everything(world: ServerWorld, by: str, conversation: str, old: list[str]) -> str:
    """All that somebody is told of a conversation when they ask in every way there is."""
    told: list[Any] = []

    async def ask(command: str, **params: Any) -> None:
        try:
            told.append(await world.call(by, command, **params))
        except Failure:
            told.append(command)

    for place in ({}, {"before": 2}, {"after": 0}, {"around": 1}):
        await ask("message.history", conversation=conversation, **place)
    await ask("log.read", log=conversation, after=0)
    await ask("message.get", messages=old)
    await ask("conversation.get", conversation=conversation)
    await ask("sync")
    for message in old:
        await ask("message.react", message=message, emoji="🙂")
        await ask("message.act", message=message, action="nod", client_id=uuid.uuid4().hex)
        edited = {"content": {"words": "mine"}, "client_id": uuid.uuid4().hex}
        await ask("message.edit", message=message, **edited)
        await ask("message.delete", message=message)
        context = world.server.installed.contexts.of("note")
        told.append(str(await context.message(id=message, reader=world.users[by])))
    return json.dumps(told)


@pytest.mark.parametrize("out", ["before joining", "while out"])
async def test_an_old_message_is_hidden_on_every_way(world: ServerWorld, out: str) -> None:
    conversation = await world.group("ann", "ben")
    if out == "while out":
        await add(world, conversation, "cleo")
        await world.say("ann", conversation, "for cleo too")
        await remove(world, conversation, "cleo")
    old = [(await world.say("ann", conversation, f"{CANARY} {n}"))["id"] for n in range(3)]
    await change_all(world, old[0])
    before, ben = await connect(world, "cleo"), await connect(world, "ben")
    await add(world, conversation, "cleo")
    after = await connect(world, "cleo")
    for message in old:
        await change_all(world, message)
    await world.call("ann", "message.delete", message=old[2])
    new = await world.say("ann", conversation, "for cleo")
    await settle(world)
    assert CANARY in ben.text
    for socket in (before, after):
        assert CANARY not in socket.text
        assert not [message for message in old if message in socket.text]
        assert '"kind":"hidden"' in socket.text
        assert new["id"] in socket.text
    told = await everything(world, "cleo", conversation, old)
    assert CANARY not in told
    assert "for cleo" in told
    assert CANARY in await everything(world, "ben", conversation, old[:2])


async def test_hidden_events_leave_no_gap_and_say_nothing(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben")
    old = (await world.say("ann", conversation, CANARY))["id"]
    await add(world, conversation, "cleo")
    await change_all(world, old)
    await world.say("ann", conversation, "new")
    page = await world.call("cleo", "log.read", log=conversation, after=0)
    kinds = [event["kind"] for event in page["events"]]
    assert kinds == ["member.joined", "hidden", "hidden", "hidden", "message.created"]
    assert page["events"][0]["data"]["from_number"] == 2
    for before, event in zip(page["events"], page["events"][1:], strict=False):
        assert event["after"] == before["seq"]
        if event["kind"] == "hidden":
            assert event["data"] == {}
            assert "by" not in event


@pytest.mark.parametrize("place", ["before", "after", "around"])
async def test_nothing_is_read_where_nothing_was_said_since(world: ServerWorld, place: str) -> None:
    conversation = await world.group("ann", "ben")
    for _ in range(3):
        await world.say("ann", conversation, CANARY)
    await add(world, conversation, "cleo")
    for number in range(6):
        params = {place: number}
        page = await world.call("cleo", "message.history", conversation=conversation, **params)
        assert page["messages"] == []


async def test_where_history_is_for_all_nothing_is_hidden(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben")
    await world.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(conversations).values(history="all")
        )
    )
    old = (await world.say("ann", conversation, CANARY))["id"]
    await add(world, conversation, "cleo")
    cleo = await connect(world, "cleo")
    await change_all(world, old)
    await settle(world)
    assert CANARY in cleo.text
    assert "hidden" not in cleo.text
    assert "hidden" not in str(await world.call("cleo", "log.read", log=conversation, after=0))


async def test_a_reply_to_what_one_may_not_see_is_not_found(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben")
    old = (await world.say("ann", conversation, CANARY))["id"]
    await add(world, conversation, "cleo")
    reply = {"conversation": conversation, "type": "note", "content": {"words": "x"}}
    for message in (old, "0" * 32):
        failure = await world.failure(
            "cleo", "message.send", client_id=uuid.uuid4().hex, reply_to=message, **reply
        )
        assert failure.key == "not_found"
    sent = {"client_id": uuid.uuid4().hex, "reply_to": old, **reply}
    assert (await world.call("ben", "message.send", **sent))["number"] == 2


@pytest.mark.parametrize("way", ["before joining", "while out"])
async def test_nothing_slips_through_while_somebody_joins_and_leaves(
    world: ServerWorld, way: str
) -> None:
    conversation = await world.group("ann", "ben")
    if way == "while out":
        await add(world, conversation, "cleo")
        await remove(world, conversation, "cleo")
    for round in range(ROUNDS):
        word = f"{CANARY}{round}"
        old = (await world.say("ann", conversation, word))["id"]
        socket = await connect(world, "cleo")
        told: list[str] = []

        async def keep_changing(old: str = old, word: str = word) -> None:
            for n in range(4):
                await edit(world, "ann", old, f"{word} {n}")

        async def ask(told: list[str] = told, old: str = old) -> None:
            told.extend([await everything(world, "cleo", conversation, [old]) for _ in range(3)])

        async def sync_again(told: list[str] = told) -> None:
            other = await connect(world, "cleo")
            await settle(world)
            told.append(other.text)
            world.server.hub.disconnect(other)

        await asyncio.gather(keep_changing(), add(world, conversation, "cleo"), ask(), sync_again())
        await asyncio.gather(keep_changing(), remove(world, conversation, "cleo"), ask())
        await settle(world)
        assert CANARY not in socket.text
        assert CANARY not in "".join(told)
        world.server.hub.disconnect(socket)


async def test_both_forms_of_the_rule_say_the_same(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben")
    await world.say("ann", conversation)
    await add(world, conversation, "cleo")
    await world.say("ann", conversation)
    await remove(world, conversation, "ben")
    text = f"SELECT number FROM messages m WHERE {MAY_READ_SQL}"

    def both(connection: Any) -> list[tuple[set[int], set[int]]]:
        return [
            (
                {
                    row[0]
                    for row in connection.execute(
                        select(messages.c.number).where(may_read_message(user))
                    )
                },
                {row[0] for row in connection.exec_driver_sql(text, (bytearray.fromhex(user),))},
            )
            for user in world.users.values()
        ]

    assert await world.server.store.read(both) == [({1, 2}, {1, 2}), (set(), set()), ({2}, {2})]
