"""What is told without being asked for, and files: receipts, profiles, photos obey the policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.blobs.referrers import refer
from dash_messenger.errors import Failure
from dash_messenger.store import Transaction
from dash_messenger.store.tables import users
from fixtures.ears import listen
from fixtures.local_server import LocalServer, open_server
from sqlalchemy import update

# What the one who reads, R, and the one who wrote, W, set about receipts; then whether W learns it.
SET: dict[str, tuple[list[tuple[str, str, dict[str, str]]], bool, bool]] = {
    # name: (steps, in a direct conversation, in a group)
    "nothing": ([], True, True),
    "reader hides": ([("R", "privacy.update", {"receipts": "nobody"})], False, False),
    "author hides": ([("W", "privacy.update", {"receipts": "nobody"})], False, False),
    "reader shows contacts": ([("R", "privacy.update", {"receipts": "contacts"})], False, False),
    "reader shows known": ([("R", "privacy.update", {"receipts": "known"})], True, True),
    "reader denies": ([("R", "privacy.except", {"user": "W", "receipts": "deny"})], False, True),
    "author denies": ([("W", "privacy.except", {"user": "R", "receipts": "deny"})], False, True),
    "reader hides, allows": (
        [
            ("R", "privacy.update", {"receipts": "nobody"}),
            ("R", "privacy.except", {"user": "W", "receipts": "allow"}),
        ],
        True,
        False,
    ),
    "shown again": (
        [
            ("R", "privacy.update", {"receipts": "nobody"}),
            ("R", "privacy.update", {"receipts": "everybody"}),
        ],
        True,
        True,
    ),
    "reader blocks": ([("R", "user.block", {"user": "W"})], False, True),
    "author blocks": ([("W", "user.block", {"user": "R"})], False, True),
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben", "cleo")
        yield local


@pytest.mark.parametrize(("case", "kind"), [*product(SET, ("direct", "group"))])
async def test_how_far_one_has_read_is_told_where_both_show_it(
    server: LocalServer, case: str, kind: str
) -> None:
    steps, direct, group = SET[case]
    shown = direct if kind == "direct" else group
    if kind == "direct":
        made = await server.call("ann", "conversation.create", kind="direct", members=["ben"])
        conversation = made["id"]
        # So that `known` means something.
        await server.group("ann", "ben")
    else:
        conversation = await server.group("ann", "ben", "cleo")
    message = (await server.say("ann", conversation))["id"]
    names = {"R": "ben", "W": "ann"}
    for by, command, params in steps:
        asked = {key: server.users[names[v]] if v in names else v for key, v in params.items()}
        await server.call(names[by], command, **asked)
    ear = listen(server, "ann", conversation)
    own = listen(server, "ben", conversation)
    await server.call("ben", "read.advance", conversation=conversation, message_no=1)
    # One's own devices always hear it, and it is told at once or never.
    await own.wait("read")
    told = [one["others_read_no"] for one in ear.told("receipt")]
    assert told == ([1] if shown else [])
    found = await server.call("ann", "message.read_by", message=message)
    is_blocked = "blocks" in case
    assert bool(found["users"]) == (shown and not is_blocked)
    # Stored or not yet: of a group what waits is told by receipts alone.
    server.server.store._flush_positions()
    await server.server.store.write(lambda transaction: None)
    for command, params in (("conversation.get", {"conversation": conversation}), ("sync", {})):
        answer = await server.call("ann", command, **params)
        rows = answer.get("conversations") or [answer["conversation"]]
        [summary] = [one for one in rows if one["id"] == conversation]
        assert summary["others_read_no"] == int(shown), command


async def test_a_receipt_that_waits_is_not_told_after_a_block(server: LocalServer) -> None:
    made = await server.call("ann", "conversation.create", kind="direct", members=["ben"])
    conversation = made["id"]
    for _ in range(2):
        await server.say("ann", conversation)
    ear = listen(server, "ann", conversation)
    await server.call("ben", "read.advance", conversation=conversation, message_no=1)
    await ear.wait("receipt")
    # The next one waits for its time.
    await server.call("ben", "read.advance", conversation=conversation, message_no=2)
    receipts = server.server.services.talk.receipts
    assert conversation in receipts._waiting
    await server.call("ben", "user.block", user="ann")
    assert conversation not in receipts._waiting
    assert len(ear.told("receipt")) == 1


@pytest.mark.parametrize("way", ["send", "react", "edit"])
async def test_nothing_gets_through_once_a_block_is_answered(server: LocalServer, way: str) -> None:
    made = await server.call("ann", "conversation.create", kind="direct", members=["ben"])
    conversation = made["id"]
    own = (await server.say("ann", conversation))["id"]
    theirs = (await server.say("ben", conversation))["id"]
    ends: list[int] = []

    async def end() -> int:
        page = await server.call("ben", "log.read", log=conversation, after=0)
        newest: int = page["newest"]
        return newest

    async def block() -> None:
        await server.call("ben", "user.block", user=server.users["ann"])
        ends.append(await end())

    async def tries(n: int) -> None:
        edited = {"content": {"words": str(n)}, "client_id": f"{n:032x}"}
        try:
            if way == "send":
                await server.say("ann", conversation)
            elif way == "react":
                await server.call("ann", "message.react", message=theirs, emoji="👍")
            else:
                await server.call("ann", "message.edit", message=own, **edited)
        except Failure as failure:
            assert failure.key == "messages_not_accepted"  # noqa: PT017 - some come before

    for round in range(20):
        work = [tries(20 * round + n) for n in range(10)]
        work.insert(round % 10, block())
        await asyncio.gather(*work)
        assert await end() == ends[-1]
        await server.call("ben", "user.unblock", user=server.users["ann"])
        if way == "react":
            await server.call("ann", "message.react", message=theirs, emoji="👍", on=False)


async def put_photo(local: LocalServer, name: str) -> str:
    blob = await local.server.blobs.put(
        b"\x89PNG\r\n\x1a\n", owner=local.users["cleo"], name="photo", media_type="image/png"
    )

    def work(transaction: Transaction) -> None:
        connection = transaction.connection
        of_user = users.c.id == local.users[name]
        connection.execute(update(users).where(of_user).values(photo=blob.id))
        refer(connection, blob.id, f"user:{local.users[name]}")

    await local.server.store.write(work)
    photo: str = blob.id
    return photo


async def test_a_photos_file_is_for_whom_the_photo_is(server: LocalServer) -> None:
    photo = await put_photo(server, "ben")
    token = await server.token("ann")

    async def status() -> int:
        return (await server.request(f"/blobs/{photo}", method="GET", token=token)).status

    assert await status() == 200
    await server.call("ben", "privacy.update", photo="contacts")
    assert await status() == 404
    await server.call("ben", "privacy.except", user="ann", photo="allow")
    assert await status() == 200
    await server.call("ben", "user.block", user="ann")
    assert await status() == 404
    own = await server.request(f"/blobs/{photo}", method="GET", token=await server.token("ben"))
    assert own.status == 200


async def test_a_profile_is_told_in_two_encodings(server: LocalServer) -> None:
    photo = await put_photo(server, "ben")
    await server.add("dan", "eve", "fay")
    conversation = await server.group("ben", "ann", "cleo", "dan", "eve", "fay")
    for name in ("ann", "dan"):
        await server.call("ben", "privacy.except", user=name, photo="deny")
    ears = {
        name: listen(server, name, conversation) for name in ("ben", "ann", "cleo", "dan", "eve")
    }
    await server.call("ben", "account.update", display_name="Benjamin")
    told = {name: await ear.wait("user.updated") for name, ear in ears.items()}
    photos = {name: one[-1]["user"].get("photo") for name, one in told.items()}
    assert photos == {"ben": photo, "cleo": photo, "eve": photo, "ann": None, "dan": None}
    assert {one[-1]["user"]["display_name"] for one in told.values()} == {"Benjamin"}
    frames = {
        frame
        for ear in ears.values()
        for frame in ear.frames
        if b"Benjamin" in frame
        if b"user.updated" in frame
    }
    assert len(frames) == 2


async def test_settings_exceptions_and_blocks_survive_a_restart(tmp_path: Path) -> None:
    async def settings(local: LocalServer) -> list[Any]:
        return [
            await local.call("ann", "privacy.get"),
            await local.call("ann", "privacy.exceptions"),
            await local.call("ann", "user.blocked"),
        ]

    async with open_server(tmp_path) as local:
        await local.add("ann", "ben", "cleo")
        made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
        await local.say("ann", made["id"])
        await local.call("ann", "privacy.update", receipts="nobody", find="everybody")
        await local.call("ann", "privacy.except", user="cleo", photo="deny", find="allow")
        await local.call("ann", "user.block", user="ben")
        before, ids = await settings(local), local.users
        assert before[0]["privacy"]["receipts"] == "nobody"
        [one] = before[1]["exceptions"]
        assert one == {"user": ids["cleo"], "photo": "deny", "find": "allow"}
        assert [one["user"] for one in before[2]["blocked"]] == [ids["ben"]]
        assert {one["seq"] for one in before} == {4}
    # What differs from the default alone is kept: a stricter default holds for the rest.
    async with open_server(tmp_path, privacy_find="contacts") as local:
        local.users = ids
        after = await settings(local)
        assert after[1:] == before[1:]
        assert after[0]["privacy"] == before[0]["privacy"] | {"find": "contacts"}
        failure = await local.failure(
            "ben",
            "message.send",
            conversation=made["id"],
            client_id="7" * 32,
            type="note",
            content={"words": "x"},
        )
        assert failure.key == "messages_not_accepted"
        assert not local.server.services.ground.privacy.shows_receipts_in_groups(ids["ann"])


async def test_events_have_the_new_values_and_a_wish_that_is_so_already_has_none(
    server: LocalServer,
) -> None:
    ben = server.users["ben"]
    steps: list[tuple[str, dict[str, Any], str | None, Any]] = [
        (
            "privacy.update",
            {"find": "nobody", "add": "known"},
            "privacy.updated",
            {"find": "nobody", "add": "known"},
        ),
        ("privacy.update", {"find": "nobody"}, None, None),
        (
            "privacy.except",
            {"user": "ben", "photo": "deny"},
            "privacy.exceptions_updated",
            {"user": ben, "photo": "deny"},
        ),
        ("privacy.except", {"user": "ben", "photo": "deny", "find": None}, None, None),
        ("privacy.except", {"user": "ben", "photo": None}, "privacy.exceptions_updated", None),
        ("user.block", {"user": "ben"}, "block.updated", server.clock.now_ms),
        ("user.block", {"user": "ben"}, None, None),
        ("user.unblock", {"user": "ben"}, "block.updated", None),
        ("user.unblock", {"user": "ben"}, None, None),
    ]
    log, seq = server.users["ann"], 0
    for command, params, kind, value in steps:
        await server.call("ann", command, **params)
        page = await server.call("ann", "log.read", log=log, after=seq)
        seq = page["newest"]
        assert [one["kind"] for one in page["events"]] == ([kind] if kind else []), command
        if kind == "privacy.updated":
            # What is so by default already is no change.
            assert page["events"][0]["data"] == value
        elif kind is not None:
            data = page["events"][0]["data"]
            assert data["user"]["id"] == ben
            assert data["since_ms" if kind == "block.updated" else "exceptions"] == value
    assert (await server.call("ben", "log.read", log=ben, after=0))["events"] == []


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("privacy.update", {"find": "friends"}),
        ("privacy.update", {"seen": "nobody"}),
        ("privacy.except", {"user": "ben", "photo": "everybody"}),
        ("privacy.except", {"user": "ann", "photo": "deny"}),
        ("privacy.exceptions", {"limit": 201}),
        ("user.block", {"user": "ann"}),
        ("user.block", {}),
        ("user.blocked", {"after": "x"}),
    ],
)
async def test_bad_input_is_refused(
    server: LocalServer, command: str, params: dict[str, Any]
) -> None:
    assert (await server.failure("ann", command, **params)).key == "invalid_params"


async def test_lists_are_read_page_by_page(server: LocalServer) -> None:
    names = [f"person{n}" for n in range(5)]
    await server.add(*names)
    for name in names:
        await server.call("ann", "user.block", user=name)
        await server.call("ann", "privacy.except", user=name, photo="deny", add="allow")
    for command, field in (("user.blocked", "blocked"), ("privacy.exceptions", "exceptions")):
        found: list[str] = []
        after, more = None, True
        while more:
            page = await server.call("ann", command, after=after, limit=2)
            found += [one["user"] for one in page[field]]
            assert page["users"].keys() == {one["user"] for one in page[field]}
            after, more = found[-1], page["more"]
        assert found == sorted(server.users[name] for name in names)
