"""What fails for one request, message or person quarantines nothing, in each family of hooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.errors import Failure, Forbidden, NotFound
from dash_messenger.isolation.failures import MAX_FAILURES
from dash_messenger.plugin_api.checks import Login, Proposed, Upload
from dash_messenger.plugin_api.context import SlashCommand
from dash_messenger.plugin_api.hookspecs import hookimpl
from dash_messenger.protocol.commands import Command
from dash_messenger.protocol.models import User
from dash_messenger.store.tables import users
from fixtures import full_plugin
from fixtures.factor_plugin import Key, Terms
from fixtures.full_plugin import CREATE, Count, Everything, Nothing, install, migrations
from fixtures.local_server import LocalServer, Words, open_server
from sqlalchemy import update
from structlog.testing import capture_logs


@pytest.fixture
async def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalServer]:
    install(tmp_path / "site", monkeypatch, "everything", "fixtures.full_plugin:Everything")
    folder = migrations(tmp_path / "migrations", CREATE)
    monkeypatch.setattr(Everything, "migrations", folder, raising=False)
    async with open_server(tmp_path / "data", loaded=("everything",)) as local:
        yield local


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
        return full_plugin.Negatives()

    @hookimpl
    def register_factors(self) -> Any:
        return [type("Bad", (Key,), {"begin": raising})()]

    @hookimpl
    def register_login_steps(self) -> Any:
        return [type("Bad", (Terms,), {"needed": raising})()]


async def _check_message(local: LocalServer) -> None:
    await local.server.installed.calls.message(Proposed("c", "u", "note", Words("x"), "x"))


async def _check_login(local: LocalServer) -> None:
    await local.server.installed.calls.login(Login("u", "ann", "address", "agent"))


async def _check_upload(local: LocalServer) -> None:
    await local.server.installed.calls.upload(Upload("u", "name", "text/plain", 1))


async def _slash(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    await local.call("ann", "message.slash", conversation=group, text="/fall")


async def _command(local: LocalServer) -> None:
    await local.call("ann", "wrong.fall")


async def _portrait(local: LocalServer) -> None:
    await local.server.installed.avatars.make(b"crash")


async def _factor(local: LocalServer) -> None:
    (factor,) = local.server.installed.steps
    user = User(local.users["ann"], "ann", "Ann")
    await local.server.installed.steps.begin(factor, user)


async def _login_step(local: LocalServer) -> None:
    await local.server.installed.steps.needed(User(local.users["ann"], "ann", "Ann"))


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
    request_once: Callable[[LocalServer], Any],
    hooks: list[str],
) -> None:
    kept = {name: getattr(Misfit, name) for name in hooks}
    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), kept))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as local:
        await local.add("ann", "bob")
        # Told, not drawn: rich draws a traceback in a second.
        with capture_logs() as lines:
            for _ in range(MAX_FAILURES + 1):
                with pytest.raises(Failure):
                    await request_once(local)
        failed = [line for line in lines if line["event"] == "plugin_failed"]
        assert [line["plugin"] for line in failed] == ["wrong"] * (MAX_FAILURES + 1)
        assert "plugin_keeps_failing" in [line["event"] for line in lines]
        (plugin,) = local.server.installed
        assert (plugin.status, plugin.reason) == ("loaded", "")


async def test_events_that_an_on_hook_fails_on_quarantine_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {name: getattr(Misfit, name) for name in ("on_message", "on_member")}
    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), kept))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as local:
        await local.add("ann", "bob")
        group = await local.group("ann", "bob")
        with capture_logs():
            for number in range(MAX_FAILURES + 1):
                await local.say("ann", group, str(number))
            (line,) = local.server.installed.calls._lines.values()
            if line.task is not None:
                await line.task
        (plugin,) = local.server.installed
        assert (plugin.status, plugin.reason) == ("loaded", "")


async def test_waiting_for_a_place_of_a_plugins_own_counts_for_no_limit(
    local: LocalServer,
) -> None:
    context, runner = (
        local.server.installed.contexts.of("everything"),
        local.server.installed.runner,
    )
    bounds, free = local.server.installed.contexts.bounds, asyncio.Event()

    async def occupy() -> None:
        async with bounds.turn("everything", "read"):
            await free.wait()

    others = [asyncio.create_task(occupy()) for _ in range(2)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(2.5, free.set)
    found = await runner.run(
        "everything", lambda: context.users(ids=[]), doing="check", within_s=2.0
    )
    assert found == []
    await asyncio.gather(*others)


async def test_an_admin_ends_a_quarantine_and_nobody_else(local: LocalServer) -> None:
    await local.add("root", "ann")
    await make_admin(local, "root")
    local.server.installed.quarantine("everything", "because")
    with pytest.raises(Forbidden):
        await local.call("ann", "plugin.retry", plugin="everything")
    with pytest.raises(NotFound):
        await local.call("root", "plugin.retry", plugin="nonesuch")
    (half,) = (await local.call("root", "plugin.retry", plugin="everything"))["halves"]
    assert (half["status"], half["reason"], half["until_ms"]) == ("loaded", "", None)
    assert await local.call("ann", "everything.count") == {"count": 1}


async def test_a_plugin_that_fails_again_when_it_is_tried_stays_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    luck: list[str] = []

    def register(self: object) -> Any:
        return [] if luck else raising()

    kept = {"register_jobs": hookimpl(register)}
    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), kept))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as local:
        installed = local.server.installed
        assert not await installed.bring_back("wrong")
        assert [one.status for one in installed] == ["quarantined"]
        luck.append("now")
        assert await installed.bring_back("wrong")
        assert [one.status for one in installed] == ["loaded"]


async def test_what_fails_on_all_that_it_took_before_is_quarantined_and_comes_back(
    local: LocalServer,
) -> None:
    installed, tried = local.server.installed, []

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
    local.clock.now_ms += 60_000
    await installed.bring_back_due(local.clock())
    assert installed.plugins.loaded("everything")
    assert "own" in installed.types


async def make_admin(local: LocalServer, name: str) -> None:
    query = update(users).where(users.c.id == local.users[name]).values(role="admin")
    await local.server.store.write(lambda transaction: transaction.connection.execute(query))
