"""JSON-RPC over a real socket: order, limits, bad input, closing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from dash_messenger.errors import CloseCode
from dash_messenger.gateway import Limits
from dash_messenger.gateway.inbound import MAX_FRAGMENTS
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.realtime.hub import Hub
from fixtures.served_gateway import NoDrawings, Said, ask, message_event, request, serve_gateway
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode


async def closed_with(client) -> int | None:
    """The code a client's connection ends with, reading whatever comes before."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await client.recv()
    code: int | None = client.close_code
    return code


async def test_request_gets_its_answer():
    async with serve_gateway() as served, await served.client() as client:
        answer = await ask(client, "say", text="привет")
        assert answer == {"jsonrpc": "2.0", "id": 1, "result": {"text": "привет", "number": 0}}


async def test_subprotocol_is_taken_if_offered():
    async with serve_gateway() as served:
        async with await served.client(subprotocols=["other", "dash-messenger.1"]) as client:
            assert client.subprotocol == "dash-messenger.1"
        async with await served.client() as client:
            assert client.subprotocol is None


async def test_nobody_is_told_by_a_close_code():
    async with serve_gateway() as served, await served.client("nobody") as client:
        assert await closed_with(client) == CloseCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://chat.example.org.evil.example"},
        {"Authorization": ""},
        {"Cookie": "session=ann"},
    ],
)
async def test_other_sites_are_turned_away(headers):
    async with serve_gateway(public_url="https://chat.example.org") as served:
        with pytest.raises(InvalidStatus) as refused:
            await served.client(headers=headers)
        assert refused.value.response.status_code == 403


async def test_own_page_with_a_cookie_is_let_in():
    async with serve_gateway(public_url="https://chat.example.org") as served:
        headers = {"Authorization": "", "Cookie": "session=ann"}
        client = await served.client(headers=headers, origin="https://chat.example.org")
        async with client:
            assert "result" in await ask(client, "say")


async def test_other_paths_are_not_found():
    async with serve_gateway(path="/elsewhere") as served:
        with pytest.raises(InvalidStatus) as refused:
            await served.client()
        assert refused.value.response.status_code == 404


