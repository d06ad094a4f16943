"""What people let each other do, as conditions of queries.

Owns the SQL of settings, exceptions and blocks between two people, and the mark on the row of a
member whose messages the other one of a direct conversation does not take, or takes only one of,
as a request. Must not know wishes and commands: who asks for what is `accounts/policy`'s.
Invariants: a block counts before an exception, an exception before the setting; the mark is written
in the transaction that changes what it says.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)

from dash_messenger.errors import BlockedByYou, Failure, MessagesNotAccepted, RequestPending
from dash_messenger.store.tables import (
    blocks,
    contacts,
    conversations,
    members,
    message_requests,
    privacy_defaults,
    privacy_exceptions,
    privacy_settings,
)

__all__ = [
    "MAX_OPEN_REQUESTS",
    "OWN_END",
    "SHOWS_PHOTO",
    "Setting",
    "allows",
    "has_blocked",
    "is_contact",
    "mark_refusals",
    "refusal_of",
    "shows_in_groups",
    "takes_request",
]

Setting: TypeAlias = Literal[
    "find", "message", "requests", "add", "email", "photo", "last_seen", "receipts", "typing"
]
Person: TypeAlias = ColumnElement[str] | BindParameter[str]

# What `members.refusal` says, in the order of what counts.
TAKEN, NOT_TAKEN, BLOCKED_BY_SENDER, REQUESTING = 0, 1, 2, 3
# Of one sender, as they see it: what was declined is among them.
MAX_OPEN_REQUESTS = 20


def has_blocked(person: Person, other: Person) -> ColumnElement[bool]:
    """Whether ``person`` has blocked ``other``."""
    own = blocks.alias()
    return exists().where(own.c.user_id == person, own.c.blocked_id == other).correlate_except(own)


def is_contact(person: Person, other: Person) -> ColumnElement[bool]:
    """Whether the two are contacts."""
    own = contacts.alias()
    return exists().where(own.c.user_id == person, own.c.contact_id == other).correlate_except(own)


def allows(setting: Setting, person: Person, other: Person) -> ColumnElement[bool]:
    """Whether ``person`` lets ``other`` do what this setting is about."""
    value = _value(setting, person)
    by_setting = case(
        {
            literal_column("'everybody'"): true(),
            literal_column("'nobody'"): false(),
            literal_column("'contacts'"): is_contact(person, other),
        },
        value=value,
        else_=or_(is_contact(person, other), _share_group(person, other)),
    )
    return and_(
        ~has_blocked(person, other),
        case(
            {literal_column("1"): true(), literal_column("0"): false()},
            value=_exception(setting, person, other),
            else_=by_setting,
        ),
    )


def takes_request(person: Person, other: Person) -> ColumnElement[bool]:
    """Whether ``person`` takes one message of ``other`` as a request, whom they do not let write.

    Whoever made ``other`` an exception of who may write has decided about them already.
    """
    denied = _exception("message", person, other) == literal_column("0")
    return and_(allows("requests", person, other), ~func.coalesce(denied, false()))


def shows_in_groups(setting: Setting, person: Person) -> ColumnElement[bool]:
    """Whether ``person`` shows everybody in a group what this setting is about.

    All members get the same frame: exceptions do not count, and who shows it to contacts alone
    shows it to none.
    """
    return _value(setting, person).in_([literal_column("'everybody'"), literal_column("'known'")])


def _value(setting: Setting, person: Person) -> ColumnElement[str]:
    own, default = privacy_settings.alias(), privacy_defaults.alias()
    name: ColumnElement[str] = literal_column(f"'{setting}'")
    return func.coalesce(
        select(own.c.value)
        .where(own.c.setting == name, own.c.user_id == person)
        .correlate_except(own)
        .scalar_subquery(),
        select(default.c.value)
        .where(default.c.setting == name)
        .correlate_except(default)
        .scalar_subquery(),
    )


def _exception(setting: Setting, person: Person, other: Person) -> ColumnElement[int]:
    own = privacy_exceptions.alias()
    return (
        select(own.c.allowed)
        .where(
            own.c.user_id == person,
            own.c.person_id == other,
            own.c.setting == literal_column(f"'{setting}'"),
        )
        .correlate_except(own)
        .scalar_subquery()
    )


def _share_group(person: Person, other: Person) -> ColumnElement[bool]:
    one, another, group = members.alias(), members.alias(), conversations.alias()
    return (
        exists()
        .where(
            one.c.user_id == person,
            one.c.to_seq.is_(None),
            another.c.conversation_id == one.c.conversation_id,
            another.c.user_id == other,
            another.c.to_seq.is_(None),
            group.c.id == one.c.conversation_id,
            group.c.kind == literal_column("'group'"),
        )
        .correlate_except(one, another, group)
    )


# The blobs of people's photos.
_OWNER: BindParameter[str] = bindparam("owner", type_=members.c.user_id.type)
_VIEWER: BindParameter[str] = bindparam("viewer", type_=members.c.user_id.type)
SHOWS_PHOTO: Select[Any] = select(literal_column("1")).where(
    or_(_OWNER == _VIEWER, allows("photo", _OWNER, _VIEWER))
)

# Direct conversations.

_SENDER: BindParameter[str] = bindparam("sender", type_=members.c.user_id.type)
_CONVERSATION: BindParameter[str] = bindparam("conversation", type_=members.c.user_id.type)
_own, _peer = members.alias("own"), members.alias("peer")
_IS_DIRECT = conversations.c.kind == literal_column("'direct'")
# The first message of a conversation goes by what the other one's setting is when it is sent;
# after it both have talked, or could have.
_IS_FIRST = and_(
    _IS_DIRECT,
    conversations.c.message_no == literal_column("0"),
    conversations.c.created_by == _own.c.user_id,
)
_IS_REQUEST = _own.c.refusal == literal_column(str(REQUESTING))
_MAY_WRITE = allows("message", _peer.c.user_id, _own.c.user_id)
_MAY_ASK = allows("requests", _peer.c.user_id, _own.c.user_id)
_request = message_requests.alias()
# Where the log of a conversation ends for a member: its seq and number, the member's mark, whether
# the other one takes a first message, and who it is whom a request has been sent. Nothing for who
# is no member.
OWN_END = (
    select(
        conversations.c.seq,
        conversations.c.message_no,
        _own.c.refusal,
        case(
            (_IS_REQUEST, or_(_MAY_ASK, _MAY_WRITE)),
            (_IS_FIRST, func.coalesce(_MAY_WRITE, true())),
            else_=true(),
        ).label("takes_first"),
        case(
            (
                _IS_REQUEST,
                exists()
                .where(
                    _request.c.from_id == _own.c.user_id,
                    _request.c.to_id == _peer.c.user_id,
                )
                .correlate_except(_request),
            ),
            else_=false(),
        ).label("has_asked"),
        _peer.c.user_id.label("peer"),
    )
    .select_from(_own)
    .join(conversations, conversations.c.id == _own.c.conversation_id)
    .outerjoin(
        _peer,
        and_(
            _IS_DIRECT,
            _peer.c.conversation_id == _own.c.conversation_id,
            _peer.c.user_id != _own.c.user_id,
        ),
    )
    .where(
        _own.c.conversation_id == _CONVERSATION,
        _own.c.user_id == _SENDER,
        _own.c.to_seq.is_(None),
    )
)


def refusal_of(
    mark: int | None, takes_first: bool | int = True, has_asked: bool | int = True
) -> Failure | None:
    """Why a member's message is refused, by the mark on their row, or None."""
    if mark == BLOCKED_BY_SENDER:
        return BlockedByYou()
    if mark == NOT_TAKEN or not takes_first:
        return MessagesNotAccepted()
    if mark == REQUESTING and has_asked:
        return RequestPending()
    return None


