"""What people let each other do and see: whom one may write to, add to groups, and see pictured.

Must not know commands. Whatever starts a conversation, adds somebody or shows people to somebody
asks here, so that blocks and privacy need no other place. Invariant: nobody needs anybody's
consent for what concerns themselves alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from msgspec.structs import replace
from sqlalchemy import Connection

from dash_messenger.errors import Forbidden
from dash_messenger.protocol.models import User

__all__ = ["Wish", "as_shown_to", "require_consent", "who_allow"]


class Wish(StrEnum):
    """What somebody may want of another."""

    START = "start"
    ADD = "add"
    SEE_PHOTO = "see_photo"


def who_allow(
    connection: Connection, wish: Wish, user: str, people: Collection[str]
) -> Collection[str]:
    """Those of ``people`` who allow ``user`` this: everybody allows everybody everything."""
    return people


def require_consent(connection: Connection, wish: Wish, user: str, people: Iterable[str]) -> None:
    """Return if all of ``people`` allow ``user`` this.

    Raises:
        Forbidden: one of them does not.
    """
    others = {one for one in people if one != user}
    if not others.issubset(who_allow(connection, wish, user, others)):
        raise Forbidden


def as_shown_to(connection: Connection, viewer: str, found: Iterable[User]) -> list[User]:
    """These people as ``viewer`` sees them: without their photos where they do not show them."""
    people = list(found)
    pictured = {one.id for one in people if one.photo is not None and one.id != viewer}
    if not pictured:
        return people
    hidden = pictured.difference(who_allow(connection, Wish.SEE_PHOTO, viewer, pictured))
    return [replace(one, photo=None) if one.id in hidden else one for one in people]
