"""What a plugin that serves pages gets of the server: who asks, and the way to every command.

Owns no state. A plugin gets no database, no hub and no session token: it acts as the viewer, by
commands, under the viewer's rights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from dash_messenger.plugin_api.themes import Theme
from dash_messenger.plugin_api.type_registry import MessageTypes

__all__ = ["Headers", "Viewer", "WebContext"]


class Headers(Protocol):
    """A request's headers, found without regard to case: Quart's, or any library's."""

    def get(self, name: str, /) -> str | None:
        """The value of a header, or None."""


class Viewer(Protocol):
    """The user whose session a request carries."""

    @property
    def user_id(self) -> str:
        """The user's id."""

    @property
    def session_id(self) -> str:
        """The session's id."""

    async def call(self, command: str, /, **params: object) -> dict[str, Any]:
        """The result of a command, called as this user, as plain JSON values.

        Raises:
            Failure: as the command documents.
        """


class WebContext(Protocol):
    """The server, as far as pages need it."""

    @property
    def types(self) -> MessageTypes:
        """The registered message types."""

    @property
    def themes(self) -> Iterable[Theme]:
        """The registered themes."""

    @property
    def public_url(self) -> str | None:
        """The address people use, such as ``https://chat.example.org``, where it is set."""

    @property
    def registration_open(self) -> bool:
        """Whether strangers may make an account."""

    @property
    def password_min_length(self) -> int:
        """How many characters a new password needs at least."""

    @property
    def max_upload_bytes(self) -> int:
        """The largest file that may be uploaded, in bytes."""

    @property
    def data_path(self) -> str:
        """A folder of the calling plugin's own inside the data folder; it may not exist yet."""

    async def viewer(self, headers: Headers) -> Viewer | None:
        """The user whose session the request's cookie or Bearer token opens, or None."""

    async def setup_code(self) -> str | None:
        """What a form for a new account fills in as the set-up code of the first admin.

        None where there is an admin, so that none is asked for. Nothing (``""``) for whoever has
        to type it; the code itself for a request from the server's own machine without a proxy.
        """

    def open_paths(self, *prefixes: str) -> None:
        """Let requests without a session reach these paths; one ending in ``/`` is a prefix."""
