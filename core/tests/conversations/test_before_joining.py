"""What was said before somebody joined, or while they were out, reaches them by no way out."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from dash_messenger.errors import Failure
from dash_messenger.protocol.commands import Caller
from dash_messenger.store.access import may_read_message
from dash_messenger.store.sqlite.statements import MAY_READ
from dash_messenger.store.tables import conversations, messages
from fixtures.local_server import LocalServer
from sqlalchemy import select, update

CANARY = "canary"
ROUNDS = 8


class Socket:
    """A connection that keeps what it was sent, as text."""

    def __init__(self, user: str) -> None:
        self.user, self.session = user, user
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


async def connect(local: LocalServer, name: str, **since: str) -> Socket:
    socket = Socket(local.users[name])
    assert local.server.hub.connect(socket) is None
    caller = Caller(user=socket.user, session=socket.session, address="test", connection=socket)
    await local.server.commands.dispatch(caller, "sync", json.dumps(since).encode())
    return socket


async def settle(local: LocalServer) -> None:
    hub = local.server.hub
    # What was answered is announced in the loop's next turn.
    await asyncio.sleep(0)
    while hub.backlog or hub._delivery._turns or hub._coalescing._rounds:
        await asyncio.sleep(0.01)


async def edit(local: LocalServer, by: str, message: str, words: str) -> None:
    params = {"message": message, "content": {"words": words}, "client_id": uuid.uuid4().hex}
    await local.call(by, "message.edit", **params)


async def change_all(local: LocalServer, message: str) -> None:
    """Everything that can happen to an old message, but the end of it."""
    await edit(local, "ann", message, f"{CANARY} edited")
    await local.call("ann", "message.react", message=message, emoji="👍")
    await local.call("ann", "message.react", message=message, emoji="👍", on=False)


async def add(local: LocalServer, conversation: str, who: str) -> None:
    await local.call("ann", "conversation.add", conversation=conversation, members=[who])


async def remove(local: LocalServer, conversation: str, who: str) -> None:
    user = local.users[who]
    await local.call("ann", "conversation.remove", conversation=conversation, user=user)


async def everything(local: LocalServer, by: str, conversation: str, old: list[str]) -> str:
    """All that somebody is told of a conversation when they ask in every way there is."""
    told: list[Any] = []

    async def ask(command: str, **params: Any) -> None:
        try:
            told.append(await local.call(by, command, **params))
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
        context = local.server.installed.contexts.of("note")
        told.append(str(await context.message(id=message, reader=local.users[by])))
    return json.dumps(told)


@pytest.mark.parametrize("out", ["before joining", "while out"])
async def test_an_old_message_is_hidden_on_every_way(local: LocalServer, out: str) -> None:
    conversation = await local.group("ann", "ben")
    if out == "while out":
        await add(local, conversation, "cleo")
        await local.say("ann", conversation, "for cleo too")
        await remove(local, conversation, "cleo")
    old = [(await local.say("ann", conversation, f"{CANARY} {n}"))["id"] for n in range(3)]
    await change_all(local, old[0])
    before, ben = await connect(local, "cleo"), await connect(local, "ben")
    await add(local, conversation, "cleo")
    after = await connect(local, "cleo")
    for message in old:
        await change_all(local, message)
    await local.call("ann", "message.delete", message=old[2])
    new = await local.say("ann", conversation, "for cleo")
    await settle(local)
    assert CANARY in ben.text
    for socket in (before, after):
        assert CANARY not in socket.text
        assert not [message for message in old if message in socket.text]
        assert '"kind":"hidden"' in socket.text
        assert new["id"] in socket.text
    told = await everything(local, "cleo", conversation, old)
    assert CANARY not in told
    assert "for cleo" in told
    assert CANARY in await everything(local, "ben", conversation, old[:2])


async def test_hidden_events_leave_no_gap_and_say_nothing(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    old = (await local.say("ann", conversation, CANARY))["id"]
    await add(local, conversation, "cleo")
    await change_all(local, old)
    await local.say("ann", conversation, "new")
    page = await local.call("cleo", "log.read", log=conversation, after=0)
    kinds = [event["kind"] for event in page["events"]]
    assert kinds == ["member.joined", "hidden", "hidden", "hidden", "message.created"]
    assert page["events"][0]["data"]["from_number"] == 2
    for before, event in zip(page["events"], page["events"][1:], strict=False):
        assert event["after"] == before["seq"]
        if event["kind"] == "hidden":
            assert event["data"] == {}
            assert "by" not in event


@pytest.mark.parametrize("place", ["before", "after", "around"])
async def test_nothing_is_read_where_nothing_was_said_since(local: LocalServer, place: str) -> None:
    conversation = await local.group("ann", "ben")
    for _ in range(3):
        await local.say("ann", conversation, CANARY)
    await add(local, conversation, "cleo")
    for number in range(6):
        params = {place: number}
        page = await local.call("cleo", "message.history", conversation=conversation, **params)
        assert page["messages"] == []


async def test_where_history_is_for_all_nothing_is_hidden(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await local.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(conversations).values(history="all")
        )
    )
    old = (await local.say("ann", conversation, CANARY))["id"]
    await add(local, conversation, "cleo")
    cleo = await connect(local, "cleo")
    await change_all(local, old)
    await settle(local)
    assert CANARY in cleo.text
    assert "hidden" not in cleo.text
    assert "hidden" not in str(await local.call("cleo", "log.read", log=conversation, after=0))


async def test_a_reply_to_what_one_may_not_see_is_not_found(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    old = (await local.say("ann", conversation, CANARY))["id"]
    await add(local, conversation, "cleo")
    reply = {"conversation": conversation, "type": "note", "content": {"words": "x"}}
    for message in (old, "0" * 32):
        failure = await local.failure(
            "cleo", "message.send", client_id=uuid.uuid4().hex, reply_to=message, **reply
        )
        assert failure.key == "not_found"
    sent = {"client_id": uuid.uuid4().hex, "reply_to": old, **reply}
    assert (await local.call("ben", "message.send", **sent))["number"] == 2


@pytest.mark.parametrize("way", ["before joining", "while out"])
async def test_nothing_slips_through_while_somebody_joins_and_leaves(
    local: LocalServer, way: str
) -> None:
    conversation = await local.group("ann", "ben")
    if way == "while out":
        await add(local, conversation, "cleo")
        await remove(local, conversation, "cleo")
    for round in range(ROUNDS):
        word = f"{CANARY}{round}"
        old = (await local.say("ann", conversation, word))["id"]
        socket = await connect(local, "cleo")
        told: list[str] = []

        async def keep_changing(old: str = old, word: str = word) -> None:
            for n in range(4):
                await edit(local, "ann", old, f"{word} {n}")

        async def ask(told: list[str] = told, old: str = old) -> None:
            told.extend([await everything(local, "cleo", conversation, [old]) for _ in range(3)])

        async def sync_again(told: list[str] = told) -> None:
            other = await connect(local, "cleo")
            await settle(local)
            told.append(other.text)
            local.server.hub.disconnect(other)

        await asyncio.gather(keep_changing(), add(local, conversation, "cleo"), ask(), sync_again())
        await asyncio.gather(keep_changing(), remove(local, conversation, "cleo"), ask())
        await settle(local)
        assert CANARY not in socket.text
        assert CANARY not in "".join(told)
        local.server.hub.disconnect(socket)


async def leave(local: LocalServer, conversation: str, who: str) -> None:
    await local.call(who, "conversation.leave", conversation=conversation)


async def ban(local: LocalServer, conversation: str, who: str) -> None:
    user = local.users[who]
    await local.call("ann", "conversation.ban", conversation=conversation, user=user)


@pytest.mark.parametrize("go_out", [remove, leave, ban])
async def test_nothing_said_after_somebody_is_out_reaches_them(
    local: LocalServer, go_out: Callable[[LocalServer, str, str], Awaitable[None]]
) -> None:
    for _ in range(ROUNDS):
        conversation = await local.group("ann", "ben", "cleo")
        old = (await local.say("ann", conversation, "before"))["id"]
        socket = await connect(local, "cleo")
        told = [await everything(local, "cleo", conversation, [old])]

        async def say_afterwards(conversation: str = conversation, old: str = old) -> None:
            await asyncio.gather(*(local.say("ben", conversation, "noise") for _ in range(4)))
            await go_out(local, conversation, "cleo")
            for n in range(4):
                await edit(local, "ann", old, f"{CANARY} {n}")
                await local.say("ben", conversation, CANARY)

        async def ask(
            conversation: str = conversation, old: str = old, told: list[str] = told
        ) -> None:
            told.extend([await everything(local, "cleo", conversation, [old]) for _ in range(4)])

        async def sync_again(told: list[str] = told) -> None:
            for _ in range(4):
                other = await connect(local, "cleo")
                await settle(local)
                told.append(other.text)
                local.server.hub.disconnect(other)

        await asyncio.gather(ask(), sync_again(), say_afterwards())
        await settle(local)
        assert "before" in "".join(told)
        assert CANARY not in socket.text
        assert CANARY not in "".join(told)
        local.server.hub.disconnect(socket)


async def test_both_forms_of_the_rule_say_the_same(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await local.say("ann", conversation)
    await add(local, conversation, "cleo")
    await local.say("ann", conversation)
    await remove(local, conversation, "ben")
    text = f"SELECT number FROM messages m WHERE {MAY_READ}"

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
            for user in local.users.values()
        ]

    assert await local.server.store.read(both) == [({1, 2}, {1, 2}), (set(), set()), ({2}, {2})]
