"""Who reacted to a message and who has read it, by pages, and who may learn of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dash_messenger.messages import people
from dash_messenger.protocol.commands import Caller
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from sqlalchemy import Connection

READERS = ("ben", "cleo", "dan", "eve")


async def names(local: LocalServer, by: str, command: str, **params: object) -> list[str]:
    found = await local.call(by, command, **params)
    assert found["next"] is None
    return sorted(user["username"] for user in found["users"])


async def paged(local: LocalServer, by: str, command: str, **params: object) -> list[list[str]]:
    pages: list[list[str]] = []
    after: str | None = None
    while True:
        found = await local.call(by, command, after=after, **params)
        pages.append([user["id"] for user in found["users"]])
        after = found["next"]
        if after is None:
            return pages


async def read(local: LocalServer, conversation: str, number: int, *who: str) -> None:
    for name in who:
        await local.call(name, "read.advance", conversation=conversation, message_no=number)


async def leave(local: LocalServer, conversation: str, who: str) -> None:
    await local.call(who, "conversation.leave", conversation=conversation)


async def test_those_who_put_an_emoji_are_told(local: LocalServer) -> None:
    await local.add("dan", "eve")
    conversation = await local.group("ann", *READERS)
    message = (await local.say("ann", conversation))["id"]
    for who, emoji in (("ben", "👍"), ("cleo", "👍"), ("cleo", "🎉"), ("dan", "❤")):
        await local.call(who, "message.react", message=message, emoji=emoji)
    await local.call("ben", "message.react", message=message, emoji="👍", on=False)
    await local.call("eve", "message.react", message=message, emoji="👍")
    await leave(local, conversation, "eve")
    assert await names(local, "ann", "message.reacted_by", message=message, emoji="👍") == [
        "cleo",
        "eve",
    ]
    # However it is spelt.
    assert await names(local, "ann", "message.reacted_by", message=message, emoji="❤️") == ["dan"]
    assert await names(local, "ann", "message.reacted_by", message=message, emoji="🚀") == []
    refused = await local.failure("ann", "message.reacted_by", message=message, emoji="no")
    assert refused.key == "invalid_params"


async def test_those_who_have_read_it_are_told(local: LocalServer) -> None:
    await local.add("dan", "eve")
    conversation = await local.group("ann", *READERS)
    first, second = [await local.say("ann", conversation) for _ in range(2)]
    await read(local, conversation, 1, "ben", "eve")
    await read(local, conversation, 2, "cleo")
    await local.say("dan", conversation)
    assert await names(local, "ann", "message.read_by", message=first["id"]) == [*READERS]
    assert await names(local, "ann", "message.read_by", message=second["id"]) == ["cleo", "dan"]
    # Neither oneself, nor the author.
    assert await names(local, "cleo", "message.read_by", message=second["id"]) == ["dan"]
    await leave(local, conversation, "eve")
    assert await names(local, "ann", "message.read_by", message=first["id"]) == [*READERS[:3]]


async def test_positions_that_are_stored_count_as_those_that_are_not_yet(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben", "cleo")
        conversation = await local.group("ann", "ben", "cleo")
        message = (await local.say("ann", conversation))["id"]
        await read(local, conversation, 1, "ben")
        users = local.users
    async with open_server(tmp_path) as local:
        local.users = users
        await read(local, conversation, 1, "cleo")
        found = await names(local, "ann", "message.read_by", message=message)
        assert found == ["ben", "cleo"]


async def test_who_joined_later_has_not_read_what_was_before(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    before = await local.say("ann", conversation)
    users = [local.users["cleo"]]
    await local.call("ann", "conversation.add", conversation=conversation, members=users)
    after = await local.say("ann", conversation)
    await read(local, conversation, 2, "ben", "cleo")
    assert await names(local, "ann", "message.read_by", message=before["id"]) == ["ben"]
    assert await names(local, "ann", "message.read_by", message=after["id"]) == ["ben", "cleo"]


@pytest.mark.parametrize("command", ["message.reacted_by", "message.read_by"])
async def test_only_who_may_read_the_message_is_told(local: LocalServer, command: str) -> None:
    await local.add("dan")
    conversation = await local.group("ann", "ben", "cleo")
    message = (await local.say("ann", conversation))["id"]
    params: dict[str, Any] = {"message": message}
    if command == "message.reacted_by":
        params["emoji"] = "👍"
    await leave(local, conversation, "cleo")
    assert (await local.failure("cleo", command, **params)).key == "not_found"
    await local.call(
        "ann", "conversation.add", conversation=conversation, members=[local.users["cleo"]]
    )
    # Before her time now.
    assert (await local.failure("cleo", command, **params)).key == "not_found"
    assert (await local.failure("dan", command, **params)).key == "not_found"
    assert await names(local, "ben", command, **params) == []
    await local.call("ann", "message.delete", message=message)
    assert (await local.failure("ben", command, **params)).key == "not_found"


@pytest.mark.parametrize("looked_at", [2, 3, 1_000])
async def test_pages_have_everybody_once(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(people, "MAX_LOOKED_AT", looked_at)
    many = [f"many{number}" for number in range(7)]
    await local.add(*many)
    conversation = await local.group("ann", *many)
    message = (await local.say("ann", conversation))["id"]
    chosen = sorted(local.users[name] for name in many[1:6])
    for name in many:
        emoji = "👍" if local.users[name] in chosen else "🎉"
        await local.call(name, "message.react", message=message, emoji=emoji)
        await read(local, conversation, 1, *([name] if emoji == "👍" else []))
    for command, params in (
        ("message.reacted_by", {"message": message, "emoji": "👍"}),
        ("message.read_by", {"message": message}),
    ):
        pages = await paged(local, "ann", command, limit=2, **params)
        assert [user for page in pages for user in page] == chosen
        assert max(map(len, pages)) <= 2


async def test_neither_looks_through_all_messages_or_members(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    message = (await local.say("ann", conversation))["id"]
    commands = people.MessagePeople(local.server.store)
    plans: dict[str, str] = {}

    class Watched:
        pending_positions = local.server.store.pending_positions

        async def read(self, work: Any) -> Any:
            def noted(connection: Connection) -> Any:
                answers: list[Any] = []
                plans.update(query_plans(connection, lambda: answers.append(work(connection))))
                return answers[0]

            return await local.server.store.read(noted)

    commands._store = Watched()  # type: ignore[assignment]
    caller = Caller(user=local.users["ann"], session="0" * 32, address="test")
    await commands.reacted_by(caller, people.MessageReactedBy(message, "👍"))
    await commands.read_by(caller, people.MessageReadBy(message))
    assert any("marks" in plan for plan in plans.values())
    assert any("read_positions" in plan for plan in plans.values())
    for plan in plans.values():
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan
