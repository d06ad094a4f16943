"""Contacts: asking somebody, answering, what one calls them, and the list.

Owns what each wish does, by what the two are to each other; the rows are `contact_rows`'.
Invariants: nobody becomes the contact of somebody whom they neither asked nor answered; who is
declined cannot tell; a wish may be repeated, and what is so already is answered as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from dash_messenger.accounts.contact_rows import (
    PAGES,
    ask,
    asks,
    befriend,
    contact_in,
    contacts_among,
    decline,
    end,
    is_active,
    knows,
    open_requests,
    put_label,
    telling_both,
    withdraw,
)
from dash_messenger.accounts.directory import (
    MAX_NAME_CHARACTERS,
    Name,
    find_other,
    users_by_id,
)
from dash_messenger.accounts.names import clean_line
from dash_messenger.accounts.policy import Wish, is_allowed, require_unblocked
from dash_messenger.errors import NotFound, TooManyOpenRequests, UnknownUser
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Contact, User
from dash_messenger.rate_limits import Buckets
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import users

__all__ = ["Contacts"]

MAX_NOTE_CHARACTERS = 200
MAX_LABEL_CHARACTERS = 64
MAX_CONTACTS_PAGE = 200
# Of one sender, as they see it: what was declined is among them.
MAX_OPEN_REQUESTS = 20
# People asked for the first time. Withdrawing makes room among the open ones, not here: nobody
# leaves notes with everybody. More than one can know, and one who moves a team has that many.
NEW_REQUESTS, NEW_REQUESTS_A_DAY = 100, 100
# Before the first.
_FIRST = "0" * 32

Id = Annotated[str, Meta(max_length=64)]
# Cleaned and measured by a rule of its own; this bounds the work before.
Line = Annotated[str, Meta(max_length=1024)]
Somebody = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]

T = TypeVar("T")


class ContactRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.request``: an id or user name; ``note`` is shown with the request."""

    user: Somebody
    note: Line | None = None


