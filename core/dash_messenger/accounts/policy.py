"""What people let each other do and see: find, ask, write first, add to a group, photos, receipts.

Must not know commands. Whatever finds people, asks somebody to become a contact, starts a
conversation or sends into a direct one, adds somebody, shows people to somebody or tells how far
they have read asks here. Who may send into a group is not asked: that goes by membership
(`conversations/access`). Invariants: nobody needs anybody's consent for what concerns themselves
alone; nothing tells the one who is refused whether it was a block or a setting. Its conditions are
in `store/consent`, of which the hot path of ``message.send`` keeps one result on the members' rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec.structs import replace
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    literal_column,
    or_,
    select,
    true,
)

from dash_messenger.errors import (
    AddingNotAllowed,
    BlockedByYou,
    Failure,
    MessagesNotAccepted,
)
from dash_messenger.protocol.models import User
from dash_messenger.store.consent import (
    OWN_END,
    Setting,
    allows,
    has_blocked,
    refusal_of,
    shows_in_groups,
    takes_request,
)
from dash_messenger.store.tables import (
    contact_requests,
    contacts,
    invitation_uses,
    invitations,
    members,
    message_requests,
    users,
)

__all__ = [
    "MAY_FIND",
    "MAY_FIND_BY_ID",
    "Wish",
    "as_found_by",
    "as_shown_to",
    "is_allowed",
    "may_start_or_ask",
    "require_consent",
    "require_taken",
    "require_unblocked",
    "shows_receipt",
    "shows_receipts_in_groups",
    "who_allow",
    "whom_allows",
]


class Wish(StrEnum):
    """What somebody may want of another."""

    FIND = "find"
    CONTACT = "contact"
    START = "start"
    # To send one message, where one may not start a conversation.
    REQUEST = "request"
    ADD = "add"
    SEE_EMAIL = "see_email"
    SEE_PHOTO = "see_photo"
    SEE_LAST_SEEN = "see_last_seen"
    SEE_RECEIPTS = "see_receipts"
    SEE_TYPING = "see_typing"


# To be asked to become a contact is no setting.
_SETTINGS: Mapping[Wish, Setting] = {
    Wish.FIND: "find",
    Wish.START: "message",
    Wish.REQUEST: "requests",
    Wish.ADD: "add",
    Wish.SEE_EMAIL: "email",
    Wish.SEE_PHOTO: "photo",
    Wish.SEE_LAST_SEEN: "last_seen",
    Wish.SEE_RECEIPTS: "receipts",
    Wish.SEE_TYPING: "typing",
}
# A block stops these in both directions: who blocked somebody does not reach them either. Finding
# and seeing them is needed to know whom one has blocked.
_STOPPED_BOTH_WAYS = frozenset(Wish) - {Wish.FIND, Wish.SEE_EMAIL, Wish.SEE_PHOTO}
# Who hides it does not see others'.
_IN_RETURN = frozenset({Wish.SEE_LAST_SEEN, Wish.SEE_RECEIPTS})

_VIEWER: BindParameter[str] = bindparam("viewer", type_=users.c.id.type)
_OWNER: BindParameter[str] = bindparam("owner", type_=users.c.id.type)
_PEOPLE = users.c.id.in_(bindparam("people", expanding=True))
# SQLite takes 32,766 values, and one statement's work should end soon.
_AT_ONCE = 1_000


def who_allow(
    connection: Connection, wish: Wish, user: str, people: Collection[str]
) -> Collection[str]:
    """Those of ``people`` who allow ``user`` this."""
    return _ask(connection, _who_allow(wish), people, {"viewer": user})


def is_allowed(connection: Connection, wish: Wish, user: str, other: str) -> bool:
    """Whether ``other`` allows ``user`` this."""
    return other in who_allow(connection, wish, user, [other])


def whom_allows(
    connection: Connection, wish: Wish, user: str, people: Collection[str]
) -> Collection[str]:
    """Those of ``people`` whom ``user`` allows this."""
    return _ask(connection, _whom_allows(wish), people, {"owner": user})


def _ask(
    connection: Connection, query: Select[Any], people: Collection[str], values: dict[str, str]
) -> set[str]:
    asked, found = list(people), set[str]()
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        found.update(connection.execute(query, {**values, "people": some}).scalars())
    return found


@cache
def _who_allow(wish: Wish) -> Select[Any]:
    condition = _consents(wish, users.c.id, _VIEWER)
    return select(users.c.id).where(_PEOPLE, or_(users.c.id == _VIEWER, condition))


@cache
def _whom_allows(wish: Wish) -> Select[Any]:
    condition = _consents(wish, _OWNER, users.c.id)
    return select(users.c.id).where(_PEOPLE, or_(users.c.id == _OWNER, condition))


def _consents(
    wish: Wish,
    person: ColumnElement[str] | BindParameter[str],
    other: ColumnElement[str] | BindParameter[str],
) -> ColumnElement[bool]:
    """Whether ``person`` allows ``other`` this, who is not themselves."""
    setting = _SETTINGS.get(wish)
    if setting is None:
        own = ~has_blocked(person, other)
    elif wish is Wish.REQUEST:
        own = takes_request(person, other)
    else:
        own = allows(setting, person, other)
    in_return: ColumnElement[bool] = true()
    if setting is not None and wish in _IN_RETURN:
        in_return = allows(setting, other, person)
    elif wish in _STOPPED_BOTH_WAYS:
        in_return = ~has_blocked(other, person)
    return and_(own, in_return)


def shows_receipt(
    kind: ColumnElement[str], person: ColumnElement[str], viewer: BindParameter[str]
) -> ColumnElement[bool]:
    """Whether ``viewer`` learns how far ``person`` has read in a conversation of this kind.

    In groups general settings alone count, so that all members are told the same; but between two
    of whom one has blocked the other nothing is said.
    """
    return case(
        (
            kind == literal_column("'direct'"),
            _consents(Wish.SEE_RECEIPTS, person, viewer),
        ),
        else_=and_(
            shows_in_groups("receipts", person),
            shows_in_groups("receipts", viewer),
            ~has_blocked(person, viewer),
            ~has_blocked(viewer, person),
        ),
    )


_SHOWS_IN_GROUPS: Select[Any] = select(literal_column("1")).where(
    shows_in_groups("receipts", _OWNER)
)


def shows_receipts_in_groups(connection: Connection, user: str) -> bool:
    """Whether ``user``'s receipts are told in groups, and others' to them."""
    return connection.execute(_SHOWS_IN_GROUPS, {"owner": user}).first() is not None


def require_consent(connection: Connection, wish: Wish, user: str, people: Iterable[User]) -> None:
    """Return if all of ``people`` allow ``user`` this.

    Raises:
        BlockedByYou: ``user`` has blocked one of them.
        MessagesNotAccepted, AddingNotAllowed: one of them does not allow it.
    """
    others = {one.id: one for one in people if one.id != user}
    if not others:
        return
    refusing = others.keys() - who_allow(connection, wish, user, others.keys())
    if not refusing:
        return
    for id, one in others.items():
        if id in refusing:
            require_unblocked(connection, user, id)
            raise _refusal(wish, one)


def may_start_or_ask(connection: Connection, user: str, other: User) -> bool:
    """True if ``user`` may start a conversation with ``other``, False if they may ask by a message.

    Raises:
        BlockedByYou: ``user`` has blocked them.
        MessagesNotAccepted: they allow neither.
    """
    if is_allowed(connection, Wish.START, user, other.id):
        return True
    require_consent(connection, Wish.REQUEST, user, [other])
    return False


def _refusal(wish: Wish, person: User) -> Failure:
    if wish is Wish.ADD:
        return AddingNotAllowed(user=person.id, display_name=person.display_name)
    return MessagesNotAccepted()


_BLOCKS: Select[Any] = select(literal_column("1")).where(has_blocked(_OWNER, _VIEWER))


def require_unblocked(connection: Connection, user: str, other: str) -> None:
    """Return if ``user`` has not blocked ``other``.

    Raises:
        BlockedByYou: they have.
    """
    if connection.execute(_BLOCKS, {"owner": user, "viewer": other}).first() is not None:
        raise BlockedByYou


def require_taken(connection: Connection, user: str, conversation: str) -> None:
    """Return if the other one of a direct conversation takes what ``user`` says in it.

    In a group, and for who is no member, there is nobody to ask.

    Raises:
        MessagesNotAccepted: they do not.
        RequestPending: they have not accepted the one message that they take.
        BlockedByYou: ``user`` has blocked them.
    """
    row = connection.execute(OWN_END, {"sender": user, "conversation": conversation}).first()
    if row is None:
        return
    refusal = refusal_of(row.refusal, row.takes_first, row.has_asked)
    if refusal is not None:
        raise refusal


def _has_met(person: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the viewer knows ``person`` from something that shows people to each other."""
    ask, written, friend, own, theirs = (
        table.alias() for table in (contact_requests, message_requests, contacts, members, members)
    )
    use, code = invitation_uses.alias(), invitations.alias()
    return or_(
        exists()
        .where(
            own.c.user_id == _VIEWER,
            own.c.to_seq.is_(None),
            theirs.c.conversation_id == own.c.conversation_id,
            theirs.c.user_id == person,
        )
        .correlate_except(own, theirs),
        exists()
        .where(friend.c.user_id == _VIEWER, friend.c.contact_id == person)
        .correlate_except(friend),
        exists().where(ask.c.from_id == _VIEWER, ask.c.to_id == person).correlate_except(ask),
        exists().where(ask.c.from_id == person, ask.c.to_id == _VIEWER).correlate_except(ask),
        exists()
        .where(written.c.from_id == person, written.c.to_id == _VIEWER)
        .correlate_except(written),
        has_blocked(_VIEWER, person),
        exists()
        .where(
            code.c.made_by == person,
            # Who made an invitation to a group does not show themselves by it.
            code.c.kind == literal_column("'contact'"),
            use.c.invitation_id == code.c.id,
            use.c.user_id == _VIEWER,
        )
        .correlate_except(use, code),
    )


# Of a row of `users`, with the parameter ``viewer``: whether they find this person by the exact
# user name; and by an id, which one has from where one has met them.
MAY_FIND: ColumnElement[bool] = or_(
    users.c.id == _VIEWER, _consents(Wish.FIND, users.c.id, _VIEWER)
)
MAY_FIND_BY_ID: ColumnElement[bool] = or_(MAY_FIND, _has_met(users.c.id))


def as_shown_to(connection: Connection, viewer: str, found: Iterable[User]) -> list[User]:
    """These people as ``viewer`` sees them: without their photos where they do not show them."""
    people = list(found)
    pictured = {one.id for one in people if one.photo is not None and one.id != viewer}
    if not pictured:
        return people
    hidden = pictured.difference(who_allow(connection, Wish.SEE_PHOTO, viewer, pictured))
    return [replace(one, photo=None) if one.id in hidden else one for one in people]


def as_found_by(connection: Connection, viewer: str, found: Iterable[User]) -> list[User]:
    """Those of these people whom ``viewer`` may find, as they see them."""
    people = list(found)
    allowed = set(who_allow(connection, Wish.FIND, viewer, {one.id for one in people}))
    return as_shown_to(connection, viewer, (one for one in people if one.id in allowed))
