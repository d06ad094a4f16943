"""Opening a code, of whatever kind, and joining a group by an invitation.

Owns both commands. Must not know how codes are made. Invariants: whatever is wrong with a code, or
with who opens it, it is refused by one and the same answer; nobody learns by an invitation who is
in the group; each person counts once.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, func, select

from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.code_maker import hash_of_typed
from dash_messenger.accounts.contact_codes import open_contact_code
from dash_messenger.accounts.directory import own_user
from dash_messenger.accounts.invitation_rows import find_good, has_room, use_invitation
from dash_messenger.blobs import BlobStore
from dash_messenger.conversations.access import Right, require
from dash_messenger.conversations.bans import is_banned
from dash_messenger.conversations.join_request_rows import add_request, has_asked
from dash_messenger.conversations.memberships import join, present
from dash_messenger.errors import Failure, FileDamaged, NotFound, TooLarge
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Contact, User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.tables import conversations, members

__all__ = ["Joining"]

# Photos of groups are made by the server and much smaller.
MAX_PHOTO_BYTES = 100_000

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_SHOWN = select(
    conversations.c.title,
    conversations.c.photo,
    conversations.c.description,
    select(func.count())
    .select_from(members)
    .where(members.c.conversation_id == conversations.c.id, IS_PRESENT)
    .scalar_subquery()
    .label("member_count"),
).where(conversations.c.id == bindparam("in_conversation"))

Code = Annotated[str, Meta(max_length=200)]


class CodeOpen(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``contact.code_open``: a code as it was typed."""

    code: Code


class GroupShown(Struct, frozen=True):
    """A group as its invitation shows it, and what the caller is to it.

    Who is ``waiting`` has asked to join, and nobody has let them in; a ``member`` has its id as
    ``conversation``. With ``approval``, joining is asking. ``photo`` is the picture itself, as a
    ``data:`` address: who is not in the group may not read its blob.
    """

    title: str
    member_count: int
    approval: bool
    state: Literal["outside", "waiting", "member"]
    conversation: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    photo: str | UnsetType = UNSET


class CodeOpened(Struct, frozen=True):
    """Result of ``contact.code_open``: what a code is for.

    Of a contact code whose it is, ``user``, and what they are to the caller; of an invitation its
    ``group``.
    """

    user: User | UnsetType = UNSET
    contact: Contact | UnsetType = UNSET
    group: GroupShown | UnsetType = UNSET


class ConversationJoin(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.join``: an invitation's code as it was typed."""

    code: Code


class Joined(Struct, frozen=True):
    """Result of ``conversation.join``: a ``member`` of ``conversation``, or ``waiting``.

    Whoever waits is a member once somebody lets them in, as ``conversation.added`` says.
    """

    state: Literal["waiting", "member"]
    conversation: str | UnsetType = UNSET


class Joining:
    """The commands ``contact.code_open`` and ``conversation.join``."""

    def __init__(self, store: Store, attempts: Attempts, blobs: BlobStore) -> None:
        self._store = store
        self._attempts = attempts
        self._blobs = blobs

    def commands(self) -> list[Command]:
        """What a client may ask about a code that it was given."""
        return [
            Command(
                "contact.code_open",
                CodeOpen,
                CodeOpened,
                self.open,
                "See whose a code is, or which group it invites to.",
                rate="change",
            ),
            Command(
                "conversation.join",
                ConversationJoin,
                Joined,
                self.join,
                "Join a group by an invitation, or ask to.",
                rate="change",
            ),
        ]

    async def open(self, caller: Caller, params: CodeOpen) -> CodeOpened:
        """What it is for. Who opens a contact code is counted once; an invitation counts who joins.

        Raises:
            NotFound: there is no such code, or it opens nothing any more, or not for the caller.
            RateLimited: too many codes that were none.
        """
        user, hashed = caller.user_id, hash_of_typed(params.code)
        self._attempts.open_code(user, caller.where)

        def work(transaction: Transaction) -> tuple[CodeOpened, str | None]:
            good = _find(transaction, hashed, user)
            if good.kind == "contact":
                return CodeOpened(*open_contact_code(transaction, good, user)), None
            group, photo = _shown(transaction.connection, good, user)
            return CodeOpened(group=group), photo

        opened, photo = await self._store.write(work)
        self._attempts.code_opened(user, caller.where)
        if photo is None or opened.group is UNSET:
            return opened
        return CodeOpened(group=replace(opened.group, photo=await self._picture(photo)))

    async def join(self, caller: Caller, params: ConversationJoin) -> Joined:
        """A member, also where they are one already; or waiting, also where they have asked before.

        Raises:
            NotFound: there is no such code, or it does not work any more, or not for the caller.
            RateLimited: too many codes that were none.
        """
        user, hashed = caller.user_id, hash_of_typed(params.code)
        self._attempts.open_code(user, caller.where)

        def work(transaction: Transaction) -> Joined:
            connection = transaction.connection
            good = _find(transaction, hashed, user)
            if good.kind != "group":
                raise NotFound
            conversation = good.conversation_id
            if present(connection, conversation, [user]):
                return Joined("member", conversation)
            use_invitation(transaction, good, user)
            if good.approval:
                add_request(transaction, conversation, user, good.invitation)
                return Joined("waiting")
            join(transaction, conversation, good.id, [own_user(connection, user)], via="link")
            return Joined("member", conversation)

        joined = await self._store.write(work)
        self._attempts.code_opened(user, caller.where)
        return joined

    async def _picture(self, blob: str) -> str | UnsetType:
        try:
            info = await self._blobs.info(blob)
            data = await self._blobs.read(blob, max_bytes=MAX_PHOTO_BYTES)
        except (NotFound, TooLarge, FileDamaged):
            # Another took its place in this moment, or it cannot be shown to anybody.
            return UNSET
        if info is None:
            return UNSET
        return f"data:{info.media_type};base64,{base64.b64encode(data).decode()}"


def _find(transaction: Transaction, hashed: bytes, user: str) -> Any:
    """What `find_good` finds, if it is for ``user`` and its maker may still invite.

    Raises:
        NotFound: otherwise.
    """
    connection = transaction.connection
    good = find_good(connection, hashed, transaction.now_ms)
    if good.kind == "group":
        try:
            require(connection, good.id, good.conversation_id, Right.INVITE)
        except Failure:
            raise NotFound from None
        if is_banned(connection, good.conversation_id, user):
            raise NotFound
    return good


def _shown(connection: Connection, good: Any, user: str) -> tuple[GroupShown, str | None]:
    """The group, and the blob of its photo.

    Raises:
        NotFound: it is used up, and not by ``user``, who is no member either.
    """
    conversation = good.conversation_id
    is_in = bool(present(connection, conversation, [user]))
    if not is_in and not has_room(connection, good, user):
        raise NotFound
    row = connection.execute(_SHOWN, {"in_conversation": conversation}).one()
    waits = not is_in and has_asked(connection, conversation, user)
    shown = GroupShown(
        title=row.title,
        member_count=row.member_count,
        approval=bool(good.approval),
        state="member" if is_in else "waiting" if waits else "outside",
        conversation=conversation if is_in else UNSET,
        description=row.description or UNSET,
    )
    return shown, row.photo
