"""Conversations: starting them, and who is in them."""

from __future__ import annotations

import asyncio

import pytest
from dash_messenger.conversations.memberships import hand_over_groups, is_last_owner
from dash_messenger.store import Transaction
from dash_messenger.store.tables import IS_ABOVE_MEMBERS, members, users
from fixtures.local_server import LocalServer
from fixtures.query_plans import query_plans
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
    await local.call("ben", "conversation.leave", conversation=conversation)
    assert (await local.call("ben", "sync"))["conversations"] == []
    refused = await local.failure("ben", "message.history", conversation=conversation)
    assert refused.key == "not_found"
    await local.say("ann", conversation, "while away")
    await local.call("ann", "conversation.add", conversation=conversation, members=["ben"])
    page = await local.call("ben", "message.history", conversation=conversation)
    assert page["messages"] == []
    assert (await local.call("ben", "sync"))["conversations"][0]["unread"] == 0


async def test_members_remove_nobody(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    cleo = local.users["cleo"]
    refused = await local.failure(
        "ben", "conversation.remove", conversation=conversation, user=cleo
    )
    assert refused.key == "forbidden"
    await local.call("ann", "conversation.remove", conversation=conversation, user=cleo)
    again = await local.failure("ann", "conversation.remove", conversation=conversation, user=cleo)
    assert again.key == "not_found"


async def test_who_leaves_says_so_and_hears_no_more(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    ben = local.users["ben"]
    oneself = await local.failure("ben", "conversation.remove", conversation=conversation, user=ben)
    assert (oneself.key, oneself.params["field"]) == ("invalid_params", "user")
    left = await local.call("ben", "conversation.leave", conversation=conversation)
    assert left == {"conversation": conversation}
    again = await local.failure("ben", "conversation.leave", conversation=conversation)
    assert again.key == "not_found"
    log = await local.call("ann", "log.read", log=conversation, after=0)
    last = log["events"][-1]
    assert (last["kind"], last["by"], last["data"]) == ("member.removed", ben, {"user": ben})
    own = await local.call("ben", "log.read", log=ben, after=0)
    assert own["events"][-1]["kind"] == "conversation.removed"


async def test_nobody_is_added_to_or_leaves_a_direct_conversation(local: LocalServer) -> None:
    made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    added = await local.failure(
        "ann", "conversation.add", conversation=made["id"], members=["cleo"]
    )
    left = await local.failure("ann", "conversation.leave", conversation=made["id"])
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
    await local.call(name, "conversation.leave", conversation=conversation)


async def test_a_group_is_owned_by_who_made_it(local: LocalServer) -> None:
    group = await local.group("ben", "ann")
    direct = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    assert await owners(local, group) == {"ben"}
    assert await owners(local, direct["id"]) == set()


async def set_role(local: LocalServer, by: str, conversation: str, who: str, role: str) -> None:
    params = {"conversation": conversation, "user": local.users[who], "role": role}
    assert await local.call(by, "conversation.set_role", **params) == {
        "user": local.users[who],
        "role": role,
    }


async def roles(local: LocalServer, by: str, conversation: str) -> dict[str, str]:
    """By name, of all members that ``by`` is told of."""
    page = await local.call(by, "conversation.members", conversation=conversation)
    return {one["username"]: page["roles"].get(one["id"], "member") for one in page["members"]}


async def told(local: LocalServer, by: str, conversation: str) -> list[tuple[str, str, str]]:
    """Who gave whom which role, by the log; nobody is an empty name."""
    names = {id: name for name, id in local.users.items()}
    log = await local.call(by, "log.read", log=conversation, after=0)
    return [
        (names.get(event.get("by"), ""), names[event["data"]["user"]], event["data"]["role"])
        for event in log["events"]
        if event["kind"] == "member.updated"
    ]


async def test_a_role_that_is_given_is_seen_by_all_and_gives_its_rights(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    for _ in range(2):
        await set_role(local, "ann", conversation, "ben", "admin")
    for who in ("ann", "ben", "cleo"):
        found = await roles(local, who, conversation)
        assert found == {"ann": "owner", "ben": "admin", "cleo": "member"}
        # Said twice, it is told once.
        assert await told(local, who, conversation) == [("ann", "ben", "admin")]
    rights = (await local.call("ben", "conversation.get", conversation=conversation))["rights"]
    assert "remove" in rights
    assert "set_role" not in rights
    (listed,) = (await local.call("ben", "sync"))["conversations"]
    assert listed["rights"] == rights
    await set_role(local, "ann", conversation, "ben", "member")
    rights = (await local.call("ben", "conversation.get", conversation=conversation))["rights"]
    assert "remove" not in rights


async def test_an_owner_hands_over_and_steps_down(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    step_down = {"conversation": conversation, "user": local.users["ann"], "role": "member"}
    assert (await local.failure("ann", "conversation.set_role", **step_down)).key == "last_owner"
    await set_role(local, "ann", conversation, "ben", "owner")
    assert await owners(local, conversation) == {"ann", "ben"}
    # No owner is changed by another one.
    of_ann = await local.failure("ben", "conversation.set_role", **step_down)
    remove = {"conversation": conversation, "user": local.users["ann"]}
    assert of_ann.key == (await local.failure("ben", "conversation.remove", **remove)).key
    assert of_ann.key == "forbidden"
    await local.call("ann", "conversation.set_role", **step_down)
    assert await roles(local, "cleo", conversation) == {
        "ann": "member",
        "ben": "owner",
        "cleo": "member",
    }
    assert (await local.failure("ann", "conversation.set_role", **step_down)).key == "forbidden"


async def test_of_two_owners_who_step_down_at_once_one_stays(local: LocalServer) -> None:
    for _ in range(5):
        conversation = await local.group("ann", "ben")
        await set_role(local, "ann", conversation, "ben", "owner")
        done = await asyncio.gather(
            *(
                local.call(
                    who,
                    "conversation.set_role",
                    conversation=conversation,
                    user=local.users[who],
                    role="member",
                )
                for who in ("ann", "ben")
            ),
            return_exceptions=True,
        )
        assert [getattr(one, "key", "done") for one in done].count("last_owner") == 1
        assert len(await owners(local, conversation)) == 1


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"role": "king"}, "invalid_params"),
        ({"user": "ben"}, "invalid_params"),
        ({"user": "f" * 32}, "not_found"),
        ({"conversation": "f" * 32}, "not_found"),
    ],
)
async def test_a_role_that_cannot_be_given_is_refused(
    local: LocalServer, params: dict[str, str], key: str
) -> None:
    conversation = await local.group("ann", "ben")
    asked = {"conversation": conversation, "user": local.users["ben"], "role": "admin"} | params
    assert (await local.failure("ann", "conversation.set_role", **asked)).key == key


