"""Bad plugins, each its own: the server serves, the culprit is named, and nobody else notices.

During each a neighbouring pair exchanges 500 messages, which arrive complete and in order. The
beasts stand in ``tests/zoo``; what can be done wrong in any hook is made here for every hook that
there is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.client import Client
from dash_messenger.plugins.hookspecs import ServerHooks
from dash_messenger_webui.hookspecs import DashHooks

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
    assert house.logged("server_starts_anew") == []


@pytest.mark.parametrize(
    ("beast", "word"),
    [("holds_for_ever", "hold for ever"), ("keeps_the_lock", "keep the lock")],
)
async def test_who_holds_the_loop_for_ever_is_set_aside_and_the_server_starts_anew(
    house: House, beast: str, word: str
) -> None:
    house.add(beast)
    await house.open()
    pid, url = house.server.pid, house.server.url
    neighbours = await house.neighbours()
    visitor, conversation = await house.visitor()
    sent = await say(visitor, conversation, word)
    await neighbours.talk()
    await house.until(lambda: house.logged("server_starts_anew", beast))
    status, reason = (await house.fared())[beast, "server"]
    assert status == "quarantined"
    assert re.fullmatch(r"it held the event loop for \d s", reason)
    # The same process at the same address, and what was acknowledged is there.
    assert (house.server.pid, house.server.url) == (pid, url)
    page = await visitor.call("message.history", conversation=conversation)
    assert [message["id"] for message in page["messages"]] == [sent["id"]]
    # Now it is as good as not installed.
    await say(visitor, conversation, word)
    await neighbours.talk()
    assert await asyncio.to_thread(house.server.stop) == 0
