"""Deleting a conversation for oneself, gone by every way out and for nobody else; and for both."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from dash_messenger.messages import erasure
from dash_messenger.store.access import may_read_message
from dash_messenger.store.blob_references import CoreBlobRows, refer_message
from dash_messenger.store.sqlite.statements import MAY_READ
from dash_messenger.store.tables import (
    blob_references,
    blobs,
    conversations,
    marks,
    messages,
    revisions,
    timers,
)
from fixtures.local_server import LocalServer
from sqlalchemy import Table, select, update

from .test_before_joining import CANARY, change_all, connect, settle
from .test_preferences import listed, own_events, wanted

BOTH = {"for": "all"}


async def room(local: LocalServer, kind: str) -> str:
    """A conversation of Ann and Ben with two messages of Ann's."""
    if kind == "direct":
        made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
        conversation = str(made["id"])
    else:
        conversation = await local.group("ann", "ben")
    for _ in range(2):
        await local.say("ann", conversation, CANARY)
    return conversation


async def all_of(local: LocalServer, name: str, conversation: str) -> str:
    """What a member is told of a conversation by every command that reads."""
    answers = [await listed(local, name), await own_events(local, name)]
    for command, params in (
        ("conversation.get", {"conversation": conversation}),
        ("message.history", {"conversation": conversation}),
        ("message.history", {"conversation": conversation, "around": 1}),
        ("log.read", {"log": conversation, "after": 0}),
    ):
        answers.append(await local.call(name, command, **params))
    return str(answers)


@pytest.mark.parametrize("kind", ["direct", "group", "group that shows all"])
async def test_what_was_said_before_is_gone_for_oneself_alone(
    local: LocalServer, kind: str
) -> None:
    conversation = await room(local, kind)
    if kind == "group that shows all":
        await local.server.store.write(
            lambda transaction: transaction.connection.execute(
                update(conversations).values(history="all")
            )
        )
    before = await listed(local, "ann"), await own_events(local, "ann")
    await local.call("ben", "conversation.set", conversation=conversation, pinned=True)
    token = (await local.call("ben", "sync"))["since"]
    socket = await connect(local, "ben")
    assert CANARY in await all_of(local, "ben", conversation)

    answer = await local.call("ben", "conversation.delete", conversation=conversation)
    assert answer["conversation"] == conversation
    assert wanted(answer["preferences"]) == {"cleared_no": 2}
    await settle(local)
    assert '"preferences.updated"' in socket.text
    socket.heard.clear()
    assert CANARY not in await all_of(local, "ben", conversation)
    page = await local.call("ben", "message.history", conversation=conversation)
    assert (page["messages"], page["events"]) == ([], [])
    now = (await listed(local, "ben"))[conversation]
    assert (now["first_number"], now["unread"], now["last"]) == (3, 0, None)
    assert now["preferences"] == answer["preferences"]
    assert await listed(local, "ben", since=token) == {conversation: now}

    # Nobody else learns of it, and nothing is lost for them.
    assert (await listed(local, "ann"), await own_events(local, "ann")) == before
    page = await local.call("ann", "message.history", conversation=conversation)
    assert [one["number"] for one in page["messages"]] == [1, 2]
    # What happens to it afterwards stays hidden, too, and after coming back with a token.
    for message in page["messages"]:
        await change_all(local, message["id"])
        await settle(local)
        assert CANARY not in socket.text
        local.server.hub.disconnect(socket)
        socket = await connect(local, "ben", since=(await local.call("ben", "sync"))["since"])
    assert CANARY not in await all_of(local, "ben", conversation)

    await local.say("ann", conversation, "new")
    await settle(local)
    assert '"new"' in socket.text
    page = await local.call("ben", "message.history", conversation=conversation)
    assert [one["number"] for one in page["messages"]] == [3]
    now = (await listed(local, "ben"))[conversation]
    assert (now["first_number"], now["unread"], now["last"]["number"]) == (3, 1, 3)


async def test_a_message_that_was_deleted_is_acted_on_by_nobody_who_deleted_it(
    local: LocalServer,
) -> None:
    conversation = await room(local, "group")
    page = await local.call("ben", "message.history", conversation=conversation)
    old = page["messages"][0]["id"]
    await local.call("ben", "conversation.delete", conversation=conversation)
    react = await local.failure("ben", "message.react", message=old, emoji="👍")
    assert react.key == "not_found"
    reply = {"conversation": conversation, "type": "note", "content": {"words": "x"}}
    failure = await local.failure(
        "ben", "message.send", client_id=uuid.uuid4().hex, reply_to=old, **reply
    )
    assert failure.key == "not_found"


