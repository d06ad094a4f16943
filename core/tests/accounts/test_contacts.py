"""Contacts: every wish in every state, what each side is told of it, and the list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts import contacts as module
from dash_messenger.accounts.contact_rows import PAGES
from dash_messenger.accounts.contacts import (
    MAX_LABEL_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    MAX_OPEN_REQUESTS,
    NEW_REQUESTS,
)
from dash_messenger.protocol.commands import Caller
from dash_messenger.store import Transaction
from dash_messenger.store.tables import contact_requests, contacts, users
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from sqlalchemy import Connection, insert, update

COMMANDS = ("request", "accept", "decline", "remove", "label")
# What the caller, M, and the other, O, did before.
RELATIONS: dict[str, str] = {
    "stranger": "",
    "sent": "M request",
    "received": "O request",
    "declined by me": "O request, M decline",
    "declined by them": "M request, O decline",
    "contact": "M request, O accept",
    "contact by asking each other": "M request, O request",
    "ended by me": "M request, O accept, M remove",
    "ended by them": "M request, O accept, O remove",
    "withdrawn by me": "M request, M remove",
    "withdrawn by them": "O request, O remove",
    "declined by me, then withdrawn": "O request, M decline, O remove",
    "declined by them, then withdrawn": "M request, O decline, M remove",
    "ended, declined long before": "M request, O decline, M remove, O request, M accept, M remove",
    "deactivated": "O deactivated",
    "deactivated, sent": "M request, O deactivated",
    "deactivated, received": "O request, O deactivated",
    "deactivated, contact": "M request, O accept, O deactivated",
    "oneself": "",
    "unknown": "",
}
# By relation and command: the state that is answered or the error, then what each side is told:
# the new state, 0 for nothing, - for no event.
STRANGER = "sent sent received | not_found | 0 - - | 0 - - | not_found"
CONTACT = "contact - - | contact - - | contact - - | 0 0 0 | contact contact -"
TABLE: dict[str, str] = {
    "stranger": STRANGER,
    "sent": "sent - - | not_found | sent - - | 0 0 0 | not_found",
    "received": "contact contact contact | contact contact contact | 0 0 - | received - - "
    "| not_found",
    "declined by me": "contact contact contact | contact contact contact | 0 - - | 0 - - "
    "| not_found",
    # As where nobody answered.
    "declined by them": "sent - - | not_found | sent - - | 0 0 - | not_found",
    "contact": CONTACT,
    "contact by asking each other": CONTACT,
    "ended by me": STRANGER,
    "ended by them": STRANGER,
    "withdrawn by me": STRANGER,
    "withdrawn by them": STRANGER,
    "declined by me, then withdrawn": STRANGER,
    # Whoever declined once is not asked again.
    "declined by them, then withdrawn": "sent sent - | not_found | 0 - - | 0 - - | not_found",
    "ended, declined long before": STRANGER,
    "deactivated": "unknown_user | not_found | 0 - - | 0 - - | not_found",
    "deactivated, sent": "sent - - | not_found | sent - - | 0 0 0 | not_found",
    "deactivated, received": "unknown_user | contact contact contact | 0 0 - | received - - "
    "| not_found",
    "deactivated, contact": CONTACT,
    "oneself": " | ".join(["invalid_params"] * 5),
    "unknown": " | ".join(["unknown_user"] * 5),
}


class Stage:
    """Makes pairs of people who stand in a relation, and reads what they are told."""

    def __init__(self, local: LocalServer) -> None:
        self.local = local
        self._pairs = 0

    async def pair(self, relation: str) -> tuple[str, str]:
        self._pairs += 1
        me, other = f"me{self._pairs}", f"other{self._pairs}"
        await self.local.add(me, other)
        for step in filter(None, RELATIONS[relation].split(", ")):
            who, _, deed = step.partition(" ")
            actor, target = (me, other) if who == "M" else (other, me)
            if deed == "deactivated":
                await self.deactivate(actor)
            else:
                await self.local.call(actor, f"contact.{deed}", user=target)
        return me, other

    async def deactivate(self, name: str) -> None:
        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(users)
                .where(users.c.id == self.local.users[name])
                .values(deactivated_at_ms=transaction.now_ms)
            )

        await self.local.server.store.write(work)

    async def told(self, name: str, after: int = 0) -> list[dict[str, Any]]:
        log = self.local.users[name]
        page = await self.local.call(name, "log.read", log=log, after=after)
        events: list[dict[str, Any]] = page["events"]
        assert [event["seq"] for event in events] == list(range(after + 1, page["newest"] + 1))
        return events

    async def seq(self, name: str) -> int:
        return len(await self.told(name))

    async def listed(self, name: str) -> dict[str, dict[str, Any]]:
        """All that somebody's lists have, by the id of whom."""
        found: dict[str, dict[str, Any]] = {}
        for state in PAGES:
            page = await self.local.call(name, "contact.list", state=state)
            assert all(one["state"] == state for one in page["contacts"])
            assert {one["user"] for one in page["contacts"]} == page["users"].keys()
            assert found.keys().isdisjoint(page["users"])
            found |= {one["user"]: one for one in page["contacts"]}
        return found


