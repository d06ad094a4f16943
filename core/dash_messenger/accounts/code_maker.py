"""Makes codes that let people in: named by their maker, shown once, the same for a retry.

Owns how a code comes from what its maker called it, and when there are too many. Must not know what
a code is for, nor commands. Invariant: neither a code nor what it is made from is stored, only
hashes of both.

A code is a keyed hash of what its maker called it (``client_id``). So a retry gets the same one,
and whoever reads the database, with its secret, would still have to guess a UUID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection

from dash_messenger.accounts.contacts import MAX_LABEL_CHARACTERS
from dash_messenger.accounts.invitation_rows import (
    InvitationKind,
    add_invitation,
    find_named,
    live_invitations,
)
from dash_messenger.accounts.names import clean_line
from dash_messenger.accounts.typed_codes import code_of, in_groups, plain_code
from dash_messenger.errors import Conflict, InvalidParams, TooManyCodes
from dash_messenger.ids import id_param
from dash_messenger.store import Store, Transaction

__all__ = [
    "CODE_CHARACTERS",
    "MAX_LIVE_CODES",
    "MAX_USES",
    "CodeCreated",
    "CodeMaker",
    "CodeWish",
    "hash_of_typed",
]

# 78 bits.
CODE_CHARACTERS = 16
# Of a user, and of a user for each group.
MAX_LIVE_CODES = 100
MAX_USES = 10_000
# Where whoever follows a link lands.
_PATH = "/j/"

Id = Annotated[str, Meta(max_length=64)]


class CodeWish(Struct, frozen=True, forbid_unknown_fields=True):
    """What a code is to be; what is left out has no end."""

    client_id: Id
    label: Annotated[str, Meta(max_length=1024)] | None = None
    expires_at_ms: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    uses: Annotated[int, Meta(ge=1, le=MAX_USES)] | None = None


class CodeCreated(Struct, frozen=True):
    """A code that was made, or the same for a retry: it is shown in no other way again.

    ``url`` begins with ``/`` where the server does not know its own address (``public_url``).
    """

    id: str
    code: str
    url: str


class CodeMaker:
    """Makes the codes of one kind."""

    def __init__(self, store: Store, kind: InvitationKind, public_url: str | None) -> None:
        self._store = store
        self._kind: InvitationKind = kind
        self._begins = f"{public_url or ''}{_PATH}"

    async def make(
        self,
        user: str,
        wish: CodeWish,
        *,
        conversation: str | None = None,
        approval: bool = False,
        allow: Callable[[Connection], object] = lambda _: None,
    ) -> CodeCreated:
        """The code; a retry gets the same, whatever became of it meanwhile.

        ``allow`` raises in the transaction where the user may not make it.

        Raises:
            InvalidParams: the label is too long, or it would have expired already.
            Conflict: the name was used for another code.
            TooManyCodes: as many still work as one may have.
        """
        client_id = id_param(wish.client_id, "client_id")
        label = clean_line(wish.label, "label", MAX_LABEL_CHARACTERS)
        make = self._store.hashes.make
        code = code_of(make(f"{self._kind} code", user, client_id), CODE_CHARACTERS)
        named = make(f"{self._kind} code id", user, client_id)

        def work(transaction: Transaction) -> str:
            connection, now_ms = transaction.connection, transaction.now_ms
            allow(connection)
            known = find_named(connection, named)
            if known is not None:
                wanted = (label, wish.expires_at_ms, wish.uses, conversation, int(approval))
                if wanted != (
                    *(known.label, known.expires_at_ms, known.uses),
                    *(known.conversation_id, known.approval),
                ):
                    raise Conflict
                return str(known.id)
            if wish.expires_at_ms is not None and wish.expires_at_ms <= now_ms:
                raise InvalidParams(field="expires_at_ms", reason="is in the past")
            live = live_invitations(
                connection, self._kind, user, now_ms, MAX_LIVE_CODES, conversation=conversation
            )
            if live >= MAX_LIVE_CODES:
                raise TooManyCodes(limit=MAX_LIVE_CODES)
            return add_invitation(
                transaction,
                self._kind,
                code_hash=hash_of_typed(code),
                client_hash=named,
                made_by=user,
                label=label,
                expires_at_ms=wish.expires_at_ms,
                uses=wish.uses,
                conversation_id=conversation,
                approval=int(approval),
            )

        id = await self._store.write(work)
        shown = in_groups(code)
        return CodeCreated(id, shown, self._begins + shown)


def hash_of_typed(code: str) -> bytes:
    """What is stored of a code, as it was typed; it has enough bits for a hash without a key."""
    return hashlib.sha256(plain_code(code).encode()).digest()
