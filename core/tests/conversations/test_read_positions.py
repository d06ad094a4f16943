"""How far people have read, and who hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from dash_messenger.conversations.read_positions import Receipts
from fixtures.local_server import LocalServer, open_server


class Heard:
    def __init__(self) -> None:
        self.all: list[tuple[str, str | None, int]] = []
        self.new = asyncio.Event()

    def notify_user(self, user: str, method: str, params: Any) -> None:
        self._hear(user, None, params["others_read_no"])

    def notify_conversation(
        self, conversation: str, method: str, params: Any, *, but: str | None = None
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


async def test_receipts_are_told_at_once_and_then_together() -> None:
    heard = Heard()
    receipts = Receipts(heard, every_s=0.01)
    receipts.advance("c", "ann", 1)
    assert heard.all == [("c", "ann", 1)]
    heard.new.clear()
    for number in range(2, 6):
        receipts.advance("c", "ann", number)
    receipts.advance("c", "ben", 3)
    assert len(heard.all) == 1
    await asyncio.wait_for(heard.new.wait(), 5)
    assert heard.all[1:] == [("c", "ann", 5), ("ann", None, 3)]
    receipts.close()
