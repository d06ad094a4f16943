"""How members want their conversations in their lists: every wish, who is told, and the order."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from dash_messenger.conversations import preferences as module
from dash_messenger.conversations.preferences import MAX_PINNED
from dash_messenger.errors import Failure
from dash_messenger.store.tables import members
from fixtures.local_server import LocalServer
from fixtures.query_plans import query_plans
from sqlalchemy import update

ALWAYS = 2**53 - 1
HOUR_MS = 3_600_000
# Each wish, and what it makes of what is as for everybody: C is the number of the newest message.
WISHES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mute": ({"muted_until_ms": ALWAYS}, {"muted_until_ms": ALWAYS}),
    "mute until what is past": ({"muted_until_ms": 1}, {}),
    "mute until 0": ({"muted_until_ms": 0}, {}),
    "unmute": ({"muted_until_ms": None}, {}),
    "mentions": ({"notify": "mentions"}, {"notify": "mentions"}),
    "all": ({"notify": "all"}, {}),
    "pin": ({"pinned": True}, {"pinned_no": 1}),
    "unpin": ({"pinned": False}, {}),
    "archive": ({"archived": True}, {"archived_no": "C"}),
    "bring back": ({"archived": False}, {}),
    "mark unread": ({"marked_unread": True}, {"marked_unread": True}),
    "mark read": ({"marked_unread": False}, {}),
    "several": (
        {"muted_until_ms": ALWAYS, "archived": True, "marked_unread": True},
        {"muted_until_ms": ALWAYS, "archived_no": "C", "marked_unread": True},
    ),
    "pinned, not archived": ({"pinned": True, "archived": False}, {"pinned_no": 1}),
    "archived, not pinned": ({"archived": True, "pinned": False}, {"archived_no": "C"}),
    "nothing": ({}, {}),
}
# Whoever is in it may, as in each of these kinds.
MEMBERS = ("direct: ann", "direct: ben", "group: owner", "group: admin", "group: member")
# Whoever is not learns nothing.
OTHERS = ("group: who left", "group: who was removed", "group: a stranger", "no conversation")


async def placed(local: LocalServer, standing: str) -> tuple[str, str]:
    """Who stands so, and in which conversation; it has two messages."""
    kind, _, role = standing.partition(": ")
    if kind == "direct":
        made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
        await local.say("ann", made["id"])
        await local.say("ben", made["id"])
        return role, made["id"]
    group = await local.group("ann", "ben")
    for _ in range(2):
        await local.say("ann", group)
    if role == "who left":
        await local.call("ben", "conversation.leave", conversation=group)
    if role == "who was removed":
        await local.call("ann", "conversation.remove", conversation=group, user=local.users["ben"])
    if role == "admin":
        mine = (members.c.conversation_id == group, members.c.user_id == local.users["ben"])
        await local.server.store.write(
            lambda transaction: (
                transaction.connection.execute(
                    update(members).where(*mine).values(role="admin")
                ).rowcount
            )
        )
    # What its sender has read is stored by now, rather than between two looks.
    local.server.store._flush_positions()
    await local.server.store.write(lambda transaction: None)
    user = {"owner": "ann", "a stranger": "cleo"}.get(role, "ben")
    return user, "0" * 32 if kind == "no conversation" else group


async def own_events(local: LocalServer, name: str) -> list[dict[str, Any]]:
    page = await local.call(name, "log.read", log=local.users[name], after=0)
    events: list[dict[str, Any]] = page["events"]
    return events


async def listed(local: LocalServer, name: str, **since: str) -> dict[str, Any]:
    """The conversations of a user's list, by id."""
    page = await local.call(name, "sync", **since)
    assert not page["more"]
    return {one["id"]: one for one in page["conversations"]}


def wanted(preferences: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in preferences.items() if name != "change_no"}


