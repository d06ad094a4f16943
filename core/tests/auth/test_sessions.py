"""Sessions: opening, expiry, closing, and what is stored of a token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dash_messenger.errors import CloseCode
from dash_messenger.store.tables import sessions
from server_world import PASSWORD, ServerWorld, open_server
from sqlalchemy import select

DAY_S = 86_400


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ServerWorld]:
    async with open_server(tmp_path, session_days=2) as world:
        await world.add("ann", "ben")
        yield world


async def test_only_a_hash_of_the_token_is_stored(world: ServerWorld) -> None:
    token = await world.token("ann")
    rows = await world.server.store.read(
        lambda connection: connection.execute(select(sessions)).all()
    )
    assert len(rows) == 1
    assert token not in str(rows)
    assert token.encode() not in rows[0].token_hash


async def test_use_moves_the_expiry(world: ServerWorld) -> None:
    token = await world.token("ann")
    for _ in range(3):
        world.clock.advance(s=DAY_S)
        assert (await world.post("account.get", token)).status == 200
    world.clock.advance(s=2 * DAY_S + 1)
    assert (await world.post("account.get", token)).status == 401


async def test_closing_one_session_leaves_the_others(world: ServerWorld) -> None:
    first, second = await world.token("ann"), await world.token("ann")
    await world.post("session.close", first)
    assert (await world.post("account.get", first)).status == 401
    assert (await world.post("account.get", second)).status == 200


async def test_closing_a_session_elsewhere_closes_its_sockets_first(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[tuple[list[str], CloseCode]] = []
    monkeypatch.setattr(
        world.server.hub, "close_sessions", lambda ids, code: closed.append((list(ids), code))
    )
    lost, kept = await world.token("ann"), await world.token("ann")
    listed = (await world.post("session.list", kept)).body["sessions"]
    other = next(one["id"] for one in listed if not one["current"])
    assert (await world.post("session.close", kept, session=other)).status == 200
    assert closed == [([other], CloseCode.SESSION_CLOSED)]
    assert (await world.post("account.get", lost)).status == 401
    assert (await world.post("session.close", kept, session=other)).status == 404


async def test_nobody_closes_another_users_session(world: ServerWorld) -> None:
    bens = await world.token("ben")
    listed = (await world.post("session.list", bens)).body["sessions"]
    answer = await world.post("session.close", await world.token("ann"), session=listed[0]["id"])
    assert (answer.status, answer.key) == (404, "not_found")
    assert (await world.post("account.get", bens)).status == 200


@pytest.mark.parametrize(
    "authorization",
    ["Basic YTpi", "Bearer", "Bearer ", "Bearer x", "Bearer " + "y" * 5_000, "Token abc", ""],
)
async def test_malformed_authorization_opens_nothing(
    world: ServerWorld, authorization: str
) -> None:
    answer = await world.request("/api/account.get", headers={"Authorization": authorization})
    assert answer.status == 401


@pytest.mark.parametrize(
    "params",
    [
        {"username": "ann"},
        {"username": 1, "password": PASSWORD},
        {"username": "ann", "password": PASSWORD, "as": "owner"},
        {"username": "a" * 2_000, "password": PASSWORD},
    ],
)
async def test_bad_log_ins_are_explained(world: ServerWorld, params: dict[str, object]) -> None:
    answer = await world.request("/api/session.open", body=params)
    assert (answer.status, answer.key) == (400, "invalid_params")


async def test_a_look_for_closed_sessions_that_fails_is_not_the_last(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: asyncio.Queue[None] = asyncio.Queue()

    async def fail(work: object) -> None:
        looks.put_nowait(None)
        raise RuntimeError("no luck")

    with monkeypatch.context() as patched:
        patched.setattr(world.server.store, "read", fail)
        async with asyncio.timeout(5):
            await looks.get()
            await looks.get()
