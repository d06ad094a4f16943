"""What plugins that serve pages are given, and the undoing of what a failing one did.

Owns the implementations of `WebContext` and `Viewer`. Must not know any page. Invariant: of a
plugin that failed while it added its routes nothing answers: no route, no handler, no open path.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from quart import Quart, has_request_context, request

from dash_messenger.accounts.security_log import Refusals
from dash_messenger.accounts.setup_code import SetupCode
from dash_messenger.auth.sessions import OpenSession, Sessions
from dash_messenger.errors import Failure, NotFound
from dash_messenger.gateway.client_address import on_this_machine, place_of
from dash_messenger.gateway.http import OpenPaths
from dash_messenger.places import Place
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.plugin_api.web import Headers
from dash_messenger.plugins.loader import Plugins
from dash_messenger.plugins.storage import plugin_folder
from dash_messenger.plugins.themes import Themes
from dash_messenger.protocol.commands import Caller, Commands
from dash_messenger.settings import Settings

__all__ = ["Pages"]


class Pages:
    """Lets plugins add their pages to the application."""

    def __init__(
        self,
        app: Quart,
        commands: Commands,
        sessions: Sessions,
        types: MessageTypes,
        themes: Themes,
        settings: Settings,
        open_paths: OpenPaths,
        refusals: Refusals,
        setup_code: SetupCode,
    ) -> None:
        self._app = app
        self._commands = commands
        self._sessions = sessions
        self._types = types
        self._themes = themes
        self._settings = settings
        self._open_paths = open_paths
        self._refusals = refusals
        self._setup_code = setup_code
        self._dead: set[str] = set()
        self._restore: Callable[[], None] = lambda: None
        app.before_request(self._refuse_dead)

    def register(self, plugins: Plugins) -> None:
        """Call the hook ``register_http`` of every plugin."""
        plugins.register(
            "register_http",
            accept=lambda name, result: None,
            undo=lambda name: self._restore(),
            prepare=self._prepare,
            # Routes cannot be added while the server answers; those that were go on.
            returns=False,
        )

    def _prepare(self, name: str) -> dict[str, object]:
        self._restore = self._snapshot()
        folder = plugin_folder(self._settings.data, name)
        return {
            "app": self._app,
            "context": _Context(
                self._commands,
                self._sessions,
                self._types,
                self._themes,
                self._settings,
                folder,
                self._open_paths,
                self._refusals,
                self._setup_code,
            ),
        }

    def _snapshot(self) -> Callable[[], None]:
        app, open_before = self._app, self._open_paths.copy()
        endpoints = set(app.view_functions)
        handlers: list[tuple[Any, Any]] = [
            (funcs, {scope: list(found) for scope, found in funcs.items()})
            for funcs in (
                app.before_request_funcs,
                app.after_request_funcs,
                app.teardown_request_funcs,
            )
        ]
        lists = [
            (found, list(found)) for found in (app.before_serving_funcs, app.after_serving_funcs)
        ]

        def restore() -> None:
            self._dead |= set(app.view_functions) - endpoints
            self._open_paths.restore(open_before)
            for funcs, before in handlers:
                funcs.clear()
                funcs.update(before)
            for found, before_list in lists:
                found[:] = before_list

        return restore

    async def _refuse_dead(self) -> None:
        if request.endpoint in self._dead:
            raise NotFound


class _Context:
    """A `WebContext` of one plugin."""

    def __init__(
        self,
        commands: Commands,
        sessions: Sessions,
        types: MessageTypes,
        themes: Themes,
        settings: Settings,
        folder: Path,
        open_paths: OpenPaths,
        refusals: Refusals,
        setup_code: SetupCode,
    ) -> None:
        self._commands = commands
        self._sessions = sessions
        self._types = types
        self._themes = themes
        self._settings = settings
        self._folder = folder
        self._open_paths = open_paths
        self._refusals = refusals
        self._setup_code = setup_code

    @property
    def types(self) -> MessageTypes:
        """The registered message types."""
        return self._types

    @property
    def themes(self) -> Themes:
        """The registered themes."""
        return self._themes

    @property
    def public_url(self) -> str | None:
        """The address people use, where it is set."""
        return self._settings.public_url

    @property
    def registration_open(self) -> bool:
        """Whether strangers may make an account."""
        return self._settings.registration == "open"

    @property
    def password_min_length(self) -> int:
        """How many characters a new password needs at least."""
        return self._settings.password_min_length

    @property
    def max_upload_bytes(self) -> int:
        """The largest file that may be uploaded."""
        return self._settings.max_upload_bytes

    @property
    def data_path(self) -> str:
        """The plugin's folder."""
        return str(self._folder)

    async def viewer(self, headers: Headers) -> _Viewer | None:
        """The user whose session the headers carry, or None."""
        asked = has_request_context()
        secure = asked and request.scheme == "https"
        session = await self._sessions.authenticate(headers, secure=secure)
        if session is None:
            return None
        place = place_of(request.scope) if asked else None
        return _Viewer(self._commands, self._refusals, session, place or Place(""))

    async def setup_code(self) -> str | None:
        """The set-up code, or nothing where the request may not see it; None with an admin."""
        code = await self._setup_code.current()
        if code is None or (has_request_context() and self._is_the_owner()):
            return code
        return ""

    def _is_the_owner(self) -> bool:
        """Whether the request comes from a browser on the machine that the code is printed on."""
        # A proxy that sends no header at all cannot be told from a browser. Where there is one,
        # the address that people use is set.
        return self._settings.public_url is None and on_this_machine(request.scope)

    def open_paths(self, *prefixes: str) -> None:
        """Let requests without a session reach these paths."""
        self._open_paths.add(*prefixes)


class _Viewer:
    """A `Viewer`."""

    def __init__(
        self, commands: Commands, refusals: Refusals, session: OpenSession, place: Place
    ) -> None:
        self._commands = commands
        self._refusals = refusals
        self._session = session
        self._caller = Caller(
            user=session.user, session=session.id, address=place.address, place=place
        )

    @property
    def user_id(self) -> str:
        """The user's id."""
        return self._session.user

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._session.id

    async def call(self, command: str, /, **params: object) -> dict[str, Any]:
        """The result of a command, called as this user."""
        try:
            answer = self._commands.dispatch(self._caller, command, msgspec.json.encode(params))
            found = await answer
        except Failure as failure:
            self._refusals.tell(self._caller, command, failure)
            raise
        # By JSON and back, so that pages get what every other client gets.
        result: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
        return result
