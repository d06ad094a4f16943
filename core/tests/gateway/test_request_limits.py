"""Clients that never finish the head of a request."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import structlog.testing
from dash_messenger.gateway import GuardedHttp
from dash_messenger.gateway.connection_limits import Connections
from dash_messenger.gateway.request_limits import MAX_PIPELINED
from dash_messenger.gateway.websocket import WebSocket
from fixtures.served_gateway import ask, port_of, serve_gateway, serving


class Impatient(GuardedHttp):
    """Does not wait for long."""

    head_timeout_s = 0.5


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nA: b"])
async def test_unfinished_head_is_given_up(sent):
    async with serving(WebSocket, Impatient) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(sent)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_second_request_has_as_little_time_as_the_first():
    async with serving(WebSocket, Impatient) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET / HTTP/1.1\r\n")
        assert b"408" in await reader.read()
        writer.close()


@pytest.mark.parametrize(
    "flood",
    [b"A: " + b"x" * 70_000, b"A: b\r\n" * 200, b"A: b\r\n" * 200 + b"\r\n"],
    ids=["long", "many", "many, complete"],
)
async def test_endless_head_is_refused(flood):
    async with serving(WebSocket) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + flood)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_a_body_that_nobody_reads_ends_the_connection():
    async with serving(WebSocket) as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert b"404" in await reader.readuntil(b"\r\n\r\n")
        ended = asyncio.create_task(reader.read())
        with contextlib.suppress(ConnectionError):
            while not ended.done():
                # Never silent for long, and never done.
                writer.write(b"x")
                await asyncio.wait({ended}, timeout=0.01)
            await ended
        writer.close()


async def test_a_crowd_of_requests_on_one_connection_is_refused():
    async with serving(WebSocket) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * (MAX_PIPELINED + 2))
        assert b"429" in await reader.read()
        writer.close()


async def test_of_too_many_connections_the_idle_give_way():
    class Few(GuardedHttp):
        places = Connections(max_in_all=100, max_per_address=2)

    async with serving(WebSocket, Few) as server:
        port = port_of(server)
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"404" in await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert await idle[0][0].read() == b""
        for _, each in (*idle, (reader, writer)):
            each.close()


async def test_connections_at_work_stay_and_one_too_many_is_refused_and_logged():
    asked, waiting = asyncio.Semaphore(0), asyncio.Event()

    async def slow(scope, receive, send):
        asked.release()
        await waiting.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    class Few(GuardedHttp):
        places = Connections(max_in_all=2, max_per_address=100)

    async with serving(WebSocket, Few, slow) as server:
        busy = [await asyncio.open_connection("127.0.0.1", port_of(server)) for _ in range(2)]
        for _, writer in busy:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.acquire()
        await asked.acquire()
        with structlog.testing.capture_logs() as lines:
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
                assert b"503" in await reader.read()
                writer.close()
        assert [line["event"] for line in lines] == ["connections_refused"]
        waiting.set()
        for reader, writer in busy:
            assert b"204" in await reader.readuntil(b"\r\n\r\n")
            writer.close()


async def test_half_open_handshakes_disturb_nobody():
    async with serve_gateway() as served, await served.client() as client:
        halves = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(50)]
        for _, writer in halves:
            writer.write(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n")
        assert "result" in await ask(client, "say")
        for _, writer in halves:
            writer.close()
