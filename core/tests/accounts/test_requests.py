"""Messages of people who may not write to one: one waits, unseen but for its text, until it is
accepted or declined."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from dash_messenger.accounts.request_rows import requests_page
from dash_messenger.accounts.requests import MAX_REQUESTS_PAGE
from dash_messenger.blobs.referrers import refer
from dash_messenger.errors import CloseCode, Failure
from dash_messenger.store import Transaction
from fixtures.local_server import LocalServer
from fixtures.query_plans import query_plans
from sqlalchemy import Connection

PENDING = (
    1097,
    "request_pending",
    "You can write more once this person accepts your first message.",
)
NOT_ACCEPTED = (1092, "messages_not_accepted", "This person does not accept messages from you.")


async def begin(local: LocalServer, by: str = "ann", to: str = "ben") -> str:
    made = await local.call(by, "conversation.create", kind="direct", members=[local.users[to]])
    conversation: str = made["id"]
    return conversation


async def ask(local: LocalServer, by: str = "ann", to: str = "ben", words: str = "Hello") -> str:
    """Have a stranger's message wait; the conversation."""
    await local.call(to, "privacy.update", message="nobody")
    conversation = await begin(local, by, to)
    await local.say(by, conversation, words)
    return conversation


async def waiting(local: LocalServer, name: str = "ben") -> dict[str, str]:
    """The texts that wait for somebody, by who wrote them."""
    found = await local.call(name, "request.list")
    return {found["users"][one["user"]]["username"]: one["text"] for one in found["requests"]}


async def refusal(local: LocalServer, by: str, conversation: str) -> tuple[int, str, str]:
    try:
        await local.say(by, conversation)
    except Failure as failure:
        return failure.code, failure.key, str(failure)
    raise AssertionError("it was taken")


async def log_of(local: LocalServer, name: str) -> list[Any]:
    page = await local.call(name, "log.read", log=local.users[name], after=0)
    events: list[Any] = page["events"]
    return events


async def seen_by_sender(local: LocalServer, conversation: str) -> str:
    """All that the sender is told of somebody to whom they wrote."""
    asked: list[tuple[str, dict[str, Any]]] = [
        ("sync", {}),
        ("conversation.get", {"conversation": conversation}),
        ("conversation.create", {"kind": "direct", "members": [local.users["ben"]]}),
        ("conversation.members", {"conversation": conversation}),
        ("message.history", {"conversation": conversation}),
        ("log.read", {"log": conversation, "after": 0}),
        ("log.read", {"log": local.users["ann"], "after": 0}),
        ("user.get", {"users": [local.users["ben"]]}),
        ("contact.list", {"state": "sent"}),
        ("request.list", {}),
    ]
    told = [await local.call("ann", command, **params) for command, params in asked]
    # How much others do on the server is in the token.
    told[0].pop("since")
    return json.dumps([told, await refusal(local, "ann", conversation)])


async def test_one_message_waits_and_a_second_is_refused(local: LocalServer) -> None:
    conversation = await ask(local, words="Hello Ben")
    found = await local.call("ben", "request.list")
    now_ms = local.clock()
    [request] = found["requests"]
    assert request == {"user": local.users["ann"], "since_ms": now_ms, "text": "Hello Ben"}
    assert found["users"][local.users["ann"]]["username"] == "ann"
    assert not found["more"]
    last = (await log_of(local, "ben"))[-1]
    assert (found["seq"], last["kind"]) == (last["seq"], "request.updated")
    assert last["data"] == {
        "user": {"id": local.users["ann"], "username": "ann", "display_name": "ann"},
        "since_ms": now_ms,
    }
    assert await refusal(local, "ann", conversation) == PENDING
    assert await waiting(local) == {"ann": "Hello Ben"}
    own = (await local.call("ann", "conversation.get", conversation=conversation))["conversation"]
    assert (own["request"], own["message_no"], own["peer"]) == (True, 1, local.users["ben"])


