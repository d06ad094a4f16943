"""What is stored when a conversation starts and when people come and go.

Owns the rows. Invariants: a direct conversation exists once for two people; a membership changes in
the same transaction as the event that says so; a group always has an owner, its creator while they
are in it.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection, and_, insert, select, update

from dash_messenger.accounts.policy import Wish, require_consent
from dash_messenger.protocol import events
from dash_messenger.protocol.models import User
from dash_messenger.store import Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import conversations, members, users

__all__ = ["join", "keep_owned", "present", "start_direct", "start_group"]


def start_direct(transaction: Transaction, new: str, user: str, other: User) -> tuple[str, bool]:
    """The direct conversation of two people, and whether it is new."""
    key = ":".join(sorted((user, other.id)))
    connection = transaction.connection
    found = connection.execute(
        select(conversations.c.id).where(conversations.c.direct_key == key)
    ).scalar()
    if found is not None:
        return found, False
    require_consent(connection, Wish.START, user, [other.id])
    _insert(transaction, new, user, kind="direct", direct_key=key)
    join(transaction, new, user, [_user(connection, user), other])
    return new, True


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
        found = connection.execute(
            select(conversations.c.id).where(
                conversations.c.client_id == client_id, conversations.c.created_by == user
            )
        ).scalar()
        if found is not None:
            return found, False
    require_consent(connection, Wish.ADD, user, [other.id for other in others])
    _insert(transaction, new, user, kind="group", title=title, client_id=client_id)
    join(transaction, new, user, [_user(connection, user), *others])
    return new, True


def _insert(
    transaction: Transaction,
    new: str,
    user: str,
    *,
    kind: Literal["direct", "group"],
    **values: str | None,
) -> None:
    transaction.connection.execute(
        insert(conversations).values(
            id=new, kind=kind, created_by=user, created_at_ms=transaction.now_ms, **values
        )
    )
    transaction.append(new, user, events.ConversationCreated(kind, values.get("title")))


def join(transaction: Transaction, conversation: str, by: str, joining: list[User]) -> None:
    """Make people members, again where they were before."""
    connection = transaction.connection
    now: Any = connection.execute(
        select(
            conversations.c.kind,
            conversations.c.created_by,
            conversations.c.message_no,
            conversations.c.seq,
            conversations.c.history,
        ).where(conversations.c.id == conversation)
    ).one()
    returning = {
        row[0]
        for row in connection.execute(
            select(members.c.user_id).where(
                members.c.conversation_id == conversation,
                members.c.user_id.in_([one.id for one in joining]),
            )
        )
    }
    for one in joining:
        seq = transaction.append(
            conversation,
            by,
            events.MemberJoined(
                User(one.id, one.username, one.display_name),
                from_number=1 if now.history == "all" else now.message_no + 1,
            ),
        )
        values: dict[str, Any] = {
            # Those who are there from the start see the log from its start.
            "from_seq": 1 if now.seq == 1 else seq,
            "from_number": now.message_no + 1,
            "to_seq": None,
            "joined_at_ms": transaction.now_ms,
            # A creator who left and came back owns it again.
            "role": "owner" if now.kind == "group" and one.id == now.created_by else "member",
        }
        if one.id in returning:
            connection.execute(
                update(members)
                .where(
                    and_(
                        members.c.conversation_id == conversation,
                        members.c.user_id == one.id,
                    )
                )
                .values(values)
            )
        else:
            connection.execute(
                insert(members).values(conversation_id=conversation, user_id=one.id, **values)
            )
        transaction.append(one.id, by, events.ConversationAdded(conversation))


def keep_owned(connection: Connection, conversation: str) -> None:
    """Have whoever is in a group longest own it, if nobody does: of those who can act."""
    present = (members.c.conversation_id == conversation, IS_PRESENT)
    owned = select(members.c.user_id).where(*present, members.c.role == "owner").limit(1)
    if connection.execute(owned).first() is not None:
        return
    cannot_act = users.c.deactivated_at_ms.is_not(None) | (users.c.role == "bot")
    heir = connection.execute(
        select(members.c.user_id)
        .join(users, users.c.id == members.c.user_id)
        .where(*present)
        .order_by(cannot_act, members.c.joined_at_ms, members.c.from_seq, members.c.user_id)
        .limit(1)
    ).scalar()
    if heir is not None:
        connection.execute(
            update(members)
            .where(members.c.conversation_id == conversation, members.c.user_id == heir)
            .values(role="owner")
        )


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
    return user_of(connection.execute(select(*USER_COLUMNS).where(users.c.id == user)).one())