async def test_what_came_since_one_looked_is_kept(local: LocalServer) -> None:
    conversation = await room(local, "group")
    params = {"conversation": conversation, "message_no": 1}
    answer = await local.call("ben", "conversation.delete", **params)
    assert wanted(answer["preferences"]) == {"cleared_no": 1}
    page = await local.call("ben", "message.history", conversation=conversation)
    assert [one["number"] for one in page["messages"]] == [2]
    assert (await listed(local, "ben"))[conversation]["unread"] == 1
    # Less is never brought back, and the same again changes nothing.
    events = await own_events(local, "ben")
    for number in (0, 1):
        again = await local.call("ben", "conversation.delete", **params | {"message_no": number})
        assert again == answer
    assert await own_events(local, "ben") == events
    answer = await local.call("ben", "conversation.delete", **params | {"message_no": 99})
    assert wanted(answer["preferences"]) == {"cleared_no": 2}


async def test_a_mute_stays_and_later_wishes_do_not_bring_it_back(local: LocalServer) -> None:
    conversation = await room(local, "direct")
    mute = {"muted_until_ms": 2**53 - 1}
    await local.call("ben", "conversation.set", conversation=conversation, archived=True, **mute)
    answer = await local.call("ben", "conversation.delete", conversation=conversation)
    assert wanted(answer["preferences"]) == {**mute, "cleared_no": 2}
    wish = {"conversation": conversation, "muted_until_ms": None}
    answer = await local.call("ben", "conversation.set", **wish)
    assert wanted(answer["preferences"]) == {"cleared_no": 2}
    # Whoever looks for the other one finds the same conversation, still empty.
    made = await local.call("ben", "conversation.create", kind="direct", members=["ann"])
    assert made["id"] == conversation
    assert CANARY not in await all_of(local, "ben", conversation)


@pytest.mark.parametrize("history", ["joined", "all"])
async def test_it_stays_gone_for_whoever_leaves_and_comes_back(
    local: LocalServer, history: Any
) -> None:
    conversation = await room(local, "group")
    await local.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(conversations).values(history=history)
        )
    )
    await local.call("ben", "conversation.delete", conversation=conversation)
    await local.call("ben", "conversation.leave", conversation=conversation)
    await local.say("ann", conversation, "meanwhile")
    socket = await connect(local, "ben")
    await local.call("ann", "conversation.add", conversation=conversation, members=["ben"])
    await settle(local)
    page = await local.call("ann", "message.history", conversation=conversation)
    await change_all(local, page["messages"][0]["id"])
    await settle(local)
    assert CANARY not in socket.text
    assert CANARY not in await all_of(local, "ben", conversation)
    page = await local.call("ben", "message.history", conversation=conversation)
    shown = [one["text"] for one in page["messages"]]
    assert shown == (["meanwhile"] if history == "all" else [])


async def test_both_ways_of_asking_who_may_read_agree(local: LocalServer) -> None:
    for kind in ("direct", "group"):
        conversation = await room(local, kind)
        await local.call("ben", "conversation.delete", conversation=conversation, message_no=1)
    await local.server.store.write(
        lambda transaction: transaction.connection.execute(
            update(conversations).values(history="all")
        )
    )
    ben = local.users["ben"]

    def look(connection: Any) -> tuple[list[str], list[str]]:
        asked = connection.execute(select(messages.c.id).where(may_read_message(ben)))
        raw = connection.exec_driver_sql(
            f"SELECT lower(hex(m.id)) FROM messages m WHERE {MAY_READ}",
            (bytes.fromhex(ben),),
        )
        return sorted(one for (one,) in asked), sorted(one for (one,) in raw)

    by_sqlalchemy, by_statement = await local.server.store.read(look)
    assert by_sqlalchemy == by_statement
    assert len(by_statement) == 2


@pytest.mark.parametrize("name", ["cleo", "ben"])
async def test_who_is_no_member_learns_nothing(local: LocalServer, name: str) -> None:
    conversation = await local.group("ann", "ben")
    await local.call("ben", "conversation.leave", conversation=conversation)
    failure = await local.failure(name, "conversation.delete", conversation=conversation)
    assert failure.key == "not_found"


async def erased(local: LocalServer) -> None:
    """Return when all is erased that was to be."""
    async with asyncio.timeout(10):
        while await kept(local, timers) != "[[]]":
            await asyncio.sleep(0.01)


async def kept(local: LocalServer, *tables: Table) -> str:
    """All rows of some tables."""
    return str(
        await local.server.store.read(
            lambda connection: [connection.execute(select(table)).all() for table in tables]
        )
    )


