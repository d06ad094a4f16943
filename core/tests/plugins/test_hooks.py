"""Plugins register, have a say and hear of what happened; what fails in one stays in it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.errors import (
    Busy,
    InvalidParams,
    RateLimited,
    Refused,
    UnknownCommand,
    UnknownSlashCommand,
)
from dash_messenger.plugin_api.checks import Login, Upload
from dash_messenger.plugin_api.context import Job, SlashCommand, Tables
from dash_messenger.plugin_api.hookspecs import ServerHooks, hookimpl
from dash_messenger.plugin_api.themes import Theme
from dash_messenger.plugins.limits import PluginLimits
from dash_messenger.plugins.loader import Plugin, Plugins, RequiredPluginMissing
from dash_messenger.plugins.quarantine_file import QuarantineFile
from dash_messenger.protocol.commands import Command
from dash_messenger.protocol.models import User
from dash_messenger.rate_limits import Buckets
from dash_messenger.server.limits import Limits
from fixtures import full_plugin
from fixtures.factor_plugin import Key, Terms
from fixtures.full_plugin import (
    CREATE,
    Count,
    Everything,
    Impossible,
    Nothing,
    Own,
    everything,
    install,
    migrations,
)
from fixtures.local_server import PASSWORD, LocalServer, Words, open_server
from sqlalchemy import MetaData

Params = dict[str, Any]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin ``everything`` is there; the data folder for a server."""
    install(tmp_path / "site", monkeypatch, "everything", "fixtures.full_plugin:Everything")
    folder = migrations(tmp_path / "migrations", CREATE)
    monkeypatch.setattr(Everything, "migrations", folder, raising=False)
    return tmp_path / "data"


@pytest.fixture
async def local(installed: Path, limits: Limits) -> AsyncIterator[LocalServer]:
    async with open_server(installed, loaded=("everything",), limits=limits) as local:
        await local.add("ann", "bob", "eve")
        yield local


async def slash_failure(local: LocalServer, conversation: str, text: str) -> str:
    failure = await local.failure("ann", "message.slash", conversation=conversation, text=text)
    return failure.key


async def texts(local: LocalServer, conversation: str) -> list[str]:
    page = await local.call("ann", "message.history", conversation=conversation)
    return [message["text"] for message in page["messages"]]


# Checks.


async def test_check_message_lets_be_rewrites_or_refuses(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    await local.say("ann", group, "fine")
    await local.say("ann", group, "how rude")
    with pytest.raises(Refused, match=r"That is bad\."):
        await local.say("ann", group, "bad")
    assert await texts(local, group) == ["fine", "how kind"]


async def test_a_check_that_crashes_refuses(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    with pytest.raises(Refused) as raised:
        await local.say("ann", group, "crash")
    assert raised.value.key == "check_failed"
    assert await texts(local, group) == []


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(check_within_s=2.0))])
async def test_a_check_that_takes_too_long_refuses_and_holds_up_nobody_else(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "bob")
    held = asyncio.ensure_future(local.say("ann", group, "hold"))
    await asyncio.sleep(0)
    await local.say("bob", group, "meanwhile")
    assert not held.done()
    with pytest.raises(Refused) as raised:
        await held
    assert raised.value.key == "check_failed"
    assert await texts(local, group) == ["meanwhile"]


async def test_a_check_that_takes_long_delays_its_senders_next_message_there_and_nothing_else(
    local: LocalServer,
) -> None:
    """By the order in which they are stored; no clock is looked at."""
    group, other = await local.group("ann", "bob"), await local.group("ann", "bob")
    held = asyncio.ensure_future(local.say("ann", group, "hold"))
    after = asyncio.ensure_future(local.say("ann", group, "after"))
    await asyncio.sleep(0)
    await local.say("bob", group, "of somebody else")
    await local.say("ann", other, "elsewhere")
    await local.say("bob", other, "of somebody else, elsewhere")
    assert not held.done()
    assert not after.done()
    everything(local).holding.set()
    await asyncio.gather(held, after)
    assert await texts(local, group) == ["of somebody else", "hold", "after"]
    assert await texts(local, other) == ["elsewhere", "of somebody else, elsewhere"]


async def test_a_crashing_check_login_lets_nobody_in_and_check_upload_nothing(
    local: LocalServer,
) -> None:
    await local.add("mallory")
    answer = await local.post("session.open", username="mallory", password=PASSWORD)
    assert (answer.status, answer.key) == (503, "check_failed")
    assert await local.token("ann")
    with pytest.raises(Refused):
        await local.server.installed.calls.upload(Upload("u", "crash", "text/plain", 1))
    await local.server.installed.calls.login(Login("u", "ann", "192.0.2.1", ""))


# Afterwards.


async def test_on_demo_shows_what_it_is_for_and_may_fail(installed: Path) -> None:
    said: list[Any] = []

    class Shown:
        conversation = "0" * 32
        people = (User("1" * 32, "ann", "Ann"),)

        async def say(
            self, by: User, type: str, content: Any, *, reply_to: str | None = None
        ) -> str:
            said.append((by, type, content))
            return ""

        async def call(self, by: User, command: str, /, **params: object) -> Params:
            raise AssertionError

    async with open_server(installed, loaded=("everything",)) as local:
        await local.server.demonstrate(Shown())
    assert said == [(Shown.people[0], "note", {"words": "shown by everything"})]


async def test_on_start_and_on_stop_frame_the_rest(installed: Path) -> None:
    async with open_server(installed, loaded=("everything",)) as local:
        plugin = everything(local)
        assert await plugin.next("start") == 3
    # The database was still open.
    assert await plugin.next("stop") == 0


async def test_on_message_hears_in_order_and_a_failure_is_passed_over(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    for words in ("one", "fail", "two", "three"):
        await local.say("ann", group, words)
    plugin = everything(local)
    assert [await plugin.next("message") for _ in range(3)] == ["one", "two", "three"]


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(on_within_s=0.1))])
async def test_a_plugin_that_stalls_delays_no_send_and_is_given_up(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    await local.say("ann", group, "stall")
    await local.say("ann", group, "after")
    assert await everything(local).next("message") == "after"


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(hooks_waiting=2))])
async def test_who_is_too_slow_misses_the_oldest(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    plugin = everything(local)
    await local.say("ann", group, "first")
    assert await plugin.next("message") == "first"
    for words in ("stall", "1", "2", "3", "4"):
        await local.say("ann", group, words)
    plugin.holding.set()
    assert await plugin.next("message") == "stall"
    assert [await plugin.next("message") for _ in range(2)] == ["3", "4"]


async def test_a_plugin_does_not_hear_of_its_own_bot(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    await local.call("ann", "message.slash", conversation=group, text="/echo I say")
    await local.say("ann", group, "you say")
    assert await everything(local).next("message") == "you say"
    assert await texts(local, group) == ["I say", "you say"]


async def test_on_member_tells_founders_from_those_who_join_and_leave(local: LocalServer) -> None:
    plugin = everything(local)
    group = await local.group("ann", "bob")
    await local.call("ann", "conversation.add", conversation=group, members=["eve"])
    await local.call("ann", "conversation.remove", conversation=group, user=local.users["eve"])
    heard = [await plugin.next("member") for _ in range(4)]
    names = {id: name for name, id in local.users.items()}
    assert [(names[one.user], one.kind, one.founding) for one in heard] == [
        ("ann", "joined", True),
        ("bob", "joined", True),
        ("eve", "joined", False),
        ("eve", "removed", False),
    ]
    assert {(one.conversation, names[one.by]) for one in heard} == {(group, "ann")}


# What is registered.


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(slash_within_s=0.1))])
async def test_slash_commands_run_decline_fail_and_time_out(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    assert await slash_failure(local, group, "/decline") == "refused"
    assert await slash_failure(local, group, "/fall down") == "plugin_failed"
    assert await slash_failure(local, group, "/hold") == "timed_out"
    assert await slash_failure(local, group, "/nothing") == "unknown_slash_command"
    assert await slash_failure(local, group, "no slash") == "invalid_params"
    failure = await local.failure("eve", "message.slash", conversation=group, text="/echo I")
    assert failure.key == "not_found"


async def test_the_bot_cannot_log_in_and_is_the_same_after_a_restart(installed: Path) -> None:
    async with open_server(installed, loaded=("everything",)) as local:
        bot = await local.server.installed.contexts.of("everything").bot()
        answer = await local.post("session.open", username="everything-bot", password="")
        assert answer.key == "wrong_credentials"
        await local.add("ann")
        found = await local.call("ann", "user.search", query="everyth")
        assert [one["id"] for one in found["users"]] == [bot]
    async with open_server(installed, loaded=("everything",)) as local:
        assert await local.server.installed.contexts.of("everything").bot() == bot


async def test_a_job_comes_again_after_it_failed(local: LocalServer) -> None:
    plugin = everything(local)
    assert [await plugin.next("job") for _ in range(2)] == ["everything"] * 2


async def test_tables_are_made_used_and_migrated_once_each(installed: Path, tmp_path: Path) -> None:
    async with open_server(installed, loaded=("everything",)) as local:
        await local.add("ann")
        assert await local.call("ann", "everything.count") == {"count": 1}
    add = 'op.add_column("everything_notes", sa.Column("word", sa.Text))'
    migrations(tmp_path / "migrations", CREATE, add)
    for expected in (2, 3):
        async with open_server(installed, loaded=("everything",)) as local:
            local.users["ann"] = "0" * 32
            assert await local.call("ann", "everything.count") == {"count": expected}
    with sqlite3.connect(installed / "messenger.sqlite") as connection:
        (version,) = connection.execute("SELECT version_num FROM alembic_version_everything")
    assert version == ("0002",)


async def test_a_migration_that_fails_leaves_the_tables_and_the_server(
    installed: Path, tmp_path: Path
) -> None:
    async with open_server(installed, loaded=("everything",)) as local:
        await local.add("ann")
        await local.call("ann", "everything.count")
    drop = 'op.drop_table("everything_notes"); raise RuntimeError("no luck")'
    migrations(tmp_path / "migrations", CREATE, drop)
    async with open_server(installed, loaded=("everything",)) as local:
        local.users["ann"] = "0" * 32
        (plugin,) = local.server.installed
        assert (plugin.status, plugin.reason) == ("quarantined", "RuntimeError: no luck")
        with pytest.raises(UnknownCommand):
            await local.call("ann", "everything.count")
    migrations(tmp_path / "migrations", CREATE, "pass")
    async with open_server(installed, loaded=("everything",)) as local:
        local.users["ann"] = "0" * 32
        assert await local.call("ann", "everything.count") == {"count": 2}


async def test_a_theme_can_be_chosen_for_as_long_as_there_is_one(local: LocalServer) -> None:
    themes = (await local.call("ann", "theme.list"))["themes"]
    assert themes == [{"name": "dusk", "scheme": "dark", "tokens": {"primary": "#2563d4"}}]
    for name in ("dusk", "light", "dark", "auto", None):
        assert (await local.call("ann", "account.update", theme=name))["theme"] == name
    failure = await local.failure("ann", "account.update", theme="dawn")
    assert failure.params["field"] == "theme"


# Settings.


async def admin(local: LocalServer) -> None:
    made = await local.server.accounts.create("root", PASSWORD, role="admin")
    local.users["root"] = made.id


async def test_an_admin_sees_and_changes_settings_and_nobody_else(local: LocalServer) -> None:
    await admin(local)
    (found,) = (await local.call("root", "plugin.settings"))["plugins"]
    limit, word = found["settings"]
    assert (limit["label"], limit["help"], limit["value"]) == ("Limit", "How many.", 3)
    assert limit["schema"] == {"type": "integer", "minimum": 0}
    assert (word["label"], word["value"]) == ("Word", "hi")
    changed = await local.call(
        "root", "plugin.change_settings", plugin="everything", values={"limit": 5}
    )
    assert [one["value"] for one in changed["settings"]] == [5, "hi"]
    assert local.server.installed.contexts.of("everything").settings.limit == 5
    listed = (await local.call("root", "plugin.list"))["plugins"]
    assert [(one["plugin"], one["status"]) for one in listed] == [("everything", "loaded")]
    assert (await local.call("ann", "plugin.list"))["plugins"] == []
    for command, params in (
        ("plugin.settings", {}),
        ("plugin.change_settings", {"plugin": "everything", "values": {"limit": 6}}),
    ):
        assert (await local.failure("ann", command, **params)).key == "forbidden"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"limit": -1}, "limit: Expected `int` >= 0"),
        ({"word": 3}, "word: Expected `str`"),
        ({"limit": 9, "other": 1}, "other: there is no such setting"),
        ({"word": "no"}, "word: no is no word"),
    ],
)
async def test_a_setting_that_does_not_fit_changes_nothing(
    local: LocalServer, values: Params, reason: str
) -> None:
    await admin(local)
    with pytest.raises(InvalidParams, match=reason):
        await local.call("root", "plugin.change_settings", plugin="everything", values=values)
    assert local.server.installed.contexts.of("everything").settings == full_plugin.Options()


