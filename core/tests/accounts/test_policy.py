"""What people let each other do: every command that asks, starts, adds or shows somebody asks."""

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
    refusing.refused = {Wish.START, Wish.REQUEST}
    new: dict[str, Any] = {"kind": "direct", "members": ["ben"]}
    assert (await local.failure("ann", "conversation.create", **new)).key == "messages_not_accepted"
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
    assert failure.key == "adding_not_allowed"
    assert failure.params == {"user": local.users["ben"], "display_name": "ben"}
    assert await count_conversations(local) == 0
    conversation = await local.group("ann", "cleo")
    add: dict[str, Any] = {"conversation": conversation, "members": ["ben"]}
    failure = await local.failure("cleo", "conversation.add", **add)
    assert failure.key == "adding_not_allowed"
    page = await local.call("ann", "conversation.members", conversation=conversation)
    assert {one["username"] for one in page["members"]} == {"ann", "cleo"}
    # Who is in it already is not asked again.
    refusing.refused = set()
    await local.call("cleo", "conversation.add", **add)
    refusing.refused = {Wish.ADD}
    assert (await local.call("cleo", "conversation.add", **add))["added"] == []


async def test_nobody_is_asked_who_does_not_want_it(local: LocalServer, refusing: Refusing) -> None:
    refusing.refused = {Wish.CONTACT}
    # As of one who declined: the one who asks sees no difference.
    asked = await local.call("ann", "contact.request", user="ben")
    assert asked["contact"]["state"] == "sent"
    assert (await local.call("ben", "contact.list", state="received"))["contacts"] == []
    assert (await local.call("ben", "log.read", log=local.users["ben"], after=0))["events"] == []
    assert (await local.call("ann", "contact.request", user="cleo"))["contact"]
    # Whoever asks wants it.
    await local.call("ben", "contact.request", user="ann")
    answer = await local.call("ann", "contact.request", user="ben")
    assert answer["contact"]["state"] == "contact"


async def test_a_photo_is_shown_only_to_whom_its_owner_shows_it(
    local: LocalServer, refusing: Refusing
) -> None:
    conversation = await local.group("ann", "ben")
    message = (await local.say("ben", conversation))["id"]
    await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    await local.call("ann", "contact.request", user="ben")
    await local.call("ben", "contact.accept", user="ann")
    code = (await local.call("ben", "contact.code_create", client_id="1" * 32))["code"]
    of_ben = users.c.id == local.users["ben"]
    await local.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(users).where(of_ben).values(photo=PHOTO)
        )
    )
    showing: list[tuple[str, dict[str, Any]]] = [
        ("user.get", {"users": ["ben"]}),
        ("user.search", {"query": "ben"}),
        ("contact.list", {}),
        ("contact.code_open", {"code": code}),
        *((f"contact.{wish}", {"user": "ben"}) for wish in ("request", "accept", "decline")),
        ("contact.label", {"user": "ben", "label": "Pal"}),
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
    own = await local.call("ann", "log.read", log=local.users["ann"], after=0)
    assert PHOTO not in json.dumps(own)
    assert PHOTO in json.dumps(await local.call("ben", "user.get", users=["ben"]))
    group = await local.group("ann", "cleo")
    added = await local.call("ann", "conversation.add", conversation=group, members=["ben"])
    assert PHOTO not in json.dumps(added)
