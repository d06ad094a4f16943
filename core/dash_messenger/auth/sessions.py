"""Sessions: closing them, and finding the one that a request carries.

Owns their rows. Must not know what somebody has to show before a session opens. Invariant: a token
is stored only as its SHA-256 (it has 256 random bits, so that a slow hash adds nothing), stands in
no URL and in no log; a closed, expired or deactivated one opens nothing, and its sockets are closed
before the closing is acknowledged, or within a second where another process closed it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import structlog
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Connection, Executable, bindparam, delete, insert, select, update

from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.auth.tokens import cookie_name, hash_token, new_token, read_cookie
from dash_messenger.clock import Clock
from dash_messenger.errors import CloseCode, Failure, InvalidParams, LoginEnded, NotFound
from dash_messenger.ids import IdMaker, parse_id
from dash_messenger.plugin_api.web import Headers
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.settings import Settings
from dash_messenger.store import Store, Transaction
from dash_messenger.store.access import session_is_open
from dash_messenger.store.tables import logins, sessions, users

__all__ = [
    "DEACTIVATED",
    "MAX_USER_AGENT_CHARACTERS",
    "Closer",
    "OpenSession",
    "Session",
    "SessionOpened",
    "Sessions",
    "close_sessions_of",
]

log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
# Often enough to show "last seen" and to move the expiry, rare enough to cost no writes.
SEEN_EVERY_MS = 3_600_000
MAX_USER_AGENT_CHARACTERS = 256
# Sessions end within a second, wherever they were closed.
SWEEP_EVERY_S = 0.5
SWEEP_MARGIN_MS = 5_000
# Why a session was closed, where its sockets are told it.
DEACTIVATED = "deactivated"
# After a restart thousands come at once: the others wait here, each in its turn, instead of filling
# the readers' queue, which would be busy for everybody.
LOOKS_AT_ONCE = 100

# Made once: making it took most of what looking a session up cost.
_OPEN_SESSION = (
    select(sessions.c.id, sessions.c.user_id, sessions.c.last_seen_at_ms)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.token_hash == bindparam("hashed"), session_is_open(bindparam("now_ms")))
)


class Session(Struct, frozen=True):
    """A session, as its owner sees it in the list of devices."""

    id: str
    kind: str
    created_at_ms: int
    last_seen_at_ms: int
    expires_at_ms: int
    user_agent: str
    current: bool


class SessionOpened(Struct, frozen=True):
    """Result of ``session.open``: the token is shown this once, and not where it is a cookie."""

    user: User
    session: str
    kind: Literal["token", "cookie"]
    expires_at_ms: int
    token: str | UnsetType = UNSET


class SessionClose(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``session.close``: one of one's own sessions; this one if left out."""

    session: str | None = None


class SessionClosed(Struct, frozen=True):
    """Result of ``session.close``."""

    session: str


class SessionCloseOthers(Struct, frozen=True, forbid_unknown_fields=True):
    """``session.close_others`` has no parameters."""


class OthersClosed(Struct, frozen=True):
    """Result of ``session.close_others``: how many there were."""

    sessions_closed: int


class SessionList(Struct, frozen=True, forbid_unknown_fields=True):
    """``session.list`` has no parameters."""


class SessionsFound(Struct, frozen=True):
    """Result of ``session.list``: the open ones, last used first."""

    sessions: list[Session]


@dataclass(frozen=True, slots=True)
class OpenSession:
    """The session a request carries; ``by`` says how, ``moved`` that it ends later from now on."""

    id: str
    user: str
    by: Literal["cookie", "bearer"]
    moved: bool = False


class Closer(Protocol):
    """Closes the sockets of sessions: the hub."""

    def close_sessions(self, sessions: list[str], code: CloseCode) -> None:
        """Close every socket that one of ``sessions`` opened."""