async def test_settings_and_secrets_are_there_after_a_restart(installed: Path) -> None:
    async with open_server(installed, loaded=("everything",)) as local:
        context = local.server.installed.contexts.of("everything")
        await context.change_settings(limit=7)
        await context.keep_secret(name="token", value="s3cret")
    async with open_server(installed, loaded=("everything",)) as local:
        context = local.server.installed.contexts.of("everything")
        assert context.settings.limit == 7
        assert await everything(local).next("start") == 7
        assert await context.secret(name="token") == "s3cret"
        await context.keep_secret(name="token", value=None)
        assert await context.secret(name="token") is None


# Bounds.


async def test_a_plugin_that_sends_or_acts_without_end_is_refused(local: LocalServer) -> None:
    group = await local.group("ann", "bob")
    said = await local.say("ann", group, "nod to this")
    context = local.server.installed.contexts.of("everything")
    used = local.server.installed.contexts.bounds
    used._sends = Buckets(burst=2, per_s=0.001)
    used._acts = Buckets(burst=2, per_s=0.001)
    for number in range(2):
        await context.send(conversation=group, type="note", content={"words": f"{number}"})
        await context.act(message=said["id"], action="nod")
    with pytest.raises(RateLimited):
        await context.send(conversation=group, type="note", content={"words": "2"})
    with pytest.raises(RateLimited):
        await context.act(message=said["id"], action="nod")
    assert await texts(local, group) == ["nod to this", "0", "1"]


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(turns_waiting=3, tasks=4))])
async def test_a_plugin_reads_and_works_a_little_at_a_time_and_the_rest_waits(
    local: LocalServer,
) -> None:
    context = local.server.installed.contexts.of("everything")
    go_on, under_way = threading.Event(), threading.Semaphore(0)

    def read(connection: object) -> int:
        under_way.release()
        assert go_on.wait(10)
        return 1

    reads = [asyncio.ensure_future(context.read(read)) for _ in range(5)]
    for _ in range(2):
        assert await asyncio.to_thread(under_way.acquire, True, 10)
    with pytest.raises(Busy):
        await context.read(read)
    # Somebody else's finds a thread.
    assert (await local.call("ann", "account.get"))["user"]["username"] == "ann"
    assert not under_way.acquire(blocking=False)
    go_on.set()
    assert await asyncio.gather(*reads) == [1] * 5
    forever = asyncio.Event()
    for _ in range(4):
        context.start(wait_for(forever))
    with pytest.raises(Busy):
        context.start(wait_for(forever))


async def wait_for(event: asyncio.Event) -> None:
    await event.wait()


# Setting aside.