class ContactAccept(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.accept``: an id or user name."""

    user: Somebody


class ContactDecline(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.decline``: an id or user name."""

    user: Somebody


class ContactRemove(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.remove``: an id or user name."""

    user: Somebody


class ContactLabel(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.label``: null, or what shows nothing, takes the label away."""

    user: Somebody
    label: Line | None


class ContactNow(Struct, frozen=True):
    """What somebody is to the caller after the command; ``contact`` is null where it is nothing."""

    user: User
    contact: Contact | None


class ContactList(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.list``; ``after`` is the last ``user`` of the page before."""

    state: Literal["contact", "sent", "received"] = "contact"
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_CONTACTS_PAGE)] = MAX_CONTACTS_PAGE


class ContactsFound(Struct, frozen=True):
    """Result of ``contact.list``, in the order of ids.

    It is as new as event ``seq`` of one's own log.
    """

    contacts: list[Contact]
    users: dict[str, Name]
    more: bool
    seq: int


class Contacts:
    """The commands of family ``contact``, but for its codes."""

    def __init__(self, store: Store, *, rate_limits: bool) -> None:
        self._store = store
        self._new_requests = Buckets(
            burst=NEW_REQUESTS, per_s=NEW_REQUESTS_A_DAY / 86_400, enabled=rate_limits
        )

    def commands(self) -> list[Command]:
        """What a client may ask about contacts."""
        return [
            Command(
                "contact.list",
                ContactList,
                ContactsFound,
                self.list,
                "One's contacts, or who was asked, or who asks, a page at a time.",
                rate="cheap read",
            ),
            Command(
                "contact.request",
                ContactRequest,
                ContactNow,
                self.request,
                "Ask somebody to become a contact; who asks already becomes one.",
                rate="change",
            ),
            Command(
                "contact.accept",
                ContactAccept,
                ContactNow,
                self.accept,
                "Become a contact of somebody who asks.",
                rate="change",
            ),
            Command(
                "contact.decline",
                ContactDecline,
                ContactNow,
                self.decline,
                "Hear no more of somebody's request, without their knowing.",
                rate="change",
            ),
            Command(
                "contact.remove",
                ContactRemove,
                ContactNow,
                self.remove,
                "Be somebody's contact no longer, or take one's own request back.",
                rate="change",
            ),
            Command(
                "contact.label",
                ContactLabel,
                ContactNow,
                self.label,
                "Call a contact by a name that one alone sees.",
                rate="change",
            ),
        ]

    async def list(self, caller: Caller, params: ContactList) -> ContactsFound:
        """A page of them, from one snapshot."""
        user = caller.user_id
        after = id_param(params.after, "after") if params.after else _FIRST
        asked = {"user": user, "after": after, "limit": params.limit + 1}

        def work(connection: Connection) -> ContactsFound:
            rows = connection.execute(PAGES[params.state], asked).all()
            found = [contact_in(row, params.state) for row in rows[: params.limit]]
            people = users_by_id(connection, user, {one.user for one in found})
            seq = connection.execute(select(users.c.seq).where(users.c.id == user)).scalar_one()
            return ContactsFound(found, people, len(rows) > params.limit, seq)

        return await self._store.read(work)

    async def request(self, caller: Caller, params: ContactRequest) -> ContactNow:
        """Sent, or a contact where the other asks too; whoever asks again is told the same.

        One who does not want to be asked is not, and nobody is told: it is as if they declined.

        Raises:
            UnknownUser: nobody is called so, or the account is deactivated.
            InvalidParams: it is oneself, or the note is too long.
            TooManyOpenRequests: others have not answered yet.
            BlockedByYou: they are blocked.
        """
        note = clean_line(params.note, "note", MAX_NOTE_CHARACTERS)
        user, other = caller.user_id, await self._other(caller, params.user)
        if not await self._store.read(lambda connection: knows(connection, user, other.id)):
            self._new_requests.test(user)

        def work(transaction: Transaction, known: Contact | None) -> bool:
            if known is not None and known.state != "received":
                return False
            connection = transaction.connection
            if not is_active(connection, other.id):
                raise UnknownUser(username=params.user, field="user")
            require_unblocked(connection, user, other.id)
            if asks(connection, other.id, user):
                befriend(transaction, user, other.id)
                return False
            if open_requests(connection, user, MAX_OPEN_REQUESTS) >= MAX_OPEN_REQUESTS:
                raise TooManyOpenRequests(limit=MAX_OPEN_REQUESTS)
            is_new = ask(transaction, user, other.id, note)
            if not is_allowed(connection, Wish.CONTACT, user, other.id):
                decline(transaction, other.id, user)
            return is_new

        is_new, answer = await self._change(user, other, work)
        if is_new:
            self._new_requests.take(user)
        return answer

    async def accept(self, caller: Caller, params: ContactAccept) -> ContactNow:
        """A contact: also one whose request was declined before, and who still waits.

        Raises:
            UnknownUser: nobody is called so.
            NotFound: they do not ask.
            BlockedByYou: they are blocked.
        """
        user, other = caller.user_id, await self._other(caller, params.user)

        def work(transaction: Transaction, known: Contact | None) -> None:
            if known is not None and known.state == "contact":
                return
            if not asks(transaction.connection, other.id, user):
                raise NotFound
            require_unblocked(transaction.connection, user, other.id)
            befriend(transaction, user, other.id)

        return (await self._change(user, other, work))[1]

    async def decline(self, caller: Caller, params: ContactDecline) -> ContactNow:
        """Nothing, where they asked; the one who asks is told nothing, and cannot ask again.

        Raises:
            UnknownUser: nobody is called so.
        """
        user, other = caller.user_id, await self._other(caller, params.user)

        def work(transaction: Transaction, known: Contact | None) -> None:
            if known is not None and known.state == "received":
                decline(transaction, user, other.id)

        return (await self._change(user, other, work))[1]

    async def remove(self, caller: Caller, params: ContactRemove) -> ContactNow:
        """Neither contact nor sent; a request of the other's stays.

        Raises:
            UnknownUser: nobody is called so.
        """
        user, other = caller.user_id, await self._other(caller, params.user)

        def work(transaction: Transaction, known: Contact | None) -> None:
            end(transaction, user, other.id)
            withdraw(transaction, user, other.id)

        return (await self._change(user, other, work))[1]

    async def label(self, caller: Caller, params: ContactLabel) -> ContactNow:
        """The contact with its label.

        Raises:
            UnknownUser: nobody is called so.
            NotFound: they are no contact.
            InvalidParams: the label is too long.
        """
        label = clean_line(params.label, "label", MAX_LABEL_CHARACTERS)
        user, other = caller.user_id, await self._other(caller, params.user)

        def work(transaction: Transaction, known: Contact | None) -> None:
            if known is None or known.state != "contact":
                raise NotFound
            put_label(transaction, user, other.id, label)

        return (await self._change(user, other, work))[1]

    async def _other(self, caller: Caller, name: str) -> User:
        """Somebody else, by id or user name.

        Raises:
            UnknownUser: nobody is called so.
            InvalidParams: it is oneself.
        """
        user = caller.user_id
        return await self._store.read(lambda connection: find_other(connection, user, name))

    async def _change(
        self, user: str, other: User, work: Callable[[Transaction, Contact | None], T]
    ) -> tuple[T, ContactNow]:
        """What ``work`` returns, given what the other is to the user, and what they are then."""

        def change(transaction: Transaction) -> tuple[T, ContactNow]:
            connection = transaction.connection
            known = contacts_among(connection, user, [other.id]).get(other.id)
            with telling_both(transaction, user, other.id):
                done = work(transaction, known)
            now = contacts_among(connection, user, [other.id]).get(other.id)
            return done, ContactNow(other, now)

        return await self._store.write(change)
