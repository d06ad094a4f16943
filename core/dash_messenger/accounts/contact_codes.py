"""Contact codes: whoever has one sees whose it is, and may ask them.

Owns how codes are made, listed, revoked and opened; the rows are `invitation_rows`'. Invariants:
neither a code nor what it is made from is stored, only hashes of both; whatever is wrong with a
code, it is refused by one and the same answer.

A code is a keyed hash of what its maker called it (``client_id``). So a retry gets the same one,
and whoever reads the database, with its secret, would still have to guess a UUID.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection

from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.contact_rows import contacts_among
from dash_messenger.accounts.contacts import MAX_LABEL_CHARACTERS
from dash_messenger.accounts.invitation_rows import (
    add_invitation,
    find_good,
    find_named,
    live_invitations,
    page_of_invitations,
    revoke_invitation,
    use_invitation,
)
from dash_messenger.accounts.names import clean_line
from dash_messenger.accounts.policy import as_shown_to
from dash_messenger.accounts.typed_codes import code_of, in_groups, plain_code
from dash_messenger.errors import Conflict, InvalidParams, TooManyCodes
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Contact, User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.rows import user_of

__all__ = ["ContactCodes"]

# 78 bits.
CODE_CHARACTERS = 16
MAX_LIVE_CODES = 100
MAX_CODES_PAGE = 200
MAX_USES = 10_000
# Where whoever follows a link lands.
_PATH = "/j/"
# After the last: pages go from the newest on.
_LAST = "f" * 32

Id = Annotated[str, Meta(max_length=64)]


class CodeCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.code_create``; what is left out has no end.

    ``uses`` is how many people may use the code. ``client_id`` names it: a retry gets the same
    code, which is shown in no other way again. It must be random, as UUIDs of version 4 and 7 are.
    """

    client_id: Id
    label: Annotated[str, Meta(max_length=1024)] | None = None
    expires_at_ms: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    uses: Annotated[int, Meta(ge=1, le=MAX_USES)] | None = None


class CodeCreated(Struct, frozen=True):
    """Result of ``contact.code_create``.

    ``url`` begins with ``/`` where the server does not know its own address (``public_url``).
    """

    id: str
    code: str
    url: str


