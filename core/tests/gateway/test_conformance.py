"""Our WebSocket class against Autobahn's cases, with an application that echoes."""

from __future__ import annotations

import asyncio
import sys

import pytest
import uvloop
from dash_messenger.gateway.keepalive import Keepalive
from dash_messenger.gateway.websocket import Limits, WebSocket
from dash_messenger.protocol.frames import text_frame
from fixtures.served_gateway import port_of, serving
from kosoku import run_fuzzingclient


class Echo(WebSocket):
    """Sends everything back. The messenger's limits are its own, not the class's."""

    __slots__ = ()
    limits = Limits(max_inbound_bytes=2**25, max_outbound_bytes=2**26)
    keepalive = Keepalive(25, 20)

    def text_received(self, payload: bytes) -> None:
        self.write(text_frame(payload))

    def binary_received(self, payload: bytes) -> None:
        self.write(b"\x82" + text_frame(payload)[1:])


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_all_cases_of_framing_pass(loop_factory):
    async def run():
        async with serving(Echo) as server:
            return await run_fuzzingclient(
                f"ws://127.0.0.1:{port_of(server)}",
                cases=[f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 10)],
                concurrency=4,
            )

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        results = runner.run(run())
    Echo.keepalive.close()
    # It leaves a stand-in for this module behind, which pytest's monkeypatch would believe.
    sys.modules.pop("pkg_resources", None)
    assert len(results) == 247
    assert [result.case_id for result in results if not result.passed] == []