@pytest.fixture
def stage(local: LocalServer) -> Stage:
    return Stage(local)


def state_of(contact: dict[str, Any] | None) -> str:
    return "0" if contact is None else contact["state"]


def test_the_table_has_every_relation() -> None:
    assert TABLE.keys() == RELATIONS.keys()


@pytest.mark.parametrize("relation", TABLE)
async def test_each_wish_does_and_tells_what_the_table_says(stage: Stage, relation: str) -> None:
    local = stage.local
    for command, cell in zip(COMMANDS, TABLE[relation].split(" | "), strict=True):
        me, other = await stage.pair(relation)
        target = {"oneself": me, "unknown": "nobody"}.get(relation, other)
        params = {"user": target} | ({"label": "Pal"} if command == "label" else {})
        before = {name: await stage.seq(name) for name in (me, other)}
        expected = cell.split()
        if len(expected) == 1:
            failure = await local.failure(me, f"contact.{command}", **params)
            assert failure.key == expected[0], command
            assert [await stage.seq(name) for name in (me, other)] == [*before.values()]
            continue
        answer = await local.call(me, f"contact.{command}", **params)
        assert answer["user"]["username"] == other
        assert state_of(answer["contact"]) == expected[0], command
        for name, seen, state in zip((me, other), (other, me), expected[1:], strict=True):
            events = await stage.told(name, before[name])
            assert [event["kind"] for event in events] == ["contact.updated"] * (state != "-")
            for event in events:
                assert event["by"] == local.users[me]
                assert state_of(event["data"]["contact"]) == state, command
                assert event["data"]["user"]["username"] == seen
                # A new value is what a list says from then on.
                listed = (await stage.listed(name)).get(local.users[seen])
                assert listed == event["data"]["contact"]
        # An answer that was lost is asked for again.
        after = {name: await stage.seq(name) for name in (me, other)}
        assert await local.call(me, f"contact.{command}", **params) == answer
        assert {name: await stage.seq(name) for name in (me, other)} == after


async def test_a_contact_is_named_by_id_or_user_name(stage: Stage) -> None:
    local = stage.local
    await local.call("ann", "contact.request", user=local.users["ben"])
    assert (await local.call("ben", "contact.accept", user=" @ANN "))["contact"]["state"] == (
        "contact"
    )


async def test_two_who_ask_each_other_at_once_become_contacts(stage: Stage) -> None:
    local = stage.local
    for _ in range(20):
        me, other = await stage.pair("stranger")
        await asyncio.gather(
            local.call(me, "contact.request", user=other, note="Hi"),
            local.call(other, "contact.request", user=me),
        )
        for name in (me, other):
            assert [state_of(one) for one in (await stage.listed(name)).values()] == ["contact"]
            assert (await stage.told(name))[-1]["data"]["contact"]["state"] == "contact"