@pytest.mark.parametrize("standing", MEMBERS)
@pytest.mark.parametrize("wish", WISHES)
async def test_each_wish_of_each_member_is_done_told_and_listed(
    local: LocalServer, wish: str, standing: str
) -> None:
    params, expected = WISHES[wish]
    user, conversation = await placed(local, standing)
    expected = {name: 2 if value == "C" else value for name, value in expected.items()}
    others = [name for name in ("ann", "ben", "cleo") if name != user]
    before = {name: (await own_events(local, name), await listed(local, name)) for name in others}
    events = await own_events(local, user)
    plain = (await listed(local, user))[conversation]
    assert "preferences" not in plain
    token = (await local.call(user, "sync"))["since"]

    answer = await local.call(user, "conversation.set", conversation=conversation, **params)
    assert answer["conversation"] == conversation
    assert wanted(answer["preferences"]) == expected
    new = (await own_events(local, user))[len(events) :]
    assert [event["kind"] for event in new] == ["preferences.updated"] * bool(expected)
    for event in new:
        assert event["data"] == answer
    now = (await listed(local, user))[conversation]
    assert now == (plain | {"preferences": answer["preferences"]} if expected else plain)
    # Who was away finds it, too, and nothing else.
    assert (await listed(local, user, since=token)) == ({conversation: now} if expected else {})
    got = await local.call(user, "conversation.get", conversation=conversation)
    assert got["conversation"] == now
    # A wish may be repeated.
    assert await local.call(user, "conversation.set", conversation=conversation, **params) == answer
    assert (await own_events(local, user))[len(events) :] == new
    # Nobody else sees any of it.
    for name in others:
        assert (await own_events(local, name), await listed(local, name)) == before[name]


@pytest.mark.parametrize("standing", OTHERS)
@pytest.mark.parametrize("wish", WISHES)
async def test_nobody_else_has_a_wish(local: LocalServer, wish: str, standing: str) -> None:
    user, conversation = await placed(local, standing)
    before = await own_events(local, user)
    failure = await local.failure(
        user, "conversation.set", conversation=conversation, **WISHES[wish][0]
    )
    assert failure.key == "not_found"
    assert await own_events(local, user) == before


@pytest.mark.parametrize("first", WISHES)
async def test_what_is_not_named_stays_but_nothing_is_pinned_and_archived(
    local: LocalServer, first: str
) -> None:
    names = {"pinned": "pinned_no", "archived": "archived_no"}
    against = {"pinned": "archived_no", "archived": "pinned_no"}
    for then in WISHES:
        conversation = await local.group("ann", "ben")
        await local.say("ann", conversation)
        expected: dict[str, Any] = {}
        answer: Any = None
        for wish in (first, then):
            params, alone = WISHES[wish]
            alone = {name: 1 if value == "C" else value for name, value in alone.items()}
            for name in params:
                expected.pop(names.get(name, name), None)
                if params[name] is True:
                    expected.pop(against.get(name, ""), None)
            expected |= alone
            answer = await local.call(
                "ben", "conversation.set", conversation=conversation, **params
            )
        assert wanted(answer["preferences"]) == expected, then
        # So that the next one is the only one.
        await local.call("ben", "conversation.set", conversation=conversation, pinned=False)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"muted_until_ms": -1}, "muted_until_ms"),
        ({"muted_until_ms": 2**53}, "muted_until_ms"),
        ({"muted_until_ms": "1"}, "muted_until_ms"),
        ({"muted_until_ms": 1.5}, "muted_until_ms"),
        ({"muted_until_ms": True}, "muted_until_ms"),
        ({"notify": "none"}, "notify"),
        ({"notify": None}, "notify"),
        ({"pinned": None}, "pinned"),
        ({"pinned": 1}, "pinned"),
        ({"archived": "yes"}, "archived"),
        ({"marked_unread": None}, "marked_unread"),
        ({"pinned": True, "archived": True}, "archived"),
        ({"above": "0" * 32}, "above"),
        ({"above": "x"}, "above"),
        ({"above": "THIS"}, "above"),
        ({"above": "0" * 32, "pinned": False}, "above"),
        ({"above": "0" * 32, "archived": True}, "archived"),
        ({"unread": True}, "unread"),
    ],
)
async def test_what_cannot_be_wished_is_explained(
    local: LocalServer, params: dict[str, Any], field: str
) -> None:
    conversation = await local.group("ann", "ben")
    params = {name: conversation if value == "THIS" else value for name, value in params.items()}
    failure = await local.failure("ben", "conversation.set", conversation=conversation, **params)
    assert (failure.key, failure.params["field"]) == ("invalid_params", field)
    assert "preferences" not in (await listed(local, "ben"))[conversation]


