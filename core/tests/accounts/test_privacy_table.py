"""Every relation of two people, each value of each setting, and every way from one to the other.

The one who sets something is the owner, the other one comes and tries.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts.policy import Wish, who_allow, whom_allows
from dash_messenger.errors import Failure
from dash_messenger.store.tables import users
from fixtures.ears import listen
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from sqlalchemy import Connection, update

RELATIONS = (
    "nobody",
    "contact",
    "shared group",
    "direct chat",
    "allowed",
    "denied",
    "denied contact",
    "blocked by owner",
    "blocked by other",
    "blocked contact",
)
VALUES = ("everybody", "known", "contacts", "nobody")
PHOTO = "f" * 32
# The setting that each wish goes by.
SETTINGS = {
    Wish.FIND: "find",
    Wish.START: "message",
    Wish.REQUEST: "requests",
    Wish.ADD: "add",
    Wish.SEE_EMAIL: "email",
    Wish.SEE_PHOTO: "photo",
    Wish.SEE_LAST_SEEN: "last_seen",
    Wish.SEE_RECEIPTS: "receipts",
    Wish.SEE_TYPING: "typing",
}
PAIRS = [*product(RELATIONS, VALUES)]
NOT_STOPPED_FOR_WHO_BLOCKED = {Wish.FIND, Wish.SEE_PHOTO, Wish.SEE_EMAIL}


def lets(relation: str, value: str) -> bool:
    """Whether the owner's setting lets the other one, in the words of the issue."""
    if relation in ("blocked by owner", "blocked contact", "denied", "denied contact"):
        return False
    if relation == "allowed":
        return True
    return (
        value == "everybody"
        or (value == "known" and relation in ("contact", "shared group"))
        or (value == "contacts" and relation == "contact")
    )


def expected(wish: Wish, relation: str, value: str) -> bool:
    if relation == "blocked by other" and wish not in NOT_STOPPED_FOR_WHO_BLOCKED:
        return False
    return lets(relation, value)


