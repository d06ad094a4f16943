"""Bad plugins, each its own: the server serves, the culprit is named, and nobody else notices.

During each two people beside them exchange 500 messages, which arrive complete and in order. The
plugins stand in ``tests/bad_plugins``; what can be done wrong in any hook is made here for every
hook that there is.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.client import Client
from dash_messenger.errors import CheckFailed, PluginFailed, TimedOut
from dash_messenger.plugin_api.hookspecs import ServerHooks
from dash_messenger.testing import upload
from dash_messenger_webui.api.hookspecs import DashHooks

from tests.bad_plugins.host import PluginHost, hooks, misbehaving
from tests.pair import Pair


@pytest_asyncio.fixture
async def host(tmp_path: Path) -> AsyncIterator[PluginHost]:
    host = PluginHost(tmp_path)
    yield host
    await host.close()


async def say(client: Client, conversation: str, words: str) -> Any:
    return await client.call(
        "message.send", conversation=conversation, type="text", content={"text": words}
    )


# At the start.


async def test_what_cannot_be_loaded_is_named_and_the_rest_is_served(host: PluginHost) -> None:
    host.add("raises_on_import", "exits_on_import", "needs_another_api")
    host.add("one_of_a_pair", "other_of_a_pair")
    host.add("takes_a_theme", "takes_a_view", "takes_a_command")
    host.write("cannot_be_read", "def (\n")
    expected = {
        ("raises_on_import", "server"): "RuntimeError: no luck",
        ("exits_on_import", "server"): "SystemExit: 3",
        ("cannot_be_read", "server"): "SyntaxError",
        ("needs_another_api", "server"): "it needs HOOK_API 99",
        ("other_of_a_pair", "server"): "message type twin is registered twice",
        ("takes_a_theme", "server"): "dark is registered twice",
        ("takes_a_view", "server"): "view dash is registered twice",
        ("takes_a_command", "server"): "must be called takes_a_command.",
    }
    acts = {
        "raises": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        "exits": ("sys.exit(3)", "SystemExit: 3"),
        "returns": ("return 3", ""),
    }
    for half, group in ((ServerHooks, "server"), (DashHooks, "_webui")):
        for hook, arguments in hooks(half):
            for act, (source, reason) in acts.items():
                # What a hook that returns nothing returns is nobody's concern.
                if not hook.startswith("register_") or (hook, act) == ("register_http", "returns"):
                    continue
                name = f"{act}_in_{hook}"
                if half is DashHooks:
                    host.write(name, "")
                host.write(
                    name if half is ServerHooks else f"{name}_ui",
                    misbehaving(hook, arguments, source, half=half),
                )
                expected[name, group] = reason
    await host.open()
    await (await host.pair()).talk()
    statuses = await host.statuses()
    for plugin, reason in expected.items():
        status, why = statuses[plugin]
        assert (status, reason in why) == ("quarantined", True), (plugin, why)
        assert why, plugin
    well = {plugin for plugin, (status, _) in statuses.items() if status == "loaded"}
    assert {("text", "server"), ("webui", "server"), ("one_of_a_pair", "server")} <= well
    assert well.isdisjoint(expected)


# Who holds the loop.


async def test_who_holds_the_loop_for_a_while_is_named_with_the_line_and_stays(
    host: PluginHost,
) -> None:
    host.add("holds_a_while")
    await host.open()
    pair = await host.pair()
    visitor, conversation = await host.visitor()
    await say(visitor, conversation, "hold a while")
    await pair.talk()
    await host.until(lambda: host.logged("loop_held", "holds_a_while"))
    (line,) = host.logged("loop_held", "holds_a_while")
    assert line["stack"].splitlines()[-1].strip() == "time.sleep(2)"
    assert (await host.statuses())["holds_a_while", "server"] == ("loaded", "")
    assert host.logged("server_restarting") == []


@pytest.mark.parametrize(
    ("plugin", "word"),
    [("holds_for_ever", "hold for ever"), ("keeps_the_lock", "keep the lock")],
)
async def test_who_holds_the_loop_for_ever_is_quarantined_and_the_server_restarted(
    host: PluginHost, plugin: str, word: str
) -> None:
    host.add(plugin)
    await host.open()
    url, served = host.server.url, host.server.server_pid
    pair = await host.pair()
    visitor, conversation = await host.visitor()
    sent = await say(visitor, conversation, word)
    await pair.talk()
    await host.until(lambda: host.logged("server_restarting", plugin))
    status, reason = (await host.statuses())[plugin, "server"]
    assert status == "quarantined"
    assert re.fullmatch(r"it held the event loop for \d s", reason)
    # Another process at the same address, and what was acknowledged is there.
    assert host.server.server_pid != served
    assert host.server.running
    assert host.server.url == url
    page = await visitor.call("message.history", conversation=conversation)
    assert [message["id"] for message in page["messages"]] == [sent["id"]]
    # Now it is as good as not installed.
    await say(visitor, conversation, word)
    await pair.talk()
    assert await asyncio.to_thread(host.server.stop) == 0


# Hooks that are called while the server runs.

# So that what provokes a plugin can be told from others.
PROVOKED = {
    "check_message": "message.text == {name!r}",
    "check_login": "login.username == {name!r}",
    "check_upload": "upload.name == {name!r}",
}
ACTS = {
    "raises": "raise RuntimeError('no luck')",
    "exits": "sys.exit(3)",
    "waits": "await asyncio.Event().wait()",
    "returns": "return 3",
}


async def test_hooks_that_fail_or_never_answer_are_named_and_nobody_waits_for_them(
    host: PluginHost,
) -> None:
    plugins: dict[str, str] = {}
    for hook, arguments in hooks():
        if not hook.startswith("register_"):
            for act, source in ACTS.items():
                name = f"{act}_in_{hook}"
                when = PROVOKED.get(hook, "True").format(name=name)
                act_there = f"if {when}:\n        {source}"
                host.write(name, misbehaving(hook, arguments, act_there, half=ServerHooks))
                plugins[name] = hook
    await host.open()
    pair = await host.pair()
    visitor, conversation = await host.visitor()
    _, token = await host.people.register()

    async def provoke(name: str, hook: str) -> None:
        if hook == "check_message":
            with pytest.raises(CheckFailed):
                await say(visitor, conversation, name)
        elif hook == "check_login" and not name.startswith("returns"):
            with pytest.raises(CheckFailed):
                await host.people.register(name)
        elif hook == "check_upload" and not name.startswith("returns"):
            with pytest.raises(CheckFailed):
                await upload(host.server.url, b"hello", token=token, name=name)

    provoking = asyncio.gather(*(provoke(name, hook) for name, hook in plugins.items()))
    await pair.talk()
    await provoking
    # What an on_ hook returns, or a check that only objects, is nobody's concern.
    harmless = {name for name in plugins if name.startswith("returns_in_")}
    harmless.discard("returns_in_check_message")
    for name, hook in plugins.items():
        # Only a demonstration calls on_demo; that it may fail is tested beside the other hooks.
        if name not in harmless and hook not in ("on_stop", "on_demo"):
            event = "plugin_start_failed" if hook == "on_start" else "plugin_failed"
            await host.until(partial(host.logged, event, name))
    statuses = await host.statuses()
    # What fails for each message that is sent costs nobody the plugin; what fails at start does.
    for name, hook in plugins.items():
        failed_at_start = hook == "on_start" and name not in harmless
        expected = "quarantined" if failed_at_start else "loaded"
        assert statuses[name, "server"][0] == expected, name
    await host.people.aclose()
    assert await asyncio.to_thread(host.server.stop) == 0
    for name, hook in plugins.items():
        if hook == "on_stop" and name not in harmless:
            assert host.logged("plugin_failed", name), name


# Message types.


async def test_bad_message_types_refuse_their_own_messages_alone(host: PluginHost) -> None:
    places = ("text", "start", "blobs", "prepare", "action")
    plugins = [f"{does}_in_{place}" for place in places for does in ("raises", "exits", "returns")]
    plugins += ["waits_in_prepare", "stays_in_action"]
    host.add_bad_types(*plugins)
    await host.open()
    pair = await host.pair()
    visitor, conversation = await host.visitor()

    async def send(type: str, words: str) -> str:
        sent = await visitor.call(
            "message.send", conversation=conversation, type=type, content={"words": words}
        )
        return str(sent["id"])

    async def poke(message: str) -> Any:
        return await visitor.call(
            "message.act", message=message, action="poke", client_id=uuid.uuid4().hex
        )

    async def provoke(name: str) -> None:
        does, _, place = name.partition("_in_")
        expected = TimedOut if does in ("waits", "stays") else PluginFailed
        if place == "action":
            message = await send(name, "bad")
            with pytest.raises(expected):
                await poke(message)
        else:
            with pytest.raises(expected):
                await send(name, "bad")
        done = await poke(await send(name, "well"))
        assert done["rev"] == 2, (place, done)

    async def provoke_all() -> None:
        for name in plugins:
            await provoke(name)

    provoking = asyncio.create_task(provoke_all())
    await pair.talk()
    await provoking
    events = ("message_type_failed", "content_killed")
    failed = {line["type"] for event in events for line in host.logged(event)}
    failed |= {
        line["doing"].removeprefix("prepare ")
        for line in host.logged("plugin_failed")
        if line["doing"].startswith("prepare ")
    }
    assert failed == set(plugins)
    # However often one person does that, the others keep it.
    stuck = await send("stays_in_action", "bad")
    for _ in range(2):
        with pytest.raises(TimedOut):
            await poke(stuck)
    await pair.talk()
    assert (await host.statuses())["stays_in_action", "server"] == ("loaded", "")
    await host.people.aclose()
    assert await asyncio.to_thread(host.server.stop) == 0


# Views.


@pytest.mark.parametrize("ways", [("raises", "exits", "huge"), ("stays",)])
async def test_a_view_that_cannot_draw_leaves_the_text_and_stays(
    host: PluginHost, ways: tuple[str, ...]
) -> None:
    host.add_bad_types(*(f"{does}_in_render" for does in ways))
    await host.open()
    pair = await host.pair()
    for does in ways:
        await fail_to_draw(host, pair, f"{does}_in_render", 3 if does == "stays" else 20)
    await host.people.aclose()
    # A thread that never ends does not keep the process.
    assert await asyncio.to_thread(host.server.stop) == 0


async def fail_to_draw(host: PluginHost, pair: Pair, plugin: str, times: int) -> None:
    """So many bad messages after a good one are read, and cost the good one nothing."""
    visitor, conversation = await host.visitor()
    reader = await host.people.connect(
        await host.people.log_in(visitor.me["username"]), views=["dash:en"]
    )

    async def read(count: int) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = []
        async for event in reader.events():
            if event.kind == "message.created":
                read.append(event.data["message"])
                if len(read) == count:
                    break
        return read

    expected = ["well", *(f"bad {number}" for number in range(times))]
    for words in expected:
        await visitor.call(
            "message.send", conversation=conversation, type=plugin, content={"words": words}
        )
    async with asyncio.timeout(60):
        talking = asyncio.create_task(pair.talk())
        found = await read(len(expected))
        await talking
    assert [message["text"] for message in found] == expected
    drawn, *rest = (message.get("view") for message in found)
    # On a busy machine its drawing follows; history, below, has it in any case.
    assert drawn in ("well", None)
    assert rest == [None] * times
    statuses = await host.statuses()
    assert statuses[plugin, "server"] == ("loaded", "")
    assert statuses[plugin, "_webui"] == ("loaded", "")
    # What it can draw is drawn.
    page = await reader.call("message.history", conversation=conversation)
    assert page["messages"][0]["view"] == "well"


# Floods.


async def test_a_plugin_that_floods_is_slowed_down_and_named(host: PluginHost) -> None:
    host.add("floods")
    await host.open()
    pair = await host.pair()
    visitor, conversation = await host.visitor()
    await say(visitor, conversation, "flood")
    await host.until(lambda: host.logged("plugin_floods", "floods"))
    await pair.talk()
    await pair.talk()
    assert (await host.statuses())["floods", "server"] == ("loaded", "")
