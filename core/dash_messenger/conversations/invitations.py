"""Invitations to a group: links by which people join it, made, listed and revoked.

Owns these commands. Who may is `access`'s; `accounts/code_maker` makes the codes, whose rows are
`accounts/invitation_rows`'; what becomes of who follows a link is `joining`'s. Invariant: an
invitation works as long as its maker may invite, whoever else may.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy import Connection, and_, bindparam, select

from dash_messenger.accounts.code_maker import CodeCreated, CodeMaker, CodeWish
from dash_messenger.accounts.directory import Name, users_by_id
from dash_messenger.accounts.invitation_rows import INFO_COLUMNS, revoke_group_invitation
from dash_messenger.clock import Clock
from dash_messenger.conversations.access import STANDING, Right, require, rights_of
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.store import Store, Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.tables import conversations, invitations, members, users

__all__ = ["Invitations"]

MAX_INVITES_PAGE = 200
# After the last: pages go from the newest on.
_LAST = "f" * 32

_i = invitations.c
# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_PAGE = (
    select(*INFO_COLUMNS, _i.made_by, _i.approval, users.c.deactivated_at_ms, *STANDING)
    .select_from(invitations)
    .join(conversations, conversations.c.id == _i.conversation_id)
    .join(users, users.c.id == _i.made_by)
    .outerjoin(
        members,
        and_(
            members.c.conversation_id == _i.conversation_id,
            members.c.user_id == _i.made_by,
            IS_PRESENT,
        ),
    )
    .where(
        _i.conversation_id == bindparam("in_conversation"),
        _i.revoked_at_ms.is_(None),
        _i.id < bindparam("after"),
    )
    .order_by(_i.id.desc())
    .limit(bindparam("limit"))
)

Id = Annotated[str, Meta(max_length=64)]


class InviteCreate(CodeWish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of ``conversation.invite_create``; what is left out has no end.

    ``uses`` is how many people may use the link. With ``approval`` they ask to join, and somebody
    who may invite lets them in. ``client_id`` names it: a retry gets the same link, which is shown
    in no other way again. It must be random, as UUIDs of version 4 and 7 are.
    """

    conversation: Id
    approval: bool = False


class InviteList(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.invite_list``; ``after`` is the last id of the page before."""

    conversation: Id
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_INVITES_PAGE)] = MAX_INVITES_PAGE


class InviteInfo(Struct, frozen=True):
    """An invitation, without the code: null is no label, no end, any number of ``uses``.

    ``used`` is how many people have used it. It does not work where it has expired or is used up,
    nor where ``made_by`` may not invite at the moment.
    """

    id: str
    made_by: str
    label: str | None
    created_at_ms: int
    expires_at_ms: int | None
    uses: int | None
    used: int
    approval: bool
    works: bool


class InvitesFound(Struct, frozen=True):
    """Result of ``conversation.invite_list``: the newest first, but for those that were revoked."""

    invites: list[InviteInfo]
    users: dict[str, Name]
    more: bool


class InviteRevoke(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.invite_revoke``: ``id`` may be of anybody's."""

    conversation: Id
    id: Id


class InviteRevoked(Struct, frozen=True):
    """Result of ``conversation.invite_revoke``."""

    id: str


class Invitations:
    """The commands ``conversation.invite_…``."""

    def __init__(self, store: Store, clock: Clock, public_url: str | None) -> None:
        self._store = store
        self._clock = clock
        self._maker = CodeMaker(store, "group", public_url)

    def commands(self) -> list[Command]:
        """What a client may ask about invitations."""
        return [
            Command(
                "conversation.invite_create",
                InviteCreate,
                CodeCreated,
                self.create,
                "Make a link by which people join a group.",
                rate="change",
            ),
            Command(
                "conversation.invite_list",
                InviteList,
                InvitesFound,
                self.list,
                "The links by which people join a group, a page at a time.",
                rate="cheap read",
            ),
            Command(
                "conversation.invite_revoke",
                InviteRevoke,
                InviteRevoked,
                self.revoke,
                "Let nobody join by a link any more.",
                rate="change",
            ),
        ]

    async def create(self, caller: Caller, params: InviteCreate) -> CodeCreated:
        """The invitation; a retry gets the same, whatever became of it meanwhile.

        Raises:
            NotFound: not a member.
            Forbidden: the caller may invite nobody.
            Refused: a direct conversation.
            InvalidParams: the label is too long, or it would have expired already.
            Conflict: the name was used for another one.
            TooManyCodes: as many of the caller's to this group still work as one may have.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        return await self._maker.make(
            user,
            params,
            conversation=conversation,
            approval=params.approval,
            allow=lambda connection: require(connection, user, conversation, Right.INVITE),
        )

    async def list(self, caller: Caller, params: InviteList) -> InvitesFound:
        """A page of them, whoever has made them, also of those that do not work any more.

        Raises:
            NotFound: not a member.
            Forbidden: the caller may invite nobody.
            Refused: a direct conversation.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        after = id_param(params.after, "after") if params.after else _LAST
        now_ms = self._clock()

        def work(connection: Connection) -> InvitesFound:
            require(connection, user, conversation, Right.INVITE)
            asked = {"in_conversation": conversation, "after": after, "limit": params.limit + 1}
            rows = connection.execute(_PAGE, asked).all()
            page = rows[: params.limit]
            return InvitesFound(
                [_info(row, now_ms) for row in page],
                users_by_id(connection, user, {row.made_by for row in page}),
                len(rows) > params.limit,
            )

        return await self._store.read(work)

    async def revoke(self, caller: Caller, params: InviteRevoke) -> InviteRevoked:
        """Its id; revoking it again changes nothing. Who has joined by it stays.

        Raises:
            NotFound: not a member, or the group has no such invitation.
            Forbidden: the caller may invite nobody.
            Refused: a direct conversation.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        id = id_param(params.id, "id")

        def work(transaction: Transaction) -> None:
            require(transaction.connection, user, conversation, Right.INVITE)
            revoke_group_invitation(transaction, conversation, id)

        await self._store.write(work)
        return InviteRevoked(id)


def _info(row: Any, now_ms: int) -> InviteInfo:
    works = (
        (row.expires_at_ms is None or row.expires_at_ms > now_ms)
        and (row.uses is None or row.used < row.uses)
        and row.deactivated_at_ms is None
        and Right.INVITE in rights_of(row)
    )
    return InviteInfo(
        id=row.id,
        made_by=row.made_by,
        label=row.label,
        created_at_ms=row.created_at_ms,
        expires_at_ms=row.expires_at_ms,
        uses=row.uses,
        used=row.used,
        approval=bool(row.approval),
        works=works,
    )
