"""Our WebSocket class against Autobahn's cases, with an application that echoes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from kosoku import run_fuzzingclient

from dash_messenger.gateway import GuardedHttp
from dash_messenger.gateway.keepalive import Keepalive
from dash_messenger.gateway.websocket import Limits, WebSocket, text_frame


class Echo(WebSocket):
    __slots__ = ()
    limits = Limits(max_inbound_bytes=2**25, max_outbound_bytes=2**26)
    keepalive = Keepalive(25, 20)

    def text_received(self, payload: bytes) -> None:
        self.write(text_frame(payload))

    def binary_received(self, payload: bytes) -> None:
        self.write(b"\x82" + text_frame(payload)[1:])


async def not_found(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body"})


@asynccontextmanager
async def serving(protocol_class: type[asyncio.Protocol]) -> AsyncIterator[str]:
    config = uvicorn.Config(
        not_found,
        host="127.0.0.1",
        port=0,
        ws=protocol_class,
        http=GuardedHttp,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield "ws://127.0.0.1:%d" % server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


async def test_all_cases_of_framing_pass():
    async with serving(Echo) as url:
        results = await run_fuzzingclient(
            url, cases=[f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 10)], concurrency=4
        )
    Echo.keepalive.close()
    assert len(results) == 247
    assert [result.case_id for result in results if not result.passed] == []
