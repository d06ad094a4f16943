"""The whole server over real sockets: talk, order under many writers, coming back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dash_messenger.client import Client
from dash_messenger.testing import People, ServerProcess

from tests.crash.workload import Workload, launched
from tests.history import History

LIMIT_S = 60


async def hear(client: Client, n: int) -> list[str]:
    """The texts of the next ``n`` messages."""
    texts: list[str] = []
    async with asyncio.timeout(LIMIT_S):
        async for event in client.events():
            if event.kind == "message.created":
                texts.append(event.data["message"]["text"])
                if len(texts) == n:
                    break
    return texts


async def say(client: Client, conversation: str, text: str) -> int:
    sent = await client.call(
        "message.send", conversation=conversation, type="text", content={"text": text}
    )
    seq: int = sent["seq"]
    return seq


async def test_two_people_talk_and_both_read_the_same_history(people: People) -> None:
    ann, bob = await people(), await people()
    made = await ann.call("conversation.create", kind="direct", members=[bob.me["username"]])
    await say(ann, made["id"], "Hello, Bob")
    assert await hear(bob, 1) == ["Hello, Bob"]
    await say(bob, made["id"], "Hello, Ann")
    assert await hear(ann, 2) == ["Hello, Bob", "Hello, Ann"]
    histories = [
        (await one.call("message.history", conversation=made["id"]))["messages"]
        for one in (ann, bob)
    ]
    assert [message["text"] for message in histories[0]] == ["Hello, Bob", "Hello, Ann"]
    assert histories[0] == histories[1]


async def test_numbers_are_dense_and_every_reader_sees_them_in_order_under_64_writers(
    tmp_path: Path,
) -> None:
    history = History()
    server = launched(tmp_path / "data")
    server.start(LIMIT_S)
    workload = Workload(server, history)
    try:
        await workload.open(people=64, groups=4)
        await workload.write(limit=2_000)
        await workload.settle()
    finally:
        await workload.close()
    assert history.check() == []
    assert history.acknowledged == 2_000


async def test_clients_come_back_after_a_clean_restart_and_miss_nothing(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    server.start(LIMIT_S)
    people = People(server)
    try:
        ann, bob = await people(), await people()
        made = await ann.call("conversation.create", kind="direct", members=[bob.me["id"]])
        await say(ann, made["id"], "before")
        assert await hear(bob, 1) == ["before"]
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start, LIMIT_S)
        await say(ann, made["id"], "after")
        assert await hear(bob, 1) == ["after"]
    finally:
        await people.aclose()
        server.kill()