async def test_who_is_declined_cannot_tell(stage: Stage) -> None:
    """All that the asker ever gets is the same as where nobody answered, but for names and ids."""
    local = stage.local
    seen: list[str] = []
    for relation in ("sent", "declined by them"):
        me, other = await stage.pair(relation)
        answers: list[Any] = [await stage.told(me), await stage.listed(me)]
        answers += [
            await local.call(me, f"contact.{command}", user=other)
            for command in ("request", "decline", "remove", "request", "remove")
        ]
        answers += [await stage.told(me), await stage.listed(me)]
        answers.append((await local.failure(me, "contact.accept", user=other)).key)
        text = json.dumps(answers)
        for name, alias in ((me, "M"), (other, "O")):
            text = text.replace(local.users[name], alias).replace(name, alias)
        seen.append(text)
    assert seen[0] == seen[1]


async def test_a_request_that_is_withdrawn_and_renewed_is_the_same(stage: Stage) -> None:
    local = stage.local
    me, other = await stage.pair("stranger")
    first = await local.call(me, "contact.request", user=other, note="I am Ann")
    local.clock.advance(s=60)
    # Whoever repeats themselves says nothing new.
    assert await local.call(me, "contact.request", user=other, note="Answer!") == first
    await local.call(me, "contact.remove", user=other)
    again = await local.call(me, "contact.request", user=other, note="I am Anna")
    assert again["contact"] == {**first["contact"], "note": "I am Anna"}
    assert (await stage.listed(other))[local.users[me]] == {
        **again["contact"],
        "user": local.users[me],
        "state": "received",
    }


async def test_declining_what_was_taken_back_declines_nothing(stage: Stage) -> None:
    local = stage.local
    me, other = await stage.pair("withdrawn by them")
    await local.call(me, "contact.decline", user=other)
    await local.call(other, "contact.request", user=me)
    assert state_of((await stage.listed(me))[local.users[other]]) == "received"


async def test_what_two_do_concerns_no_contact_of_theirs(stage: Stage) -> None:
    local = stage.local
    for other in ("ben", "cleo"):
        await local.call("ann", "contact.request", user=other)
        await local.call(other, "contact.accept", user="ann")
    await local.call("ben", "contact.request", user="cleo")
    await local.call("cleo", "contact.accept", user="ben")
    await local.call("cleo", "contact.label", user="ben", label="Pal")
    before = await stage.listed("cleo")
    await local.call("ann", "contact.label", user="ben", label="Boss")
    await local.call("ann", "contact.remove", user="ben")
    assert await stage.listed("cleo") == before
    assert set(await stage.listed("ann")) == {local.users["cleo"]}
    assert set(await stage.listed("ben")) == {local.users["cleo"]}


async def test_since_is_when_it_became_so(stage: Stage) -> None:
    local = stage.local
    asked = local.clock.now_ms
    me, other = await stage.pair("sent")
    local.clock.advance(s=60)
    contact = (await local.call(other, "contact.accept", user=me))["contact"]
    assert contact == {"user": local.users[me], "state": "contact", "since_ms": asked + 60_000}