async def test_until_it_is_accepted_the_receiver_is_no_member_for_anything(
    local: LocalServer,
) -> None:
    conversation = await ask(local)
    message = (await local.call("ann", "message.history", conversation=conversation))["messages"][0]
    assert (await local.call("ben", "sync"))["conversations"] == []
    assert (await local.call("ben", "message.get", messages=[message["id"]]))["messages"] == []
    tried: list[tuple[str, dict[str, Any]]] = [
        ("conversation.get", {"conversation": conversation}),
        ("conversation.members", {"conversation": conversation}),
        ("conversation.set", {"conversation": conversation, "pinned": True}),
        ("conversation.delete", {"conversation": conversation}),
        ("message.history", {"conversation": conversation}),
        ("message.read_by", {"message": message["id"]}),
        ("message.react", {"message": message["id"], "emoji": "👍"}),
        ("message.act", {"message": message["id"], "action": "nod", "client_id": "1" * 32}),
        ("message.delete", {"message": message["id"]}),
        ("message.slash", {"conversation": conversation, "text": "/wave"}),
        ("read.advance", {"conversation": conversation, "message_no": 1}),
        ("log.read", {"log": conversation, "after": 0}),
    ]
    for command, params in tried:
        assert (await local.failure("ben", command, **params)).key == "not_found", command
    assert (await refusal(local, "ben", conversation))[1] == "not_found"
    kinds = {event["kind"] for event in await log_of(local, "ben")}
    assert kinds == {"privacy.updated", "request.updated"}


async def test_a_request_that_is_accepted_is_a_conversation_like_any_other(
    local: LocalServer,
) -> None:
    conversation = await ask(local)
    answer = await local.call("ben", "request.accept", user="ann")
    assert (answer["conversation"], answer["user"]["username"]) == (conversation, "ann")
    assert await waiting(local) == {}
    kinds = [event["kind"] for event in await log_of(local, "ben")]
    assert kinds[-2:] == ["conversation.added", "request.updated"]
    assert (await log_of(local, "ben"))[-1]["data"]["since_ms"] is None
    [listed] = (await local.call("ben", "sync"))["conversations"]
    assert (listed["id"], listed["unread"], listed["first_number"]) == (conversation, 1, 1)
    assert "request" not in listed
    [message] = (await local.call("ben", "message.history", conversation=conversation))["messages"]
    assert message["text"] == "Hello"
    own = (await local.call("ann", "conversation.get", conversation=conversation))["conversation"]
    assert "request" not in own
    assert own["member_count"] == 2
    [*_, joined] = (await local.call("ann", "log.read", log=conversation, after=0))["events"]
    assert (joined["kind"], joined["data"]["user"]["username"]) == ("member.joined", "ben")
    assert await local.say("ann", conversation)
    assert await local.say("ben", conversation)
    # Whoever asks for what is so already is answered as it is.
    assert await local.call("ben", "request.accept", user="ann") == answer
    assert await local.call("ann", "request.accept", user="ben")


async def test_whoever_is_declined_cannot_tell(local: LocalServer) -> None:
    conversation = await ask(local)
    before = await seen_by_sender(local, conversation)
    assert (await local.call("ben", "request.decline", user="ann"))["user"]["username"] == "ann"
    assert await waiting(local) == {}
    assert (await log_of(local, "ben"))[-1]["data"]["since_ms"] is None
    events = len(await log_of(local, "ben"))
    assert await seen_by_sender(local, conversation) == before
    await local.call("ben", "request.decline", user="ann")
    assert len(await log_of(local, "ben")) == events
    # Who declined by mistake accepts.
    await local.call("ben", "request.accept", user="ann")
    assert await local.say("ann", conversation)


