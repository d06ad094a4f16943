"""Sending: what is refused before it is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash_messenger.errors import Busy, InvalidParams
from dash_messenger.messages import send
from dash_messenger.realtime.hub import Hub
from fixtures.local_server import open_server


async def test_senders_wait_while_too_many_events_wait_for_their_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben")
        conversation = await local.group("ann", "ben")
        monkeypatch.setattr(Hub, "backlog", property(lambda hub: send.MAX_BACKLOG + 1))
        with pytest.raises(Busy):
            await local.say("ann", conversation)
        monkeypatch.undo()
        assert (await local.say("ann", conversation))["number"] == 1


async def test_a_thread_is_refused_and_the_next_message_is_taken(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben")
        conversation = await local.group("ann", "ben")
        message = {
            "conversation": conversation,
            "client_id": "0198f0aa-0000-7000-8000-000000000001",
            "type": "note",
            "content": {"words": "hello"},
        }
        refused = await local.failure("ann", "message.send", **message, thread=conversation)
        assert isinstance(refused, InvalidParams)
        assert refused.params["field"] == "thread"
        assert (await local.call("ann", "message.send", **message))["number"] == 1
