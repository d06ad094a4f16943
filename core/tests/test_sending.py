"""Sending: what is refused before it is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash_messenger.errors import Busy
from dash_messenger.messages import send as sending
from dash_messenger.realtime.hub import Hub
from server_world import open_server


async def test_senders_wait_while_too_many_events_wait_for_their_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_server(tmp_path) as world:
        await world.add("ann", "ben")
        conversation = await world.group("ann", "ben")
        monkeypatch.setattr(Hub, "backlog", property(lambda hub: sending.MAX_BACKLOG + 1))
        with pytest.raises(Busy):
            await world.say("ann", conversation)
        monkeypatch.undo()
        assert (await world.say("ann", conversation))["number"] == 1
