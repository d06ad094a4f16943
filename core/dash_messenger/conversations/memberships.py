"""What is stored when a conversation starts and when people come and go.

Owns the rows. Invariants: a direct conversation exists once for two people; a membership changes in
the same transaction as the event that says so; a group always has an owner who can act, if anybody
in it can.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, and_, bindparam, case, insert, select, update

from dash_messenger.accounts.policy import (
    Wish,
    is_allowed,
    may_start_or_ask,
    require_consent,
)
from dash_messenger.accounts.request_rows import await_member, has_come_in, open_for, was_asked
from dash_messenger.conversations.join_request_rows import settle_requests
from dash_messenger.errors import UserBanned
from dash_messenger.protocol import events
from dash_messenger.protocol.models import ConversationKind, Role, User
from dash_messenger.store import Transaction
from dash_messenger.store.access import IS_PRESENT, is_member
from dash_messenger.store.consent import mark_refusals
from dash_messenger.store.rows import PREFERENCE_COLUMNS, USER_COLUMNS, preferences_of, user_of
from dash_messenger.store.tables import IS_ABOVE_MEMBERS, bans, conversations, members, users

__all__ = [
    "end_membership",
    "give_role",
    "hand_over_groups",
    "is_last_owner",
    "join",
    "keep_owned",
    "present",
    "start_direct",
    "start_group",
]


_CANNOT_ACT = users.c.deactivated_at_ms.is_not(None) | (users.c.role == "bot")
_ACTING_OWNERS = (
    select(members.c.user_id)
    .join(users, users.c.id == members.c.user_id)
    .where(IS_ABOVE_MEMBERS, members.c.role == "owner", IS_PRESENT, ~_CANNOT_ACT)
)

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_DIRECT = select(conversations.c.id).where(conversations.c.direct_key == bindparam("key"))
_RETRIED = select(conversations.c.id).where(
    conversations.c.client_id == bindparam("of_request"),
    conversations.c.created_by == bindparam("of_user"),
)
_CONVERSATION = insert(conversations)
_BANNED = (
    select(users.c.username)
    .join(bans, bans.c.user_id == users.c.id)
    .where(
        bans.c.conversation_id == bindparam("in_conversation"),
        bans.c.user_id.in_(bindparam("joining", expanding=True)),
    )
)
_JOINED_NOW = select(
    conversations.c.kind,
    conversations.c.created_by,
    conversations.c.message_no,
    conversations.c.seq,
    conversations.c.history,
).where(conversations.c.id == bindparam("in_conversation"))
_RETURNING = select(members.c.user_id, members.c.cleared_no).where(
    members.c.conversation_id == bindparam("in_conversation"),
    members.c.user_id.in_(bindparam("joining", expanding=True)),
)
_MEMBER = insert(members)
_USER = select(*USER_COLUMNS).where(users.c.id == bindparam("of_user"))


def start_direct(transaction: Transaction, new: str, user: str, other: User) -> tuple[str, bool]:
    """The direct conversation of two people, and whether it is new.

    Where the other one takes but a request, they come in once they accept it.
    """
    key = ":".join(sorted((user, other.id)))
    connection = transaction.connection
    found: str | None = connection.execute(_DIRECT, {"key": key}).scalar()
    if found is not None:
        _let_in(transaction, found, user, other)
        return found, False
    both = may_start_or_ask(connection, user, other)
    _insert(transaction, new, user, kind="direct", direct_key=key)
    own = _user(connection, user)
    join(transaction, new, user, [own, other] if both else [own])
    if not both:
        await_member(transaction, new, other.id)
    mark_refusals(connection, user, other.id)
    return new, True


def start_saved(transaction: Transaction, new: str, user: str) -> tuple[str, bool]:
    """The conversation of somebody with themselves, and whether it is new."""
    key = f"saved:{user}"
    connection = transaction.connection
    found: str | None = connection.execute(_DIRECT, {"key": key}).scalar()
    if found is not None:
        return found, False
    _insert(transaction, new, user, kind="saved", direct_key=key)
    join(transaction, new, user, [_user(connection, user)])
    return new, True


def _let_in(transaction: Transaction, conversation: str, user: str, other: User) -> None:
    """Have who is not in a direct conversation yet come in where nobody has to be asked."""
    connection = transaction.connection
    if not has_come_in(connection, conversation, user):
        # Whoever writes to somebody accepts what they wrote.
        require_consent(connection, Wish.CONTACT, user, [other])
        open_for(transaction, user, other.id, by=user)
    elif not (
        has_come_in(connection, conversation, other.id)
        or was_asked(connection, other.id, user)
        or not is_allowed(connection, Wish.START, user, other.id)
    ):
        open_for(transaction, other.id, user, by=user)


def start_group(
    transaction: Transaction,
    new: str,
    user: str,
    others: list[User],
    title: str,
    client_id: str | None,
) -> tuple[str, bool]:
    """A group, and whether it is new: a retry finds the first one."""
    connection = transaction.connection
    if client_id is not None:
        found: str | None = connection.execute(
            _RETRIED, {"of_request": client_id, "of_user": user}
        ).scalar()
        if found is not None:
            return found, False
    require_consent(connection, Wish.ADD, user, others)
    _insert(transaction, new, user, kind="group", title=title, client_id=client_id)
    join(transaction, new, user, [_user(connection, user), *others])
    return new, True


def _insert(
    transaction: Transaction,
    new: str,
    user: str,
    *,
    kind: ConversationKind,
    **values: str | None,
) -> None:
    transaction.connection.execute(
        _CONVERSATION,
        {
            "id": new,
            "kind": kind,
            "created_by": user,
            "created_at_ms": transaction.now_ms,
            **values,
        },
    )
    transaction.append(new, user, events.ConversationCreated(kind, values.get("title")))


def join(
    transaction: Transaction,
    conversation: str,
    by: str,
    joining: list[User],
    via: events.Via | UnsetType = UNSET,
) -> None:
    """Make people members, again where they were before; their requests to join are settled.

    Raises:
        UserBanned: naming the first who is.
    """
    connection = transaction.connection
    ids = [one.id for one in joining]
    among = {"in_conversation": conversation, "joining": ids}
    banned: Any = connection.execute(_BANNED, among).scalar()
    if banned is not None:
        raise UserBanned(username=banned)
    now: Any = connection.execute(_JOINED_NOW, {"in_conversation": conversation}).one()
    starts = now.kind == "group" and now.seq == 1
    returning = {row.user_id: row.cleared_no for row in connection.execute(_RETURNING, among)}
    for one in joining:
        seq = transaction.append(
            conversation,
            by,
            events.MemberJoined(
                User(one.id, one.username, one.display_name),
                from_number=1 if now.history == "all" else now.message_no + 1,
                via=via,
            ),
        )
        values: dict[str, Any] = {
            # Those who are there from the start see the log from its start.
            "from_seq": 1 if now.seq == 1 else seq,
            "from_number": now.message_no + 1,
            "to_seq": None,
            "joined_at_ms": transaction.now_ms,
            # Whoever comes back begins as a member, whatever they were.
            "role": "owner" if starts and one.id == now.created_by else "member",
        }
        cleared_no = returning.get(one.id)
        if cleared_no is not None and now.history == "all":
            # What they deleted for themselves stays gone.
            values["from_number"] = cleared_no + 1
        if one.id in returning:
            connection.execute(
                update(members)
                .where(
                    and_(
                        members.c.conversation_id == conversation,
                        members.c.user_id == one.id,
                    )
                )
                .values({**values, **_back_in_list(transaction)})
            )
        else:
            connection.execute(
                _MEMBER, {"conversation_id": conversation, "user_id": one.id, **values}
            )
        transaction.append(one.id, by, events.ConversationAdded(conversation))
        if cleared_no is not None:
            _tell_preferences(transaction, conversation, one.id)
    if now.seq > 1:
        settle_requests(transaction, conversation, by, ids)


def _back_in_list(transaction: Transaction) -> dict[str, Any]:
    """Of the preferences of who comes back all but how much they want to hear is gone."""
    number = members.c.preferences_change_no
    return {
        "pinned_no": None,
        "archived_no": None,
        "marked_unread": None,
        "preferences_change_no": case((number.is_not(None), transaction.change_no)),
    }


def _tell_preferences(transaction: Transaction, conversation: str, user: str) -> None:
    own = (members.c.conversation_id == conversation) & (members.c.user_id == user)
    row = transaction.connection.execute(select(*PREFERENCE_COLUMNS).where(own)).one()
    transaction.append(user, user, events.PreferencesUpdated(conversation, preferences_of(row)))


def end_membership(transaction: Transaction, conversation: str, by: str, gone: str) -> None:
    """Have a member be one no longer, and the group owned by somebody who is."""
    seq = transaction.append(conversation, by, events.MemberRemoved(gone))
    role = transaction.connection.execute(
        update(members)
        .where(is_member(gone, conversation))
        .values(to_seq=seq)
        .returning(members.c.role)
    ).scalar()
    if role == "owner":
        keep_owned(transaction, conversation)
    transaction.append(gone, by, events.ConversationRemoved(conversation))


def give_role(transaction: Transaction, conversation: str, by: str, user: str, role: Role) -> None:
    """Have a member be this from now on."""
    transaction.connection.execute(
        update(members).where(is_member(user, conversation)).values(role=role)
    )
    transaction.append(conversation, by, events.MemberUpdated(user, role))


def is_last_owner(connection: Connection, conversation: str, user: str) -> bool:
    """Whether nobody else who owns the group can act."""
    others = _ACTING_OWNERS.where(
        members.c.conversation_id == conversation, members.c.user_id != user
    )
    return connection.execute(others.limit(1)).first() is None


def keep_owned(transaction: Transaction, conversation: str) -> None:
    """Have a group owned by somebody who can act: its longest-serving admin, else member."""
    connection = transaction.connection
    owned = _ACTING_OWNERS.where(members.c.conversation_id == conversation).limit(1)
    if connection.execute(owned).first() is not None:
        return
    heir: Any = connection.execute(
        select(members.c.user_id, members.c.role)
        .join(users, users.c.id == members.c.user_id)
        .where(members.c.conversation_id == conversation, IS_PRESENT)
        .order_by(
            _CANNOT_ACT,
            case({"owner": 0, "admin": 1}, value=members.c.role, else_=2),
            members.c.joined_at_ms,
            members.c.from_seq,
            members.c.user_id,
        )
        .limit(1)
    ).first()
    if heir is not None and heir.role != "owner":
        # Nobody gave it to them.
        give_role(transaction, conversation, "", heir.user_id, "owner")


def hand_over_groups(transaction: Transaction, user: str) -> None:
    """Have the groups of somebody whose account has ended owned by somebody else, too."""
    owned = select(members.c.conversation_id).where(
        members.c.user_id == user, members.c.role == "owner", IS_PRESENT
    )
    for (conversation,) in transaction.connection.execute(owned).all():
        keep_owned(transaction, conversation)


def present(connection: Connection, conversation: str, ids: list[str]) -> set[str]:
    """Which of these users are members now."""
    rows = connection.execute(
        select(members.c.user_id).where(
            members.c.conversation_id == conversation,
            members.c.user_id.in_(ids),
            IS_PRESENT,
        )
    )
    return {row[0] for row in rows}


def _user(connection: Connection, user: str) -> User:
    return user_of(connection.execute(_USER, {"of_user": user}).one())