@pytest.mark.parametrize(
    ("loaded", "happens", "reason"),
    [
        (False, lambda states: None, "wrong is not installed, or left out by plugins_without"),
        (True, lambda states: states.disable("wrong"), "wrong (dash_messenger) is disabled"),
        (True, None, "wrong (dash_messenger) is quarantined: RuntimeError: no luck"),
    ],
    ids=["missing", "disabled", "failing"],
)
async def test_without_a_required_plugin_nothing_starts_and_it_is_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded: bool, happens: Any, reason: str
) -> None:
    wrong = {"register_jobs": hookimpl(lambda self: [] if happens else raising())}
    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), wrong))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    data = tmp_path / "data"
    if happens:
        async with open_server(data, loaded=("wrong",), plugins_required=("wrong",)):
            happens(QuarantineFile(data))
    names = ("wrong",) if loaded else ()
    for _ in range(2):
        # Twice: the folder was let go of.
        with pytest.raises(RequiredPluginMissing, match=re.escape(reason)):
            async with open_server(data, loaded=names, plugins_required=("wrong",)):
                pass


async def test_a_required_plugin_stays_however_often_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [SlashCommand("fall", "…", raising)]
    wrong = {"register_slash_commands": hookimpl(lambda self: commands)}
    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), wrong))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    data = tmp_path / "data"
    async with open_server(data, loaded=("wrong",), plugins_required=("wrong",)) as local:
        await local.add("ann", "bob")
        assert await fall_often(local) == ["plugin_failed"] * 21
    assert QuarantineFile(data).quarantined == {}


async def test_nothing_that_a_plugin_registered_stays_once_it_is_quarantined(
    local: LocalServer,
) -> None:
    await admin(local)
    group = await local.group("ann", "bob")
    local.server.installed.quarantine("everything", "because")
    listed = await local.call("root", "plugin.list")
    assert listed["quarantined"] == [{"plugin": "everything", "reason": "because"}]
    assert [(one["status"], one["reason"]) for one in listed["plugins"]] == [
        ("quarantined", "because")
    ]
    assert [one["type"] for one in listed["types"]] == ["note"]
    with pytest.raises(UnknownCommand):
        await local.call("ann", "everything.count")
    with pytest.raises(UnknownSlashCommand):
        await local.call("ann", "message.slash", conversation=group, text="/echo I")
    assert (await local.call("ann", "theme.list"))["themes"] == []
    assert (await local.call("root", "plugin.settings"))["plugins"] == []
    await local.say("ann", group, "bad")
    assert await texts(local, group) == ["bad"]


async def test_a_quarantine_ends_and_all_that_was_registered_is_back(local: LocalServer) -> None:
    await admin(local)
    group = await local.group("ann", "bob")
    before, plugin = await local.call("root", "plugin.list"), everything(local)
    local.server.installed.quarantine("everything", "because")
    await local.server.installed.bring_back_due(local.clock())
    listed = await local.call("root", "plugin.list")
    assert [one["until_ms"] for one in listed["plugins"]] == [local.clock() + 60_000]
    plugin.heard = asyncio.Queue()
    local.clock.now_ms += 60_000
    await local.server.installed.bring_back_due(local.clock())
    after = await local.call("root", "plugin.list")
    for listed in (before, after):
        listed["types"].sort(key=lambda one: one["type"])
    assert after == before
    assert await local.call("ann", "everything.count") == {"count": 1}
    await local.call("ann", "message.slash", conversation=group, text="/echo I")
    assert [one["name"] for one in (await local.call("ann", "theme.list"))["themes"]] == ["dusk"]
    assert (await local.call("root", "plugin.settings"))["plugins"]
    with pytest.raises(Refused):
        await local.say("ann", group, "bad")
    await plugin.next("start")
    assert await plugin.next("job") == "everything"
    assert QuarantineFile(local.server.settings.data).quarantined == {}


