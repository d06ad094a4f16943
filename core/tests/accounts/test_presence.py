"""``presence.watch``: how people are, what is told of it later, and what survives a restart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts import presence as module
from dash_messenger.accounts.policy import who_allow, whom_allows
from dash_messenger.errors import Failure, InvalidParams, RateLimited
from dash_messenger.protocol.commands import Caller
from dash_messenger.store.tables import sessions
from fixtures.ears import Ear, listen
from fixtures.local_server import LocalServer, open_server
from msgspec import json as msgspec_json
from sqlalchemy import Connection, select

ONLINE = {"online": True}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path, privacy_last_seen="everybody") as local:
        await local.add("ann", "ben", "cleo")
        yield local


async def watch(ear: Ear, local: LocalServer, *names: str) -> dict[str, Any]:
    """What a connection is answered that watches these people: by name."""
    caller = Caller(user=ear.user, session=ear.session, address="test", connection=ear)
    params = msgspec_json.encode({"users": [local.users.get(name, name) for name in names]})
    answer = await local.server.commands.dispatch(caller, "presence.watch", params)
    users = msgspec_json.decode(msgspec_json.encode(answer))["users"]
    return {name: users[id] for name, id in local.users.items() if id in users}


def hang_up(local: LocalServer, ear: Ear) -> None:
    local.server.services.ground.hub.disconnect(ear)


async def told_of(ear: Ear, user: str) -> Any:
    """What a connection is told of somebody, once it is."""
    while True:
        for said in ear.told("presence"):
            if user in said["users"]:
                return said["users"][user]
        ear.new.clear()
        await asyncio.wait_for(ear.new.wait(), 30)


async def test_who_is_there_is_answered_and_then_told(server: LocalServer) -> None:
    ann, cleo = listen(server, "ann"), listen(server, "cleo")
    answer = await watch(ann, server, "ben", "cleo", "f" * 32)
    assert answer == {"ben": {"online": False}, "cleo": ONLINE}
    listen(server, "ben")
    assert await told_of(ann, server.users["ben"]) == ONLINE
    assert cleo.told("presence") == []


async def test_without_a_connection_it_is_answered_alone(server: LocalServer) -> None:
    ben = listen(server, "ben")
    ids = [server.users[name] for name in ("ben", "cleo")]
    answer = await server.call("ann", "presence.watch", users=ids)
    assert answer["users"] == {ids[0]: ONLINE, ids[1]: {"online": False}}
    await server.call("ben", "privacy.update", last_seen="nobody")
    assert ids[0] not in (await server.call("ann", "presence.watch", users=ids))["users"]
    assert (await server.call("ann", "presence.watch", users=[]))["users"] == {}
    hang_up(server, ben)


@pytest.mark.parametrize(
    ("by", "command", "params"),
    [
        ("ben", "privacy.update", {"last_seen": "nobody"}),
        # Who hides it does not see others'.
        ("ann", "privacy.update", {"last_seen": "nobody"}),
        ("ben", "privacy.except", {"user": "ann", "last_seen": "deny"}),
        ("ben", "user.block", {"user": "ann"}),
        ("ann", "user.block", {"user": "ben"}),
    ],
)
async def test_who_is_shown_no_longer_is_told_so_and_nothing_else(
    server: LocalServer, by: str, command: str, params: dict[str, str]
) -> None:
    ann, ben = listen(server, "ann"), listen(server, "ben")
    assert await watch(ann, server, "ben", "cleo") == {"ben": ONLINE, "cleo": {"online": False}}
    asked = {key: server.users.get(value, value) for key, value in params.items()}
    await server.call(by, command, **asked)
    assert await told_of(ann, server.users["ben"]) is None
    hang_up(server, ben)
    assert "ben" not in await watch(ann, server, "ben")
    # Of others it is told as before, where the one who watches shows it.
    hidden = by == "ann" and command == "privacy.update"
    listen(server, "cleo")
    answer = await watch(ann, server, "ben", "cleo")
    assert answer == ({} if hidden else {"cleo": ONLINE})


@pytest.mark.parametrize("step", ["contact", "group", "allow"])
async def test_who_is_shown_now_is_told_how_they_are(server: LocalServer, step: str) -> None:
    await server.call("ben", "privacy.update", last_seen="known")
    ann, ben = listen(server, "ann"), listen(server, "ben")
    assert await watch(ann, server, "ben") == {}
    if step == "contact":
        await server.call("ben", "contact.request", user="ann")
        await server.call("ann", "contact.accept", user="ben")
    elif step == "group":
        group = await server.group("cleo", "ann")
        await server.call("cleo", "conversation.add", conversation=group, members=["ben"])
    else:
        await server.call("ben", "privacy.except", user="ann", last_seen="allow")
    assert await told_of(ann, server.users["ben"]) == ONLINE
    assert ben.told("presence") == []


async def test_who_leaves_the_only_common_group_is_shown_no_longer(server: LocalServer) -> None:
    await server.call("ben", "privacy.update", last_seen="known")
    group = await server.group("cleo", "ann", "ben")
    ann = listen(server, "ann")
    listen(server, "ben")
    assert await watch(ann, server, "ben") == {"ben": ONLINE}
    await server.call("ben", "conversation.leave", conversation=group)
    assert await told_of(ann, server.users["ben"]) is None


async def test_what_was_asked_before_a_change_is_not_answered_after_it(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = listen(server, "ann")
    listen(server, "ben")
    began, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: Connection, wish: Any, user: str, people: Any) -> Any:
        shown = who_allow(connection, wish, user, people)
        loop.call_soon_threadsafe(began.set)
        assert go_on.wait(30)
        return shown

    monkeypatch.setattr(module, "who_allow", slow)
    answer = asyncio.ensure_future(watch(ann, server, "ben"))
    await began.wait()
    monkeypatch.setattr(module, "who_allow", who_allow)
    await server.call("ben", "privacy.update", last_seen="nobody")
    go_on.set()
    assert await answer == {}
    listen(server, "cleo")
    await watch(ann, server, "ben", "cleo")
    assert all(said["users"].get(server.users["ben"]) is None for said in ann.told("presence"))


async def test_of_two_lists_under_way_the_later_counts(server: LocalServer) -> None:
    ann = listen(server, "ann")
    listen(server, "ben")
    listen(server, "cleo")
    answers = await asyncio.gather(watch(ann, server, "ben"), watch(ann, server, "cleo"))
    assert answers[-1] == {"cleo": ONLINE}
    assert "ben" not in answers[0]


async def test_what_is_no_id_and_too_many_are_refused(server: LocalServer) -> None:
    failure = await server.failure("ann", "presence.watch", users=["ben"])
    assert isinstance(failure, InvalidParams)
    many = [f"{n:032x}" for n in range(module.MAX_WATCHED + 1)]
    assert isinstance(await server.failure("ann", "presence.watch", users=many), InvalidParams)
    assert (await server.call("ann", "presence.watch", users=many[1:]))["users"] == {}


async def test_who_comes_with_all_others_waits_instead_of_being_refused(
    server: LocalServer,
) -> None:
    ben = server.users["ben"]
    params = msgspec_json.encode({"users": [ben]})
    dispatch = server.server.commands.dispatch
    # One user's own would wait in any case.
    everybody = [Caller(user=f"{n:032x}", session="0" * 32, address="test") for n in range(3_000)]
    asking = [dispatch(caller, "presence.watch", params) for caller in everybody]
    assert {len(answer.users) for answer in await asyncio.gather(*asking)} == {1}


async def test_lists_come_at_a_limited_rate(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann")
        for _ in range(module.BURST):
            await local.call("ann", "presence.watch", users=[])
        assert isinstance(await local.failure("ann", "presence.watch", users=[]), RateLimited)


async def test_a_failure_while_it_is_asked_again_tells_nothing_and_keeps_nobody_else_waiting(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = listen(server, "ann")
    for name in ("ben", "cleo"):
        listen(server, name)
    await watch(ann, server, "ben", "cleo")
    failed: list[str] = []

    def fails_once(connection: Connection, wish: Any, user: str, people: Any) -> Any:
        if not failed:
            failed.append(user)
            raise Failure
        return whom_allows(connection, wish, user, people)

    monkeypatch.setattr(module, "whom_allows", fails_once)
    presences = server.server.services.people.presences
    # In one commit.
    presences._ask_about(server.users["ben"])
    presences._ask_about(server.users["cleo"])
    assert await told_of(ann, server.users["cleo"]) == ONLINE
    assert failed == [server.users["ben"]]
    assert all(server.users["ben"] not in said["users"] for said in ann.told("presence"))
    # The next change is asked about as ever.
    await server.call("ben", "privacy.update", last_seen="nobody")
    assert await told_of(ann, server.users["ben"]) is None


# Over a restart.


async def session_of(local: LocalServer, name: str) -> Any:
    of_user = sessions.c.user_id == local.users[name]
    return await local.server.store.read(
        lambda connection: connection.execute(
            select(sessions.c.id, sessions.c.last_seen_at_ms, sessions.c.expires_at_ms).where(
                of_user
            )
        ).one()
    )


async def test_when_somebody_was_last_seen_survives_a_restart(tmp_path: Path) -> None:
    settings = {"privacy_last_seen": "everybody"}
    async with open_server(tmp_path, **settings) as local:
        await local.add("ann", "ben", "cleo")
        for name in ("ben", "cleo"):
            await local.token(name)
        opened = {name: await session_of(local, name) for name in ("ben", "cleo")}
        local.clock.advance(s=3_600)
        ben = listen(local, "ben", session=opened["ben"].id)
        local.clock.advance(s=3_600)
        hang_up(local, ben)
        left_ms = local.clock()
        # Who is still there when the server stops was seen then.
        local.clock.advance(s=3_600)
        listen(local, "cleo", session=opened["cleo"].id)
        stopped_ms = local.clock()
        users = local.users
    async with open_server(tmp_path, **settings) as local:
        local.users = users
        local.clock.now_ms = stopped_ms
        ids = [users[name] for name in ("ben", "cleo", "ann")]
        answer = await local.call("ann", "presence.watch", users=ids)
        seen = [answer["users"][id].get("last_seen_ms") for id in ids]
        assert seen == [left_ms - left_ms % 300_000, stopped_ms - stopped_ms % 60_000, None]
        # What is used ends later.
        for name, used_ms in (("ben", left_ms), ("cleo", stopped_ms)):
            row, first = await session_of(local, name), opened[name]
            assert row.last_seen_at_ms == used_ms
            assert row.expires_at_ms - first.expires_at_ms == used_ms - first.last_seen_at_ms


async def test_a_closed_session_is_not_prolonged_and_an_older_use_changes_nothing(
    server: LocalServer,
) -> None:
    await server.token("ben")
    row = await session_of(server, "ben")
    closing = Caller(user=server.users["ben"], session=row.id, address="test")
    await server.server.commands.dispatch(closing, "session.close", b"{}")
    presences = server.server.services.people.presences
    await presences._put({row.id: row.last_seen_at_ms + 5})
    closed = await session_of(server, "ben")
    assert closed == (row.id, row.last_seen_at_ms + 5, row.expires_at_ms)
    await presences._put({row.id: row.last_seen_at_ms - 5})
    assert await session_of(server, "ben") == closed


async def test_last_uses_are_stored_a_part_at_a_time_and_periodically(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.token("ben")
    row = await session_of(server, "ben")
    monkeypatch.setattr(module, "STORE_EVERY_S", 0.01)
    monkeypatch.setattr(module, "STORED_AT_ONCE", 1)
    presences = server.server.services.people.presences
    await presences.aclose()
    server.clock.advance(s=60)
    hang_up(server, listen(server, "cleo"))
    hang_up(server, listen(server, "ben", session=row.id))
    presences.start()
    async with asyncio.timeout(30):
        while (await session_of(server, "ben")).last_seen_at_ms == row.last_seen_at_ms:
            await asyncio.sleep(0)