async def test_nothing_is_accepted_that_nobody_wrote(local: LocalServer) -> None:
    async def accept() -> str:
        return (await local.failure("ben", "request.accept", user=local.users["ann"])).key

    assert await accept() == "not_found"
    await local.call("ben", "privacy.update", message="nobody")
    conversation = await begin(local)
    assert await accept() == "not_found"
    assert await waiting(local) == {}
    own = (await local.call("ann", "conversation.get", conversation=conversation))["conversation"]
    assert (own["request"], own["message_no"]) == (True, 0)
    await local.say("ann", conversation)
    assert await waiting(local) == {"ann": "hello"}
    # Nor does the one who wrote.
    assert (await local.failure("ann", "request.accept", user="cleo")).key == "not_found"
    assert (await local.failure("cleo", "request.accept", user="nobodynobody")).key == (
        "unknown_user"
    )
    await local.call("ann", "request.accept", user="ben")
    assert await refusal(local, "ann", conversation) == PENDING


async def test_a_block_out_of_the_requests_ends_it_as_any_block(local: LocalServer) -> None:
    conversation = await ask(local)
    await local.call("ben", "user.block", user=local.users["ann"])
    assert await waiting(local) == {}
    assert await refusal(local, "ann", conversation) == NOT_ACCEPTED
    failure = await local.failure("ben", "request.accept", user=local.users["ann"])
    assert failure.key == "blocked_by_you"
    failure = await local.failure(
        "ben", "conversation.create", kind="direct", members=[local.users["ann"]]
    )
    assert failure.key == "blocked_by_you"
    # Unblocking brings nothing back.
    await local.call("ben", "user.unblock", user=local.users["ann"])
    assert await waiting(local) == {}
    assert await refusal(local, "ann", conversation) == PENDING


async def test_a_block_by_the_sender_takes_the_request_back(local: LocalServer) -> None:
    conversation = await ask(local)
    await local.call("ann", "user.block", user=local.users["ben"])
    assert await waiting(local) == {}
    failure = await local.failure("ben", "request.accept", user=local.users["ann"])
    assert failure.key == "not_found"
    writing = {"kind": "direct", "members": [local.users["ann"]]}
    failure = await local.failure("ben", "conversation.create", **writing)
    assert failure.key in ("messages_not_accepted", "unknown_user")
    assert (await refusal(local, "ann", conversation))[1] == "blocked_by_you"


@pytest.mark.parametrize("meanwhile", ["nothing", "asked"])
async def test_a_block_is_told_from_no_requests_by_nothing(
    local: LocalServer, meanwhile: str
) -> None:
    answers: set[tuple[int, str, str]] = set()
    for way in ("block", "off", "exception"):
        sender = f"eve{way}"
        await local.add(sender)
        await local.call("ben", "privacy.update", message="contacts", requests="everybody")
        conversation = await begin(local, sender)
        if meanwhile == "asked":
            await local.say(sender, conversation)
        if way == "block":
            await local.call("ben", "user.block", user=sender)
        elif way == "off":
            await local.call("ben", "privacy.update", requests="nobody")
        else:
            await local.call("ben", "privacy.except", user=sender, message="deny")
        answers.add(await refusal(local, sender, conversation))
    assert answers == {NOT_ACCEPTED}


@pytest.mark.parametrize("way", ["off", "block", "exception"])
async def test_a_stranger_begins_nothing_where_no_request_is_taken(
    local: LocalServer, way: str
) -> None:
    await local.group("cleo", "ann", "ben")
    await local.call("ben", "privacy.update", message="nobody")
    if way == "off":
        await local.call("ben", "privacy.update", requests="nobody")
    elif way == "block":
        await local.call("ben", "user.block", user="ann")
    else:
        await local.call("ben", "privacy.except", user="ann", message="deny")
    before = await log_of(local, "ben")
    new = {"kind": "direct", "members": [local.users["ben"]]}
    failure = await local.failure("ann", "conversation.create", **new)
    assert (failure.code, failure.key, str(failure)) == NOT_ACCEPTED
    assert await log_of(local, "ben") == before
    assert await waiting(local) == {}


