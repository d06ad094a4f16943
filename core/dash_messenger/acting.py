"""Acting on messages: what their types declare with `action`.

Owns ``message.act``. Invariant: a type's code runs on a thread of its own, never on the loop and
never inside a transaction; what it decided is stored only if the message has not changed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import UNSET, Meta, Raw, Struct
from msgspec.structs import asdict

from dash_messenger.actions import Acted, Action, Change, Refuse
from dash_messenger.changing import (
    Answers,
    Found,
    Overtaken,
    find,
    put_mark,
    put_revision,
)
from dash_messenger.clock import Clock
from dash_messenger.commands import Caller, Command
from dash_messenger.deciding import Deciding
from dash_messenger.errors import (
    ActionRefused,
    Busy,
    Failure,
    Forbidden,
    InvalidParams,
)
from dash_messenger.limits import Buckets
from dash_messenger.locks import Locks
from dash_messenger.messages import MessageTypes
from dash_messenger.protocol import decode_params
from dash_messenger.store import Store, Transaction
from dash_messenger.summaries import id_param

__all__ = ["Acting", "MessageAct"]

BURST = 300
PER_S = 20
# Others may change a message between reading and writing only from another process.
TRIES = 8
SLOW_MS = 50
MAX_MARK_BYTES = 4_096

Id = Annotated[str, Meta(max_length=64)]

log = structlog.get_logger(__name__)


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


class _Decision(Struct, frozen=True):
    """What an action came to."""

    found: Found
    state: bytes | None
    text: str
    state_changes: bool
    mark: bytes | None
    mark_changes: bool


class Acting:
    """The command ``message.act``."""

    def __init__(
        self,
        store: Store,
        types: MessageTypes,
        *,
        clock: Clock,
        rate_limits: bool,
        locks: Locks[str],
        deciding: Deciding,
    ) -> None:
        self._store = store
        self._types = types
        self._clock = clock
        self._locks = locks
        self._deciding = deciding
        self._buckets = Buckets(burst=BURST, per_s=PER_S, enabled=rate_limits)

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.act",
                MessageAct,
                ActionDone,
                self.act,
                "Do what the message's type offers: vote, close, …",
            )
        ]

    async def act(self, caller: Caller, params: MessageAct) -> ActionDone:
        """The message after the action.

        Raises:
            NotFound: no such message, deleted, or not for the caller.
            InvalidParams: the type has no such action, or its parameters do not fit.
            Forbidden: the action is for somebody else.
            ActionRefused: it is not possible now.
            PluginFailed: the type's code failed; nothing changed.
            TimedOut: it took more than 2 s.
            Conflict: ``client_id`` was used for something else.
            RateLimited, Busy: try again later.
        """
        user = caller.user_id
        self._buckets.take(user)
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
        async with self._locks(message):
            for _ in range(TRIES):
                found = await self._store.read(
                    lambda connection: (
                        answers.known(connection) or find(connection, message, user, by_bot=by_bot)
                    )
                )
                if isinstance(found, bytes):
                    return msgspec.json.decode(found, type=ActionDone)
                decided = await self._deciding.run(
                    found.message.type,
                    "action",
                    partial(self._decide, found, user, params, by_bot),
                    action=params.action,
                    message=message,
                )
                try:
                    return await self._store.write(_storing(decided, user, answers, by_bot))
                except Overtaken:
                    continue
        raise Busy

    def _decide(self, found: Found, user: str, params: MessageAct, by_bot: bool) -> _Decision:
        """What the action decides, on a thread of its own."""
        type_name = found.message.type
        declared = self._types.actions(type_name).get(params.action)
        if declared is None:
            raise InvalidParams(field="action", reason=f"there is no action {params.action!r}")
        if not _may(declared, found, user, by_bot):
            raise Forbidden
        given = decode_params(declared.decoder, params.params)
        types = self._types
        content = types.decode(type_name, found.message.content or b"null", found.type_version)
        if content is None:
            raise InvalidParams(field="message", reason="was written by another version")
        state_before = None if found.message.state is UNSET else bytes(found.message.state)
        state = types.decode_state(type_name, state_before)
        acted = Acted(
            id=found.message.id,
            conversation=found.message.conversation,
            sender=found.message.sender,
            by=user,
            content=content,
            state=state,
            mark=types.decode_mark(type_name, found.mark),
            now_ms=self._clock(),
        )
        started = time.perf_counter()
        outcome = _run(declared, acted, given)
        if isinstance(outcome, Refuse):
            raise ActionRefused(**outcome.told())
        if outcome.state is not UNSET:
            state = outcome.state
        decision = _Decision(
            found,
            None if state is None else types.encode_state(type_name, state),
            types.text(type_name, content, state),
            state_changes=outcome.state is not UNSET,
            mark=None if outcome.mark is None else _mark(types, outcome.mark),
            mark_changes=outcome.mark is not UNSET,
        )
        took_ms = (time.perf_counter() - started) * 1000
        if took_ms > SLOW_MS:
            log.warning("action_slow", type=type_name, action=params.action, took_ms=round(took_ms))
        return decision


def _run(declared: Action, acted: Acted[Any, Any, Any], given: Struct) -> Change | Refuse:
    try:
        outcome = declared.run(acted, **asdict(given))
    except Failure as error:
        raise TypeError(f"action {declared.name} raised {error!r}; it can return Refuse") from error
    if not isinstance(outcome, Change | Refuse):
        raise TypeError(f"action {declared.name} returned {outcome!r}")
    return outcome


def _may(declared: Action, found: Found, user: str, by_bot: bool) -> bool:
    if declared.may == "member":
        return True
    if declared.may == "author":
        return user == found.message.sender
    if declared.may == "admin":
        return found.may_change(user)
    return by_bot


def _mark(types: MessageTypes, mark: object) -> bytes:
    if mark is UNSET:
        return b"null"
    encoded = types.encode(mark)
    if len(encoded) > MAX_MARK_BYTES:
        raise ValueError(f"the mark has {len(encoded)} bytes")
    return encoded


def _storing(
    decision: _Decision, user: str, answers: Answers, by_bot: bool
) -> Callable[[Transaction], ActionDone]:
    def work(transaction: Transaction) -> ActionDone:
        known = answers.known(transaction.connection)
        if known is not None:
            return msgspec.json.decode(known, type=ActionDone)
        # Rights may have gone since it was decided.
        now = find(transaction.connection, decision.found.message.id, user, by_bot=by_bot)
        if now.message.rev != decision.found.message.rev or now.mark != decision.found.mark:
            raise Overtaken
        message = now.message
        state_before = None if message.state is UNSET else bytes(message.state)
        if decision.state_changes and decision.state != state_before:
            message = put_revision(
                transaction, message, user, {"state": decision.state, "text": decision.text}
            )
        mark = now.mark
        if decision.mark_changes and decision.mark != mark:
            mark = decision.mark
            put_mark(transaction, message, user, mark)
        done = ActionDone(message.id, message.rev, None if mark is None else Raw(mark))
        answers.keep(transaction, done)
        return done

    return work
