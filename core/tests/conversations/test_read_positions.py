"""How far people have read, and who hears of it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts.privacy_watch import PrivacyWatch
from dash_messenger.conversations.read_positions import Receipts
from dash_messenger.conversations.summaries import summaries
from dash_messenger.conversations.unread import unread
from dash_messenger.server.limits import Limits
from dash_messenger.store import StoreLimits
from dash_messenger.store.tables import read_positions
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from sqlalchemy import Connection, func, select


class Heard:
    def __init__(self) -> None:
        self.all: list[tuple[str, str | None, int]] = []
        self.new = asyncio.Event()

    def notify_user(self, user: str, method: str, params: Any) -> None:
        self._hear(user, None, params["others_read_no"])

    def notify_conversation(
        self,
        conversation: str,
        method: str,
        params: Any,
        *,
        but: str | None = None,
        only: Any = None,
    ) -> None:
        self._hear(conversation, but, params["others_read_no"])

    def _hear(self, to: str, but: str | None, read_no: int) -> None:
        self.all.append((to, but, read_no))
        self.new.set()


async def test_positions_only_grow_and_end_at_the_last_message(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    for _ in range(3):
        await local.say("ann", conversation)
    answers = [
        await local.call("ben", "read.advance", conversation=conversation, message_no=number)
        for number in (2, 1, 99)
    ]
    assert [one["read_no"] for one in answers] == [2, 2, 3]
    assert answers[-1]["unread"] == 0
    found = (await local.call("ben", "sync"))["conversations"][0]
    assert found["unread"] == 0


async def test_the_other_one_sees_it_in_a_direct_conversation(local: LocalServer) -> None:
    made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    await local.say("ann", made["id"])
    await local.call("ben", "read.advance", conversation=made["id"], message_no=1)
    assert (await local.call("ann", "sync"))["conversations"][0]["others_read_no"] == 1


@pytest.mark.parametrize("limits", [Limits(store=StoreLimits(positions_every_s=3_600))])
async def test_a_position_that_is_stored_while_it_is_looked_up_is_found(
    local: LocalServer,
) -> None:
    conversation = await local.group("ann", "ben")
    for _ in range(2):
        await local.say("ann", conversation)
    await local.call("ben", "read.advance", conversation=conversation, message_no=2)
    store, user = local.server.store, local.users["ben"]
    began, go_on = asyncio.Event(), threading.Event()
    loop, pending = asyncio.get_running_loop(), store.pending_positions()

    def work(connection: Connection) -> int:
        connection.execute(select(func.count()).select_from(read_positions)).scalar_one()
        loop.call_soon_threadsafe(began.set)
        assert go_on.wait(30)
        return summaries(connection, user, pending=pending)[0].unread

    def stored(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(read_positions)).scalar_one()

    reading = asyncio.ensure_future(store.read(work))
    await began.wait()
    store._flush_positions()
    async with asyncio.timeout(30):
        while not await store.read(stored):
            pass
    go_on.set()
    assert await reading == 0


async def test_positions_survive_a_restart(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben")
        conversation = await local.group("ann", "ben")
        await local.say("ann", conversation)
        await local.call("ben", "read.advance", conversation=conversation, message_no=1)
        users = local.users
    async with open_server(tmp_path) as local:
        local.users = users
        found = (await local.call("ben", "sync"))["conversations"][0]
        assert (found["read_no"], found["unread"]) == (1, 0)


async def test_deleted_messages_beyond_the_position_are_not_unread(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    sent = [await local.say("ann", conversation) for _ in range(6)]
    for number in (1, 4, 6):
        await local.call("ann", "message.delete", message=sent[number - 1]["id"])

    async def listed() -> tuple[int, int]:
        found = (await local.call("ben", "sync"))["conversations"][0]
        return found["read_no"], found["unread"]

    assert await listed() == (0, 3)
    for number, left in ((2, 2), (3, 1), (1, 1), (5, 0), (6, 0)):
        # Before the position is stored, and after.
        answer = await local.call(
            "ben", "read.advance", conversation=conversation, message_no=number
        )
        assert (answer["unread"], await listed()) == (left, (answer["read_no"], left))
        local.server.store._flush_positions()
        # Whatever is written after it is stored after it.
        await local.call("ben", "account.update", display_name=f"Ben {number}")
        assert await listed() == (answer["read_no"], left)


async def test_deleted_messages_from_before_one_joined_count_for_nothing(
    local: LocalServer,
) -> None:
    conversation = await local.group("ann", "ben")
    sent = [await local.say("ann", conversation) for _ in range(3)]
    await local.call("ann", "conversation.add", conversation=conversation, members=["cleo"])
    await local.say("ann", conversation)
    await local.call("ann", "message.delete", message=sent[2]["id"])
    found = (await local.call("cleo", "sync"))["conversations"][0]
    assert (found["unread"], found["last"]["number"]) == (1, 4)


async def test_of_many_deleted_messages_a_hundred_are_counted(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    for _ in range(105):
        sent = await local.say("ann", conversation)
        await local.call("ann", "message.delete", message=sent["id"])
    await local.say("ann", conversation)
    found = (await local.call("ben", "sync"))["conversations"][0]
    assert found["unread"] == 6
    answer = await local.call("ben", "read.advance", conversation=conversation, message_no=10)
    assert answer["unread"] == 1


async def test_what_is_deleted_is_counted_by_its_index(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")

    def plans(connection: Connection) -> dict[str, str]:
        def work() -> None:
            summaries(connection, local.users["ben"], pending=lambda *_: 0)
            unread(connection, conversation, 2, 1)

        return query_plans(connection, work)

    found = await local.server.store.read(plans)
    counting = [plan for text, plan in found.items() if "deleted_at_ms IS NOT NULL" in text]
    assert len(counting) == 2
    for plan in counting:
        index = "USING COVERING INDEX ix_messages_deleted (conversation_id=? AND number>?)"
        assert index in plan
        assert "SCAN messages" not in plan


async def test_receipts_are_told_at_once_and_then_together() -> None:
    heard = Heard()
    receipts = Receipts(heard, PrivacyWatch("everybody"), every_s=0.01)
    receipts.advance("c", "ann", 1)
    assert heard.all == [("c", "ann", 1)]
    heard.new.clear()
    for number in range(2, 6):
        receipts.advance("c", "ann", number)
    receipts.advance("c", "ben", 3)
    assert len(heard.all) == 1
    await asyncio.wait_for(heard.new.wait(), 30)
    assert heard.all[1:] == [("c", "ann", 5), ("ann", None, 3)]
    receipts.close()
