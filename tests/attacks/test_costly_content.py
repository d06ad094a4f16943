"""Single messages that stopped the whole server, and kept stopping it after each restart."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import uuid
from typing import Any

from dash_messenger.client import Client
from dash_messenger.errors import ContentTooCostly, Failure, PluginFailed
from dash_messenger.testing import People, ServerProcess

from tests.attacks.grammar import MAX_CHARACTERS
from tests.attacks.timed_pair import MAX_ANSWER_MS, TimedPair

COSTLY = {
    "dashes": "-" * 90 + "a",
    "bash": "```bash\n$'" + "\\" * 72 + "\n```",
    "scala": '```scala\n"' + "\\" * 72 + "\n```",
    "tabs": "```easytrieve\n" + "\t" * 2_990 + "\n```",
    "brackets": "[" * 16_000,
    "quotes": "> " * 8_000,
    "table": "|" * 8_000 + "\n" + "|-" * 3_900,
    "addresses": "http://[" * 2_000,
    "stars": "*a " * 5_333,
}


async def conversation_of(people: People) -> tuple[Client, str]:
    """Somebody whose friend looks on, so that what they send is drawn."""
    author, friend = await people(views=["dash:en"]), await people(views=["dash:en"])
    made = await author.call("conversation.create", kind="direct", members=[friend.me["username"]])
    return author, made["id"]


async def test_costly_messages_delay_nobody(people: People, pair: TimedPair) -> None:
    author, conversation = await conversation_of(people)

    times = itertools.count()

    async def everywhere() -> None:
        # What was killed once is refused untried: another time it is other content.
        more = "a" * next(times)
        for source in COSTLY.values():
            text = source[: MAX_CHARACTERS - len(more)] + more
            await send_edit_preview_and_look(author, conversation, {"text": text})

    took = await pair.beside_timed(everywhere, whole=True, again=True)
    if max(took) > MAX_ANSWER_MS:
        took = await pair.beside_timed(everywhere, whole=True)
    assert max(took) <= MAX_ANSWER_MS


async def send_edit_preview_and_look(
    author: Client, conversation: str, content: dict[str, Any]
) -> None:
    sent = await author.call(
        "message.send", conversation=conversation, type="markdown", content={"text": "before"}
    )
    # It may be refused as too costly; what it must not do is to hold anybody up.
    for command, params in (
        ("message.preview", {"type": "markdown", "content": content, "views": ["dash:en"]}),
        ("message.edit", {"message": sent["id"], "content": content, "client_id": new_id()}),
        ("message.send", {"conversation": conversation, "type": "markdown", "content": content}),
    ):
        with contextlib.suppress(ContentTooCostly):
            await author.call(command, params)
    await author.call("message.history", conversation=conversation, views=["dash:en"])


async def test_costly_message_is_not_tried_again_after_a_restart(
    tmp_path: Any,
) -> None:
    server = ServerProcess(tmp_path / "data")
    server.start()
    try:
        makers = People(server)
        author, conversation = await conversation_of(makers)
        for source in COSTLY.values():
            with contextlib.suppress(ContentTooCostly):
                await author.call(
                    "message.send",
                    conversation=conversation,
                    type="markdown",
                    content={"text": source},
                )
        await makers.aclose()
        server.stop()
        server.start()
        makers = People(server)
        again = await makers.connect(await makers.log_in(author.me["username"]), views=["dash:en"])
        async with asyncio.timeout(5):
            page = await again.call("message.history", conversation=conversation, views=["dash:en"])
        assert page["messages"]
        await makers.aclose()
    finally:
        server.kill()


HUGE = 10**400
CLAIMS: dict[str, tuple[str, dict[str, Any]]] = {
    "photo without sizes": ("photo", {"photos": [{"blob": "0" * 32, "variants": []}]}),
    "photo of a huge width": ("photo", {"photos": [{"blob": "0" * 32, "width": HUGE}]}),
    "file of a huge size": ("files", {"files": [{"blob": "0" * 32, "bytes": HUGE}]}),
    "sticker of a huge width": ("sticker", {"sticker": "0" * 32, "width": HUGE}),
    "text that is a number": ("text", {"text": 7}),
    "code that is long when drawn": ("markdown", {"text": "```c\n" + "{};" * 1_300 + "\n```"}),
    "a table of many cells": ("markdown", {"text": "|a|b|\n|-|-|\n" + "|a|b|\n" * 650}),
}


async def test_requests_that_fail_quarantine_nothing(people: People, pair: TimedPair) -> None:
    author, conversation = await conversation_of(people)
    admin = await people.admin()

    async def fail_again_and_again() -> None:
        for type_name, content in CLAIMS.values():
            for _ in range(25):
                for command, params in (
                    ("message.preview", {"views": ["dash:en"]}),
                    ("message.send", {"conversation": conversation}),
                ):
                    try:
                        await author.call(command, params, type=type_name, content=content)
                    except PluginFailed as failure:
                        raise AssertionError(f"{command} of {content} failed") from failure
                    except (Failure, OverflowError):
                        continue
        await author.call("message.history", conversation=conversation, views=["dash:en"])

    await pair.beside_timed(fail_again_and_again, whole=True, again=True)
    listed = await admin.call("plugin.list")
    assert listed["quarantined"] == []
    types = {one["type"] for one in listed["types"]}
    assert {"text", "markdown", "photo", "files", "sticker"} <= types


async def test_settings_of_a_wrong_type_quarantine_nothing(people: People) -> None:
    author, admin = await people(), await people.admin()
    for _ in range(25):
        for params in ({"title": 7}, {"title": HUGE}, {"title": None}, {"title": ["a"]}):
            with contextlib.suppress(Failure, OverflowError):
                await author.call("stickers.make", params)
    listed = await admin.call("plugin.list")
    assert listed["quarantined"] == []


def new_id() -> str:
    return uuid.uuid4().hex
