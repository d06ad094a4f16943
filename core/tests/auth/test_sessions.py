"""Sessions: opening, expiry, closing, and what is stored of a token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dash_messenger.errors import CloseCode
from dash_messenger.store.tables import sessions
from fixtures.local_server import PASSWORD, LocalServer, open_server
from sqlalchemy import select

DAY_S = 86_400


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path, session_days=2) as local:
        await local.add("ann", "ben")
        yield local


async def test_only_a_hash_of_the_token_is_stored(local: LocalServer) -> None:
    token = await local.token("ann")
    rows = await local.server.store.read(
        lambda connection: connection.execute(select(sessions)).all()
    )
    assert len(rows) == 1
    assert token not in str(rows)
    assert token.encode() not in rows[0].token_hash


async def test_use_moves_the_expiry(local: LocalServer) -> None:
    token = await local.token("ann")
    for _ in range(3):
        local.clock.advance(s=DAY_S)
        assert (await local.post("account.get", token)).status == 200
    local.clock.advance(s=2 * DAY_S + 1)
    assert (await local.post("account.get", token)).status == 401


async def test_closing_one_session_leaves_the_others(local: LocalServer) -> None:
    first, second = await local.token("ann"), await local.token("ann")
    await local.post("session.close", first)
    assert (await local.post("account.get", first)).status == 401
    assert (await local.post("account.get", second)).status == 200


async def test_closing_a_session_elsewhere_closes_its_sockets_first(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By their ids: what looks for sessions that others closed may tell of one again.
    closed: dict[str, CloseCode] = {}
    monkeypatch.setattr(
        local.server.hub,
        "close_sessions",
        lambda ids, code: closed.update(dict.fromkeys(ids, code)),
    )
    lost, kept = await local.token("ann"), await local.token("ann")
    listed = (await local.post("session.list", kept)).body["sessions"]
    other = next(one["id"] for one in listed if not one["current"])
    assert (await local.post("session.close", kept, session=other)).status == 200
    assert closed == {other: CloseCode.SESSION_CLOSED}
    assert (await local.post("account.get", lost)).status == 401
    assert (await local.post("session.close", kept, session=other)).status == 404


async def test_nobody_closes_another_users_session(local: LocalServer) -> None:
    bens = await local.token("ben")
    listed = (await local.post("session.list", bens)).body["sessions"]
    answer = await local.post("session.close", await local.token("ann"), session=listed[0]["id"])
    assert (answer.status, answer.key) == (404, "not_found")
    assert (await local.post("account.get", bens)).status == 200


@pytest.mark.parametrize(
    "authorization",
    ["Basic YTpi", "Bearer", "Bearer ", "Bearer x", "Bearer " + "y" * 5_000, "Token abc", ""],
)
async def test_malformed_authorization_opens_nothing(
    local: LocalServer, authorization: str
) -> None:
    answer = await local.request("/api/account.get", headers={"Authorization": authorization})
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
async def test_bad_log_ins_are_explained(local: LocalServer, params: dict[str, object]) -> None:
    answer = await local.request("/api/session.open", body=params)
    assert (answer.status, answer.key) == (400, "invalid_params")


async def test_a_look_for_closed_sessions_that_fails_is_not_the_last(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: asyncio.Queue[None] = asyncio.Queue()

    async def fail(work: object) -> None:
        looks.put_nowait(None)
        raise RuntimeError("no luck")

    with monkeypatch.context() as patched:
        patched.setattr(local.server.store, "read", fail)
        async with asyncio.timeout(30):
            await looks.get()
            await looks.get()
