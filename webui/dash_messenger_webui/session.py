"""Whose request this is: the viewer, with the language and theme their pages are drawn in.

Owns what the web UI keeps of a request. Invariant: a callback's only way to the server is
`viewer`, and it acts under that user's rights, whatever the browser claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dash_messenger import Unauthenticated, Viewer

__all__ = ["Reader", "Scheme", "keep_reader", "reader", "viewer"]

Scheme = Literal["auto", "light", "dark"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the page; ``viewer`` is None for somebody who has not logged in.

    ``scheme`` is that of the theme: whether it is light or dark, or goes by the device.
    ``setup_code`` is what a stranger's form holds as the set-up code, None where none is asked for.
    """

    language: str
    theme: str
    scheme: Scheme = "auto"
    viewer: Viewer | None = None
    username: str = ""
    display_name: str = ""
    photo: str | None = None
    role: str = "member"
    setup_code: str | None = None

    @property
    def user_id(self) -> str | None:
        """The user's id, or None."""
        return None if self.viewer is None else self.viewer.user_id


def keep_reader(who: Reader) -> None:
    """Remember the reader for the rest of this request."""
    # Where messages are drawn nobody asks, and Quart and what it brings take 12 MiB.
    from quart import g

    g.reader = who


def reader() -> Reader:
    """The reader of this request; outside of one, a stranger who reads English."""
    from quart import g, has_request_context

    if has_request_context() and "reader" in g:
        found: Reader = g.reader
        return found
    return Reader("en", "auto")


def viewer() -> Viewer:
    """The user whose session this request carries: ``await viewer().call(command, …)``.

    Raises:
        Unauthenticated: there is none.
    """
    found = reader().viewer
    if found is None:
        raise Unauthenticated
    return found
