"""Acting on messages: what their types declare with `action`.

Owns ``message.act``, and who may. Invariant: a type's code runs before the transaction, never
inside; what it decided is stored only if the message has not changed since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct

from dash_messenger.clock import Clock
from dash_messenger.conversations.access import Right
from dash_messenger.errors import Forbidden, InvalidParams
from dash_messenger.ids import id_param
from dash_messenger.isolation.content_work import ActWork, Outcome
from dash_messenger.isolation.contents import Contents
from dash_messenger.locks import Locks
from dash_messenger.messages.revisions import (
    Answers,
    Found,
    find,
    put_mark,
    put_revision,
)
from dash_messenger.plugin_api.actions import Action
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.store import Store, Transaction
from dash_messenger.store.optimistic import Overtaken, retry

__all__ = ["MessageAct", "MessageActions"]

Id = Annotated[str, Meta(max_length=64)]


class MessageAct(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.act``: ``params`` are what the action of the type declares.

    ``client_id`` is any UUID that this user uses once: a retry is answered, not repeated.
    """

    message: Id
    action: Annotated[str, Meta(max_length=64)]
    client_id: Id
    params: Raw = Raw(b"{}")


class ActionDone(Struct, frozen=True):
    """Result of ``message.act``: the message's revision, and what the caller has put on it."""

    id: str
    rev: int
    mark: Any = None


class MessageActions:
    """The command ``message.act``."""

    def __init__(
        self,
        store: Store,
        contents: Contents,
        *,
        clock: Clock,
        locks: Locks[str],
    ) -> None:
        self._store = store
        self._contents = contents
        self._clock = clock
        self._locks = locks

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.act",
                MessageAct,
                ActionDone,
                self.act,
                "Do what the message's type offers: vote, close, …",
                rate="write",
            )
        ]

    async def act(self, caller: Caller, params: MessageAct) -> ActionDone:
        """The message after the action.

        Raises:
            NotFound: no such message, deleted, or not for the caller.
            InvalidParams: the type has no such action, or its parameters do not fit.
            Forbidden: the action is for somebody else.
            MessagesNotAccepted, RequestPending, BlockedByYou: as for `message.send`.
            ActionRefused: it is not possible now.
            ContentTooCostly: working on it takes too much; nothing changed.
            PluginFailed: the type's code failed; nothing changed.
            TimedOut: it took too long.
            Conflict: ``client_id`` was used for something else.
            RateLimited, Busy: try again later.
        """
        user = caller.user_id
        return await self.act_as(user, params)

    async def act_as(self, user: str, params: MessageAct, *, by_bot: bool = False) -> ActionDone:
        """The same for any user; ``by_bot``: a plugin's, who need not be a member."""
        message = id_param(params.message, "message")
        answers = Answers(
            "message.act",
            user,
            id_param(params.client_id, "client_id"),
            message.encode(),
            params.action.encode(),
            bytes(params.params),
        )

        async def attempt() -> ActionDone:
            found = await self._store.read(
                lambda connection: (
                    answers.known(connection) or find(connection, message, user, by_bot=by_bot)
                )
            )
            if isinstance(found, bytes):
                return msgspec.json.decode(found, type=ActionDone)
            declared = self._declared(found, params)
            _check(declared, found, user, by_bot)
            outcome = await self._contents.act(self._work(found, user, params))
            return await self._store.write(
                _storing(found, declared, outcome, user, answers, by_bot)
            )

        # Others may change the message meanwhile only from another process.
        async with self._locks(message):
            return await retry(attempt)

    def _declared(self, found: Found, params: MessageAct) -> Action:
        """The action as the message's type declares it.

        Raises:
            InvalidParams: there is none of that name.
        """
        declared = self._contents.types.actions(found.message.type).get(params.action)
        if declared is None:
            raise InvalidParams(field="action", reason=f"there is no action {params.action!r}")
        return declared

    def _work(self, found: Found, user: str, params: MessageAct) -> ActWork:
        """What the action is given."""
        message = found.message
        return ActWork(
            type=message.type,
            action=params.action,
            params=bytes(params.params),
            content=bytes(message.content or b"null"),
            version=found.type_version,
            state=None if message.state is UNSET else bytes(message.state),
            mark=found.mark,
            id=message.id,
            conversation=message.conversation,
            sender=message.sender,
            by=user,
            now_ms=self._clock(),
        )


def _check(declared: Action, found: Found, user: str, by_bot: bool) -> None:
    """Return if the action is for ``user``, and the other one of a direct conversation takes it.

    Raises:
        Forbidden: it is for somebody else.
        MessagesNotAccepted, RequestPending, BlockedByYou: as for `message.send`.
    """
    is_author = user == found.message.sender
    may = {
        "member": by_bot or Right.REACT in found.rights,
        "author": is_author,
        "admin": is_author or Right.ACT_AS_ADMIN in found.rights,
        "bot": by_bot,
    }
    if not may[declared.may]:
        raise Forbidden
    if not by_bot:
        found.require_taken()


def _storing(
    found: Found, declared: Action, outcome: Outcome, user: str, answers: Answers, by_bot: bool
) -> Callable[[Transaction], ActionDone]:
    def work(transaction: Transaction) -> ActionDone:
        known = answers.known(transaction.connection)
        if known is not None:
            return msgspec.json.decode(known, type=ActionDone)
        # Rights may have gone since it was decided.
        now = find(transaction.connection, found.message.id, user, by_bot=by_bot)
        _check(declared, now, user, by_bot)
        if now.message.rev != found.message.rev or now.mark != found.mark:
            raise Overtaken
        message = now.message
        state_before = None if message.state is UNSET else bytes(message.state)
        if outcome.state_changes and outcome.state != state_before:
            message = put_revision(
                transaction, message, user, {"state": outcome.state, "text": outcome.text}
            )
        mark = now.mark
        if outcome.mark_changes and outcome.mark != mark:
            mark = outcome.mark
            put_mark(transaction, message, user, mark)
        done = ActionDone(message.id, message.rev, None if mark is None else Raw(mark))
        answers.keep(transaction, done)
        return done

    return work
