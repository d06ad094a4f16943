"""Messages that held the server for good, sent to a real one: nobody but their authors waits."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from dash_messenger.client import Client
from dash_messenger.errors import Failure
from dash_messenger.testing import People, ServerProcess

# Longer than anything takes on a busy machine; what held the loop held it for hours.
LIMIT_S = 60
# Beside a neighbour whose messages are answered in this time, nothing holds the loop.
ANSWER_WITHIN_S = 5
COSTLY = {
    "dashes": "-" * 90 + "a",
    "bash": "```bash\n$'" + "\\" * 72 + "\n```",
    "scala": '```scala\n"' + "\\" * 72 + "\n```",
    "easytrieve": "```easytrieve\n" + "\t" * 2_990 + "\n```",
}


async def tell(client: Client, command: str, **params: Any) -> Any:
    """The answer, or the key of the failure."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return await client.call(command, **params)
    except Failure as failure:
        return failure.key


async def attack(ann: Client, conversation: str, text: str) -> list[Any]:
    sent = await ann.call(
        "message.send", conversation=conversation, type="markdown", content={"text": "hi"}
    )
    content = {"text": text}
    views = ["dash:en", "dash:ru"]
    return [
        await tell(ann, "message.preview", type="markdown", content=content, views=views),
        await tell(
            ann, "message.send", conversation=conversation, type="markdown", content=content
        ),
        await tell(ann, "message.edit", message=sent["id"], content=content),
        await tell(ann, "message.history", conversation=conversation, views=views),
    ]


@pytest.mark.parametrize("kind", COSTLY)
async def test_nobody_waits_while_costly_messages_are_sent_and_looked_at(
    people: People, server: ServerProcess, kind: str
) -> None:
    ann, bob, eve = await people(), await people(), await people()
    own = await ann.call("conversation.create", kind="direct", members=[eve.me["username"]])
    other = await bob.call("conversation.create", kind="direct", members=[eve.me["username"]])
    pid = server.server_pid
    under_attack = asyncio.create_task(attack(ann, own["id"], COSTLY[kind]))
    slowest_s = 0.0
    for n in range(100):
        began_s = time.monotonic()
        await bob.call(
            "message.send", conversation=other["id"], type="text", content={"text": str(n)}
        )
        slowest_s = max(slowest_s, time.monotonic() - began_s)
        if under_attack.done() and n > 10:
            break
    answers = await under_attack
    assert all(isinstance(answer, dict) or answer == "content_too_costly" for answer in answers), (
        answers
    )
    assert slowest_s < ANSWER_WITHIN_S
    assert server.server_pid == pid
    types = {one["type"] for one in (await bob.call("plugin.list"))["types"]}
    assert "markdown" in types


async def test_twenty_failing_requests_of_one_account_quarantine_nothing(people: People) -> None:
    ann, eve = await people(), await people()
    own = await ann.call("conversation.create", kind="direct", members=[eve.me["username"]])
    before = {one["type"] for one in (await ann.call("plugin.list"))["types"]}
    odd: list[Any] = [7, [], {}, {"text": 7}, {"text": 10**400}, {"variants": []}, {"photos": [{}]}]
    photo = {"blob": "0" * 32, "width": 10**400, "height": 1, "variants": [], "alt": ""}
    odd += [{"photos": [photo], "caption": ""}, {"files": [{"name": 7}]}, {"sticker": 10**400}]
    for type in sorted(before):
        for content in (*odd, *odd, *odd):
            answer = await tell(
                ann, "message.preview", type=type, content=content, views=["dash:en"]
            )
            sent = await tell(
                ann, "message.send", conversation=own["id"], type=type, content=content
            )
            for one in (answer, sent):
                assert one not in ("internal_error", "plugin_failed"), (type, content)
    assert {one["type"] for one in (await ann.call("plugin.list"))["types"]} == before
