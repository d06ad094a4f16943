"""Finding people as one types: contacts first, then people of one's groups, then everybody.

Owns ``user.search``, what a query means, and the order of what is found. Must not know who may be
found: that is `policy`'s. Invariants: nobody finds themselves, or an account that is deactivated;
a search looks at a bounded number of people, by an index, however many fit.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Annotated, Any, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from dash_messenger.accounts.contact_rows import contacts_among
from dash_messenger.accounts.names import username_key
from dash_messenger.accounts.policy import as_found_by
from dash_messenger.characters import without_hidden
from dash_messenger.folding import MAX_WORD_CHARACTERS, words_of
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Contact, User
from dash_messenger.rate_limits import Buckets
from dash_messenger.store import Store
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import contacts, conversations, members, user_words, users
from dash_messenger.store.user_words import user_name_word

__all__ = ["PeopleSearch", "query_words"]

MAX_QUERY_CHARACTERS = 200
MAX_FOUND, DEFAULT_FOUND = 50, 20
# No name that anybody looks for has more; the longest ones are looked at.
MAX_WORDS = 8
# Of contacts, and of others: what is shown is put in order among so many. Whoever types a single
# letter on a large server sees some of those who fit, and types on.
MAX_LOOKED_AT = 1_000
# One for each pause of who types; little for who wants to list everybody.
BURST, PER_S = 100, 2.0
# No character comes after it: a range up to it has all that begins so.
_LAST = "\U0010ffff"

_USER: BindParameter[str] = bindparam("user")


class UserSearch(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``user.search``: the beginnings of words, each of which somebody must have.

    Words are those of names, of user names (with ``@`` before it, of these alone) and of one's own
    labels. Case, accents and forms of a letter do not matter; where there is no word, nobody fits.
    """

    query: Annotated[str, Meta(max_length=MAX_QUERY_CHARACTERS)]
    limit: Annotated[int, Meta(ge=1, le=MAX_FOUND)] = DEFAULT_FOUND


class PersonFound(Struct, frozen=True, omit_defaults=True):
    """Somebody who was found: as in `User`, what they are to the caller, and in how many groups
    both are."""

    id: str
    username: str
    display_name: str
    photo: str | None = None
    contact: Contact | UnsetType = UNSET
    shared: int = 0


class PeopleFound(Struct, frozen=True):
    """Result of ``user.search``: contacts first, then people of one's groups.

    ``everybody`` says whether others were looked for too, which is up to the server.
    """

    users: list[PersonFound]
    everybody: bool


class _Fit(NamedTuple):
    """Somebody who fits, and what their place goes by."""

    user: User
    called: str
    is_contact: bool
    shared: int


class PeopleSearch:
    """The command ``user.search``."""

    def __init__(self, store: Store, *, everybody: bool, rate_limits: bool) -> None:
        self._store = store
        self._everybody = everybody
        self._searches = Buckets(burst=BURST, per_s=PER_S, enabled=rate_limits)

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "user.search",
                UserSearch,
                PeopleFound,
                self.search,
                "Find people by the beginnings of their names.",
                rate="cheap read",
            )
        ]

    async def search(self, caller: Caller, params: UserSearch) -> PeopleFound:
        """Those who fit, the first ``limit`` of them.

        Raises:
            RateLimited: too many searches.
        """
        user = caller.user_id
        self._searches.take(user)
        words = query_words(params.query)
        if not words:
            return PeopleFound([], self._everybody)
        exact = username_key(params.query)

        def work(connection: Connection) -> PeopleFound:
            fits = self._fits(connection, user, words)
            allowed = {one.id: one for one in as_found_by(connection, user, (f.user for f in fits))}
            shown = sorted(
                (fit for fit in fits if fit.user.id in allowed),
                key=lambda fit: _place(fit, exact),
            )[: params.limit]
            known = contacts_among(connection, user, [fit.user.id for fit in shown])
            found = [
                _found(allowed[fit.user.id], known.get(fit.user.id, UNSET), fit.shared)
                for fit in shown
            ]
            return PeopleFound(found, self._everybody)

        return await self._store.read(work)

    def _fits(self, connection: Connection, user: str, words: list[str]) -> list[_Fit]:
        values: dict[str, object] = {"user": user, "looked_at": MAX_LOOKED_AT}
        for n, word in enumerate(words):
            values |= {f"from{n}": word, f"to{n}": word + _LAST, f"label{n}": f"% {word}%"}
        own, others = _of_contacts(len(words)), _of_others(len(words))
        fits = [
            _Fit(user_of(row), row.called or row.display_name, True, row.shared)
            for row in connection.execute(own, values)
        ]
        values = {name: value for name, value in values.items() if not name.startswith("label")}
        fits += [
            _Fit(user_of(row), row.display_name, False, row.shared)
            for row in connection.execute(others, values)
            if row.shared or self._everybody
        ]
        return fits


