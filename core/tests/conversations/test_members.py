"""Conversations: starting them, and who is in them."""

from __future__ import annotations

import asyncio

import pytest
from dash_messenger.store.tables import members, users
from fixtures.local_server import LocalServer
from sqlalchemy import Connection, select, update


async def test_a_direct_conversation_exists_once(local: LocalServer) -> None:
    first = await local.call("ann", "conversation.create", kind="direct", members=["BEN"])
    again = await local.call(
        "ben", "conversation.create", kind="direct", members=[local.users["ann"]]
    )
    assert (first["created"], again["created"]) == (True, False)
    assert first["id"] == again["id"]
    assert first["conversation"]["peer"] == local.users["ben"]
    assert again["users"][local.users["ann"]]["username"] == "ann"


async def test_two_who_start_it_at_once_meet(local: LocalServer) -> None:
    made = await asyncio.gather(
        local.call("ann", "conversation.create", kind="direct", members=["ben"]),
        local.call("ben", "conversation.create", kind="direct", members=["ann"]),
    )
    assert len({one["id"] for one in made}) == 1
    assert sorted(one["created"] for one in made) == [False, True]


async def test_an_unknown_name_is_named(local: LocalServer) -> None:
    failure = await local.failure(
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
        ({"kind": "group", "members": ["ben"], "title": "\u200b\u3164"}, "title"),
        ({"kind": "group", "members": ["ben"], "title": "x" * 129}, "title"),
        ({"kind": "club", "members": ["ben"]}, "kind"),
    ],
)
async def test_what_cannot_be_started_is_explained(
    local: LocalServer, params: dict[str, object], field: str
) -> None:
    failure = await local.failure("ann", "conversation.create", **params)
    assert (failure.key, failure.params["field"]) == ("invalid_params", field)


async def test_a_title_cannot_disturb_its_surroundings(local: LocalServer) -> None:
    await local.call(
        "ann", "conversation.create", kind="group", title=" a\u202e\n🏴\U0001faea", members=["ben"]
    )
    (listed,) = (await local.call("ann", "sync", since=None))["conversations"]
    assert listed["title"] == "a 🏴\U0001faea"
    failure = await local.failure(
        "ann", "conversation.update", conversation=listed["id"], title="\u3164"
    )
    assert failure.params["field"] == "title"


async def test_a_retried_group_is_the_first_one(local: LocalServer) -> None:
    made = [
        await local.call(
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


async def test_members_are_told_in_their_own_logs(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    log = await local.call("ben", "log.read", log=local.users["ben"], after=0)
    assert [(event["kind"], event["data"]) for event in log["events"]] == [
        ("conversation.added", {"conversation": conversation})
    ]


async def test_who_is_added_sees_what_comes_after(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await local.say("ann", conversation, "before")
    added = await local.call(
        "ben", "conversation.add", conversation=conversation, members=["cleo", "ann"]
    )
    assert [one["username"] for one in added["added"]] == ["cleo"]
    await local.say("ann", conversation, "after")
    page = await local.call("cleo", "message.history", conversation=conversation)
    assert [one["text"] for one in page["messages"]] == ["after"]
    assert not page["more_before"]
    log = await local.call("cleo", "log.read", log=conversation, after=0)
    assert [event["kind"] for event in log["events"]] == ["member.joined", "message.created"]
    found = (await local.call("cleo", "sync"))["conversations"][0]
    assert (found["unread"], found["first_number"], found["member_count"]) == (1, 2, 3)


async def test_who_left_is_out_and_may_be_added_again(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    ben = local.users["ben"]
    await local.call("ben", "conversation.remove", conversation=conversation, user=ben)
    assert (await local.call("ben", "sync"))["conversations"] == []
    refused = await local.failure("ben", "message.history", conversation=conversation)
    assert refused.key == "not_found"
    await local.say("ann", conversation, "while away")
    await local.call("ann", "conversation.add", conversation=conversation, members=["ben"])
    page = await local.call("ben", "message.history", conversation=conversation)
    assert page["messages"] == []
    assert (await local.call("ben", "sync"))["conversations"][0]["unread"] == 0


async def test_only_the_creator_removes_others(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    cleo = local.users["cleo"]
    refused = await local.failure(
        "ben", "conversation.remove", conversation=conversation, user=cleo
    )
    assert refused.key == "forbidden"
    await local.call("ann", "conversation.remove", conversation=conversation, user=cleo)
    again = await local.failure("ann", "conversation.remove", conversation=conversation, user=cleo)
    assert again.key == "not_found"


async def test_nobody_is_added_to_or_leaves_a_direct_conversation(local: LocalServer) -> None:
    made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    added = await local.failure(
        "ann", "conversation.add", conversation=made["id"], members=["cleo"]
    )
    left = await local.failure(
        "ann", "conversation.remove", conversation=made["id"], user=local.users["ann"]
    )
    assert added.key == left.key == "refused"


async def test_members_come_in_pages(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    names: list[str] = []
    after = None
    while True:
        page = await local.call(
            "ann", "conversation.members", conversation=conversation, after=after, limit=2
        )
        names += [one["username"] for one in page["members"]]
        if not page["more"]:
            break
        after = page["members"][-1]["id"]
    assert sorted(names) == ["ann", "ben", "cleo"]


async def owners(local: LocalServer, conversation: str) -> set[str]:
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

    return await local.server.store.read(work)


async def leave(local: LocalServer, name: str, conversation: str) -> None:
    await local.call(name, "conversation.remove", conversation=conversation, user=local.users[name])


async def test_a_group_is_owned_by_who_made_it(local: LocalServer) -> None:
    group = await local.group("ben", "ann")
    direct = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    assert await owners(local, group) == {"ben"}
    assert await owners(local, direct["id"]) == set()


async def test_whoever_is_in_a_group_longest_owns_it_after_its_owner(local: LocalServer) -> None:
    conversation = await local.group("cleo", "ben")
    local.clock.advance(s=1)
    await local.call("ben", "conversation.add", conversation=conversation, members=["ann"])
    await leave(local, "ann", conversation)
    assert await owners(local, conversation) == {"cleo"}
    await local.call("ben", "conversation.add", conversation=conversation, members=["ann"])
    await leave(local, "cleo", conversation)
    assert await owners(local, conversation) == {"ben"}
    await leave(local, "ben", conversation)
    assert await owners(local, conversation) == {"ann"}
    await leave(local, "ann", conversation)
    assert await owners(local, conversation) == set()


async def test_nobody_whose_account_is_deactivated_comes_to_own_a_group(local: LocalServer) -> None:
    conversation = await local.group("cleo", "ann", "ben")
    of_ann = users.c.id == local.users["ann"]
    await local.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(users).where(of_ann).values(deactivated_at_ms=1)
        )
    )
    await leave(local, "cleo", conversation)
    assert await owners(local, conversation) == {"ben"}


async def test_who_made_a_group_owns_it_again_after_coming_back(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    await leave(local, "ann", conversation)
    assert await owners(local, conversation) == {"ben"}
    await local.call("cleo", "conversation.add", conversation=conversation, members=["ann"])
    assert "ann" in await owners(local, conversation)
    await leave(local, "ben", conversation)
    await local.call("ann", "conversation.add", conversation=conversation, members=["ben"])
    assert await owners(local, conversation) == {"ann"}