async def test_at_most_twenty_requests_wait_for_an_answer(stage: Stage) -> None:
    local = stage.local
    people = [f"person{n}" for n in range(MAX_OPEN_REQUESTS + 1)]
    await local.add("eve", *people)
    for name in people[:-1]:
        await local.call("eve", "contact.request", user=name)
    # Who declines makes no room: that would be seen.
    await local.call(people[0], "contact.decline", user="eve")
    failure = await local.failure("eve", "contact.request", user=people[-1])
    assert (failure.key, failure.code) == ("too_many_open_requests", 1090)
    assert failure.params == {"limit": 20}
    # What is there is repeated, and whoever asks is answered.
    assert (await local.call("eve", "contact.request", user=people[1]))["contact"]
    await local.call("ann", "contact.request", user="eve")
    assert (await local.call("eve", "contact.request", user="ann"))["contact"]["state"] == "contact"
    for answer in ("accept", "remove"):
        by, other = (people[1], "eve") if answer == "accept" else ("eve", people[2])
        await local.call(by, f"contact.{answer}", user=other)
        await local.call("eve", "contact.request", user=people[-1])
        await local.call("eve", "contact.remove", user=people[-1])
        await local.call("eve", "contact.request", user="cleo" if answer == "accept" else "ben")
    assert (await local.failure("eve", "contact.request", user=people[-1])).code == 1090


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path / "limited", rate_limits=True) as local:
        yield local


async def test_withdrawing_does_not_let_anybody_ask_the_whole_server(
    limited: LocalServer,
) -> None:
    await limited.add("eve", "ann", "ben")
    family = limited.server.services.people.contacts
    family._new_requests.take(limited.users["eve"], NEW_REQUESTS - 1)
    for _ in range(3):
        await limited.call("eve", "contact.request", user="ann")
        await limited.call("eve", "contact.remove", user="ann")
    assert (await limited.failure("eve", "contact.request", user="ben")).key == "rate_limited"
    # Who was asked before, and who asks, are nobody new.
    assert (await limited.call("eve", "contact.request", user="ann"))["contact"]["state"] == "sent"
    await limited.call("ben", "contact.request", user="eve")
    answer = await limited.call("eve", "contact.request", user="ben")
    assert answer["contact"]["state"] == "contact"


@pytest.mark.parametrize(
    ("command", "field", "most"),
    [("request", "note", MAX_NOTE_CHARACTERS), ("label", "label", MAX_LABEL_CHARACTERS)],
)
async def test_notes_and_labels_are_cleaned_and_measured(
    stage: Stage, command: str, field: str, most: int
) -> None:
    local = stage.local
    relation = "contact" if command == "label" else "stranger"
    for given, kept in {
        "  Mum \n\u202e ": "Mum",
        "a" * most: "a" * most,
        "": None,
        "\u200b \u2066": None,
        "👨‍👩‍👧": "👨‍👩‍👧",
    }.items():
        me, other = await stage.pair(relation)
        answer = await local.call(me, f"contact.{command}", user=other, **{field: given})
        assert answer["contact"].get(field) == kept
    me, other = await stage.pair(relation)
    failure = await local.failure(me, f"contact.{command}", user=other, **{field: "a" * (most + 1)})
    assert failure.key == "invalid_params"
    assert (failure.params["field"], failure.params["rule"], failure.params["n"]) == (
        field,
        "too_long",
        most,
    )


async def test_a_label_is_seen_by_nobody_else(stage: Stage) -> None:
    local = stage.local
    await local.call("ann", "contact.request", user="ben")
    await local.call("ben", "contact.accept", user="ann")
    await local.call("ann", "contact.label", user="ben", label="Sourpuss")
    await local.group("ann", "ben", "cleo")
    for name in ("ben", "cleo"):
        everything = [
            await stage.told(name),
            await stage.listed(name),
            await local.call(name, "sync"),
            await local.call(name, "user.get", users=["ann", "ben"]),
        ]
        if name == "ben":
            everything += [
                await local.call(name, f"contact.{command}", user="ann")
                for command in ("request", "accept", "decline")
            ]
            everything.append(await local.call("ben", "contact.label", user="ann", label="Pal"))
        assert "Sourpuss" not in json.dumps(everything)
    assert (await stage.listed("ann"))[local.users["ben"]]["label"] == "Sourpuss"
    # It goes with the contact.
    await local.call("ben", "contact.remove", user="ann")
    await local.call("ann", "contact.request", user="ben")
    await local.call("ben", "contact.accept", user="ann")
    assert "label" not in (await stage.listed("ann"))[local.users["ben"]]