class Stage:
    """Pairs of people in a relation: ``owner``, who sets things, and ``other``, who tries."""

    def __init__(self, local: LocalServer) -> None:
        self.local = local
        self._pairs = 0

    async def pair(self, relation: str, **privacy: str) -> tuple[str, str]:
        self._pairs += 1
        owner, other = f"owner{self._pairs}", f"other{self._pairs}"
        local = self.local
        await local.add(owner, other)
        to_other = {"user": local.users[other]}
        everything = dict.fromkeys(SETTINGS.values(), "allow")
        if "contact" in relation:
            await local.call(owner, "contact.request", user=other)
            await local.call(other, "contact.accept", user=owner)
        if relation == "shared group":
            await local.group(owner, other)
        if relation == "direct chat":
            await self.direct(owner, other)
        if relation == "allowed":
            await local.call(owner, "privacy.except", **to_other, **everything)
        if relation.startswith("denied"):
            denied = dict.fromkeys(everything, "deny")
            await local.call(owner, "privacy.except", **to_other, **denied)
        if relation in ("blocked by owner", "blocked contact"):
            await local.call(owner, "user.block", **to_other)
        if relation == "blocked by other":
            await local.call(other, "user.block", user=local.users[owner])
        if privacy:
            await local.call(owner, "privacy.update", **privacy)
        return owner, other

    async def direct(self, owner: str, other: str) -> str:
        made = await self.local.call(
            owner, "conversation.create", kind="direct", members=[self.local.users[other]]
        )
        await self.local.say(owner, made["id"])
        conversation: str = made["id"]
        return conversation

    async def outcome(self, by: str, command: str, **params: Any) -> Any:
        try:
            return await self.local.call(by, command, **params)
        except Failure as failure:
            return failure

    async def picture(self, owner: str) -> None:
        of_owner = users.c.id == self.local.users[owner]
        await self.local.server.store.write(
            lambda transaction: transaction.connection.execute(
                update(users).where(of_owner).values(photo=PHOTO)
            )
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_server(tmp_path) as local:
        await local.add("helper")
        yield Stage(local)


@pytest.mark.parametrize("relation", RELATIONS)
async def test_each_wish_is_allowed_as_relation_and_setting_say(
    stage: Stage, relation: str
) -> None:
    owner, other = await stage.pair(relation)
    owner_id, other_id = stage.local.users[owner], stage.local.users[other]
    # Who hides it does not see others'.
    await stage.local.call(other, "privacy.update", last_seen="everybody", receipts="everybody")
    for value in VALUES:
        await stage.local.call(owner, "privacy.update", **dict.fromkeys(SETTINGS.values(), value))

        def look(connection: Connection) -> dict[Wish, tuple[bool, bool]]:
            return {
                wish: (
                    owner_id in who_allow(connection, wish, other_id, [owner_id]),
                    other_id in whom_allows(connection, wish, owner_id, [other_id]),
                )
                for wish in Wish
            }

        found = await stage.local.server.store.read(look)
        for wish, answers in found.items():
            if wish is Wish.CONTACT:
                wanted = not relation.startswith("blocked")
            else:
                wanted = expected(wish, relation, value)
            assert answers == (wanted, wanted), (wish, value)


async def test_who_hides_it_does_not_see_others(stage: Stage) -> None:
    owner, other = await stage.pair("contact", last_seen="everybody", receipts="everybody")
    ids = [stage.local.users[owner]]
    in_return = {Wish.SEE_LAST_SEEN, Wish.SEE_RECEIPTS}

    def look(connection: Connection) -> set[Wish]:
        return {wish for wish in Wish if who_allow(connection, wish, stage.local.users[other], ids)}

    read = stage.local.server.store.read
    assert in_return <= await read(look)
    await stage.local.call(other, "privacy.update", last_seen="nobody", receipts="nobody")
    assert await read(look) == {*Wish} - in_return - {Wish.SEE_EMAIL}
    await stage.local.call(
        other, "privacy.except", user=ids[0], last_seen="allow", receipts="allow"
    )
    assert in_return <= await read(look)


@pytest.mark.parametrize(("relation", "value"), PAIRS)
async def test_who_may_not_be_found_is_nobody(stage: Stage, relation: str, value: str) -> None:
    owner, other = await stage.pair(relation, find=value)
    id, may = stage.local.users[owner], lets(relation, value)
    found = await stage.outcome(other, "user.search", query=owner)
    assert [one["id"] for one in found["users"]] == ([id] if may else [])
    found = await stage.outcome(other, "user.get", users=[owner.upper()])
    assert [one["id"] for one in found["users"]] == ([id] if may else [])
    # By their id also whom one has met: it stands beside what they said.
    met = relation not in ("nobody", "allowed", "denied", "blocked by owner")
    by_id = await stage.outcome(other, "user.get", users=[id])
    assert [one["id"] for one in by_id["users"]] == ([id] if may or met else [])
    if may:
        return
    group = await stage.local.group(other, "helper")
    asking: list[tuple[str, dict[str, Any]]] = [
        ("conversation.create", {"kind": "direct", "members": ["N"]}),
        ("conversation.create", {"kind": "group", "title": "G", "members": ["N"]}),
        ("conversation.add", {"conversation": group, "members": ["N"]}),
        ("contact.request", {"user": "N"}),
        ("user.block", {"user": "N"}),
        ("privacy.except", {"user": "N", "photo": "deny"}),
    ]
    for command, params in asking:
        answers = []
        for name in (owner, "nobodynobody"):
            asked = json.loads(json.dumps(params).replace('"N"', json.dumps(name)))
            failure = await stage.outcome(other, command, **asked)
            assert isinstance(failure, Failure), command
            answers.append((failure.code, str(failure).replace(name, ""), failure.key))
        assert answers[0] == answers[1], command
        assert answers[0][2] == "unknown_user", command


@pytest.mark.parametrize("requests", ["everybody", "nobody"])
@pytest.mark.parametrize(("relation", "value"), PAIRS)
async def test_a_first_message_goes_by_the_setting(
    stage: Stage, relation: str, value: str, requests: str
) -> None:
    owner, other = await stage.pair(relation, message=value, requests=requests)
    new = {"kind": "direct", "members": [stage.local.users[owner]]}
    finding = {"find": "allow"}
    if relation.startswith("denied"):
        await stage.local.call(owner, "privacy.except", user=stage.local.users[other], **finding)
    answer = await stage.outcome(other, "conversation.create", **new)
    if relation == "blocked by owner":
        assert answer.key == "unknown_user"
    elif relation == "blocked by other":
        assert answer.key == "blocked_by_you"
    elif relation == "direct chat":
        # What there is was accepted.
        assert not answer["created"]
        assert await stage.local.say(other, answer["id"])
    elif lets(relation, value):
        assert answer["created"]
        assert await stage.local.say(other, answer["id"])
        assert await stage.local.say(other, answer["id"])
    elif requests == "everybody" and not relation.startswith(("denied", "blocked")):
        assert answer["created"]
        assert answer["conversation"]["request"]
        assert await stage.local.say(other, answer["id"])
        assert (await stage.local.failure(other, "message.send", **said_in(answer["id"]))).key == (
            "request_pending"
        )
    else:
        assert answer.key == "messages_not_accepted"


def said_in(conversation: str) -> dict[str, Any]:
    client_id = uuid.uuid4().hex
    return {
        "conversation": conversation,
        "client_id": client_id,
        "type": "note",
        "content": {"words": "x"},
    }


@pytest.mark.parametrize(("relation", "value"), PAIRS)
async def test_a_request_goes_by_its_setting(stage: Stage, relation: str, value: str) -> None:
    owner, other = await stage.pair(relation, message="nobody", requests=value)
    if relation.startswith("denied"):
        # Who may not write is denied a request, too, whatever is said about requests.
        await stage.local.call(
            owner, "privacy.except", user=stage.local.users[other], find="allow", requests="allow"
        )
    new = {"kind": "direct", "members": [stage.local.users[owner]]}
    answer = await stage.outcome(other, "conversation.create", **new)
    if relation == "blocked by owner":
        assert answer.key == "unknown_user"
    elif relation == "blocked by other":
        assert answer.key == "blocked_by_you"
    elif relation in ("direct chat", "allowed"):
        assert "request" not in answer["conversation"]
    elif lets(relation, value):
        assert answer["conversation"]["request"]
    else:
        assert answer.key == "messages_not_accepted"


@pytest.mark.parametrize(("relation", "value"), PAIRS)
async def test_adding_to_a_group_goes_by_the_setting(
    stage: Stage, relation: str, value: str
) -> None:
    owner, other = await stage.pair(relation, add=value)
    if relation.startswith("denied"):
        id = stage.local.users[other]
        await stage.local.call(owner, "privacy.except", user=id, find="allow")
    members = [stage.local.users[owner]]
    answers = [
        await stage.outcome(other, "conversation.create", kind="group", title="G", members=members),
        await stage.outcome(
            other,
            "conversation.add",
            conversation=await stage.local.group(other, "helper"),
            members=members,
        ),
    ]
    for answer in answers:
        if relation == "blocked by owner":
            assert answer.key == "unknown_user"
        elif relation == "blocked by other":
            assert answer.key == "blocked_by_you"
        elif lets(relation, value):
            assert isinstance(answer, dict)
        else:
            assert answer.key == "adding_not_allowed"


# What somebody does in a direct conversation, with a message of the owner's and one of their own.
IN_A_CHAT: list[tuple[str, dict[str, Any]]] = [
    ("message.send", {"conversation": "C", "type": "note", "content": {"words": "x"}}),
    ("message.edit", {"message": "O", "content": {"words": "y"}}),
    ("message.react", {"message": "M", "emoji": "👍"}),
    ("message.act", {"message": "M", "action": "nod"}),
    ("message.slash", {"conversation": "C", "text": "/wave"}),
]


def named(params: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {key: names.get(str(value), value) for key, value in params.items()}


@pytest.mark.parametrize("chosen", ["block", "exception"])
async def test_in_a_chat_a_block_is_told_from_a_setting_by_nothing(
    stage: Stage, chosen: str
) -> None:
    owner, other = await stage.pair("contact")
    local = stage.local
    conversation = await stage.direct(owner, other)
    own = (await local.say(other, conversation))["id"]
    theirs = (await local.say(owner, conversation))["id"]
    names = {"C": conversation, "O": own, "M": theirs}
    to_other = {"user": local.users[other]}
    await local.call(other, "message.react", message=theirs, emoji="🎉")
    sent = {"client_id": uuid.uuid4().hex}
    retried = {**named(IN_A_CHAT[0][1], names), **sent}
    first = await local.call(other, "message.send", **retried)
    if chosen == "block":
        await local.call(owner, "user.block", **to_other)
    else:
        await local.call(owner, "privacy.except", **to_other, message="deny")
    before = await local.call(owner, "log.read", log=conversation, after=0)
    told = await local.call(other, "log.read", log=local.users[other], after=0)
    refusals = set()
    for command, params in IN_A_CHAT:
        asked = named(params, names)
        if command not in ("message.react", "message.slash"):
            asked["client_id"] = uuid.uuid4().hex
        failure = await local.failure(other, command, **asked)
        refusals.add((failure.code, failure.key, str(failure), json.dumps(failure.params)))
    assert refusals == {
        (1092, "messages_not_accepted", "This person does not accept messages from you.", "{}")
    }
    assert await local.call(owner, "log.read", log=conversation, after=0) == before
    assert await local.call(other, "log.read", log=local.users[other], after=0) == told
    # What was stored before is answered as it was, and one's own words may be taken back.
    assert await local.call(other, "message.send", **retried) == first
    await local.call(other, "message.react", message=theirs, emoji="🎉", on=False)
    await local.call(other, "message.delete", message=own)
    if chosen == "block":
        refused = await local.failure(owner, "message.send", **{**retried, "client_id": "1" * 32})
        assert refused.key == "blocked_by_you"
        await local.call(owner, "user.unblock", **to_other)
    else:
        await local.call(owner, "privacy.except", **to_other, message=None)
    assert await local.say(other, conversation)
    assert await local.say(owner, conversation)


async def test_in_a_group_everybody_hears_everybody(stage: Stage) -> None:
    owner, other = await stage.pair("blocked by owner")
    local = stage.local
    group = await local.group("helper", owner, other)
    assert await local.say(other, group)
    assert await local.say(owner, group)


async def test_a_chat_that_was_begun_and_not_written_in_goes_by_what_is_set_now(
    stage: Stage,
) -> None:
    owner, other = await stage.pair("nobody")
    local = stage.local
    made = await local.call(other, "conversation.create", kind="direct", members=[owner])
    await local.call(owner, "privacy.update", message="contacts")
    with pytest.raises(Failure, match="does not accept"):
        await local.say(other, made["id"])
    # Whoever writes first has accepted the chat.
    await local.say(owner, made["id"])
    assert await local.say(other, made["id"])


@pytest.mark.parametrize(("relation", "value"), PAIRS)
async def test_a_photo_is_in_no_answer_for_whom_it_is_not(
    stage: Stage, relation: str, value: str
) -> None:
    owner, other = await stage.pair(relation, photo=value)
    local = stage.local
    group = await local.group("helper", owner, other)
    heard = await local.say("helper", group)
    message = (await local.say(owner, group))["id"]
    await local.call(owner, "message.react", message=heard["id"], emoji="👍")
    await local.call(owner, "read.advance", conversation=group, message_no=heard["number"])
    await stage.picture(owner)
    # Now they share a group.
    as_if = "shared group" if relation in ("nobody", "direct chat") else relation
    may = lets(as_if, value) or (relation == "blocked by other" and value in VALUES[:2])
    id = local.users[owner]
    showing: list[tuple[str, dict[str, Any]]] = [
        ("user.get", {"users": [id]}),
        ("sync", {}),
        ("conversation.get", {"conversation": group}),
        ("conversation.members", {"conversation": group}),
        ("message.history", {"conversation": group}),
        ("message.get", {"messages": [message]}),
        ("message.reacted_by", {"message": heard["id"], "emoji": "👍"}),
    ]
    read_by = {"message": heard["id"]}
    if relation.startswith("blocked"):
        # Who has blocked somebody, or is blocked, is no reader to them at all.
        assert id not in json.dumps(await local.call(other, "message.read_by", **read_by))
    else:
        showing.append(("message.read_by", read_by))
    if "contact" in relation:
        showing.append(("contact.list", {}))
    if relation == "blocked by other":
        showing.append(("user.blocked", {}))
    else:
        await local.call(other, "privacy.except", user=id, typing="deny")
        showing.append(("privacy.exceptions", {}))
    for command, params in showing:
        answer = json.dumps(await local.call(other, command, **params))
        assert id in answer, command
        assert (PHOTO in answer) == may, command


@pytest.mark.parametrize(("relation", "value"), PAIRS)
async def test_presence_is_told_to_whom_it_is_shown(
    stage: Stage, relation: str, value: str
) -> None:
    owner, other = await stage.pair(relation, last_seen=value)
    await stage.local.call(other, "privacy.update", last_seen="everybody")
    ear = listen(stage.local, owner)
    id = stage.local.users[owner]
    answer = await stage.local.call(other, "presence.watch", users=[id])
    shown = expected(Wish.SEE_LAST_SEEN, relation, value)
    assert answer["users"] == ({id: {"online": True}} if shown else {})
    await stage.local.call(other, "privacy.update", last_seen="nobody")
    # Who hides it does not see it, but of those whom they show it.
    assert (await stage.local.call(other, "presence.watch", users=[id]))["users"] == {}
    assert ear.told("presence") == []


@pytest.mark.parametrize("kind", ["direct", "group"])
@pytest.mark.parametrize(("relation", "value"), PAIRS)
async def test_typing_is_told_to_whom_it_is_shown(
    stage: Stage, relation: str, value: str, kind: str
) -> None:
    local = stage.local
    owner, other = await stage.pair("nobody" if "blocked" in relation else relation)
    # What is said first would be another question.
    if kind == "direct":
        conversation = await stage.direct(owner, other)
    else:
        conversation = await local.group("helper", owner, other)
    if relation == "blocked contact":
        await local.call(owner, "contact.request", user=other)
        await local.call(other, "contact.accept", user=owner)
    if relation.startswith("blocked"):
        by, whom = (other, owner) if relation == "blocked by other" else (owner, other)
        await local.call(by, "user.block", user=local.users[whom])
    await local.call(owner, "privacy.update", typing=value)
    if relation.startswith("denied"):
        # It would be refused as a message is.
        await local.call(owner, "privacy.except", user=local.users[other], message="allow")
    ear = listen(local, other, conversation)
    answer = await stage.outcome(owner, "typing.set", conversation=conversation, on=True)
    told = ear.told("typing")
    if kind == "direct" and relation.startswith("blocked"):
        refusal = "messages_not_accepted" if relation == "blocked by other" else "blocked_by_you"
        assert answer.key == refusal
        shown = False
    elif kind == "direct":
        shown = expected(Wish.SEE_TYPING, relation, value)
        assert answer == {"on": True}
    else:
        shown = value in ("everybody", "known") and not relation.startswith("blocked")
        assert answer == {"on": True}
    said = {"conversation": conversation, "user": local.users[owner], "on": True}
    assert told == ([said] if shown else [])


async def test_a_request_to_who_blocked_one_looks_like_one_nobody_answers(stage: Stage) -> None:
    owner, other = await stage.pair("nobody")
    local = stage.local
    # They have met, so that an id is known.
    await local.group("helper", owner, other)
    await local.call(owner, "user.block", user=other)
    before = await local.call(owner, "log.read", log=local.users[owner], after=0)
    asked = await local.call(other, "contact.request", user=local.users[owner], note="Hi")
    assert asked["contact"]["state"] == "sent"
    listed = await local.call(other, "contact.list", state="sent")
    assert [one["user"] for one in listed["contacts"]] == [local.users[owner]]
    assert (await local.call(owner, "contact.list", state="received"))["contacts"] == []
    assert await local.call(owner, "log.read", log=local.users[owner], after=0) == before
    assert (await local.failure(owner, "contact.request", user=other)).key == "blocked_by_you"
    # Unblocking brings nothing back.
    await local.call(owner, "user.unblock", user=other)
    assert (await local.call(owner, "contact.list", state="received"))["contacts"] == []


async def test_a_block_ends_requests_both_ways_and_tells_nobody_of_a_declined_one(
    stage: Stage,
) -> None:
    local = stage.local
    owner, other = await stage.pair("nobody")
    await local.call(other, "contact.request", user=owner)
    seen = await local.call(other, "log.read", log=local.users[other], after=0)
    await local.call(owner, "user.block", user=other)
    assert (await local.call(owner, "contact.list", state="received"))["contacts"] == []
    assert await local.call(other, "log.read", log=local.users[other], after=0) == seen
    assert (await local.call(other, "contact.list", state="sent"))["contacts"]
    owner, other = await stage.pair("nobody")
    await local.call(owner, "contact.request", user=other)
    await local.call(owner, "user.block", user=other)
    assert (await local.call(other, "contact.list", state="received"))["contacts"] == []


async def test_all_people_are_asked_about_in_one_query_by_indexes(stage: Stage) -> None:
    people = [await stage.pair(relation) for relation in RELATIONS]
    ids = [stage.local.users[name] for pair in people for name in pair]

    def work(connection: Connection) -> dict[str, str]:
        plans: dict[str, str] = {}
        for wish in Wish:
            for ask in (who_allow, whom_allows):
                found = query_plans(connection, lambda: ask(connection, wish, ids[0], ids))  # noqa: B023
                assert len(found) == 1
                plans |= found
        return plans

    for text, plan in (await stage.local.server.store.read(work)).items():
        scanned = [line for line in plan.splitlines() if line.startswith("SCAN")]
        assert not [line for line in scanned if "CONSTANT ROW" not in line], f"{text}\n{plan}"
