"""Bad plugins, each its own: the server serves, the culprit is named, and nobody else notices.

During each a neighbouring pair exchanges 500 messages, which arrive complete and in order. The
beasts stand in ``tests/zoo``; what can be done wrong in any hook is made here for every hook that
there is.
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

from tests.neighbours import Neighbours
from tests.zoo.house import House, hooks, misbehaving


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    await house.close()


async def say(client: Client, conversation: str, words: str) -> Any:
    return await client.call(
        "message.send", conversation=conversation, type="text", content={"text": words}
    )


# At the start.


async def test_what_cannot_be_loaded_is_named_and_the_rest_is_served(house: House) -> None:
    house.add("raises_on_import", "exits_on_import", "needs_another_api")
    house.add("one_of_a_pair", "other_of_a_pair")
    house.add("takes_a_theme", "takes_a_view", "takes_a_command")
    house.write("cannot_be_read", "def (\n")
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
                    house.write(name, "")
                house.write(
                    name if half is ServerHooks else f"{name}_ui",
                    misbehaving(hook, arguments, source, half=half),
                )
                expected[name, group] = reason
    await house.open()
    await (await house.neighbours()).talk()
    fared = await house.fared()
    for beast, reason in expected.items():
        status, why = fared[beast]
        assert (status, reason in why) == ("quarantined", True), (beast, why)
        assert why, beast
    well = {beast for beast, (status, _) in fared.items() if status == "loaded"}
    assert {("text", "server"), ("webui", "server"), ("one_of_a_pair", "server")} <= well
    assert well.isdisjoint(expected)


# Who holds the loop.


async def test_who_holds_the_loop_for_a_while_is_named_with_the_line_and_stays(
    house: House,
) -> None:
    house.add("holds_a_while")
    await house.open()
    neighbours = await house.neighbours()
    visitor, conversation = await house.visitor()
    await say(visitor, conversation, "hold a while")
    await neighbours.talk()
    await house.until(lambda: house.logged("loop_held"))
    (line,) = house.logged("loop_held")
    assert line["plugin"] == "holds_a_while"
    assert line["stack"].splitlines()[-1].strip() == "time.sleep(2)"
    assert (await house.fared())["holds_a_while", "server"] == ("loaded", "")
    assert house.logged("server_restarting") == []


@pytest.mark.parametrize(
    ("beast", "word"),
    [("holds_for_ever", "hold for ever"), ("keeps_the_lock", "keep the lock")],
)
async def test_who_holds_the_loop_for_ever_is_quarantined_and_the_server_restarted(
    house: House, beast: str, word: str
) -> None:
    house.add(beast)
    await house.open()
    url, served = house.server.url, house.server.server_pid
    neighbours = await house.neighbours()
    visitor, conversation = await house.visitor()
    sent = await say(visitor, conversation, word)
    await neighbours.talk()
    await house.until(lambda: house.logged("server_restarting", beast))
    status, reason = (await house.fared())[beast, "server"]
    assert status == "quarantined"
    assert re.fullmatch(r"it held the event loop for \d s", reason)
    # Another process at the same address, and what was acknowledged is there.
    assert house.server.server_pid != served
    assert house.server.running
    assert house.server.url == url
    page = await visitor.call("message.history", conversation=conversation)
    assert [message["id"] for message in page["messages"]] == [sent["id"]]
    # Now it is as good as not installed.
    await say(visitor, conversation, word)
    await neighbours.talk()
    assert await asyncio.to_thread(house.server.stop) == 0


# Hooks that are called while the server runs.

# So that what teases a beast can be told from its neighbours.
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
    house: House,
) -> None:
    beasts: dict[str, str] = {}
    for hook, arguments in hooks():
        if not hook.startswith("register_"):
            for act, source in ACTS.items():
                name = f"{act}_in_{hook}"
                when = PROVOKED.get(hook, "True").format(name=name)
                act_there = f"if {when}:\n        {source}"
                house.write(name, misbehaving(hook, arguments, act_there, half=ServerHooks))
                beasts[name] = hook
    await house.open()
    neighbours = await house.neighbours()
    visitor, conversation = await house.visitor()
    _, token = await house.people.register()

    async def tease(name: str, hook: str) -> None:
        if hook == "check_message":
            with pytest.raises(CheckFailed):
                await say(visitor, conversation, name)
        elif hook == "check_login" and not name.startswith("returns"):
            with pytest.raises(CheckFailed):
                await house.people.register(name)
        elif hook == "check_upload" and not name.startswith("returns"):
            with pytest.raises(CheckFailed):
                await upload(house.server.url, b"hello", token=token, name=name)

    teasing = asyncio.gather(*(tease(name, hook) for name, hook in beasts.items()))
    await neighbours.talk()
    await teasing
    # What an on_ hook returns, or a check that only objects, is nobody's concern.
    harmless = {name for name in beasts if name.startswith("returns_in_")}
    harmless.discard("returns_in_check_message")
    for name, hook in beasts.items():
        # Only a demonstration calls on_demo; that it may fail is tested beside the other hooks.
        if name not in harmless and hook not in ("on_stop", "on_demo"):
            event = "plugin_start_failed" if hook == "on_start" else "plugin_failed"
            await house.until(partial(house.logged, event, name))
    fared = await house.fared()
    # What fails for each message that is sent costs nobody the plugin; what fails at start does.
    for name, hook in beasts.items():
        failed_at_start = hook == "on_start" and name not in harmless
        expected = "quarantined" if failed_at_start else "loaded"
        assert fared[name, "server"][0] == expected, name
    await house.people.aclose()
    assert await asyncio.to_thread(house.server.stop) == 0
    for name, hook in beasts.items():
        if hook == "on_stop" and name not in harmless:
            assert house.logged("plugin_failed", name), name


# Message types.


async def test_sick_message_types_refuse_their_own_messages_alone(house: House) -> None:
    places = ("text", "start", "blobs", "prepare", "action")
    beasts = [f"{does}_in_{place}" for place in places for does in ("raises", "exits", "returns")]
    beasts += ["waits_in_prepare", "stays_in_action"]
    house.sicken(*beasts)
    await house.open()
    neighbours = await house.neighbours()
    visitor, conversation = await house.visitor()

    async def send(type: str, words: str) -> str:
        sent = await visitor.call(
            "message.send", conversation=conversation, type=type, content={"words": words}
        )
        return str(sent["id"])

    async def poke(message: str) -> Any:
        return await visitor.call(
            "message.act", message=message, action="poke", client_id=uuid.uuid4().hex
        )

    async def tease(name: str) -> None:
        does, _, place = name.partition("_in_")
        expected = TimedOut if does in ("waits", "stays") else PluginFailed
        if place == "action":
            message = await send(name, "sick")
            with pytest.raises(expected):
                await poke(message)
        else:
            with pytest.raises(expected):
                await send(name, "sick")
        done = await poke(await send(name, "well"))
        assert done["rev"] == 2, (place, done)

    async def tease_all() -> None:
        for name in beasts:
            await tease(name)

    teasing = asyncio.create_task(tease_all())
    await neighbours.talk()
    await teasing
    events = ("message_type_failed", "content_killed")
    failed = {line["type"] for event in events for line in house.logged(event)}
    failed |= {
        line["doing"].removeprefix("prepare ")
        for line in house.logged("plugin_failed")
        if line["doing"].startswith("prepare ")
    }
    assert failed == set(beasts)
    # However often one person does that, the others keep it.
    stuck = await send("stays_in_action", "sick")
    for _ in range(2):
        with pytest.raises(TimedOut):
            await poke(stuck)
    await neighbours.talk()
    assert (await house.fared())["stays_in_action", "server"] == ("loaded", "")
    await house.people.aclose()
    assert await asyncio.to_thread(house.server.stop) == 0


# Views.


@pytest.mark.parametrize("ways", [("raises", "exits", "huge"), ("stays",)])
async def test_a_view_that_cannot_draw_leaves_the_text_and_stays(
    house: House, ways: tuple[str, ...]
) -> None:
    house.sicken(*(f"{does}_in_render" for does in ways))
    await house.open()
    neighbours = await house.neighbours()
    for does in ways:
        await fail_to_draw(house, neighbours, f"{does}_in_render", 3 if does == "stays" else 20)
    await house.people.aclose()
    # A thread that never ends does not keep the process.
    assert await asyncio.to_thread(house.server.stop) == 0


async def fail_to_draw(house: House, neighbours: Neighbours, beast: str, times: int) -> None:
    """So many sick messages after a good one are read, and cost the good one nothing."""
    visitor, conversation = await house.visitor()
    reader = await house.people.connect(
        await house.people.log_in(visitor.me["username"]), views=["dash:en"]
    )

    async def read(count: int) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = []
        async for event in reader.events():
            if event.kind == "message.created":
                read.append(event.data["message"])
                if len(read) == count:
                    break
        return read

    expected = ["well", *(f"sick {number}" for number in range(times))]
    for words in expected:
        await visitor.call(
            "message.send", conversation=conversation, type=beast, content={"words": words}
        )
    async with asyncio.timeout(60):
        talking = asyncio.create_task(neighbours.talk())
        found = await read(len(expected))
        await talking
    assert [message["text"] for message in found] == expected
    assert [message.get("view") for message in found] == ["well", *[None] * times]
    fared = await house.fared()
    assert fared[beast, "server"] == ("loaded", "")
    assert fared[beast, "_webui"] == ("loaded", "")
    # What it can draw is drawn.
    page = await reader.call("message.history", conversation=conversation)
    assert page["messages"][0]["view"] == "well"


# Floods.


async def test_a_plugin_that_floods_is_slowed_down_and_named(house: House) -> None:
    house.add("floods")
    await house.open()
    neighbours = await house.neighbours()
    visitor, conversation = await house.visitor()
    await say(visitor, conversation, "flood")
    await house.until(lambda: house.logged("plugin_floods", "floods"))
    await neighbours.talk()
    await neighbours.talk()
    assert (await house.fared())["floods", "server"] == ("loaded", "")