async def write_back(local: LocalServer) -> None:
    await local.call("ben", "conversation.create", kind="direct", members=[local.users["ann"]])


async def become_contacts(local: LocalServer) -> None:
    await local.call("ann", "contact.request", user="ben")
    await local.call("ben", "contact.accept", user="ann")


async def be_asked_back(local: LocalServer) -> None:
    await local.call("ben", "contact.request", user="ann")
    await local.call("ann", "contact.accept", user="ben")


async def allow(local: LocalServer) -> None:
    await local.call("ben", "privacy.except", user="ann", message="allow")


@pytest.mark.parametrize("accept", [write_back, become_contacts, be_asked_back, allow])
@pytest.mark.parametrize("before", ["waits", "declined", "nothing said"])
async def test_whoever_lets_the_sender_write_has_accepted(
    local: LocalServer, accept: Callable[[LocalServer], Awaitable[None]], before: str
) -> None:
    await local.call("ben", "privacy.update", message="nobody")
    conversation = await begin(local)
    if before != "nothing said":
        await local.say("ann", conversation)
    if before == "declined":
        await local.call("ben", "request.decline", user="ann")
    await accept(local)
    assert await waiting(local) == {}
    [listed] = (await local.call("ben", "sync"))["conversations"]
    assert listed["id"] == conversation
    if before == "nothing said":
        # A chat like any other in which nobody has written yet.
        await local.say("ben", conversation)
    assert await local.say("ann", conversation)
    assert await local.say("ben", conversation)
    told = [one for one in await log_of(local, "ben") if one["kind"] == "request.updated"]
    assert [one["data"]["since_ms"] is None for one in told] == (
        [] if before == "nothing said" else [False, True]
    )


async def test_settings_that_change_leave_what_waits_and_open_what_was_not_written_in(
    local: LocalServer,
) -> None:
    conversation = await ask(local)
    await local.call("ben", "privacy.update", message="everybody")
    assert await refusal(local, "ann", conversation) == PENDING
    assert await begin(local) == conversation
    assert await refusal(local, "ann", conversation) == PENDING
    await local.call("ben", "privacy.update", message="nobody")
    unwritten = await begin(local, "cleo")
    await local.call("ben", "privacy.update", message="everybody")
    assert await begin(local, "cleo") == unwritten
    assert await local.say("cleo", unwritten)
    assert await local.say("cleo", unwritten)
    assert await waiting(local) == {"ann": "Hello"}


async def test_a_chat_that_is_open_stays_open_whatever_is_set(local: LocalServer) -> None:
    conversation = await begin(local)
    await local.say("ann", conversation)
    await local.call("ben", "privacy.update", message="nobody", requests="nobody")
    assert await local.say("ann", conversation)


async def test_of_messages_that_come_at_once_one_waits(local: LocalServer) -> None:
    await local.call("ben", "privacy.update", message="nobody")
    conversation = await begin(local)
    sent = await asyncio.gather(
        *(local.say("ann", conversation, str(n)) for n in range(5)), return_exceptions=True
    )
    refused = [one for one in sent if isinstance(one, Failure)]
    assert {(one.code, one.key, str(one)) for one in refused} == {PENDING}
    assert len(refused) == 4
    assert await waiting(local) == {"ann": "0"}


async def test_a_retry_of_the_one_message_gets_its_answer(local: LocalServer) -> None:
    await local.call("ben", "privacy.update", message="nobody")
    said = {
        "conversation": await begin(local),
        "client_id": uuid.uuid4().hex,
        "type": "note",
        "content": {"words": "Hello"},
    }
    first = await local.call("ann", "message.send", **said)
    assert await local.call("ann", "message.send", **said) == first
    [event] = [one for one in await log_of(local, "ben") if one["kind"] == "request.updated"]
    assert event["by"] == local.users["ann"]