def on_top(found: dict[str, Any]) -> list[str]:
    """The pinned ones of a list, the highest first."""
    pinned = {
        id: number
        for id, one in found.items()
        if (number := one.get("preferences", {}).get("pinned_no")) is not None
    }
    assert len(set(pinned.values())) == len(pinned)
    return sorted(pinned, key=lambda id: -pinned[id])


async def test_what_is_pinned_stands_where_it_was_put(local: LocalServer) -> None:
    a, b, c, d = [await local.group("ann", "ben") for _ in range(4)]

    async def put(conversation: str, **where: object) -> list[str]:
        await local.call("ann", "conversation.set", conversation=conversation, **where)
        return on_top(await listed(local, "ann"))

    for one in (a, b, c):
        await put(one, pinned=True)
    assert on_top(await listed(local, "ann")) == [c, b, a]
    # Pinned already: it stays where it is.
    assert await put(a, pinned=True) == [c, b, a]
    assert await put(a, above=c) == [a, c, b]
    assert await put(a, above=b) == [c, a, b]
    assert await put(c, pinned=True, above=b) == [a, c, b]
    assert await put(d, above=b) == [a, c, d, b]
    assert await put(c, pinned=False) == [a, d, b]
    assert await put(d, archived=True) == [a, b]
    assert (await local.failure("ann", "conversation.set", conversation=a, above=d)).params[
        "field"
    ] == "above"
    # Each has an order of their own.
    assert on_top(await listed(local, "ben")) == []


async def test_at_most_twenty_are_pinned(local: LocalServer) -> None:
    made = [await local.group("ann", "ben") for _ in range(MAX_PINNED + 2)]
    answers = await asyncio.gather(
        *(local.call("ann", "conversation.set", conversation=id, pinned=True) for id in made),
        return_exceptions=True,
    )
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    assert [(failure.key, failure.code) for failure in failures] == [("too_many_pins", 1100)] * 2
    assert failures[0].params == {"limit": MAX_PINNED}
    pinned = on_top(await listed(local, "ann"))
    assert len(pinned) == MAX_PINNED
    left = next(id for id in made if id not in pinned)
    for wish in ({"pinned": True}, {"above": pinned[3]}):
        failure = await local.failure("ann", "conversation.set", conversation=left, **wish)
        assert failure.key == "too_many_pins"
    # Those that there are still move, stay, and make room: also where one is in them no longer.
    await local.call("ann", "conversation.set", conversation=pinned[-1], above=pinned[0])
    assert on_top(await listed(local, "ann")) == [pinned[-1], *pinned[:-1]]
    await local.call("ann", "conversation.leave", conversation=pinned[0])
    await local.call("ann", "conversation.set", conversation=left, pinned=True)
    assert on_top(await listed(local, "ann"))[0] == left


async def test_a_message_brings_back_what_is_archived_unless_it_is_muted(
    local: LocalServer,
) -> None:
    """By numbers that are told: sending writes nothing to anybody's preferences."""
    conversation = await local.group("ann", "ben")

    async def archive(**more: object) -> int:
        answer = await local.call(
            "ben", "conversation.set", conversation=conversation, archived=True, **more
        )
        number: int = answer["preferences"]["archived_no"]
        return number

    assert await archive() == 0
    await local.say("ann", conversation)
    # It is back, so that it can be archived again, and muting it leaves it where it is.
    muted = await local.call(
        "ben", "conversation.set", conversation=conversation, muted_until_ms=ALWAYS
    )
    assert wanted(muted["preferences"]) == {"muted_until_ms": ALWAYS}
    assert await archive(muted_until_ms=local.clock.now_ms + HOUR_MS) == 1
    await local.say("ann", conversation)
    # Muted, it never came back; when the mute ends it is there.
    assert await archive() == 1
    local.clock.advance(s=3_600)
    assert await archive() == 2
    await local.call("ben", "conversation.set", conversation=conversation, notify="mentions")
    await local.say("ann", conversation)
    assert await archive() == 2
    unmuted = await local.call(
        "ben", "conversation.set", conversation=conversation, muted_until_ms=None, notify="all"
    )
    again = await local.call(
        "ben", "conversation.set", conversation=conversation, notify="mentions"
    )
    assert wanted(unmuted["preferences"]) == {"archived_no": 2}
    assert wanted(again["preferences"]) == {"notify": "mentions"}