async def test_a_label_is_taken_away_by_null(stage: Stage) -> None:
    me, other = await stage.pair("contact")
    await stage.local.call(me, "contact.label", user=other, label="Pal")
    answer = await stage.local.call(me, "contact.label", user=other, label=None)
    assert "label" not in answer["contact"]
    assert "label" not in (await stage.told(me))[-1]["data"]["contact"]


async def fill(local: LocalServer, user: str, count: int) -> list[str]:
    """So many contacts, requests and people who ask, each; their ids."""
    ids = [f"{state:x}{n:031x}" for state in (1, 2, 3) for n in range(count)]

    def work(transaction: Transaction) -> None:
        execute = transaction.connection.execute
        execute(
            insert(users),
            [
                {"id": id, "username": id[:1] + id[8:], "username_key": id[:1] + id[8:]}
                | {"display_name": "x", "created_at_ms": 1}
                for id in ids
            ],
        )
        execute(
            insert(contacts),
            [{"user_id": user, "contact_id": id, "since_ms": 1} for id in ids[:count]],
        )
        asked = [{"from_id": user, "to_id": id} for id in ids[count : 2 * count]]
        asked += [{"from_id": id, "to_id": user} for id in ids[2 * count :]]
        execute(insert(contact_requests), [{**one, "asked_at_ms": 1} for one in asked])

    await local.server.store.write(work)
    return ids


async def test_five_thousand_contacts_come_in_pages_each_once(local: LocalServer) -> None:
    count = 5_000
    ids = await fill(local, local.users["ann"], count)
    for place, state in enumerate(PAGES):
        found: list[str] = []
        page: dict[str, Any] = {"more": True}
        while page["more"]:
            after = found[-1] if found else None
            page = await local.call("ann", "contact.list", state=state, after=after, limit=200)
            assert page["seq"] == 0
            found += [one["user"] for one in page["contacts"]]
        assert found == ids[place * count : (place + 1) * count]


async def test_a_page_of_contacts_is_found_by_an_index(local: LocalServer) -> None:
    await fill(local, local.users["ann"], 3)
    plans: dict[str, str] = {}
    store = local.server.store

    class Watched:
        async def read(self, work: Any) -> Any:
            def noted(connection: Connection) -> Any:
                answers: list[Any] = []
                plans.update(query_plans(connection, lambda: answers.append(work(connection))))
                return answers[0]

            return await store.read(noted)

    watching = module.Contacts(Watched(), rate_limits=False)  # type: ignore[arg-type]
    caller = Caller(user=local.users["ann"], session="0" * 32, address="test")
    for state in PAGES:
        page = await watching.list(caller, module.ContactList(state=state))  # type: ignore[arg-type]
        assert len(page.contacts) == 3
    assert len(plans) == 5
    for plan in plans.values():
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan
    assert any("ix_contact_requests_open" in plan for plan in plans.values())


async def test_a_list_is_as_new_as_it_says(stage: Stage) -> None:
    local = stage.local
    await local.call("ann", "contact.request", user="ben")
    assert (await local.call("ben", "contact.list"))["seq"] == 1
    await local.call("ben", "contact.decline", user="ann")
    page = await local.call("ben", "contact.list", state="received")
    assert (page["contacts"], page["seq"], page["more"]) == ([], 2, False)
    assert (await local.call("ann", "contact.list"))["seq"] == 1


@pytest.mark.parametrize("params", [{"state": "declined"}, {"limit": 201}, {"after": "x"}])
async def test_a_list_that_there_is_not_is_refused(
    local: LocalServer, params: dict[str, Any]
) -> None:
    assert (await local.failure("ann", "contact.list", **params)).key == "invalid_params"
