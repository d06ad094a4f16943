"""What fails for one request, message or person quarantines nothing, in each family of hooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import plugin_world
import pytest
from dash_messenger.errors import Failure, Forbidden, NotFound
from dash_messenger.isolation.failures import MAX_FAILURES
from dash_messenger.plugin_api.checks import Login, Proposed, Upload
from dash_messenger.plugin_api.context import SlashCommand
from dash_messenger.plugin_api.hookspecs import hookimpl
from dash_messenger.protocol.commands import Command
from dash_messenger.protocol.models import User
from dash_messenger.store.tables import users
from factor_world import Key, Terms
from plugin_world import CREATE, Count, Everything, Nothing, install, migrations
from server_world import ServerWorld, Words, open_server
from sqlalchemy import update
from structlog.testing import capture_logs


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ServerWorld]:
    install(tmp_path / "site", monkeypatch, "everything", "plugin_world:Everything")
    folder = migrations(tmp_path / "migrations", CREATE)
    monkeypatch.setattr(Everything, "migrations", folder, raising=False)
    async with open_server(tmp_path / "data", loaded=("everything",)) as world:
        yield world


def raising(*arguments: object) -> Any:
    raise RuntimeError("no luck")


class Misfit:
    """Fails in every family of hooks that a request meets."""

    @hookimpl
    async def check_message(self, message: Any) -> None:
        raising()

    @hookimpl
    async def check_login(self, login: Any) -> None:
        raising()

    @hookimpl
    async def check_upload(self, upload: Any) -> None:
        raising()

    @hookimpl
    async def on_message(self, message: Any) -> None:
        raising()

    @hookimpl
    async def on_member(self, change: Any) -> None:
        raising()

    @hookimpl
    def register_slash_commands(self) -> Any:
        return [SlashCommand("fall", "…", raising)]

    @hookimpl
    def register_commands(self) -> Any:
        return [Command("wrong.fall", Nothing, Count, raising, "…", rate="write")]

    @hookimpl
    def register_portraits(self) -> Any:
        return plugin_world.Negatives()

    @hookimpl
    def register_factors(self) -> Any:
        return [type("Bad", (Key,), {"begin": raising})()]

    @hookimpl
    def register_login_steps(self) -> Any:
        return [type("Bad", (Terms,), {"needed": raising})()]


async def _check_message(world: ServerWorld) -> None:
    await world.server._calls.message(Proposed("c", "u", "note", Words("x"), "x"))


async def _check_login(world: ServerWorld) -> None:
    await world.server._calls.login(Login("u", "ann", "address", "agent"))


async def _check_upload(world: ServerWorld) -> None:
    await world.server._calls.upload(Upload("u", "name", "text/plain", 1))


async def _slash(world: ServerWorld) -> None:
    group = await world.group("ann", "bob")
    await world.call("ann", "message.slash", conversation=group, text="/fall")


async def _command(world: ServerWorld) -> None:
    await world.call("ann", "wrong.fall")


async def _portrait(world: ServerWorld) -> None:
    await world.server.installed.portraits.make(b"crash")


async def _factor(world: ServerWorld) -> None:
    (factor,) = world.server.installed.steps
    user = User(world.users["ann"], "ann", "Ann")
    await world.server.installed.steps.begin(factor, user)


async def _login_step(world: ServerWorld) -> None:
    await world.server.installed.steps.needed(User(world.users["ann"], "ann", "Ann"))


@pytest.mark.parametrize(
    ("request_once", "hooks"),
    [
        (_check_message, ["check_message"]),
        (_check_login, ["check_login"]),
        (_check_upload, ["check_upload"]),
        (_slash, ["register_slash_commands"]),
        (_command, ["register_commands"]),
        (_portrait, ["register_portraits"]),
        (_factor, ["register_factors"]),
        (_login_step, ["register_login_steps"]),
    ],
)
async def test_twenty_failing_requests_of_anybody_quarantine_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request_once: Callable[[ServerWorld], Any],
    hooks: list[str],
) -> None:
    kept = {name: getattr(Misfit, name) for name in hooks}
    monkeypatch.setattr(plugin_world, "Wrong", type("Wrong", (), kept))
    install(tmp_path / "site", monkeypatch, "wrong", "plugin_world:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as world:
        await world.add("ann", "bob")
        # Told, not drawn: rich draws a traceback in a second.
        with capture_logs() as lines:
            for _ in range(MAX_FAILURES + 1):
                with pytest.raises(Failure):
                    await request_once(world)
        failed = [line for line in lines if line["event"] == "plugin_failed"]
        assert [line["plugin"] for line in failed] == ["wrong"] * (MAX_FAILURES + 1)
        assert "plugin_keeps_failing" in [line["event"] for line in lines]
        (plugin,) = world.server.installed
        assert (plugin.status, plugin.reason) == ("loaded", "")


async def test_events_that_an_on_hook_fails_on_quarantine_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {name: getattr(Misfit, name) for name in ("on_message", "on_member")}
    monkeypatch.setattr(plugin_world, "Wrong", type("Wrong", (), kept))
    install(tmp_path / "site", monkeypatch, "wrong", "plugin_world:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as world:
        await world.add("ann", "bob")
        group = await world.group("ann", "bob")
        with capture_logs():
            for number in range(MAX_FAILURES + 1):
                await world.say("ann", group, str(number))
            (line,) = world.server._calls._lines.values()
            if line.task is not None:
                await line.task
        (plugin,) = world.server.installed
        assert (plugin.status, plugin.reason) == ("loaded", "")


async def test_waiting_for_a_place_of_a_plugins_own_counts_for_no_limit(
    world: ServerWorld,
) -> None:
    context, runner = (
        world.server.installed.contexts.of("everything"),
        world.server.installed.runner,
    )
    bounds, free = world.server.installed.contexts.bounds, asyncio.Event()

    async def occupy() -> None:
        async with bounds.turn("everything", "read"):
            await free.wait()

    others = [asyncio.create_task(occupy()) for _ in range(2)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.6, free.set)
    found = await runner.run(
        "everything", lambda: context.users(ids=[]), doing="check", within_s=0.5
    )
    assert found == []
    await asyncio.gather(*others)


async def test_an_admin_ends_a_quarantine_and_nobody_else(world: ServerWorld) -> None:
    await world.add("root", "ann")
    await make_admin(world, "root")
    world.server.installed.quarantine("everything", "because")
    with pytest.raises(Forbidden):
        await world.call("ann", "plugin.retry", plugin="everything")
    with pytest.raises(NotFound):
        await world.call("root", "plugin.retry", plugin="nonesuch")
    (half,) = (await world.call("root", "plugin.retry", plugin="everything"))["halves"]
    assert (half["status"], half["reason"], half["until_ms"]) == ("loaded", "", None)
    assert await world.call("ann", "everything.count") == {"count": 1}


async def test_a_plugin_that_fails_again_when_it_is_tried_stays_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    luck: list[str] = []

    def register(self: object) -> Any:
        return [] if luck else raising()

    kept = {"register_jobs": hookimpl(register)}
    monkeypatch.setattr(plugin_world, "Wrong", type("Wrong", (), kept))
    install(tmp_path / "site", monkeypatch, "wrong", "plugin_world:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as world:
        installed = world.server.installed
        assert not await installed.bring_back("wrong")
        assert [one.status for one in installed] == ["quarantined"]
        luck.append("now")
        assert await installed.bring_back("wrong")
        assert [one.status for one in installed] == ["loaded"]


async def test_what_fails_on_all_that_it_took_before_is_quarantined_and_comes_back(
    world: ServerWorld,
) -> None:
    installed, tried = world.server.installed, []

    async def probe(plugin: str, kind: str, sample: bytes) -> bool:
        tried.append(sample)
        return False

    installed.runner.set_probe(probe)
    installed.runner.content_worked("everything", b"hello", kind="own", by="ann")
    # It checks messages: whoever could make it fail would switch its checks off.
    for spared in (True, False):
        if not spared:
            installed.plugins.checks = lambda name: False
            installed.runner._probed_at_s.clear()
        with capture_logs():
            for _ in range(MAX_FAILURES):
                installed.runner.content_failed("everything", KeyError("x"), kind="own")
            await asyncio.gather(*installed.runner._probes.values())
        assert installed.plugins.loaded("everything") is spared
    assert tried == [b"hello"] * 2
    world.clock.now_ms += 60_000
    await installed.bring_back_due(world.clock())
    assert installed.plugins.loaded("everything")
    assert "own" in installed.types


async def make_admin(world: ServerWorld, name: str) -> None:
    query = update(users).where(users.c.id == world.users[name]).values(role="admin")
    await world.server.store.write(lambda transaction: transaction.connection.execute(query))
