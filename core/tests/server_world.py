"""A whole server in this process, asked by HTTP without a port, with a clock that stands still."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from dash_messenger.errors import Failure
from dash_messenger.plugin_api.actions import Acted, Change, action
from dash_messenger.plugin_api.context import SlashCall, SlashCommand
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.plugins.loader import GROUP
from dash_messenger.protocol.commands import Caller
from dash_messenger.server.app import Server
from dash_messenger.settings import Settings
from dash_messenger.supervisor.link import Link
from dash_messenger.supervisor.restarts import Restart
from dash_messenger.testing import FakeClock
from msgspec import Struct
from msgspec import json as msgspec_json

PASSWORD = "correct horse battery"


class Words(Struct, frozen=True):
    words: str


class Note(MessageType[Words]):
    type = "note"
    Content = Words
    editable = True
    # Children know no type that a test adds.
    inline = True

    def text(self, content: Words, state: None) -> str:
        return content.words

    @action()
    def nod(self, note: Acted[Words]) -> Change:
        return Change()


async def _wave(call: SlashCall) -> None:
    """Nobody sees it."""


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any

    @property
    def key(self) -> str:
        key: str = self.body["error"]["key"]
        return key


class ServerWorld:
    """``call`` acts as a user by commands, ``post`` by HTTP."""

    def __init__(self, server: Server, clock: FakeClock) -> None:
        self.server = server
        self.clock = clock
        self.users: dict[str, str] = {}

    async def add(self, *names: str) -> None:
        for name in names:
            user = await self.server.accounts.create(name, PASSWORD)
            self.users[name] = user.id

    async def call(self, by: str, command: str, **params: object) -> Any:
        caller = Caller(user=self.users[by], session="0" * 32, address="test")
        answer = self.server.commands.dispatch(caller, command, msgspec_json.encode(params))
        return msgspec_json.decode(msgspec_json.encode(await answer))

    async def failure(self, by: str, command: str, **params: object) -> Failure:
        try:
            await self.call(by, command, **params)
        except Failure as failure:
            return failure
        raise AssertionError(f"{command} did not fail")

    async def say(self, by: str, conversation: str, words: str = "hello") -> Any:
        return await self.call(
            by,
            "message.send",
            conversation=conversation,
            client_id=uuid.uuid4().hex,
            type="note",
            content={"words": words},
        )

    async def group(self, by: str, *members: str) -> str:
        made = await self.call(
            by, "conversation.create", kind="group", title="Group", members=[*members]
        )
        conversation: str = made["id"]
        return conversation

    async def request(
        self,
        path: str,
        *,
        method: str = "POST",
        body: object = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        peer: str = "127.0.0.1",
    ) -> Answer:
        client: Any = self.server.app.test_client(use_cookies=False)
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        response = await client.open(
            path,
            method=method,
            headers=sent,
            data=data if method != "GET" else None,
            scope_base={"client": (peer, 4711)},
        )
        raw = await response.get_data(as_text=False)
        is_json = (response.content_type or "").startswith("application/json")
        return Answer(response.status_code, json.loads(raw) if is_json else raw, response.headers)

    async def post(self, command: str, token: str | None = None, **params: object) -> Answer:
        return await self.request(f"/api/{command}", token=token, body=params)

    async def token(self, name: str) -> str:
        answer = await self.post("session.open", username=name, password=PASSWORD)
        token: str = answer.body["token"]
        return token


@contextlib.asynccontextmanager
async def open_server(folder: Path, **settings: Any) -> AsyncIterator[ServerWorld]:
    clock, loaded = FakeClock(), settings.pop("loaded", ())
    link = Link()
    link.restart = Restart("killed") if settings.pop("restarted", False) else None
    server = await Server.open(
        Settings(
            data=folder,
            plugins_without=tuple(
                entry.name for entry in entry_points(group=GROUP) if entry.name not in loaded
            ),
            rate_limits=settings.pop("rate_limits", False),
            password_memory_kib=8_192,
            password_passes=1,
            **settings,
        ),
        clock=clock,
        link=link,
    )
    server.installed.types.add(Note(), "note")
    server._slash.add("note", SlashCommand("wave", "Wave.", _wave))
    try:
        yield ServerWorld(server, clock)
    finally:
        await server.aclose()
