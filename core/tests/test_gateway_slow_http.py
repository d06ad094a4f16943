"""Clients that never finish the head of a request."""

from __future__ import annotations

import asyncio

import pytest
from dash_messenger.gateway import GuardedHttp
from dash_messenger.gateway.websocket import WebSocket
from gateway_world import ask, gate, port_of, serving


class Impatient(GuardedHttp):
    """Waits hardly at all."""

    head_timeout_s = 0.05


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


async def test_half_open_handshakes_disturb_nobody():
    async with gate() as world, await world.client() as client:
        halves = [await asyncio.open_connection("127.0.0.1", world.port) for _ in range(50)]
        for _, writer in halves:
            writer.write(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n")
        assert "result" in await ask(client, "say")
        for _, writer in halves:
            writer.close()