async def test_what_waits_is_changed_by_nothing_but_its_deletion(local: LocalServer) -> None:
    conversation = await ask(local)
    page = await local.call("ann", "message.history", conversation=conversation)
    message = page["messages"][0]["id"]
    tried: list[tuple[str, dict[str, Any]]] = [
        ("message.edit", {"message": message, "content": {"words": "x"}, "client_id": "1" * 32}),
        ("message.react", {"message": message, "emoji": "👍"}),
        ("message.act", {"message": message, "action": "nod", "client_id": "2" * 32}),
        ("message.slash", {"conversation": conversation, "text": "/wave"}),
    ]
    for command, params in tried:
        assert (await local.failure("ann", command, **params)).key == "request_pending", command
    assert await waiting(local) == {"ann": "Hello"}
    await local.call("ann", "message.delete", message=message)
    assert await waiting(local) == {}
    last = (await log_of(local, "ben"))[-1]
    assert (last["kind"], last["data"]["since_ms"]) == ("request.updated", None)
    # It was the one, also where it would not need to be one now.
    await local.call("ben", "privacy.update", message="everybody")
    assert await begin(local) == conversation
    assert await refusal(local, "ann", conversation) == PENDING
    assert (await local.failure("ben", "request.accept", user="ann")).key == "not_found"


@pytest.mark.parametrize("at_once", [False, True])
async def test_twenty_wait_for_an_answer_and_what_is_declined_counts(
    local: LocalServer, at_once: bool
) -> None:
    names = [f"person{n}" for n in range(22)]
    await local.add(*names)
    conversations = []
    for name in names:
        await local.call(name, "privacy.update", message="nobody")
        conversations.append(await begin(local, "ann", name))
    if at_once:
        sent: list[Any] = await asyncio.gather(
            *(local.say("ann", one) for one in conversations[:21]), return_exceptions=True
        )
        failure = sent[-1]
        assert [type(one) for one in sent[:-1]] == [dict] * 20
    else:
        for one in conversations[:20]:
            await local.say("ann", one)
        await local.call(names[0], "request.decline", user="ann")
        with pytest.raises(Failure) as raised:
            await local.say("ann", conversations[20])
        failure = raised.value
    assert (failure.code, failure.key, failure.params) == (
        1098,
        "too_many_message_requests",
        {"limit": 20},
    )
    assert await waiting(local, names[20]) == {}
    # Others are not counted.
    assert await local.say("cleo", await begin(local, "cleo", names[20]))
    # What is accepted, or taken back, makes room.
    await local.call(names[1], "request.accept", user="ann")
    await local.say("ann", conversations[20])
    page = await local.call("ann", "message.history", conversation=conversations[2])
    await local.call("ann", "message.delete", message=page["messages"][0]["id"])
    await local.say("ann", conversations[21])
    assert set(await waiting(local, names[20])) == {"ann", "cleo"}


async def test_requests_are_read_by_pages_in_the_order_of_ids(local: LocalServer) -> None:
    await local.add("dan", "eve")
    for name in ("ann", "cleo", "dan", "eve"):
        await ask(local, name, words=name)
    found, after = list[Any](), None
    for more in (True, True, True, False):
        page = await local.call("ben", "request.list", limit=1, after=after)
        assert page["more"] == more
        found += page["requests"]
        after = found[-1]["user"]
    ids = [one["user"] for one in found]
    assert ids == sorted(local.users[name] for name in ("ann", "cleo", "dan", "eve"))
    failure = await local.failure("ben", "request.list", limit=MAX_REQUESTS_PAGE + 1)
    assert failure.key == "invalid_params"


async def test_a_long_text_is_cut(local: LocalServer) -> None:
    await ask(local, words="é" * 3_000)
    assert await waiting(local) == {"ann": "é" * 1_000}


