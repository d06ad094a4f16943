"""A web UI on a bare Quart app: the server around it is played, Dash and the pages are real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from dash_messenger import Failure, MessageTypes, Sources
from dash_messenger_webui.server import WebUi
from quart import Quart
from quart.typing import TestClientProtocol

ME = "0198aaaa00007000800000000000001b"


class Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


@dataclass
class PlayedViewer:
    """Somebody whose commands are written down and answered from ``answers``."""

    user_id: str = ME
    session_id: str = "0198aaaa00007000800000000000002c"
    answers: dict[str, Any] = field(default_factory=dict)
    called: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    async def call(self, command: str, /, **params: object) -> dict[str, Any]:
        self.called.append((command, params))
        answer = self.answers.get(command, {})
        if isinstance(answer, Failure):
            raise answer
        return dict(answer)


@dataclass
class PlayedServer:
    """What a plugin's web half gets of the server."""

    data_path: str
    types: MessageTypes = field(default_factory=MessageTypes)
    public_url: str | None = None
    registration_open: bool = True
    password_min_length: int = 15
    max_upload_bytes: int = 1_000_000
    themes: tuple[Any, ...] = ()
    someone: PlayedViewer | None = None
    opened: tuple[str, ...] = ()
    code: str | None = None

    async def setup_code(self) -> str | None:
        return self.code

    async def viewer(self, headers: Headers) -> PlayedViewer | None:
        return self.someone

    def open_paths(self, *prefixes: str) -> None:
        self.opened += prefixes


@dataclass
class Pages:
    """The web UI with a client, and the server it stands on."""

    app: Quart
    server: PlayedServer
    client: TestClientProtocol

    def log_in(self, **account: object) -> PlayedViewer:
        user = {"id": ME, "username": "anna", "display_name": "Anna"}
        own = {"user": user, "role": "member", "language": None, "theme": None, **account}
        answers = {"account.get": own}
        self.server.someone = PlayedViewer(answers=answers)
        return self.server.someone


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Pages]:
    app = Quart("pages")
    server = PlayedServer(str(tmp_path))
    web = WebUi()
    web.register_views(Sources(), server.types)
    web.register_http(app, server)
    async with app.test_app():
        yield Pages(app, server, app.test_client())