BAD_REQUESTS = {
    "not json": ("{", -32700),
    "empty": ("", -32700),
    "deep": ("[" * 30_000, -32600),
    "deep parameters": (
        '{"jsonrpc":"2.0","id":1,"method":"say","params":{"text":' + "[" * 20_000 + "}}",
        -32700,
    ),
    "number": ("1", -32600),
    "array": ("[]", -32600),
    "no method": ('{"jsonrpc":"2.0","id":1}', -32600),
    "no id": ('{"jsonrpc":"2.0","method":"say"}', -32600),
    "other version": ('{"jsonrpc":"1.0","id":1,"method":"say"}', -32600),
    "id of a wrong type": ('{"jsonrpc":"2.0","id":{},"method":"say"}', -32600),
    "unknown command": (request("nothing"), -32601),
    "wrong type": (request("say", text=1), -32602),
    "unknown parameter": (request("say", texts="x"), -32602),
    "parameters no object": ('{"jsonrpc":"2.0","id":1,"method":"say","params":[1]}', -32602),
    "defect": (request("fail"), -32603),
    "refusal": (request("refuse"), 1006),
    "refusal at once": (request("refuse_at_once"), 1006),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
async def test_bad_request_has_a_code_and_the_connection_stays(case):
    frame, code = BAD_REQUESTS[case]
    async with serve_gateway() as served, await served.client() as client:
        await client.send(frame)
        assert json.loads(await client.recv())["error"]["code"] == code
        assert "result" in await ask(client, "say", text="still here")


async def test_error_names_the_request_where_it_can():
    async with serve_gateway() as served, await served.client() as client:
        await client.send('{"jsonrpc":"2.0","id":"seven","method":7}')
        assert json.loads(await client.recv())["id"] == "seven"


BAD_FRAMES = {
    "binary": (Opcode.BINARY, b"x", CloseCode.UNSUPPORTED_DATA),
    "not utf-8": (Opcode.TEXT, b"\xff", CloseCode.INVALID_TEXT),
    "too large": (Opcode.TEXT, b"x" * 65_537, CloseCode.TOO_LARGE),
    "fragment of nothing": (Opcode.CONT, b"x", 1002),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
async def test_bad_frame_closes_with_a_code_and_a_neighbouring_pair_hears_everything(case):
    opcode, payload, code = BAD_FRAMES[case]
    async with (
        serve_gateway() as served,
        await served.client() as ann,
        await served.client("bob") as bob,
    ):
        await ask(bob, "hear", text="room")
        bad = await served.client("eve")
        for seq in range(1, 11):
            served.hub.announce([message_event("room", seq)])
            if seq == 5:
                bad.transport.write(Frame(opcode, payload).serialize(mask=True))
        assert await closed_with(bad) == code
        heard = [json.loads(await bob.recv())["params"]["seq"] for _ in range(10)]
        assert heard == list(range(1, 11))
        assert "result" in await ask(ann, "say")


async def test_a_message_in_endless_empty_pieces_is_closed():
    async with serve_gateway() as served, await served.client("bob") as bob:
        eve = await served.client("eve")
        eve.transport.write(Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True))
        piece = Frame(Opcode.CONT, b"", fin=False).serialize(mask=True)
        eve.transport.write(piece * MAX_FRAGMENTS)
        assert await closed_with(eve) == CloseCode.PROTOCOL_ABUSED
        assert "result" in await ask(bob, "say")


async def test_largest_frame_is_taken():
    async with serve_gateway() as served, await served.client() as client:
        frame = request("say", text="")
        padded = frame + " " * (65_536 - len(frame))
        await client.send(padded)
        assert "result" in json.loads(await client.recv())


async def test_client_that_sends_no_requests_is_closed_for_good():
    async with serve_gateway() as served, await served.client() as client:
        for _ in range(21):
            await client.send("{}")
        assert await closed_with(client) == CloseCode.PROTOCOL_ABUSED


async def test_no_more_requests_start_than_may_be_in_flight():
    frames = [
        Frame(Opcode.TEXT, request("hold", id=n, text=str(n)).encode()).serialize(mask=True)
        for n in range(100)
    ]
    async with (
        serve_gateway(Limits(max_in_flight=4)) as served,
        await served.client() as client,
        await served.client("bob") as bob,
    ):
        client.transport.write(b"".join(frames))
        while len(served.held) < 4:
            await asyncio.sleep(0)
        assert "result" in await ask(bob, "say", text="bob")
        assert served.started == ["0", "1", "2", "3", "bob"]
        for answered in range(100):
            while len(served.held) <= answered:
                await asyncio.sleep(0)
            assert len(served.held) <= answered + 4
            served.held[answered].set_result(None)
            assert json.loads(await client.recv())["id"] == answered


async def test_requests_start_in_order_whatever_their_kind():
    async with serve_gateway() as served, await served.client() as client:
        frames = b"".join(
            Frame(
                Opcode.TEXT, request("hold" if n % 2 else "say", id=n, text=str(n)).encode()
            ).serialize(mask=True)
            for n in range(20)
        )
        client.transport.write(frames)
        while len(served.started) < 20:
            await asyncio.sleep(0)
        assert served.started == [str(n) for n in range(20)]
        for held in served.held:
            held.set_result(None)
        assert {json.loads(await client.recv())["id"] for _ in range(20)} == set(range(20))


async def test_frames_cut_anywhere_arrive_whole():
    async with serve_gateway() as served, await served.client() as client:
        frames = b"".join(
            Frame(Opcode.TEXT, request("say", id=n, text="я" * n).encode()).serialize(mask=True)
            for n in (1, 2, 40, 100)
        )
        for at in range(0, len(frames), 7):
            client.transport.write(frames[at : at + 7])
            await asyncio.sleep(0)
        for n in (1, 2, 40, 100):
            assert json.loads(await client.recv())["result"]["text"] == "я" * n


async def test_shutdown_answers_what_is_under_way_and_tells_clients_to_come_back():
    async with serve_gateway() as served:
        busy, idle = await served.client(), await served.client("bob")
        await busy.send(request("hold"))
        while not served.held:
            await asyncio.sleep(0)
        stopping = asyncio.create_task(served.server.shutdown())
        assert await closed_with(idle) == CloseCode.SERVICE_RESTART
        served.held[0].set_result(None)
        assert json.loads(await busy.recv())["id"] == 1
        assert await closed_with(busy) == CloseCode.SERVICE_RESTART
        await stopping


async def test_closed_session_ends_its_sockets_and_only_them():
    async with serve_gateway() as served:
        first, second = await served.client(), await served.client()
        async with await served.client("bob") as bob:
            served.hub.close_sessions(["session of ann"], CloseCode.SESSION_CLOSED)
            assert await closed_with(first) == CloseCode.SESSION_CLOSED
            assert await closed_with(second) == CloseCode.SESSION_CLOSED
            assert "result" in await ask(bob, "say")
        late = await served.client()
        assert await closed_with(late) == CloseCode.SESSION_CLOSED


async def raw_client(served):
    """A socket after its handshake, for what a good client would not do."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Authorization: Bearer raw\r\n\r\n"
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_client_that_answers_no_ping_is_closed_and_may_come_back():
    limits = Limits(close_timeout_s=0.1)
    async with serve_gateway(limits, ping_interval_s=2, pong_timeout_s=1) as served:
        reader, writer = await raw_client(served)
        async with await served.client("bob") as bob:
            await ask(bob, "say")
            served.gateway._keepalive.tick()
            served.gateway._keepalive.tick()
            assert await reader.readexactly(2) == b"\x89\x00"
            await ask(bob, "say")
            served.gateway._keepalive.tick()
            assert CloseCode.PING_TIMEOUT.to_bytes(2, "big") in await reader.read()
            assert "result" in await ask(bob, "say")
        writer.close()


async def test_slow_reader_is_closed_and_the_others_do_not_notice():
    async with (
        serve_gateway(Limits(max_outbound_bytes=100_000, close_timeout_s=30)) as served,
        await served.client("bob") as bob,
    ):
        reader, writer = await raw_client(served)
        writer.write(Frame(Opcode.TEXT, request("hear", text="room").encode()).serialize(mask=True))
        await reader.readuntil(b'"result"')
        writer.transport.pause_reading()
        await ask(bob, "hear", text="room")
        seq = 0
        while served.hub.connections == 2:
            seq += 1
            served.hub.announce([message_event("room", seq, "x" * 50_000)])
            assert json.loads(await bob.recv())["params"]["seq"] == seq
        served.hub.announce([message_event("room", seq + 1)])
        assert json.loads(await bob.recv())["params"]["seq"] == seq + 1
        writer.transport.resume_reading()
        # Leave then, rather than let the close time out.
        tail = b""
        while CloseCode.SLOW_READER.to_bytes(2, "big") not in tail:
            read = await reader.read(65_536)
            assert read, "closed without saying why"
            tail = (tail + read)[-40:]
        writer.close()


async def test_a_page_is_made_when_the_one_before_it_was_taken():
    made = 0

    async def page(caller: Caller, params: Said) -> Said:
        nonlocal made
        made += 1
        return Said("x" * 900_000)

    async with (
        serve_gateway(Limits(close_timeout_s=1)) as served,
        await served.client("bob") as bob,
    ):
        commands: Any = served.gateway.protocol_class.commands  # type: ignore[attr-defined]
        commands.add("core", Command("page", Said, Said, page, "", rate="dear read"))
        reader, writer = await raw_client(served)
        writer.transport.pause_reading()
        for id in range(32):
            frame = Frame(Opcode.TEXT, request("page", id).encode())
            writer.write(frame.serialize(mask=True))
        # By then everything is under way that will be: the others answer meanwhile.
        for _ in range(200):
            assert "result" in await ask(bob, "say")
        # The kernel takes some megabytes off us.
        assert 1 <= made <= 16
        assert served.hub.connections == 2
        writer.transport.resume_reading()
        while made < 32:
            await reader.read(2**20)
        writer.close()


async def test_a_user_has_so_many_sockets_and_no_more():
    hub = Hub(NoDrawings(), max_sockets_of_a_user=3)
    async with serve_gateway(hub=hub) as served, contextlib.AsyncExitStack() as sockets:
        mine = [await sockets.enter_async_context(await served.client("ann")) for _ in range(3)]
        for socket in mine:
            assert "result" in await ask(socket, "say")
        one_more = await sockets.enter_async_context(await served.client("ann"))
        assert await closed_with(one_more) == CloseCode.TOO_MANY_SOCKETS
        assert CloseCode.TOO_MANY_SOCKETS.comes_back
        other = await sockets.enter_async_context(await served.client("bob"))
        assert "result" in await ask(other, "say")
        await mine[0].close()
        while served.hub.connections == 4:
            await asyncio.sleep(0)
        again = await sockets.enter_async_context(await served.client("ann"))
        assert "result" in await ask(again, "say")
