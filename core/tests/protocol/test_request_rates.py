"""Which class each command has, and whom the limits must never meet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dash_messenger.errors import RateLimited, Superseded
from dash_messenger.protocol.commands import Caller, Command, Commands
from dash_messenger.protocol.request_rates import ALLOWANCES, CHEAP_READS_AT_ONCE, RATES, Rates
from dash_messenger.server.app import Server
from dash_messenger.settings import Settings
from fixtures.local_server import open_server
from fixtures.served_gateway import Nothing

CONVERSATIONS = 500


def rates() -> Rates:
    return Rates(clock_s=lambda: 0.0)


async def test_every_command_has_a_class_plugins_too(tmp_path: Path) -> None:
    server = await Server.open(Settings(data=tmp_path))
    try:
        commands = list(server.commands)
        assert any(command.name.startswith("stickers.") for command in commands)
        for command in commands:
            assert command.rate in RATES, command.name
            assert (command.rate == "own") == (command.name == "message.send")
            assert (command.rate == "anonymous") == (command.access == "anonymous")
    finally:
        await server.aclose()


def test_a_command_without_a_class_is_none() -> None:
    async def handle(caller: Caller, params: Nothing) -> Nothing:
        return params

    with pytest.raises(TypeError):
        Command("x.y", Nothing, Nothing, handle, "")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no class"):
        Command("x.y", Nothing, Nothing, handle, "", rate="often")  # type: ignore[arg-type]


def test_a_client_with_500_conversations_may_reconnect_twice_at_once() -> None:
    some = rates()
    for _ in range(2):
        for _ in range(CONVERSATIONS // 100 + 1):
            some.take("cheap read", "ann")
        for _ in range(CONVERSATIONS):
            some.take("dear read", "ann")  # log.read
            some.take("dear read", "ann")  # message.history
            some.take("cheap read", "ann")  # read.advance
        for _ in range(CONVERSATIONS // 50):
            some.take("cheap read", "ann")  # user.get


def test_a_thousand_such_after_a_restart_meet_no_limit() -> None:
    some = rates()
    for user in range(1_000):
        for _ in range(2 * CONVERSATIONS):
            some.take("dear read", f"user {user}")
        for _ in range(CONVERSATIONS // 100 + 1):
            some.take("cheap read", f"user {user}")


@pytest.mark.parametrize("rate", sorted(ALLOWANCES))
def test_each_class_ends_and_says_when_it_goes_on(rate: str) -> None:
    some = rates()
    for _ in range(ALLOWANCES[rate].burst):  # type: ignore[index]
        some.take(rate, "ann")  # type: ignore[arg-type]
    with pytest.raises(RateLimited) as refused:
        some.take(rate, "ann")  # type: ignore[arg-type]
    assert refused.value.params["retry_after_s"] >= 0  # type: ignore[operator]
    some.take(rate, "bob")  # type: ignore[arg-type]


async def test_a_limit_names_the_seconds_by_http_too(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as served:
        await served.add("ann")
        token = await served.token("ann")
        # Some come back while they are taken.
        answer = await served.post("account.update", token, theme="dark")
        for _ in range(4 * ALLOWANCES["change"].burst):
            if answer.status != 200:
                break
            answer = await served.post("account.update", token, theme="dark")
        assert (answer.status, answer.key) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.body["error"]["params"]["retry_after_s"] >= 0


async def test_one_users_reads_wait_for_each_other_and_for_nobody_else() -> None:
    serve_gateway, begun = asyncio.Event(), []

    async def read(caller: Caller, params: Nothing) -> Nothing:
        begun.append(caller.user)
        await serve_gateway.wait()
        return params

    commands = Commands(rates=rates())
    commands.add("core", Command("a.read", Nothing, Nothing, read, "", rate="cheap read"))

    async def ask(user: str) -> None:
        await commands.dispatch(Caller(user, user, ""), "a.read", b"{}")

    tasks = [asyncio.create_task(ask("ann")) for _ in range(100)]
    tasks.append(asyncio.create_task(ask("bob")))
    while "bob" not in begun:
        await asyncio.sleep(0)
    assert begun.count("ann") == CHEAP_READS_AT_ONCE
    serve_gateway.set()
    await asyncio.gather(*tasks)
    assert len(begun) == 101


async def test_of_one_users_previews_the_newest_wins() -> None:
    serve_gateway = asyncio.Event()

    async def preview(caller: Caller, params: Nothing) -> Nothing:
        await serve_gateway.wait()
        return params

    commands = Commands(rates=rates())
    commands.add("core", Command("a.preview", Nothing, Nothing, preview, "", rate="preview"))
    caller = Caller("ann", "session", "")

    async def ask() -> None:
        await commands.dispatch(caller, "a.preview", b"{}")

    older = asyncio.create_task(ask())
    await asyncio.sleep(0)
    newer = asyncio.create_task(ask())
    with pytest.raises(Superseded):
        await older
    serve_gateway.set()
    await newer
