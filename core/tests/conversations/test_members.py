"""Conversations: starting them, and who is in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dash_messenger.store.tables import members, users
from server_world import ServerWorld, open_server
from sqlalchemy import Connection, select, update


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ServerWorld]:
    async with open_server(tmp_path) as world:
        await world.add("ann", "ben", "cleo")
        yield world


async def test_a_direct_conversation_exists_once(world: ServerWorld) -> None:
    first = await world.call("ann", "conversation.create", kind="direct", members=["BEN"])
    again = await world.call(
        "ben", "conversation.create", kind="direct", members=[world.users["ann"]]
    )
    assert (first["created"], again["created"]) == (True, False)
    assert first["id"] == again["id"]
    assert first["conversation"]["peer"] == world.users["ben"]
    assert again["users"][world.users["ann"]]["username"] == "ann"


async def test_two_who_start_it_at_once_meet(world: ServerWorld) -> None:
    made = await asyncio.gather(
        world.call("ann", "conversation.create", kind="direct", members=["ben"]),
        world.call("ben", "conversation.create", kind="direct", members=["ann"]),
    )
    assert len({one["id"] for one in made}) == 1
    assert sorted(one["created"] for one in made) == [False, True]


async def test_an_unknown_name_is_named(world: ServerWorld) -> None:
    failure = await world.failure(
        "ann", "conversation.create", kind="group", title="X", members=["ben", "Nobody"]
    )
    assert (failure.key, failure.params["username"]) == ("unknown_user", "Nobody")
    assert "Nobody" in failure.message


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"kind": "direct", "members": ["ann"]}, "members"),
        ({"kind": "direct", "members": ["ben", "cleo"]}, "members"),
        ({"kind": "group", "members": ["ben"]}, "title"),
        ({"kind": "group", "members": ["ben"], "title": "  "}, "title"),
        ({"kind": "group", "members": ["ben"], "title": "x" * 129}, "title"),
        ({"kind": "club", "members": ["ben"]}, "kind"),
    ],
)
async def test_what_cannot_be_started_is_explained(
    world: ServerWorld, params: dict[str, object], field: str
) -> None:
    failure = await world.failure("ann", "conversation.create", **params)
    assert (failure.key, failure.params["field"]) == ("invalid_params", field)


async def test_a_retried_group_is_the_first_one(world: ServerWorld) -> None:
    made = [
        await world.call(
            "ann",
            "conversation.create",
            kind="group",
            title="Group",
            members=["ben"],
            client_id="0190c8d8-0000-7000-8000-000000000001",
        )
        for _ in range(2)
    ]
    assert made[0]["id"] == made[1]["id"]
    assert [one["created"] for one in made] == [True, False]


async def test_members_are_told_in_their_own_logs(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben")
    log = await world.call("ben", "log.read", log=world.users["ben"], after=0)
    assert [(event["kind"], event["data"]) for event in log["events"]] == [
        ("conversation.added", {"conversation": conversation})
    ]


async def test_who_is_added_sees_what_comes_after(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben")
    await world.say("ann", conversation, "before")
    added = await world.call(
        "ben", "conversation.add", conversation=conversation, members=["cleo", "ann"]
    )
    assert [one["username"] for one in added["added"]] == ["cleo"]
    await world.say("ann", conversation, "after")
    page = await world.call("cleo", "message.history", conversation=conversation)
    assert [one["text"] for one in page["messages"]] == ["after"]
    assert not page["more_before"]
    log = await world.call("cleo", "log.read", log=conversation, after=0)
    assert [event["kind"] for event in log["events"]] == ["member.joined", "message.created"]
    found = (await world.call("cleo", "sync"))["conversations"][0]
    assert (found["unread"], found["first_number"], found["member_count"]) == (1, 2, 3)


async def test_who_left_is_out_and_may_be_added_again(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben", "cleo")
    ben = world.users["ben"]
    await world.call("ben", "conversation.remove", conversation=conversation, user=ben)
    assert (await world.call("ben", "sync"))["conversations"] == []
    refused = await world.failure("ben", "message.history", conversation=conversation)
    assert refused.key == "not_found"
    await world.say("ann", conversation, "while away")
    await world.call("ann", "conversation.add", conversation=conversation, members=["ben"])
    page = await world.call("ben", "message.history", conversation=conversation)
    assert page["messages"] == []
    assert (await world.call("ben", "sync"))["conversations"][0]["unread"] == 0


async def test_only_the_creator_removes_others(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben", "cleo")
    cleo = world.users["cleo"]
    refused = await world.failure(
        "ben", "conversation.remove", conversation=conversation, user=cleo
    )
    assert refused.key == "forbidden"
    await world.call("ann", "conversation.remove", conversation=conversation, user=cleo)
    again = await world.failure("ann", "conversation.remove", conversation=conversation, user=cleo)
    assert again.key == "not_found"


async def test_nobody_is_added_to_or_leaves_a_direct_conversation(world: ServerWorld) -> None:
    made = await world.call("ann", "conversation.create", kind="direct", members=["ben"])
    added = await world.failure(
        "ann", "conversation.add", conversation=made["id"], members=["cleo"]
    )
    left = await world.failure(
        "ann", "conversation.remove", conversation=made["id"], user=world.users["ann"]
    )
    assert added.key == left.key == "refused"


async def test_members_come_in_pages(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben", "cleo")
    names: list[str] = []
    after = None
    while True:
        page = await world.call(
            "ann", "conversation.members", conversation=conversation, after=after, limit=2
        )
        names += [one["username"] for one in page["members"]]
        if not page["more"]:
            break
        after = page["members"][-1]["id"]
    assert sorted(names) == ["ann", "ben", "cleo"]


async def owners(world: ServerWorld, conversation: str) -> set[str]:
    def work(connection: Connection) -> set[str]:
        rows = connection.execute(
            select(users.c.username)
            .join(members, members.c.user_id == users.c.id)
            .where(
                members.c.conversation_id == conversation,
                members.c.to_seq.is_(None),
                members.c.role == "owner",
            )
        )
        return {row[0] for row in rows}

    return await world.server.store.read(work)


async def leave(world: ServerWorld, name: str, conversation: str) -> None:
    await world.call(name, "conversation.remove", conversation=conversation, user=world.users[name])


async def test_a_group_is_owned_by_who_made_it(world: ServerWorld) -> None:
    group = await world.group("ben", "ann")
    direct = await world.call("ann", "conversation.create", kind="direct", members=["ben"])
    assert await owners(world, group) == {"ben"}
    assert await owners(world, direct["id"]) == set()


async def test_whoever_is_in_a_group_longest_owns_it_after_its_owner(world: ServerWorld) -> None:
    conversation = await world.group("cleo", "ben")
    world.clock.advance(s=1)
    await world.call("ben", "conversation.add", conversation=conversation, members=["ann"])
    await leave(world, "ann", conversation)
    assert await owners(world, conversation) == {"cleo"}
    await world.call("ben", "conversation.add", conversation=conversation, members=["ann"])
    await leave(world, "cleo", conversation)
    assert await owners(world, conversation) == {"ben"}
    await leave(world, "ben", conversation)
    assert await owners(world, conversation) == {"ann"}
    await leave(world, "ann", conversation)
    assert await owners(world, conversation) == set()


async def test_nobody_whose_account_is_deactivated_comes_to_own_a_group(world: ServerWorld) -> None:
    conversation = await world.group("cleo", "ann", "ben")
    of_ann = users.c.id == world.users["ann"]
    await world.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(users).where(of_ann).values(deactivated_at_ms=1)
        )
    )
    await leave(world, "cleo", conversation)
    assert await owners(world, conversation) == {"ben"}


async def test_who_made_a_group_owns_it_again_after_coming_back(world: ServerWorld) -> None:
    conversation = await world.group("ann", "ben", "cleo")
    await leave(world, "ann", conversation)
    assert await owners(world, conversation) == {"ben"}
    await world.call("cleo", "conversation.add", conversation=conversation, members=["ann"])
    assert "ann" in await owners(world, conversation)
    await leave(world, "ben", conversation)
    await world.call("ann", "conversation.add", conversation=conversation, members=["ben"])
    assert await owners(world, conversation) == {"ann"}