class Sessions:
    """The commands about open sessions, and the one way to authenticate."""

    def __init__(self, store: Store, closer: Closer, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._closer = closer
        self._clock = clock
        self._lifetime_ms = settings.session_days * DAY_MS
        self._settings = settings
        self._new_id = IdMaker()
        self._places = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._sweeper: asyncio.Task[None] | None = None

    def commands(self) -> list[Command]:
        """What a client may ask about sessions."""
        return [
            Command(
                "session.close", SessionClose, SessionClosed, self.close, "Log out.", rate="change"
            ),
            Command(
                "session.close_others",
                SessionCloseOthers,
                OthersClosed,
                self.close_others,
                "Log out everywhere else.",
                rate="change",
            ),
            Command(
                "session.list",
                SessionList,
                SessionsFound,
                self.list_open,
                "One's open sessions.",
                rate="cheap read",
            ),
        ]

    def start(self) -> None:
        """Look twice a second for sessions that another process closed: a command of an admin's."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def aclose(self) -> None:
        """Look no more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])

    async def _sweep(self) -> None:
        since_ms, told = self._clock(), dict[str, CloseCode]()
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            # What commits late carries the time at which it was begun.
            now_ms, from_ms = self._clock(), since_ms - SWEEP_MARGIN_MS
            try:
                closed = await self._store.read(partial(_closed_since, at_ms=from_ms))
            # The root of a task: it looks again in a moment.
            except Exception:
                log.exception("closed_sessions_not_read")
                continue
            since_ms, known, told = now_ms, told, closed
            for session in told.keys() - known.keys():
                self._closer.close_sessions([session], closed[session])

    async def authenticate(self, headers: Headers, *, secure: bool) -> OpenSession | None:
        """The session whose token the headers carry: ``Authorization: Bearer``, else the cookie.

        ``secure`` says whether the client came by TLS: the cookie has another name then.
        """
        by: Literal["cookie", "bearer"] = "cookie"
        authorization = headers.get("Authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            by = "bearer"
            if scheme.lower() != "bearer":
                return None
            token = token.strip()
        else:
            name = cookie_name(self._settings.by_tls(secure))
            token = read_cookie(headers.get("Cookie") or "", name)
        if not 16 <= len(token) <= 128:
            return None
        hashed = hash_token(token)
        now_ms = self._clock()
        async with self._places:
            row = await self._store.read(lambda connection: _find(connection, hashed, now_ms))
        if row is None:
            return None
        session, user, last_seen_at_ms = row
        moved = now_ms - last_seen_at_ms > SEEN_EVERY_MS and await self._see(session, now_ms)
        return OpenSession(session, user, by, moved)

    async def _see(self, session: str, now_ms: int) -> bool:
        """Have a session end later; whether it does."""
        change = (
            update(sessions)
            .where(sessions.c.id == session)
            .values(last_seen_at_ms=now_ms, expires_at_ms=now_ms + self._lifetime_ms)
        )
        try:
            await self._store.write(_execute(change))
        except Failure:
            # The session is good; only its expiry did not move this time.
            return False
        return True

    def make(
        self, user: User, kind: Literal["token", "cookie"], user_agent: str
    ) -> tuple[SessionOpened, Callable[[Transaction], None]]:
        """A new session for a user who has shown all there is to show, and the storing of it.

        The storing raises `LoginEnded` if the account was deactivated in the meantime.
        """
        token = new_token()
        now_ms = self._clock()
        session = self._new_id()
        expires_at_ms = now_ms + self._lifetime_ms
        row = insert(sessions).values(
            id=session,
            token_hash=hash_token(token),
            user_id=user.id,
            kind=kind,
            created_at_ms=now_ms,
            last_seen_at_ms=now_ms,
            expires_at_ms=expires_at_ms,
            user_agent=user_agent[:MAX_USER_AGENT_CHARACTERS],
        )
        active = select(users.c.id).where(
            users.c.id == user.id, users.c.deactivated_at_ms.is_(None)
        )

        def store(transaction: Transaction) -> None:
            if transaction.connection.execute(active).first() is None:
                raise LoginEnded
            transaction.connection.execute(row)

        return SessionOpened(user, session, kind, expires_at_ms, token), store

    async def close(self, caller: Caller, params: SessionClose) -> SessionClosed:
        """Close one of one's own sessions; its sockets are closed before this returns.

        Raises:
            NotFound: not one's own, or closed already.
        """
        user, session = caller.user_id, caller.session or ""
        if params.session is not None:
            try:
                session = parse_id(params.session)
            except ValueError:
                raise InvalidParams(field="session", reason="is not an id") from None

        def work(transaction: Transaction) -> None:
            closed = transaction.connection.execute(
                update(sessions)
                .where(
                    sessions.c.id == session,
                    sessions.c.user_id == user,
                    sessions.c.closed_at_ms.is_(None),
                )
                .values(closed_at_ms=transaction.now_ms, closed_because="logout")
            )
            if closed.rowcount != 1:
                raise NotFound

        await self._store.write(work)
        self._closer.close_sessions([session], CloseCode.SESSION_CLOSED)
        note(SecurityEvent.LOGGED_OUT, caller, closed=session)
        return SessionClosed(session)

    async def close_others(self, caller: Caller, params: SessionCloseOthers) -> OthersClosed:
        """Close all of one's own sessions but this one; their sockets are closed before this
        returns. Log-ins that wait for something end too.
        """
        user, keep = caller.user_id, caller.session
        closed = await self._store.write(
            lambda transaction: close_sessions_of(transaction, user, "logout", keep=keep)
        )
        self._closer.close_sessions(closed, CloseCode.SESSION_CLOSED)
        note(SecurityEvent.SESSIONS_CLOSED, caller, count=len(closed), because="logout")
        return OthersClosed(len(closed))

    async def list_open(self, caller: Caller, params: SessionList) -> SessionsFound:
        """One's open sessions."""
        user, now_ms = caller.user_id, self._clock()
        rows = await self._store.read(
            lambda connection: connection.execute(
                select(
                    sessions.c.id,
                    sessions.c.kind,
                    sessions.c.created_at_ms,
                    sessions.c.last_seen_at_ms,
                    sessions.c.expires_at_ms,
                    sessions.c.user_agent,
                )
                .where(
                    sessions.c.user_id == user,
                    sessions.c.closed_at_ms.is_(None),
                    sessions.c.expires_at_ms > now_ms,
                )
                .order_by(sessions.c.last_seen_at_ms.desc())
                .limit(200)
            ).all()
        )
        return SessionsFound(
            [Session(*row[:5], row[5] or "", row[0] == caller.session) for row in rows]
        )


def close_sessions_of(
    transaction: Transaction, user: str, because: str, *, keep: str | None = None
) -> list[str]:
    """Close a user's sessions but ``keep``, and end the log-ins that wait for something.

    The ids of the closed ones, whose sockets are to be closed next.
    """
    transaction.connection.execute(delete(logins).where(logins.c.user_id == user))
    closed = transaction.connection.execute(
        update(sessions)
        .where(
            sessions.c.user_id == user,
            sessions.c.closed_at_ms.is_(None),
            *(() if keep is None else (sessions.c.id != keep,)),
        )
        .values(closed_at_ms=transaction.now_ms, closed_because=because)
        .returning(sessions.c.id)
    )
    return [row[0] for row in closed]


def _closed_since(connection: Connection, at_ms: int) -> dict[str, CloseCode]:
    """The sessions that were closed, with what their sockets are told."""
    rows = connection.execute(
        select(sessions.c.id, sessions.c.closed_because).where(sessions.c.closed_at_ms >= at_ms)
    )
    return {
        id: CloseCode.ACCOUNT_DEACTIVATED if because == DEACTIVATED else CloseCode.SESSION_CLOSED
        for id, because in rows
    }


def _find(connection: Connection, hashed: bytes, now_ms: int) -> tuple[str, str, int] | None:
    row = connection.execute(_OPEN_SESSION, {"hashed": hashed, "now_ms": now_ms}).first()
    return None if row is None else (row[0], row[1], row[2])


def _execute(statement: Executable) -> Callable[[Transaction], None]:
    def work(transaction: Transaction) -> None:
        transaction.connection.execute(statement)

    return work
