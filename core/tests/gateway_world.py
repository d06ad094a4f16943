"""A real gateway on a free port, with commands made for the test and no store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvicorn
from dash_messenger.errors import Conflict
from dash_messenger.gateway import Gateway, GuardedHttp, Limits
from dash_messenger.protocol.commands import Caller, Command, Commands
from dash_messenger.protocol.events import Event
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.hub import Hub
from websockets.asyncio.client import ClientConnection, connect


@asynccontextmanager
async def serving(
    protocol_class: type[asyncio.Protocol],
    http: type[asyncio.Protocol] = GuardedHttp,
    app: Any = None,
) -> AsyncIterator[uvicorn.Server]:
    """uvicorn, without an application of its own, started; ``port_of`` says where."""
    config = uvicorn.Config(
        app or _not_found,
        port=0,
        ws=protocol_class,
        http=http,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=5,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server
    finally:
        await server.shutdown()


def port_of(server: uvicorn.Server) -> int:
    """The port a server listens on."""
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body"})


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """A text and a number."""

    text: str = ""
    number: int = 0


@dataclass(frozen=True)
class Session:
    """What the test's authentication finds."""

    id: str
    user: str


class NoDrawings:
    """A renderer that draws ``drawn NAME`` for view NAME."""

    def needs_children(self, message: Message, view: str) -> bool:
        """Everything is quick."""
        return False

    async def draw(
        self, messages: Sequence[Message], views: Any, **options: Any
    ) -> dict[tuple[str, int, str], msgspec.Raw | msgspec.UnsetType]:
        """Each message in each view."""
        await asyncio.sleep(0)
        return {
            (message.id, message.rev, view): msgspec.Raw(msgspec.json.encode(f"drawn {view}"))
            for message in messages
            for view in views
        }


@dataclass
class Gate:
    """A gateway under test. ``held`` are the futures of ``hold``, in order of starting."""

    port: int
    hub: Hub
    server: uvicorn.Server
    gateway: Gateway
    started: list[str] = field(default_factory=list)
    held: list[asyncio.Future[Said | None]] = field(default_factory=list)

    async def client(self, user: str = "ann", **options: Any) -> ClientConnection:
        """A connected client whose session is called after its user."""
        headers = {"Authorization": f"Bearer {user}"} | options.pop("headers", {})
        return await connect(
            f"ws://127.0.0.1:{self.port}/ws",
            additional_headers=headers,
            compression=None,
            proxy=None,
            **options,
        )


@asynccontextmanager
async def gate(limits: Limits | None = None, **options: Any) -> AsyncIterator[Gate]:
    """A gateway with commands ``say``, ``hold`` (a future), ``wait`` (a task), ``fail``…"""
    hub, commands = Hub(NoDrawings()), Commands()

    async def authenticate(headers: Mapping[str, str], *, secure: bool) -> Session | None:
        token = (headers.get("Authorization") or "").removeprefix("Bearer ")
        cookie = (headers.get("Cookie") or "").removeprefix("session=")
        name = token or cookie
        return Session(f"session of {name}", name) if name and name != "nobody" else None

    async def say(caller: Caller, params: Said) -> Said:
        world.started.append(params.text)
        return params

    def hold(caller: Caller, params: Said) -> asyncio.Future[Said | None]:
        world.started.append(params.text)
        future: asyncio.Future[Said | None] = asyncio.get_running_loop().create_future()
        world.held.append(future)
        return future

    async def fail(caller: Caller, params: Said) -> Said:
        raise ZeroDivisionError

    async def refuse(caller: Caller, params: Said) -> Said:
        raise Conflict

    def refuse_at_once(caller: Caller, params: Said) -> Any:
        raise Conflict

    async def hear(caller: Caller, params: Said) -> Said:
        assert caller.connection is not None
        caller.connection.view = "dash:en" if params.number else None
        hub.subscribe(caller.connection, params.text.split())  # type: ignore[arg-type]
        return params

    for handler in (say, hold, fail, refuse, refuse_at_once, hear):
        commands.add("core", Command(handler.__name__, Said, Said, handler, "", rate="own"))
    gateway = Gateway(
        authenticate=authenticate, commands=commands, hub=hub, limits=limits, **options
    )
    async with serving(gateway.protocol_class) as server:
        world = Gate(port_of(server), hub, server, gateway)
        yield world
    gateway.close()
    await hub.aclose()


def request(method: str, id: int | str = 1, **params: object) -> str:
    """A request's frame."""
    frame = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    return msgspec.json.encode(frame).decode()


async def ask(client: ClientConnection, method: str, **params: object) -> Any:
    """The answer to a request, which must be the next thing that comes."""
    await client.send(request(method, 1, **params))
    return msgspec.json.decode(await client.recv())


def message_event(log: str, seq: int, text: str = "hi") -> Event:
    """A message in a conversation."""
    message = Message(
        f"{log}-{seq}", log, seq, 1, seq, "ann", "x", "text", msgspec.Raw(b"{}"), text, 0
    )
    return Event(log, seq - 1, seq, "message.created", "ann", 0, {}, message)


def revision_event(log: str, seq: int) -> Event:
    """Another revision of one message, each with the number of its event."""
    message = Message(
        f"{log}-poll", log, 1, seq, 1, "ann", "x", "text", msgspec.Raw(b"{}"), f"rev {seq}", 0
    )
    return Event(log, seq - 1, seq, "message.updated", "ann", 0, {}, message)


def event(log: str, seq: int, kind: str, **data: object) -> Event:
    """An event without a message."""
    return Event(log, seq - 1, seq, kind, "ann", 0, data)
