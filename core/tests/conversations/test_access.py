"""Rights: what each role may do, tried with every command, and what the hot path lets through."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from dash_messenger import Acted, Change, MessageType, action
from dash_messenger.conversations.access import Right, require, rights
from dash_messenger.errors import BlockedByYou, Failure, MessagesNotAccepted, NotFound
from dash_messenger.store.access import may_read_message
from dash_messenger.store.sqlite.statements import IS_MEMBER, MAY_READ
from dash_messenger.store.tables import conversations, members, messages, users
from fixtures.filled_store import FilledStore
from fixtures.local_server import LocalServer, open_server
from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

KINDS = ("direct", "group", "saved")
ROLES = ("owner", "admin", "member")
# What is allowed, in words: of each kind the rights of its members, of its owners and admins
# besides, of its owners besides, and of the server's admins besides.
TALKING = {"read", "send", "react"}
ALLOWED = {
    "direct": (TALKING, set(), set(), set()),
    "group": (
        TALKING | {"add", "leave"},
        {"delete_others", "act_as_admin", "remove", "rename", "ban", "invite"},
        {"set_role"},
        {"remove", "rename", "ban"},
    ),
    "saved": (TALKING, set(), set(), set()),
}
# Of direct conversations, and of one with oneself, these are refused to everybody, with a reason.
REFUSED = {"add", "remove", "leave", "rename", "set_role", "ban", "invite"}
OTHERS = {"B": "ben", "D": "dan", "E": "eve"}
# What one member does to another, who has to be below them.
TO_OTHERS = {"conversation.remove", "conversation.set_role", "conversation.ban"}


def allowed(kind: str, role: str, server_admin: bool) -> set[str]:
    of_all, of_those_above, of_owners, of_server_admins = ALLOWED[kind]
    return (
        of_all
        | (of_those_above if role != "member" else set())
        | (of_owners if role == "owner" else set())
        | (of_server_admins if server_admin else set())
    )


def is_above(role: str, server_admin: bool, other: str) -> bool:
    ranks = ["member", "admin", "owner", "server admin"]
    return ranks.index("server admin" if server_admin else role) > ranks.index(other)


class Words(Struct, frozen=True):
    words: str


class Topic(MessageType[Words]):
    type, Content, editable, inline = "topic", Words, True, True

    def text(self, content: Words, state: None) -> str:
        return content.words

    @action()
    def nod(self, topic: Acted[Words]) -> Change:
        return Change()

    @action(may="admin")
    def close(self, topic: Acted[Words]) -> Change:
        return Change()


# Each command that is about a conversation, as ben asks it, and the right that it needs. C is the
# conversation, M a message of ann's, B ben, D dan, I an invitation, E eve, who asks to join by it;
# the one that ends it stands last.
TRIED: list[tuple[str, dict[str, Any], Right]] = [
    ("conversation.get", {"conversation": "C"}, Right.READ),
    ("conversation.members", {"conversation": "C"}, Right.READ),
    ("conversation.set", {"conversation": "C", "pinned": True}, Right.READ),
    ("conversation.delete", {"conversation": "C", "message_no": 0}, Right.READ),
    ("log.read", {"log": "C", "after": 0}, Right.READ),
    ("message.history", {"conversation": "C"}, Right.READ),
    ("message.reacted_by", {"message": "M", "emoji": "👍"}, Right.READ),
    ("message.read_by", {"message": "M"}, Right.READ),
    ("read.advance", {"conversation": "C", "message_no": 1}, Right.READ),
    (
        "message.send",
        {"conversation": "C", "client_id": "", "type": "topic", "content": {"words": "x"}},
        Right.SEND,
    ),
    ("message.slash", {"conversation": "C", "text": "/wave"}, Right.SEND),
    ("typing.set", {"conversation": "C", "on": True}, Right.SEND),
    ("message.react", {"message": "M", "emoji": "👍"}, Right.REACT),
    ("message.act", {"message": "M", "action": "nod", "client_id": ""}, Right.REACT),
    ("message.act", {"message": "M", "action": "close", "client_id": ""}, Right.ACT_AS_ADMIN),
    (
        "message.edit",
        {"message": "M", "content": {"words": "y"}, "client_id": ""},
        Right.EDIT_OTHERS,
    ),
    ("message.delete", {"message": "M"}, Right.DELETE_OTHERS),
    ("conversation.update", {"conversation": "C", "title": "Other"}, Right.RENAME),
    ("conversation.add", {"conversation": "C", "members": ["dan"]}, Right.ADD),
    (
        "conversation.set_role",
        {"conversation": "C", "user": "D", "role": "member"},
        Right.SET_ROLE,
    ),
    ("conversation.remove", {"conversation": "C", "user": "D"}, Right.REMOVE),
    ("conversation.ban", {"conversation": "C", "user": "D"}, Right.BAN),
    ("conversation.banned", {"conversation": "C"}, Right.BAN),
    ("conversation.unban", {"conversation": "C", "user": "D"}, Right.BAN),
    ("conversation.invite_create", {"conversation": "C", "client_id": ""}, Right.INVITE),
    ("conversation.invite_list", {"conversation": "C"}, Right.INVITE),
    ("conversation.invite_revoke", {"conversation": "C", "id": "I"}, Right.INVITE),
    ("conversation.join_requests", {"conversation": "C"}, Right.INVITE),
    (
        "conversation.join_answer",
        {"conversation": "C", "user": "E", "accept": True},
        Right.INVITE,
    ),
    ("conversation.leave", {"conversation": "C"}, Right.LEAVE),
]


def test_the_table_allows_what_is_written_here() -> None:
    for kind, role, server_admin in product(KINDS, ROLES, (False, True)):
        assert rights(role, kind, server_admin=server_admin) == allowed(kind, role, server_admin)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path) as local:
        local.server.installed.types.add(Topic(), "topic")
        await local.add("ann", "ben", "dan", "eve")
        yield local


async def test_every_command_about_a_conversation_is_tried(server: LocalServer) -> None:
    about = {
        command.name
        for command in server.server.commands
        if {"conversation", "message", "log"} & {*command.params.__struct_fields__}
        # There it is who may write.
        and not command.name.startswith("privacy.")
    }
    assert about == {command for command, _, _ in TRIED}
    assert {right for _, _, right in TRIED} == {*Right}


@pytest.mark.parametrize("kind", KINDS)
async def test_commands_do_what_the_role_allows_and_nothing_else(
    server: LocalServer, kind: str
) -> None:
    for role, server_admin in product(ROLES, (False, True)):
        if kind == "group":
            conversation = await server.group("ann", "ben", "dan")
        else:
            others = {"members": ["ann"]} if kind == "direct" else {}
            made = await server.call("ben", "conversation.create", kind=kind, **others)
            conversation = made["id"]
        said = {"client_id": uuid.uuid4().hex, "type": "topic", "content": {"words": "x"}}
        author = "ben" if kind == "saved" else "ann"
        sent = await server.call(author, "message.send", conversation=conversation, **said)
        await give_to_ann(server, sent["id"])
        invitation = await asked_to_join(server, conversation) if kind == "group" else "0" * 32
        await stand(server, conversation, role, "admin" if server_admin else "member")
        named = {"C": conversation, "M": sent["id"], "I": invitation}
        may = allowed(kind, role, server_admin)
        for command, params, right in TRIED:
            refusal = "refused" if kind != "group" and right in REFUSED else "forbidden"
            expected = "done" if right in may else refusal
            answer = await outcome(server, command, params, named)
            assert answer == expected, (role, server_admin, command, right)
        if Right.LEAVE in may:
            for command, params, _ in TRIED:
                assert await outcome(server, command, params, named) == "not_found", command


@pytest.mark.parametrize(("role", "server_admin"), list(product(ROLES, (False, True))))
async def test_what_is_done_to_others_is_done_by_who_is_above_them(
    server: LocalServer, role: str, server_admin: bool
) -> None:
    may = allowed("group", role, server_admin)
    for other, (command, params, right) in product(ROLES, TRIED):
        if command not in TO_OTHERS:
            continue
        conversation = await server.group("ann", "ben", "dan")
        await stand(server, conversation, other, "member", "dan")
        await stand(server, conversation, role, "admin" if server_admin else "member")
        listed = await server.call("ben", "conversation.members", conversation=conversation)
        done = right in may and is_above(role, server_admin, other)
        answer = await outcome(server, command, params, {"C": conversation})
        assert answer == ("done" if done else "forbidden"), (other, command)
        assert (right in listed["rights"][other]) == done
        assert listed["roles"].get(server.users["dan"], "member") == other


async def asked_to_join(server: LocalServer, conversation: str) -> str:
    """The invitation by which eve asks to join."""
    params = {"conversation": conversation, "client_id": uuid.uuid4().hex, "approval": True}
    made = await server.call("ann", "conversation.invite_create", **params)
    await server.call("eve", "conversation.join", code=made["code"])
    return str(made["id"])


async def stand(
    server: LocalServer, conversation: str, role: str, server_role: str, who: str = "ben"
) -> None:
    user = server.users[who]

    def work(transaction: Any) -> None:
        execute = transaction.connection.execute
        execute(
            update(members)
            .where(members.c.conversation_id == conversation, members.c.user_id == user)
            .values(role=role)
        )
        execute(update(users).where(users.c.id == user).values(role=server_role))

    await server.server.store.write(work)


async def give_to_ann(server: LocalServer, message: str) -> None:
    """As if she had written it; in a conversation with oneself nobody else can."""
    ann = server.users["ann"]
    await server.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(messages).where(messages.c.id == message).values(sender_id=ann)
        )
    )


async def outcome(
    server: LocalServer, command: str, params: dict[str, Any], named: dict[str, str]
) -> str:
    named = named | {letter: server.users[one] for letter, one in OTHERS.items()}
    asked = {key: named.get(str(value), value) for key, value in params.items()}
    if "client_id" in asked:
        asked["client_id"] = uuid.uuid4().hex
    try:
        await server.call("ben", command, **asked)
    except Failure as failure:
        return failure.key
    return "done"


async def test_a_right_that_goes_while_an_action_is_worked_on_is_missed(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await server.group("ann", "ben")
    said = {"client_id": uuid.uuid4().hex, "type": "topic", "content": {"words": "x"}}
    sent = await server.call("ann", "message.send", conversation=conversation, **said)
    await stand(server, conversation, "admin", "member")
    [command] = [one for one in server.server.commands if one.name == "message.act"]
    contents = command.handler.__self__._contents  # type: ignore[attr-defined]
    act = contents.act

    async def act_and_lose(work: Any) -> Any:
        outcome = await act(work)
        await stand(server, conversation, "member", "member")
        return outcome

    monkeypatch.setattr(contents, "act", act_and_lose)
    close = {"message": sent["id"], "action": "close", "client_id": uuid.uuid4().hex}
    assert (await server.failure("ben", "message.act", **close)).key == "forbidden"


async def test_an_own_message_is_edited_and_deleted_without_a_right(server: LocalServer) -> None:
    conversation = await server.group("ann", "ben")
    message = (await server.say("ben", conversation))["id"]
    edited = {"content": {"words": "y"}, "client_id": uuid.uuid4().hex}
    await server.call("ben", "message.edit", message=message, **edited)
    await server.call("ben", "message.delete", message=message)


# Memberships as they may be: (kind, role, server role, from number, has left), None for none.
PEOPLE, CONVERSATIONS, SAID = 8, 60, 4
# Why what a member says is refused, by the mark on their row (`store/consent`).
BY_MARK: tuple[type[Failure] | None, ...] = (None, MessagesNotAccepted, BlockedByYou)


def random_memberships(seed: int) -> dict[tuple[int, int], tuple[str, int, bool] | None]:
    chance = random.Random(seed)
    return {
        (conversation, person): (
            None
            if chance.random() < 0.25
            else (chance.choice(ROLES), chance.randint(1, SAID + 1), chance.random() < 0.3)
        )
        for conversation, person in product(range(CONVERSATIONS), range(PEOPLE))
    }


@pytest.mark.parametrize("seed", range(3))
async def test_sql_of_the_hot_path_and_of_reading_says_what_the_rights_say(
    filled: FilledStore, seed: int
) -> None:
    chance = random.Random(seed)
    given = random_memberships(seed)
    people = [f"{place + 1:032x}" for place in range(PEOPLE)]
    rooms = [f"{place + 1000:032x}" for place in range(CONVERSATIONS)]
    kinds = [chance.choice(KINDS) for _ in rooms]
    histories = [chance.choice(("joined", "all")) for _ in rooms]
    server_roles = [chance.choice(("admin", "member")) for _ in people]
    # Only in direct conversations somebody is refused although the rights let them send.
    marks = {
        (room, person): chance.randrange(3) if kinds[room] == "direct" else 0
        for room, person in given
    }

    def furnish(transaction: Any) -> None:
        execute = transaction.connection.execute
        for id, role in zip(people, server_roles, strict=True):
            name = f"p{id[-4:]}"
            values = {"username": name, "username_key": name, "display_name": name}
            execute(insert(users).values(id=id, role=role, created_at_ms=1, **values))
        for id, kind, history in zip(rooms, kinds, histories, strict=True):
            values = {"kind": kind, "history": history, "created_by": people[0]}
            execute(insert(conversations).values(id=id, created_at_ms=1, **values))
        for (room, person), membership in given.items():
            if membership is not None:
                role, from_number, has_left = membership
                execute(
                    insert(members).values(
                        conversation_id=rooms[room],
                        user_id=people[person],
                        from_seq=1,
                        from_number=from_number,
                        to_seq=1 if has_left else None,
                        joined_at_ms=1,
                        role=role,
                        refusal=marks[room, person],
                    )
                )

    await filled.store.write(furnish)
    for id in rooms:
        for _ in range(SAID):
            await filled.store.send(filled.draft(conversation=id, by_bot=True))

    def standing(connection: Connection) -> dict[tuple[int, int], tuple[set[Right], set[int]]]:
        found: dict[tuple[int, int], tuple[set[Right], set[int]]] = {}
        for room, person in given:
            try:
                own = require(connection, people[person], rooms[room], Right.READ)
            except NotFound:
                found[room, person] = (set(), set())
            else:
                found[room, person] = (
                    set(own.rights),
                    {number for number in range(1, SAID + 1) if number >= own.first_number},
                )
        return found

    def read(connection: Connection) -> dict[tuple[int, int], set[int]]:
        found: dict[tuple[int, int], set[int]] = {pair: set() for pair in given}
        for person, user in enumerate(people):
            query = select(messages.c.conversation_id, messages.c.number)
            rows = connection.execute(query.where(may_read_message(user))).all()
            text = f"SELECT conversation_id, number FROM messages m WHERE {MAY_READ}"
            raw = connection.exec_driver_sql(text, (bytearray.fromhex(user),)).all()
            assert sorted(rows) == sorted((bytes(id).hex(), number) for id, number in raw)
            for id, number in rows:
                found[rooms.index(id), person].add(number)
        return found

    def present(connection: Connection) -> set[tuple[int, int]]:
        def is_member(room: int, person: int) -> bool:
            marks = (bytearray.fromhex(rooms[room]), bytearray.fromhex(people[person]))
            return bool(connection.exec_driver_sql(f"SELECT {IS_MEMBER}", marks).scalar())

        return {pair for pair in given if is_member(*pair)}

    stands = await filled.store.read(standing)
    for (room, person), membership in given.items():
        expected: tuple[set[Right], set[int]] = (set(), set())
        if membership is not None and not membership[2]:
            role, from_number, _ = membership
            first = 1 if histories[room] == "all" else from_number
            expected = (
                set(rights(role, kinds[room], server_admin=server_roles[person] == "admin")),
                set(range(first, SAID + 1)),
            )
        assert stands[room, person] == expected
    assert await filled.store.read(read) == {pair: found[1] for pair, found in stands.items()}
    assert await filled.store.read(present) == {p for p, found in stands.items() if found[0]}
    drafts = [
        filled.draft(conversation=rooms[room], sender=people[person]) for room, person in given
    ]
    sent = await asyncio.gather(*map(filled.store.send, drafts), return_exceptions=True)
    refusals = [type(one) if isinstance(one, BaseException) else None for one in sent]
    assert dict(zip(given, refusals, strict=True)) == {
        pair: BY_MARK[marks[pair]] if Right.SEND in found[0] else NotFound
        for pair, found in stands.items()
    }
