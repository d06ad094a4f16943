"""Bans: who is banned is out of a group, and comes back only once that is lifted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from dash_messenger.errors import Failure
from dash_messenger.store.tables import bans, members
from fixtures.local_server import LocalServer
from fixtures.query_plans import query_plans
from sqlalchemy import Connection, select


async def ban(local: LocalServer, by: str, conversation: str, who: str) -> Any:
    user = local.users[who]
    return await local.call(by, "conversation.ban", conversation=conversation, user=user)


async def unban(local: LocalServer, by: str, conversation: str, who: str) -> Any:
    user = local.users[who]
    return await local.call(by, "conversation.unban", conversation=conversation, user=user)


async def add(local: LocalServer, by: str, conversation: str, *who: str) -> None:
    await local.call(by, "conversation.add", conversation=conversation, members=list(who))


async def banned(local: LocalServer, by: str, conversation: str) -> list[str]:
    found = await local.call(by, "conversation.banned", conversation=conversation)
    return [one["user"]["username"] for one in found["banned"]]


async def told(local: LocalServer, by: str, conversation: str) -> list[tuple[str, Any]]:
    """What the log says of members since the group began."""
    log = await local.call(by, "log.read", log=conversation, after=0)
    return [
        (event["kind"], event["data"].get("on"))
        for event in log["events"]
        if event["kind"] in ("member.removed", "member.banned")
    ]


async def test_who_is_banned_is_out_and_cannot_be_added(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    for _ in range(2):
        found = await ban(local, "ann", conversation, "cleo")
        assert found == {"user": local.users["cleo"], "banned": True}
    assert (await local.call("cleo", "sync"))["conversations"] == []
    assert await told(local, "ben", conversation) == [
        ("member.removed", None),
        ("member.banned", True),
    ]
    for by in ("ann", "ben"):
        failure = await local.failure(
            by, "conversation.add", conversation=conversation, members=["cleo"]
        )
        assert failure.key == "user_banned"
        assert failure.message == "cleo is banned from this group."
    (one,) = (await local.call("ann", "conversation.banned", conversation=conversation))["banned"]
    assert (one["user"]["username"], one["by"]) == ("cleo", local.users["ann"])
    for _ in range(2):
        found = await unban(local, "ann", conversation, "cleo")
        assert found == {"user": local.users["cleo"], "banned": False}
    assert await banned(local, "ann", conversation) == []
    assert (await told(local, "ben", conversation))[2:] == [("member.banned", False)]
    await add(local, "ben", conversation, "cleo")
    assert (await local.call("cleo", "sync"))["conversations"][0]["id"] == conversation


async def test_nobody_is_added_where_one_of_them_is_banned(local: LocalServer) -> None:
    await local.add("dan")
    conversation = await local.group("ann", "ben")
    await ban(local, "ann", conversation, "cleo")
    failure = await local.failure(
        "ben", "conversation.add", conversation=conversation, members=["dan", "cleo"]
    )
    assert failure.key == "user_banned"
    page = await local.call("ann", "conversation.members", conversation=conversation)
    assert len(page["members"]) == 2


async def test_somebody_who_was_never_in_it_is_banned(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await ban(local, "ann", conversation, "cleo")
    assert await told(local, "ann", conversation) == [("member.banned", True)]
    own = await local.call("cleo", "log.read", log=local.users["cleo"], after=0)
    assert own["events"] == []
    # It is of that group alone.
    await local.group("ben", "cleo")


@pytest.mark.parametrize(
    ("user", "key"), [("ann", "invalid_params"), ("f" * 32, "not_found"), ("x", "invalid_params")]
)
async def test_who_cannot_be_banned_is_refused(local: LocalServer, user: str, key: str) -> None:
    conversation = await local.group("ann", "ben")
    params = {"conversation": conversation, "user": local.users.get(user, user)}
    assert (await local.failure("ann", "conversation.ban", **params)).key == key


async def test_members_neither_ban_nor_see_who_is(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    about = {"conversation": conversation, "user": local.users["cleo"]}
    for command, params in (
        ("conversation.ban", about),
        ("conversation.unban", about),
        ("conversation.banned", {"conversation": conversation}),
    ):
        assert (await local.failure("ben", command, **params)).key == "forbidden"


async def test_the_banned_come_in_pages(local: LocalServer) -> None:
    await local.add("dan", "eve")
    conversation = await local.group("ann", "ben")
    for who in ("cleo", "dan", "eve"):
        await ban(local, "ann", conversation, who)
    names: list[str] = []
    after = None
    while True:
        page = await local.call(
            "ann", "conversation.banned", conversation=conversation, after=after, limit=2
        )
        names += [one["user"]["username"] for one in page["banned"]]
        if not page["more"]:
            break
        after = page["banned"][-1]["user"]["id"]
    assert sorted(names) == ["cleo", "dan", "eve"]


async def test_a_banned_owner_is_followed(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    await local.server.store.write(
        lambda transaction: transaction.connection.exec_driver_sql(
            "UPDATE users SET role = 'admin' WHERE username = 'cleo'"
        )
    )
    await ban(local, "cleo", conversation, "ann")
    page = await local.call("ben", "conversation.members", conversation=conversation)
    assert [*page["roles"].values()] == ["owner"]


async def test_nobody_is_a_member_and_banned_whatever_happens_at_once(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")

    def both(connection: Connection) -> list[Any]:
        found = (
            select(members.c.user_id)
            .join(
                bans,
                (bans.c.user_id == members.c.user_id)
                & (bans.c.conversation_id == members.c.conversation_id),
            )
            .where(members.c.to_seq.is_(None))
        )
        return [*connection.execute(found)]

    async def attempt(work: Any) -> str:
        try:
            await work
        except Failure as failure:
            return failure.key
        return "done"

    for _ in range(10):
        ways = [
            add(local, "ben", conversation, "cleo"),
            ban(local, "ann", conversation, "cleo"),
            add(local, "ann", conversation, "cleo"),
        ]
        done = await asyncio.gather(*map(attempt, ways))
        assert done[1] == "done"
        assert {done[0], done[2]} <= {"done", "user_banned"}
        assert await local.server.store.read(both) == []
        assert await banned(local, "ann", conversation) == ["cleo"]
        await unban(local, "ann", conversation, "cleo")


async def test_bans_are_found_by_their_key(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")

    def plans(connection: Connection) -> list[str]:
        one = select(bans.c.user_id).where(
            bans.c.conversation_id == conversation, bans.c.user_id == local.users["ben"]
        )
        return list(query_plans(connection, lambda: connection.execute(one).first()).values())

    assert await local.server.store.read(plans) == [
        "SEARCH bans USING PRIMARY KEY (conversation_id=? AND user_id=?)"
    ]