async def test_both_lose_what_was_said_and_hear_of_it_at_once(local: LocalServer) -> None:
    conversation = await room(local, "direct")
    await local.call("ann", "conversation.set", conversation=conversation, pinned=True)
    socket = await connect(local, "ann")
    token = (await local.call("ann", "sync"))["since"]
    answer = await local.call("ben", "conversation.delete", conversation=conversation, **BOTH)
    assert wanted(answer["preferences"]) == {"cleared_no": 2}
    await settle(local)
    assert '"preferences.updated"' in socket.text
    for name in ("ann", "ben"):
        assert CANARY not in await all_of(local, name, conversation)
        now = (await listed(local, name))[conversation]
        assert (now["first_number"], now["last"]) == (3, None)
        assert wanted(now["preferences"]) == {"cleared_no": 2}
    assert list(await listed(local, "ann", since=token)) == [conversation]

    await local.say("ann", conversation, "new")
    for name in ("ann", "ben"):
        page = await local.call(name, "message.history", conversation=conversation)
        assert [one["text"] for one in page["messages"]] == ["new"]


@pytest.mark.parametrize("how", ["by one", "by each"])
async def test_what_both_have_deleted_is_erased(
    local: LocalServer, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "PAGE", 2)
    conversation = await room(local, "direct")
    for _ in range(3):
        await local.say("ben", conversation, CANARY)
    page = await local.call("ann", "message.history", conversation=conversation)
    own = page["messages"][0]["id"]
    named = {"message": own, "client_id": uuid.uuid4().hex}
    await local.call("ann", "message.edit", content={"words": CANARY + "!"}, **named)
    await local.call("ben", "message.react", message=own, emoji="👍")
    assert CANARY in await kept(local, messages, revisions)
    if how == "by each":
        await local.call("ann", "conversation.delete", conversation=conversation)
        await local.call("ben", "conversation.delete", conversation=conversation)
    else:
        await local.call("ann", "conversation.delete", conversation=conversation, **BOTH)
    await erased(local)
    assert CANARY not in await kept(local, messages, revisions, marks)
    assert "👍" not in await kept(local, messages, marks)
    # The same edit again is known, and what is new is not touched.
    again = await local.call("ann", "message.edit", content={"words": CANARY + "!"}, **named)
    assert again["id"] == own
    await local.say("ann", conversation, "new")
    assert "new" in await kept(local, messages)


async def test_files_of_what_both_have_deleted_are_needed_no_longer(local: LocalServer) -> None:
    conversation = await room(local, "direct")
    page = await local.call("ann", "message.history", conversation=conversation)
    message = page["messages"][0]["id"]
    owner = {"owner": local.users["ann"], "name": "a file", "media_type": "text/plain"}
    blob = (await local.server.blobs.put(b"its content", **owner)).id
    await local.server.store.write(
        lambda transaction: refer_message(CoreBlobRows(transaction.connection), message, [blob])
    )
    unneeded = select(blobs.c.unreferenced_at_ms).where(blobs.c.id == blob)

    async def since() -> Any:
        return await local.server.store.read(
            lambda connection: connection.execute(unneeded).scalar()
        )

    assert await since() is None
    await local.call("ben", "conversation.delete", conversation=conversation, **BOTH)
    await erased(local)
    assert message not in await kept(local, blob_references)
    assert await since() == local.clock()


async def test_what_one_alone_deleted_stays_for_the_other(local: LocalServer) -> None:
    conversation = await room(local, "direct")
    await local.call("ben", "conversation.delete", conversation=conversation)
    assert await kept(local, timers) == "[[]]"
    both = {"conversation": conversation, "message_no": 1, **BOTH}
    await local.call("ben", "conversation.delete", **both)
    await erased(local)
    page = await local.call("ann", "message.history", conversation=conversation)
    assert [(one["number"], one["text"]) for one in page["messages"]] == [(2, CANARY)]
    assert wanted((await listed(local, "ben"))[conversation]["preferences"]) == {"cleared_no": 2}


async def test_saved_messages_are_erased_when_they_are_deleted(local: LocalServer) -> None:
    conversation = (await local.call("ann", "conversation.create", kind="saved"))["id"]
    await local.say("ann", conversation, CANARY)
    await local.call("ann", "conversation.delete", conversation=conversation)
    await erased(local)
    assert CANARY not in await kept(local, messages)


async def test_a_group_is_deleted_for_oneself_alone(local: LocalServer) -> None:
    conversation = await room(local, "group")
    params = {"conversation": conversation, **BOTH}
    assert (await local.failure("ann", "conversation.delete", **params)).key == "refused"
    assert CANARY in await all_of(local, "ann", conversation)
    params["for"] = "nobody"
    failure = await local.failure("ann", "conversation.delete", **params)
    assert failure.key == "invalid_params"