async def test_members_of_one_role_are_listed_by_their_index(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    await set_role(local, "ann", conversation, "ben", "admin")
    for role, name in (("owner", "ann"), ("admin", "ben"), ("member", "cleo")):
        page = await local.call(
            "cleo", "conversation.members", conversation=conversation, role=role
        )
        assert [one["username"] for one in page["members"]] == [name]

    def plans(connection: Connection) -> list[str]:
        above = select(members.c.user_id).where(
            members.c.conversation_id == conversation,
            IS_ABOVE_MEMBERS,
            members.c.role == "owner",
            members.c.to_seq.is_(None),
        )
        found = query_plans(connection, lambda: connection.execute(above).all())
        found |= query_plans(
            connection, lambda: is_last_owner(connection, conversation, local.users["ann"])
        )
        return list(found.values())

    for plan in await local.server.store.read(plans):
        assert "ix_members_above (conversation_id=? AND role=? AND to_seq=?)" in plan


async def test_the_longest_serving_admin_then_member_owns_a_group_after_its_owner(
    local: LocalServer,
) -> None:
    conversation = await local.group("ann", "cleo")
    local.clock.advance(s=1)
    await local.call("ann", "conversation.add", conversation=conversation, members=["ben"])
    await set_role(local, "ann", conversation, "ben", "admin")
    await leave(local, "ann", conversation)
    assert await owners(local, conversation) == {"ben"}
    assert (await told(local, "cleo", conversation))[-1] == ("", "ben", "owner")
    await leave(local, "ben", conversation)
    assert await owners(local, conversation) == {"cleo"}
    await leave(local, "cleo", conversation)
    assert await owners(local, conversation) == set()


async def test_an_owner_who_leaves_another_one_is_followed_by_nobody(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    await set_role(local, "ann", conversation, "cleo", "owner")
    before = await told(local, "cleo", conversation)
    await leave(local, "ann", conversation)
    assert await owners(local, conversation) == {"cleo"}
    assert await told(local, "cleo", conversation) == before


async def deactivate(local: LocalServer, who: str) -> None:
    """As the command line does it."""
    user = local.users[who]

    def work(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(users).where(users.c.id == user).values(deactivated_at_ms=1)
        )
        hand_over_groups(transaction, user)

    await local.server.store.write(work)


async def test_nobody_whose_account_is_deactivated_comes_to_own_a_group(local: LocalServer) -> None:
    conversation = await local.group("cleo", "ann", "ben")
    await deactivate(local, "ann")
    assert await owners(local, conversation) == {"cleo"}
    await leave(local, "cleo", conversation)
    assert await owners(local, conversation) == {"ben"}


async def test_who_is_left_owns_a_group_whose_owner_s_account_ends(local: LocalServer) -> None:
    conversation = await local.group("cleo", "ann", "ben")
    await set_role(local, "cleo", conversation, "ben", "admin")
    alone = await local.group("cleo", "ben")
    await leave(local, "ben", alone)
    await deactivate(local, "cleo")
    # Whose account is opened again has what they had.
    assert await owners(local, conversation) == {"ben", "cleo"}
    assert await owners(local, alone) == {"cleo"}
    step_down = {"conversation": conversation, "user": local.users["ben"], "role": "member"}
    assert (await local.failure("ben", "conversation.set_role", **step_down)).key == "last_owner"


async def test_who_comes_back_is_a_member_whatever_they_were(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    await leave(local, "ann", conversation)
    assert await owners(local, conversation) == {"ben"}
    await local.call("cleo", "conversation.add", conversation=conversation, members=["ann"])
    assert await owners(local, conversation) == {"ben"}


async def test_everybody_has_one_conversation_with_themselves(local: LocalServer) -> None:
    asked = [local.call("ann", "conversation.create", kind="saved") for _ in range(3)]
    made = await asyncio.gather(*asked)
    assert sorted(one["created"] for one in made) == [False, False, True]
    [own] = {one["id"] for one in made}
    await local.say("ann", own, "to buy: tea")
    shown = (await local.call("ann", "conversation.get", conversation=own))["conversation"]
    assert (shown["kind"], shown["peer"], shown["member_count"]) == ("saved", None, 1)
    assert (shown["unread"], shown["last"]["text"]) == (0, "to buy: tea")
    assert (await local.call("ben", "conversation.create", kind="saved"))["id"] != own
    failure = await local.failure("ben", "message.history", conversation=own)
    assert failure.key == "not_found"
    others = {"kind": "saved", "members": ["ben"]}
    assert (await local.failure("ann", "conversation.create", **others)).key == "invalid_params"
    # Of two people, still exactly two.
    assert (
        await local.failure("ann", "conversation.create", kind="direct")
    ).key == "invalid_params"
