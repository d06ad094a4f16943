"""Contact codes: whoever has one sees whose it is, and may ask them.

Owns the codes of a user as they are made, listed and revoked, and what one shows. `code_maker`
makes them, the rows are `invitation_rows`'. Who opens a code asks `conversations/joining`, where
codes of every kind come in.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection

from dash_messenger.accounts.code_maker import CodeCreated, CodeMaker, CodeWish
from dash_messenger.accounts.contact_rows import contacts_among
from dash_messenger.accounts.invitation_rows import (
    page_of_invitations,
    revoke_invitation,
    use_invitation,
)
from dash_messenger.accounts.policy import as_shown_to
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Contact, User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.rows import user_of

__all__ = ["ContactCodes", "open_contact_code"]

MAX_CODES_PAGE = 200
# After the last: pages go from the newest on.
_LAST = "f" * 32

Id = Annotated[str, Meta(max_length=64)]


class CodeCreate(CodeWish, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.code_create``; what is left out has no end.

    ``uses`` is how many people may use the code. ``client_id`` names it: a retry gets the same
    code, which is shown in no other way again. It must be random, as UUIDs of version 4 and 7 are.
    """


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


class ContactCodes:
    """The commands ``contact.code_…``."""

    def __init__(self, store: Store, public_url: str | None) -> None:
        self._store = store
        self._maker = CodeMaker(store, "contact", public_url)

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
        ]

    async def create(self, caller: Caller, params: CodeCreate) -> CodeCreated:
        """The code; a retry gets the same, whatever became of it meanwhile.

        Raises:
            InvalidParams: the label is too long, or it would have expired already.
            Conflict: the name was used for another code.
            TooManyCodes: as many still work as one may have.
        """
        return await self._maker.make(caller.user_id, params)

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


def open_contact_code(
    transaction: Transaction, good: Any, user: str
) -> tuple[User, Contact | UnsetType]:
    """Whose the code is that `find_good` found, and what they are to who opens it.

    That one is counted once, however often they look; the maker never.

    Raises:
        NotFound: it is used up.
    """
    connection = transaction.connection
    if good.id != user:
        use_invitation(transaction, good, user)
    shown = as_shown_to(connection, user, [user_of(good)])[0]
    known = contacts_among(connection, user, [good.id])
    return shown, known.get(good.id, UNSET)