async def test_a_quarantine_is_kept_over_a_restart_and_ends_then(
    installed: Path,
) -> None:
    async with open_server(installed, loaded=("everything",)) as local:
        local.server.installed.quarantine("everything", "because")
    async with open_server(installed, loaded=("everything",), restarted=True) as local:
        (plugin,) = local.server.installed
        assert (plugin.status, plugin.reason) == ("quarantined", "because")
        local.clock.now_ms += 60_000
        await local.server.installed.bring_back_due(local.clock())
        assert plugin.status == "loaded"
        await local.add("ann")
        assert await local.call("ann", "everything.count") == {"count": 1}
        local.server.installed.quarantine("everything", "because")
        assert plugin.until_ms == local.clock() + 5 * 60_000
    async with open_server(installed, loaded=("everything",)) as local:
        assert [one.status for one in local.server.installed] == ["loaded"]


async def test_on_start_that_fails_quarantines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_start(self: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), {"on_start": hookimpl(on_start)}))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as local:
        (plugin,) = local.server.installed
        assert (plugin.status, plugin.reason) == ("quarantined", "RuntimeError: no luck")


async def test_what_else_belongs_to_a_plugin_is_quarantined_with_it(local: LocalServer) -> None:
    halves = Plugins(group="other", project="dash_messenger", hooks=ServerHooks)
    halves._plugins["everything"] = Plugin("everything", "other", "", "", "nowhere")
    forgotten: list[str] = []
    halves.forget = forgotten.append
    local.server.installed._add_plugins("host", [halves])
    local.server.installed.quarantine("everything", "because")
    (half,) = halves
    assert (half.status, half.reason) == ("quarantined", "its server half is quarantined")
    assert forgotten == ["everything"]
    # It was not its own fault.
    assert QuarantineFile(local.server.settings.data).of("everything").halves == {}


async def fall_often(local: LocalServer) -> list[str]:
    group = await local.group("ann", "bob")
    return [await slash_failure(local, group, "/fall") for _ in range(21)]


async def test_requests_that_fail_quarantine_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [SlashCommand("fall", "…", raising)]
    wrong = {"register_slash_commands": hookimpl(lambda self: commands)}
    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), wrong))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as local:
        await local.add("ann", "bob")
        assert await fall_often(local) == ["plugin_failed"] * 21
        (plugin,) = local.server.installed
        assert (plugin.status, plugin.reason) == ("loaded", "")


async def test_a_plugin_that_checks_cannot_be_switched_off_by_making_it_fail(
    local: LocalServer,
) -> None:
    assert await fall_often(local) == ["plugin_failed"] * 21
    group = await local.group("ann", "bob")
    with pytest.raises(Refused):
        await local.say("ann", group, "bad")


def raising(*arguments: object) -> Any:
    raise RuntimeError("no luck")


async def never(*arguments: object) -> Any:
    raise AssertionError