async def test_who_hides_and_writes_can_be_answered_and_blocked(local: LocalServer) -> None:
    await local.call("ann", "privacy.update", find="nobody")
    await ask(local)
    assert await waiting(local) == {"ann": "Hello"}
    id = local.users["ann"]
    assert (await local.failure("cleo", "user.block", user=id)).key == "unknown_user"
    await local.call("ben", "request.decline", user=id)
    await local.call("ben", "request.accept", user=id)
    await local.call("ben", "user.block", user=id)


async def test_a_file_of_what_waits_is_not_the_receivers(local: LocalServer) -> None:
    conversation = await ask(local)
    page = await local.call("ann", "message.history", conversation=conversation)
    blob = await local.server.blobs.put(
        b"\x89PNG\r\n\x1a\n", owner=local.users["ann"], name="photo", media_type="image/png"
    )

    def work(transaction: Transaction) -> None:
        refer(transaction.connection, blob.id, f"message:{page['messages'][0]['id']}")

    await local.server.store.write(work)
    token = await local.token("ben")

    async def status() -> int:
        return (await local.request(f"/blobs/{blob.id}", method="GET", token=token)).status

    assert await status() == 404
    await local.call("ben", "request.accept", user="ann")
    assert await status() == 200


class Ear:
    """A connection of Ben's, that notes what it is told."""

    view: str | None = None
    session = "5" * 32

    def __init__(self, local: LocalServer) -> None:
        self.user = local.users["ben"]
        self.told: list[str] = []
        self.new = asyncio.Event()

    def write(self, frames: bytes) -> None:
        self.told += re.findall(r'"seq":\d+,"kind":"([^"]+)"', frames.decode(errors="replace"))
        self.new.set()

    def close(self, code: CloseCode, reason: str = "") -> None:
        raise AssertionError(reason)

    async def wait(self, kind: str) -> None:
        while kind not in self.told:
            self.new.clear()
            await asyncio.wait_for(self.new.wait(), 30)


async def test_a_connection_hears_of_the_request_and_of_nothing_in_it(local: LocalServer) -> None:
    ear, hub = Ear(local), local.server.services.ground.hub
    assert hub.connect(ear) is None
    await local.call("ben", "privacy.update", message="nobody")
    await ear.wait("privacy.updated")
    ear.told.clear()
    conversation = await begin(local)
    await local.say("ann", conversation)
    await ear.wait("request.updated")
    assert ear.told == ["request.updated"]
    await local.call("ben", "request.accept", user="ann")
    await local.say("ann", conversation)
    await ear.wait("message.created")
    assert sorted(ear.told[1:]) == sorted(
        ["member.joined", "conversation.added", "request.updated", "message.created"]
    )


async def test_requests_are_found_by_their_index(local: LocalServer) -> None:
    ben = local.users["ben"]

    def work(connection: Connection) -> dict[str, str]:
        return query_plans(connection, lambda: requests_page(connection, ben, "0" * 32, 10))

    [plan] = (await local.server.store.read(work)).values()
    assert "ix_message_requests_open" in plan
    assert "SCAN" not in plan


async def test_a_chat_that_its_sender_deletes_for_both_waits_no_more(local: LocalServer) -> None:
    conversation = await ask(local)
    # For oneself alone, it is still for the other one to read.
    await local.call("ann", "conversation.delete", conversation=conversation)
    assert await waiting(local) == {"ann": "Hello"}
    before = await log_of(local, "ben")
    # What is deleted already is deleted for the other one, too.
    await local.call("ann", "conversation.delete", conversation=conversation, **{"for": "all"})
    assert await waiting(local) == {}
    [event] = (await log_of(local, "ben"))[len(before) :]
    assert (event["kind"], event["data"]["since_ms"]) == ("request.updated", None)
    ann = local.users["ann"]
    assert (await local.failure("ben", "request.accept", user=ann)).key == "not_found"
    # Whoever comes in later finds nothing of it.
    await local.call("ben", "privacy.except", user=ann, message="allow")
    page = await local.call("ben", "message.history", conversation=conversation)
    assert page["messages"] == []