def query_words(query: str) -> list[str]:
    """What is looked for: the longest words of a query, as they stand in ``user_words``."""
    words: dict[str, None] = {}
    for part in without_hidden(query).split():
        sign, name = unicodedata.normalize("NFKC", part[:1]), part[1:]
        if sign == "@":
            if name:
                words[user_name_word(name)[:MAX_WORD_CHARACTERS]] = None
        else:
            words |= dict.fromkeys(words_of(part))
    return sorted(words, key=len, reverse=True)[:MAX_WORDS]


def _found(user: User, contact: Contact | UnsetType, shared: int) -> PersonFound:
    return PersonFound(user.id, user.username, user.display_name, user.photo, contact, shared)


def _place(fit: _Fit, exact: str) -> tuple[bool, bool, bool, list[str], str]:
    user = fit.user
    is_named = user.username.lower() == exact
    return not fit.is_contact, not fit.shared, not is_named, words_of(fit.called), user.id


# The statements are made once for each number of words: making one takes longer than running it.


@cache
def _of_contacts(words: int) -> Select[Any]:
    """Contacts who fit by their names or labels."""
    query = (
        select(*USER_COLUMNS, contacts.c.label.label("called"), _shared())
        .select_from(contacts.join(users, users.c.id == contacts.c.contact_id))
        .where(contacts.c.user_id == _USER, users.c.deactivated_at_ms.is_(None))
        .order_by(contacts.c.contact_id)
        .limit(bindparam("looked_at"))
    )
    for n in range(words):
        # No word holds a wildcard, but for user names after an "@", which no label has.
        by_label = contacts.c.label_words.like(bindparam(f"label{n}"))
        query = query.where(or_(_has_word(contacts.c.contact_id, n), by_label))
    return query


@cache
def _of_others(words: int) -> Select[Any]:
    """Others who fit by their names, in the order of the first word."""
    person = user_words.c.user_id
    fitting = (
        select(person)
        .distinct()
        .where(
            _begins(user_words.c.word, 0),
            person != _USER,
            ~exists()
            .where(contacts.c.user_id == _USER, contacts.c.contact_id == person)
            .correlate(user_words),
            exists()
            .where(users.c.id == person, users.c.deactivated_at_ms.is_(None))
            .correlate(user_words),
        )
        .limit(bindparam("looked_at"))
    )
    for n in range(1, words):
        fitting = fitting.where(_has_word(person, n))
    people = fitting.subquery("people")
    return select(*USER_COLUMNS, _shared()).select_from(
        people.join(users, users.c.id == people.c.user_id)
    )


def _has_word(person: ColumnElement[str], n: int) -> ColumnElement[bool]:
    own = user_words.alias(f"word{n}")
    return exists().where(own.c.user_id == person, _begins(own.c.word, n)).correlate_except(own)


def _begins(word: ColumnElement[str], n: int) -> ColumnElement[bool]:
    return (word >= bindparam(f"from{n}")) & (word < bindparam(f"to{n}"))


def _shared() -> ColumnElement[int]:
    """In how many groups somebody is together with the one who asks."""
    own = (
        select(members.c.conversation_id)
        .join(conversations, conversations.c.id == members.c.conversation_id)
        .where(
            members.c.user_id == _USER,
            IS_PRESENT,
            conversations.c.kind == literal_column("'group'"),
        )
        .correlate(None)
    )
    return (
        select(func.count())
        .select_from(members)
        .where(members.c.user_id == users.c.id, IS_PRESENT, members.c.conversation_id.in_(own))
        .correlate(users)
        .scalar_subquery()
        .label("shared")
    )