@pytest.mark.parametrize(
    ("hook", "result", "reason"),
    [
        ("register_plugins", ["x"], "'x' is not a Plugins"),
        ("register_settings", int, "is not a msgspec struct"),
        ("register_settings", Count, "Missing required argument 'count'"),
        ("register_settings", Impossible, "Can only set `ge` on a numeric type"),
        ("register_tables", MetaData(), "is not a Tables"),
        ("register_tables", Tables(full_plugin.metadata, Path()), "must be called wrong_every"),
        ("register_commands", [3], "3 is not a Command"),
        (
            "register_commands",
            [Command("user.all", Nothing, Count, never, "…", rate="cheap read")],
            "wrong.…",
        ),
        ("register_slash_commands", ["x"], "'x' is not a SlashCommand"),
        ("register_slash_commands", [SlashCommand("Roll", "…", never)], "not a name for a slash"),
        ("register_slash_commands", [SlashCommand("wave", "…", never)] * 2, "registered twice"),
        ("register_jobs", [never], "is not a Job"),
        ("register_jobs", [Job("often", 0.1, never)], "would come every 0.1 s"),
        ("register_themes", [Theme("dark", "dark")], "registered twice"),
        ("register_themes", [Theme("dusk", "dark", {"a": "url(x)"})], "cannot be 'url(x)'"),
        ("register_themes", [Theme("dusk", "dark", {"a": "red; b: c"})], "cannot be 'red; b: c'"),
        ("register_portraits", object(), "is not a Portraits"),
        ("register_portraits", raising, "RuntimeError: no luck"),
        ("register_factors", [Terms()], "is not a Factor"),
        ("register_factors", [Key(), Key()], "login step key is registered twice"),
        ("register_factors", [type("K", (Key,), {"name": "a key"})()], "is not a name for a step"),
        ("register_factors", [type("K", (Key,), {"Kept": dict})()], "Kept of key is not a msgspec"),
        ("register_factors", [type("K", (Key,), {"Answer": int})()], "Answer of key is not a"),
        ("register_login_steps", [Key()], "is not a LoginStep"),
        ("register_login_steps", [Terms(), Terms()], "login step terms is registered twice"),
        ("register_login_steps", raising, "RuntimeError: no luck"),
        ("register_commands", raising, "RuntimeError: no luck"),
        ("register_http", raising, "RuntimeError: no luck"),
    ],
)
async def test_what_cannot_be_registered_sets_the_plugin_aside_with_all_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, result: Any, reason: str
) -> None:
    answer = result if result is raising else lambda self: result
    wrong = {
        hook: hookimpl(lambda self: answer(self)),
        "register_message_types": hookimpl(lambda self: [Own()]),
    }
    monkeypatch.setattr(full_plugin, "Wrong", type("Wrong", (), wrong))
    install(tmp_path / "site", monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    async with open_server(tmp_path / "data", loaded=("wrong",)) as local:
        (plugin,) = local.server.installed
        assert plugin.status == "quarantined"
        assert reason in plugin.reason
        assert "own" not in local.server.installed.types
        assert [*local.server.installed.steps, *local.server.installed.steps.steps] == []
    # What is wrong at the start may be mended before the next.
    assert QuarantineFile(tmp_path / "data").quarantined == {}
    assert reason in QuarantineFile(tmp_path / "data").of("wrong").seen["dash_messenger"]


async def test_slash_commands_are_told_and_called_in_the_language_of_the_pages(
    installed: Path,
) -> None:
    async with open_server(installed, loaded=("everything",)) as local:
        await local.add("ann", "bob")
        contexts = local.server.installed.contexts
        contexts.kept("everything").code = installed
        folder = installed / "locale" / "ru"
        folder.mkdir(parents=True)
        (folder / "messages.po").write_text(
            'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
            'msgid "…"\nmsgstr "многоточие"\n'
        )
        listed = await local.call("ann", "command.slash_list", language="ru")
        assert {"summary": "многоточие", "name": "echo", "plugin": "everything"} in listed[
            "commands"
        ]
        listed = await local.call("ann", "command.slash_list")
        assert {"summary": "…", "name": "echo", "plugin": "everything"} in listed["commands"]
        group = await local.group("ann", "bob")
        params = {"conversation": group, "text": "/language", "language": "ru"}
        await local.call("ann", "message.slash", **params)
        assert (await texts(local, group))[-1] == "ru"


async def test_a_context_tells_users_and_the_state_of_a_message(local: LocalServer) -> None:
    context = local.server.installed.contexts.of("everything")
    ann, bob = local.users["ann"], local.users["bob"]
    found = await context.users(ids=[bob, "0" * 32, ann, bob])
    assert [user.id for user in found] == [bob, ann]
    assert await context.users(ids=[]) == []
    group = await local.group("ann", "bob")
    sent = await local.say("ann", group, "hello")
    message = await context.message(id=sent["id"])
    assert message is not None
    assert (context.content(message), context.state(message)) == (Words("hello"), None)
    await local.call("ann", "message.delete", message=sent["id"])
    message = await context.message(id=sent["id"])
    assert message is not None
    assert message.deleted_at_ms
    assert (context.content(message), message.text) == (None, None)