async def test_who_comes_back_to_a_group_finds_it_in_the_list_and_as_quiet(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben")
    other = await local.group("ann", "ben")
    await local.call(
        "ben", "conversation.set", conversation=group, muted_until_ms=ALWAYS, archived=True
    )
    await local.call("ben", "conversation.set", conversation=other, pinned=True)
    old = (await own_events(local, "ben"))[-2]["data"]["preferences"]
    for id in (group, other):
        await local.call("ann", "conversation.remove", conversation=id, user=local.users["ben"])
        await local.call("ann", "conversation.add", conversation=id, members=["ben"])
    now = await listed(local, "ben")
    assert wanted(now[group]["preferences"]) == {"muted_until_ms": ALWAYS}
    assert wanted(now[other]["preferences"]) == {}
    # What the log says of before counts for less.
    assert now[group]["preferences"]["change_no"] > old["change_no"]


async def test_pins_are_found_by_an_index(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await local.call("ann", "conversation.set", conversation=conversation, pinned=True)
    user = local.users["ann"]
    plans = await local.server.store.read(
        lambda connection: query_plans(
            connection, lambda: module._place(connection, user, conversation, None)
        )
    )
    (plan,) = plans.values()
    assert "USING INDEX ix_members_pinned (user_id=?" in plan
    assert "SCAN" not in plan


class Listener:
    """Goes by one list and the events after it, as the documentation says."""

    def __init__(self) -> None:
        self.preferences: dict[str, dict[str, Any]] = {}
        self.seq = 0

    def read(self, page: dict[str, Any]) -> None:
        for one in page["conversations"]:
            self._take(one["id"], one.get("preferences", {"change_no": 0}))

    def hear(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            self.seq = event["seq"]
            if event["kind"] == "preferences.updated":
                self._take(event["data"]["conversation"], event["data"]["preferences"])

    def _take(self, conversation: str, preferences: dict[str, Any]) -> None:
        known = self.preferences.get(conversation, {"change_no": 0})
        if preferences["change_no"] >= known["change_no"]:
            self.preferences[conversation] = preferences


@pytest.mark.parametrize("seed", range(8))
async def test_lists_and_events_in_any_order_agree_with_a_new_list(
    local: LocalServer, seed: int
) -> None:
    chance = random.Random(seed)
    made = [await local.group("ann", "ben") for _ in range(5)]
    since, user = "", local.users["ann"]
    by_events, by_lists = Listener(), Listener()
    old: list[dict[str, Any]] = []
    for _ in range(60):
        wish = dict(chance.choice([*WISHES.values()])[0])
        conversation = chance.choice(made)
        pinned = on_top(await listed(local, "ann"))
        if wish.get("pinned") and pinned:
            wish["above"] = chance.choice(pinned)
        if wish.get("above") != conversation:
            await local.call("ann", "conversation.set", conversation=conversation, **wish)
        if chance.random() < 0.3:
            await local.say("ben", chance.choice(made))
        if chance.random() < 0.3:
            page = await local.call("ann", "sync", **({"since": since} if since else {}))
            since = page["since"]
            by_lists.read(page)
            old.append(page)
        if chance.random() < 0.3:
            page = await local.call("ann", "log.read", log=user, after=by_events.seq)
            by_events.hear(page["events"])
            if old:
                # An answer that is late says nothing that was not heard.
                by_events.read(chance.choice(old))
    page = await local.call("ann", "log.read", log=user, after=by_events.seq)
    by_events.hear(page["events"])
    by_lists.read(await local.call("ann", "sync", since=since))
    fresh = Listener()
    fresh.read(await local.call("ann", "sync"))
    default = {id: {"change_no": 0} for id in made}
    assert default | by_events.preferences == fresh.preferences
    assert default | by_lists.preferences == fresh.preferences
