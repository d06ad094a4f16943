"""What people let each other do: every command that starts, adds or shows asks."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pytest
from dash_messenger.accounts import policy
from dash_messenger.accounts.policy import Wish
from dash_messenger.store.tables import conversations, users
from fixtures.local_server import LocalServer
from sqlalchemy import Connection, func, select, update

PHOTO = "f" * 32


class Refusing:
    """Ben refuses some wishes of everybody's."""

    def __init__(self, local: LocalServer) -> None:
        self.ben = local.users["ben"]
        self.refused: set[Wish] = set()
        self.asked: list[tuple[Wish, str]] = []

    def who_allow(
        self, connection: Connection, wish: Wish, user: str, people: Collection[str]
    ) -> Collection[str]:
        self.asked.append((wish, user))
        return [one for one in people if one != self.ben or wish not in self.refused]


@pytest.fixture
def refusing(local: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Refusing:
    refusing = Refusing(local)
    monkeypatch.setattr(policy, "who_allow", refusing.who_allow)
    return refusing


async def count_conversations(local: LocalServer) -> int:
    query = select(func.count()).select_from(conversations)
    count: int = await local.server.store.read(
        lambda connection: connection.execute(query).scalar_one()
    )
    return count


async def test_nobody_is_written_to_who_does_not_want_it(
    local: LocalServer, refusing: Refusing
) -> None:
    refusing.refused = {Wish.START}
    new: dict[str, Any] = {"kind": "direct", "members": ["ben"]}
    assert (await local.failure("ann", "conversation.create", **new)).key == "forbidden"
    assert await count_conversations(local) == 0
    assert (await local.call("ann", "conversation.create", **{**new, "members": ["cleo"]}))["id"]
    # What there is already is found.
    made = await local.call("ben", "conversation.create", kind="direct", members=["ann"])
    assert (await local.call("ann", "conversation.create", **new))["id"] == made["id"]


async def test_nobody_is_added_who_does_not_want_it(local: LocalServer, refusing: Refusing) -> None:
    refusing.refused = {Wish.ADD}
    failure = await local.failure(
        "ann", "conversation.create", kind="group", title="Tea", members=["ben"]
    )
    assert failure.key == "forbidden"
    assert await count_conversations(local) == 0
    conversation = await local.group("ann", "cleo")
    add: dict[str, Any] = {"conversation": conversation, "members": ["ben"]}
    assert (await local.failure("cleo", "conversation.add", **add)).key == "forbidden"
    page = await local.call("ann", "conversation.members", conversation=conversation)
    assert {one["username"] for one in page["members"]} == {"ann", "cleo"}
    # Who is in it already is not asked again.
    refusing.refused = set()
    await local.call("cleo", "conversation.add", **add)
    refusing.refused = {Wish.ADD}
    assert (await local.call("cleo", "conversation.add", **add))["added"] == []


async def test_a_photo_is_shown_only_to_whom_its_owner_shows_it(
    local: LocalServer, refusing: Refusing
) -> None:
    conversation = await local.group("ann", "ben")
    message = (await local.say("ben", conversation))["id"]
    await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    of_ben = users.c.id == local.users["ben"]
    await local.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(users).where(of_ben).values(photo=PHOTO)
        )
    )
    showing: list[tuple[str, dict[str, Any]]] = [
        ("user.get", {"users": ["ben"]}),
        ("sync", {}),
        ("conversation.get", {"conversation": conversation}),
        ("conversation.members", {"conversation": conversation}),
        ("conversation.update", {"conversation": conversation, "title": "Tea"}),
        ("conversation.create", {"kind": "direct", "members": ["ben"]}),
        ("message.history", {"conversation": conversation}),
        ("message.get", {"messages": [message]}),
    ]
    for command, params in showing:
        refusing.refused = set()
        assert PHOTO in json.dumps(await local.call("ann", command, **params)), command
        refusing.refused = {Wish.SEE_PHOTO}
        assert PHOTO not in json.dumps(await local.call("ann", command, **params)), command
    assert PHOTO in json.dumps(await local.call("ben", "user.get", users=["ben"]))
    group = await local.group("ann", "cleo")
    added = await local.call("ann", "conversation.add", conversation=group, members=["ben"])
    assert PHOTO not in json.dumps(added)


async def test_today_everybody_allows_everything(local: LocalServer) -> None:
    people = [*local.users.values()]

    def work(connection: Connection) -> list[Collection[str]]:
        return [policy.who_allow(connection, wish, people[0], people) for wish in Wish]

    assert await local.server.store.read(work) == [people] * len(Wish)
