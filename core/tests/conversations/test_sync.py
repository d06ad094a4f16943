"""Coming back: the list of conversations, and the logs."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import sqlalchemy
from dash_messenger.conversations.summaries import summaries
from dash_messenger.conversations.sync import (
    ConversationSync,
    SyncParams,
    _look,
    _snapshot,
    _Token,
)
from dash_messenger.errors import Failure, Resync
from dash_messenger.protocol.events import ConversationUpdated, Event, MemberRemoved
from dash_messenger.server.limits import Limits
from dash_messenger.store import StoreLimits
from dash_messenger.store.logs import MAX_BEHIND
from dash_messenger.store.tables import conversations
from fixtures.local_server import LocalServer
from fixtures.query_plans import query_plans
from sqlalchemy import update


async def pages(local: LocalServer, by: str, since: str | None, limit: int) -> list[Any]:
    found: list[Any] = []
    while True:
        page = await local.call(by, "sync", since=since, limit=limit)
        found.append(page)
        since = page["since"]
        if not page["more"]:
            return found


async def test_everything_comes_newest_first_in_pages(local: LocalServer) -> None:
    made = [await local.group("ann", "ben") for _ in range(7)]
    await local.say("ann", made[2])
    found = await pages(local, "ben", None, 3)
    ids = [one["id"] for page in found for one in page["conversations"]]
    assert [len(page["conversations"]) for page in found] == [3, 3, 1]
    assert ids == [made[2], *(one for one in reversed(made) if one != made[2])]


async def test_later_only_what_changed_comes(local: LocalServer) -> None:
    made = [await local.group("ann", "ben") for _ in range(3)]
    since = (await local.call("ben", "sync"))["since"]
    assert (await local.call("ben", "sync", since=since))["conversations"] == []
    await local.say("ann", made[0])
    changed = (await local.call("ben", "sync", since=since))["conversations"]
    assert [one["id"] for one in changed] == [made[0]]


async def test_what_changes_between_pages_is_not_lost(local: LocalServer) -> None:
    made = [await local.group("ann", "ben") for _ in range(4)]
    first = await local.call("ben", "sync", limit=2)
    await local.say("ann", made[0])
    rest = await pages(local, "ben", first["since"], 2)
    later = await local.call("ben", "sync", since=rest[-1]["since"])
    seen = {one["id"] for page in [first, *rest, later] for one in page["conversations"]}
    assert seen == set(made)


async def test_unread_counts_what_others_wrote(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    for by in ("ann", "ann", "ben", "ben", "ben"):
        await local.say(by, conversation)
    found = (await local.call("ann", "sync"))["conversations"][0]
    assert (found["message_no"], found["read_no"], found["unread"]) == (5, 2, 3)
    assert found["last"]["number"] == 5


async def test_the_list_says_that_the_last_message_was_deleted(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    sent = await local.say("ann", conversation)
    last = (await local.call("ben", "sync"))["conversations"][0]["last"]
    assert (last["text"], "deleted_at_ms" in last) == ("hello", False)
    await local.call("ann", "message.delete", message=sent["id"])
    last = (await local.call("ben", "sync"))["conversations"][0]["last"]
    assert (last["text"], last["deleted_at_ms"]) == (None, local.clock.now_ms)


async def in_list_order(local: LocalServer, by: str) -> list[str]:
    found = (await local.call(by, "sync"))["conversations"]
    return [one["id"] for one in sorted(found, key=lambda one: one["order_no"], reverse=True)]


async def test_the_list_is_in_the_order_of_the_server_not_of_its_clock(local: LocalServer) -> None:
    made = [await local.group("ann", "ben") for _ in range(3)]
    now_ms = local.clock.now_ms
    local.clock.now_ms = now_ms + 86_400_000
    await local.say("ann", made[0])
    local.clock.now_ms = now_ms
    assert await in_list_order(local, "ben") == [made[0], made[2], made[1]]
    sent = await local.say("ann", made[1])
    assert await in_list_order(local, "ben") == [made[1], made[0], made[2]]
    # What changes without anything being said moves nothing.
    first = (await local.call("ben", "message.history", conversation=made[0]))["messages"][0]
    await local.call("ben", "message.react", message=first["id"], emoji="👍")
    await local.call("ann", "message.delete", message=sent["id"])
    await local.call("ann", "conversation.add", conversation=made[2], members=["cleo"])
    await local.call("ann", "conversation.update", conversation=made[2], title="Other")
    assert await in_list_order(local, "ben") == [made[1], made[0], made[2]]
    new = await local.group("ann", "ben")
    assert await in_list_order(local, "ben") == [new, made[1], made[0], made[2]]


async def test_who_is_added_has_the_group_on_top_whatever_was_said_before(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben")
    await local.say("ann", group)
    other = await local.group("ann", "cleo")
    await local.call("ann", "conversation.add", conversation=group, members=["cleo"])
    assert await in_list_order(local, "cleo") == [group, other]
    assert await in_list_order(local, "ann") == [other, group]
    await local.say("ann", other)
    assert await in_list_order(local, "cleo") == [other, group]


async def test_the_place_in_the_list_is_found_by_an_index_alone(local: LocalServer) -> None:
    await local.group("ann", "ben")

    def plan(connection: sqlalchemy.Connection) -> str:
        user = local.users["ben"]
        plans = query_plans(connection, lambda: summaries(connection, user, pending=lambda *_: 0))
        return next(plan for text, plan in plans.items() if "order_no" in text)

    found = await local.server.store.read(plan)
    assert "events USING COVERING INDEX sqlite_autoindex_events_1 (log_id=? AND seq>?)" in found
    assert "SCAN events" not in found


async def test_a_token_of_another_life_gives_everything(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    page = await local.call("ann", "sync", since="another.5")
    assert [one["id"] for one in page["conversations"]] == [conversation]


@pytest.mark.parametrize("tail", ["", "x", "1.2", "1.2.3", "1.2.3.z", "1.2.3.4.5"])
async def test_a_malformed_token_is_explained(local: LocalServer, tail: str) -> None:
    failure = await local.failure("ann", "sync", since=f"{local.server.store.epoch}.{tail}")
    assert failure.params["field"] == "since"


async def test_nobody_reads_another_users_log(local: LocalServer) -> None:
    failure = await local.failure("ann", "log.read", log=local.users["ben"], after=0)
    assert failure.key == "not_found"


async def test_a_log_is_read_in_pages_without_a_gap(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    for _ in range(5):
        await local.say("ann", conversation)
    after, seqs = 0, []
    while True:
        page = await local.call("ben", "log.read", log=conversation, after=after, limit=3)
        assert page["after"] == after
        seqs += [event["seq"] for event in page["events"]]
        after = page["seq"]
        if after == page["newest"]:
            break
    assert seqs == list(range(1, 9))


async def test_a_cursor_beyond_the_end_or_of_another_epoch_must_resync(
    local: LocalServer,
) -> None:
    conversation = await local.group("ann", "ben")
    for params in ({"after": 99}, {"after": 0, "epoch": "another"}):
        assert isinstance(
            await local.failure("ann", "log.read", log=conversation, **params), Resync
        )
    await local.server.store.write(
        lambda transaction: (
            transaction.connection.execute(
                update(conversations).values(seq=MAX_BEHIND + 1)
            ).rowcount
        )
    )
    assert isinstance(await local.failure("ann", "log.read", log=conversation, after=0), Resync)


class Connection:
    view: str | None = None

    async def drained(self) -> None:
        """All was taken."""


class Subscriptions:
    def __init__(self) -> None:
        self.given: list[list[str]] = []

    def subscribe(self, connection: Any, conversations: Any, first_numbers: Any) -> None:
        self.given.append(list(conversations))

    def tell_drawn(self, reader: Any, message: Any, view: str, drawing: Any) -> None:
        raise AssertionError("nothing is drawn here")


async def test_a_removal_while_subscribing_is_not_undone(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    subscriptions = Subscriptions()
    store = local.server.store
    syncing = ConversationSync(store, subscriptions, local.server.installed.renderer)
    read = store.read_changes
    removed = False

    async def read_then_remove(work: Any) -> Any:
        nonlocal removed
        result = await read(work)
        if not removed:
            removed = True
            await local.call(
                "ann", "conversation.remove", conversation=conversation, user=local.users["ben"]
            )
            syncing.hear([_removed(conversation, local.users["ben"])])
        return result

    store.read_changes = read_then_remove  # type: ignore[method-assign]
    await syncing._subscribe(local.users["ben"], Connection(), _Token())
    assert subscriptions.given == [[]]


async def test_removals_of_others_while_subscribing_make_no_second_read(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    syncing, subscriptions, reads = reading(local)

    async def remove() -> None:
        syncing.hear([_removed(conversation, local.users["ann"])])

    reads.after_first = remove
    await syncing._subscribe(local.users["ben"], Connection(), _Token())
    assert (len(reads), subscriptions.given) == (1, [[conversation]])


async def test_nothing_new_is_told_as_the_whole_snapshot_tells_it(local: LocalServer) -> None:
    """After each of many random changes, for everybody and from every moment before."""
    dice = random.Random(11)
    store = local.server.store
    names = list(local.users)
    made: list[str] = [await local.group("ann", "ben", "cleo")]
    quick, moments = 0, [1]

    def compare(reader: Any) -> list[bool]:
        same = []
        pending = store.pending_positions()
        for user in local.users.values():
            for moment in moments:
                since = _Token(moment)
                whole = _snapshot(reader, user, since, 100, pending)
                present, found = _look(reader, user, since)
                assert found == (None if whole.conversations else whole)
                everything = _snapshot(reader, user, _Token(), 100, pending)
                assert present == {one.id: one.first_number for one in everything.conversations}
                same.append(found is not None)
        return same

    for _ in range(40):
        by, conversation = dice.choice(names), dice.choice(made)
        match dice.randrange(7):
            case 0:
                made.append(await local.group(by, *(name for name in names if name != by)))
            case 1:
                with contextlib.suppress(Failure):
                    await local.call(
                        "ann", "conversation.remove", conversation=conversation,
                        user=local.users[dice.choice(["ben", "cleo"])],
                    )  # fmt: skip
            case 2:
                with contextlib.suppress(Failure):
                    await local.call(
                        by, "conversation.add", conversation=conversation,
                        members=[local.users[dice.choice(names)]],
                    )  # fmt: skip
            case 3:
                store.advance_read(conversation, local.users[by], dice.randrange(1, 9))
                store._flush_positions()
            case 4:
                with contextlib.suppress(Failure):
                    await local.call(
                        by, "conversation.set", conversation=conversation,
                        pinned=dice.random() < 0.5,
                    )  # fmt: skip
            case _:
                with contextlib.suppress(Failure):
                    await local.say(by, conversation)
        own = await store.read_changes(lambda reader: reader.own_row(local.users["ann"]))
        moments.append(own.newest_change_no)
        moments = dice.sample(sorted(set(moments)), min(4, len(set(moments))))
        quick += sum(await store.read_changes(compare))
    assert quick > 50


async def test_nothing_new_is_answered_by_one_read(local: LocalServer) -> None:
    await local.group("ann", "ben")
    since = (await local.call("ben", "sync"))["since"]
    syncing, _, reads = reading(local)
    answer = await syncing.sync(caller(local, "ben"), SyncParams(since=since))
    assert (answer.conversations, answer.since, len(reads)) == ([], since, 1)
    assert msgspec.to_builtins(answer) == await local.call("ben", "sync", since=since)


async def test_what_is_written_while_subscribing_is_not_missed(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    since = (await local.call("ben", "sync"))["since"]
    syncing, subscriptions, reads = reading(local)

    async def say() -> None:
        await local.say("ann", conversation)
        syncing.hear([Event(conversation, 3, 4, "", 0, ConversationUpdated())])

    reads.after_first = say
    answer = await syncing.sync(caller(local, "ben"), SyncParams(since=since))
    assert [one.id for one in answer.conversations] == [conversation]
    assert (len(reads), subscriptions.given) == (2, [[conversation]])
    assert not syncing._touched


@pytest.mark.parametrize("limits", [Limits(store=StoreLimits(waiting_reads=250))])
async def test_a_crowd_that_comes_back_waits_its_turn_and_is_not_refused(
    local: LocalServer,
) -> None:
    await local.group("ann", "ben")
    token = await local.token("ben")
    sessions, syncing = local.server.sessions, reading(local)[0]
    headers = {"Authorization": f"Bearer {token}"}
    found = await asyncio.gather(
        *(sessions.authenticate(headers, secure=True) for _ in range(1_000)),
        *(syncing.sync(caller(local, "ben"), SyncParams()) for _ in range(300)),
    )
    assert all(found)


class Reads(list[None]):
    """One for each read; ``after_first`` runs before the first is answered."""

    after_first: Callable[[], Awaitable[None]] | None = None


def reading(local: LocalServer) -> tuple[ConversationSync, Subscriptions, Reads]:
    subscriptions, reads, store = Subscriptions(), Reads(), local.server.store
    read = store.read_changes

    async def read_and_count(work: Any) -> Any:
        result = await read(work)
        reads.append(None)
        if len(reads) == 1 and reads.after_first is not None:
            await reads.after_first()
        return result

    counting = SimpleNamespace(
        read_changes=read_and_count, epoch=store.epoch, pending_positions=store.pending_positions
    )
    syncing = ConversationSync(counting, subscriptions, local.server.installed.renderer)  # type: ignore[arg-type]
    return syncing, subscriptions, reads


def caller(local: LocalServer, name: str) -> Any:
    return SimpleNamespace(user_id=local.users[name], connection=Connection())


def _removed(conversation: str, user: str) -> Event:
    return Event(conversation, 3, 4, "", 0, MemberRemoved(user))


async def test_rights_come_once_and_where_they_differ(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben", "cleo")
    await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    synced = {name: await local.call(name, "sync") for name in local.users}
    talking = ["read", "send", "react"]
    in_group = [*talking, "add", "leave"]
    default = {"direct": talking, "group": in_group, "saved": talking}
    assert synced["ben"]["rights"] == default
    told = {
        (name, one["kind"]): one.get("rights")
        for name, page in synced.items()
        for one in page["conversations"]
    }
    of_owner = told.pop(("ann", "group"))
    assert set(of_owner) > set(in_group)
    assert set(told.values()) == {None}
    found = {
        name: (await local.call(name, "conversation.get", conversation=conversation))["rights"]
        for name in ("ann", "ben")
    }
    assert found == {"ann": of_owner, "ben": in_group}
    await local.call("ann", "conversation.leave", conversation=conversation)
    later = await local.call("ben", "sync", since=synced["ben"]["since"])
    assert [one["rights"] for one in later["conversations"]] == [of_owner]