class CodeList(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.code_list``; ``after`` is the last ``id`` of the page before."""

    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_CODES_PAGE)] = MAX_CODES_PAGE


class CodeInfo(Struct, frozen=True):
    """A code of one's own, without the code: null is no label, no end, any number of ``uses``.

    ``used`` is how many people have used it.
    """

    id: str
    label: str | None
    created_at_ms: int
    expires_at_ms: int | None
    uses: int | None
    used: int


class CodesFound(Struct, frozen=True):
    """Result of ``contact.code_list``: the newest first, but for those that were revoked."""

    codes: list[CodeInfo]
    more: bool


class CodeRevoke(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.code_revoke``."""

    id: Id


class CodeRevoked(Struct, frozen=True):
    """Result of ``contact.code_revoke``."""

    id: str


class CodeOpen(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.code_open``: a code as it was typed."""

    code: Annotated[str, Meta(max_length=200)]


class CodeOpened(Struct, frozen=True):
    """Result of ``contact.code_open``: whose code it is, and what they are to the caller."""

    user: User
    contact: Contact | UnsetType = UNSET


class ContactCodes:
    """The commands ``contact.code_…``."""

    def __init__(self, store: Store, attempts: Attempts, public_url: str | None) -> None:
        self._store = store
        self._attempts = attempts
        self._begins = f"{public_url or ''}{_PATH}"

    def commands(self) -> list[Command]:
        """What a client may ask about contact codes."""
        return [
            Command(
                "contact.code_create",
                CodeCreate,
                CodeCreated,
                self.create,
                "Make a code that shows others whose it is.",
                rate="change",
            ),
            Command(
                "contact.code_list",
                CodeList,
                CodesFound,
                self.list,
                "One's codes, a page at a time.",
                rate="cheap read",
            ),
            Command(
                "contact.code_revoke",
                CodeRevoke,
                CodeRevoked,
                self.revoke,
                "Let a code open nothing any more.",
                rate="change",
            ),
            Command(
                "contact.code_open",
                CodeOpen,
                CodeOpened,
                self.open,
                "See whose a code is.",
                rate="change",
            ),
        ]

    async def create(self, caller: Caller, params: CodeCreate) -> CodeCreated:
        """The code; a retry gets the same, whatever became of it meanwhile.

        Raises:
            InvalidParams: the label is too long, or it would have expired already.
            Conflict: the name was used for another code.
            TooManyCodes: as many still work as one may have.
        """
        user, client_id = caller.user_id, id_param(params.client_id, "client_id")
        label = clean_line(params.label, "label", MAX_LABEL_CHARACTERS)
        make = self._store.hashes.make
        code = code_of(make("contact code", user, client_id), CODE_CHARACTERS)
        named = make("contact code id", user, client_id)

        def work(transaction: Transaction) -> str:
            connection, now_ms = transaction.connection, transaction.now_ms
            known = find_named(connection, named)
            if known is not None:
                wanted = (label, params.expires_at_ms, params.uses)
                if wanted != (known.label, known.expires_at_ms, known.uses):
                    raise Conflict
                return str(known.id)
            if params.expires_at_ms is not None and params.expires_at_ms <= now_ms:
                raise InvalidParams(field="expires_at_ms", reason="is in the past")
            if live_invitations(connection, "contact", user, now_ms, MAX_LIVE_CODES) >= (
                MAX_LIVE_CODES
            ):
                raise TooManyCodes(limit=MAX_LIVE_CODES)
            return add_invitation(
                transaction,
                "contact",
                code_hash=_hash(code),
                client_hash=named,
                made_by=user,
                label=label,
                expires_at_ms=params.expires_at_ms,
                uses=params.uses,
            )

        id = await self._store.write(work)
        shown = in_groups(code)
        return CodeCreated(id, shown, self._begins + shown)

    async def list(self, caller: Caller, params: CodeList) -> CodesFound:
        """A page of them, also of those that expired or are used up."""
        user = caller.user_id
        after = id_param(params.after, "after") if params.after else _LAST

        def work(connection: Connection) -> CodesFound:
            rows = page_of_invitations(connection, "contact", user, after, params.limit + 1)
            found = [CodeInfo(**row._mapping) for row in rows[: params.limit]]
            return CodesFound(found, len(rows) > params.limit)

        return await self._store.read(work)

    async def revoke(self, caller: Caller, params: CodeRevoke) -> CodeRevoked:
        """Its id; revoking it again changes nothing.

        Raises:
            NotFound: the caller has no such code.
        """
        user, id = caller.user_id, id_param(params.id, "id")
        await self._store.write(
            lambda transaction: revoke_invitation(transaction, "contact", user, id)
        )
        return CodeRevoked(id)

    async def open(self, caller: Caller, params: CodeOpen) -> CodeOpened:
        """Whose it is. The caller is counted once, however often they look; the maker never.

        Raises:
            NotFound: there is no such code, or it opens nothing any more.
            RateLimited: too many codes that were none.
        """
        user, hashed = caller.user_id, _hash(plain_code(params.code))
        self._attempts.open_code(user, caller.where)

        def work(transaction: Transaction) -> CodeOpened:
            connection = transaction.connection
            good = find_good(connection, "contact", hashed, transaction.now_ms)
            if good.id != user:
                use_invitation(transaction, good, user)
            shown = as_shown_to(connection, user, [user_of(good)])[0]
            known = contacts_among(connection, user, [good.id])
            return CodeOpened(shown, known.get(good.id, UNSET))

        opened = await self._store.write(work)
        self._attempts.code_opened(user, caller.where)
        return opened


def _hash(code: str) -> bytes:
    """What is stored of a plain code, which has enough bits for a hash without a key."""
    return hashlib.sha256(code.encode()).digest()