_USER: BindParameter[str] = bindparam("user", type_=members.c.user_id.type)
_OTHER: BindParameter[str] = bindparam("other", type_=members.c.user_id.type)
_MARK = (
    update(members)
    .where(
        members.c.conversation_id
        == select(conversations.c.id)
        .where(conversations.c.direct_key == bindparam("pair"))
        .scalar_subquery(),
        members.c.user_id == _USER,
    )
    .values(
        refusal=case(
            (has_blocked(_USER, _OTHER), literal_column(str(BLOCKED_BY_SENDER))),
            (
                or_(
                    has_blocked(_OTHER, _USER),
                    _exception("message", _OTHER, _USER) == literal_column("0"),
                ),
                literal_column(str(NOT_TAKEN)),
            ),
            (
                # Nobody leaves a direct conversation: they have not come in yet.
                exists()
                .where(
                    _peer.c.conversation_id == members.c.conversation_id,
                    _peer.c.user_id == _OTHER,
                    _peer.c.to_seq.is_not(None),
                )
                .correlate_except(_peer),
                literal_column(str(REQUESTING)),
            ),
            else_=literal_column(str(TAKEN)),
        )
    )
)


def mark_refusals(connection: Connection, user: str, other: str) -> None:
    """Write both marks of the direct conversation of two people, if there is one."""
    pair = ":".join(sorted((user, other)))
    for one, another in ((user, other), (other, user)):
        values: dict[str, Any] = {"user": one, "other": another, "pair": pair}
        connection.execute(_MARK, values)
