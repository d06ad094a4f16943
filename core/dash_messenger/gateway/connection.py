"""JSON-RPC 2.0 over one socket: requests in, answers and notifications out.

Owns who is connected, what of theirs is in flight, and how failures are told. Must not know any
command. Invariants: every request gets exactly one answer unless the connection closes first;
requests start in the order in which they came; at most ``max_in_flight`` are under way, then
nothing more is read; a large answer waits until the client has taken what it was sent before; a
request that goes wrong costs nobody else anything.
"""

from __future__ import annotations

import asyncio
import http
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

import structlog
from msgspec import Raw
from websockets.datastructures import Headers
from websockets.http11 import Request as Handshake

from dash_messenger.accounts.security_log import Refusals
from dash_messenger.errors import (
    CloseCode,
    Failure,
    ForeignOrigin,
    InternalError,
    ParseError,
    TimedOut,
    Unauthenticated,
)
from dash_messenger.gateway.client_address import Addresses, Found
from dash_messenger.gateway.origin import Origins
from dash_messenger.gateway.websocket import WebSocket
from dash_messenger.protocol.commands import Answer, Caller
from dash_messenger.protocol.frames import text_frame
from dash_messenger.protocol.jsonrpc import decode_request, encode_error, encode_result, request_id

__all__ = ["Authenticate", "Connection", "Dispatcher", "Registry", "SignedIn"]

# A command that takes longer answers `timed_out`; what it wrote by then is written.
ANSWER_WITHIN_S = 30.0
# Frames in a row that are no requests: a client that sends more is broken or means harm.
MAX_MALFORMED = 20
# Longer than anybody waits for an answer after the server was told to stop.
SHUTDOWN_TIMEOUT_S = 2.0
MAX_USER_AGENT_CHARACTERS = 256
# An answer that waits until the client has taken what it was sent before.
LARGE_BYTES = 65_536
MAX_METHOD_CHARACTERS = 64

log = structlog.get_logger(__name__)


class SignedIn(Protocol):
    """The session that a handshake carries."""

    @property
    def id(self) -> str:
        """The session's id."""

    @property
    def user(self) -> str:
        """The user's id."""


class Authenticate(Protocol):
    """Finds sessions."""

    async def __call__(self, headers: Mapping[str, str], *, secure: bool) -> SignedIn | None:
        """The session that headers (found without regard to case) open, or None.

        ``secure`` says whether the client came by TLS.
        """


class Dispatcher(Protocol):
    """The registry of commands."""

    def dispatch(self, caller: Caller, name: str, params: Raw | bytes) -> Answer:
        """The answer on its way, or a `Failure` raised at once."""


class Registry(Protocol):
    """Who keeps the open connections: the hub."""

    def connect(self, connection: Connection) -> CloseCode | None:
        """Take a connection; the code to close it with if it may not stay."""

    def disconnect(self, connection: Connection) -> None:
        """Forget a connection; it must not be written to any more."""


class Connection(WebSocket):
    """One client. `Gateway` makes a subclass that carries the class attributes."""

    authenticate: ClassVar[Authenticate]
    commands: ClassVar[Dispatcher]
    hub: ClassVar[Registry]
    path: ClassVar[str]
    origins: ClassVar[Origins]
    addresses: ClassVar[Addresses]
    refusals: ClassVar[Refusals]

    __slots__ = (
        "_caller",
        "_in_flight",
        "_malformed",
        "_starting",
        "_stopping",
        "session",
        "user",
        "view",
    )

    user: str
    session: str
    view: str | None
    _caller: Caller

    # The handshake.

    def refuse(self, request: Handshake) -> tuple[http.HTTPStatus, str] | None:
        """Another path is not found; another site's page is forbidden."""
        if request.path.partition("?")[0] != self.path:
            return http.HTTPStatus.NOT_FOUND, "There is nothing here."
        headers = _joined(request.headers)
        allowed = self.origins.allow(
            headers.get("Origin"),
            host=headers.get("Host"),
            secure=self._found(headers).secure,
            cookie=headers.get("Cookie") is not None,
            bearer=(headers.get("Authorization") or "").lower().startswith("bearer "),
        )
        if not allowed:
            place = self._found(headers).place
            nobody = Caller(None, None, place.address, place=place)
            self.refusals.tell(nobody, self.path, ForeignOrigin())
            return http.HTTPStatus.FORBIDDEN, "Requests from other sites are not accepted."
        return None

    async def admit(self, request: Handshake) -> tuple[CloseCode, str] | None:
        """Nobody without an open session."""
        kind = type(self)
        headers = _joined(request.headers)
        place, secure = self._found(headers)
        try:
            signed_in = await kind.authenticate(headers, secure=secure)
        except Failure as failure:
            code = CloseCode.OVERLOADED if failure.retryable else CloseCode.UNAUTHENTICATED
            return code, failure.key
        if signed_in is None:
            nobody = Caller(None, None, place.address, place=place)
            self.refusals.tell(nobody, self.path, Unauthenticated())
            return CloseCode.UNAUTHENTICATED, "log in first"
        self._in_flight = self._malformed = self._starting = 0
        self._stopping = False
        self.user, self.session, self.view = signed_in.user, signed_in.id, None
        self._caller = Caller(
            user=self.user,
            session=self.session,
            address=place.address,
            place=place,
            connection=self,
            user_agent=(headers.get("User-Agent") or "")[:MAX_USER_AGENT_CHARACTERS],
        )
        return None

    def _found(self, headers: Headers) -> Found:
        found = self.addresses(self.peer, headers)
        return found._replace(secure=found.secure or self.encrypted)

    def opened(self) -> None:
        """Make it known to the hub, which has the last word."""
        refusal = self.hub.connect(self)
        if refusal is not None:
            self.close(refusal, refusal.name.lower().replace("_", " "))

    def closed(self) -> None:
        """Nothing reaches this client any more."""
        self.hub.disconnect(self)

    def shutdown(self) -> None:
        """Answer what is under way, then close so that the client comes back."""
        if self.closing or not self.is_open or self._in_flight == 0:
            super().shutdown()
        else:
            self._stopping = True
            self.pause()
            self._loop.call_later(SHUTDOWN_TIMEOUT_S, super().shutdown)

    # Requests.

    def text_received(self, payload: bytes) -> None:
        """Start a request, or say what is wrong with it."""
        try:
            request = decode_request(payload)
        except Failure as failure:
            self._refuse_malformed(payload, failure)
            return
        self._malformed = 0
        if self._starting:
            # An earlier request has a task that has not run yet: it is not to be overtaken.
            self._run(self._dispatch_in_turn(request.id, request.method, request.params))
            return
        answer = self._dispatch(request.id, request.method, request.params)
        if answer is None:
            return
        if isinstance(answer, asyncio.Future):
            self._take_off()
            answer.add_done_callback(partial(self._answer, request.id, request.method))
        else:
            self._run(self._finish(request.id, request.method, answer))

    def _dispatch(self, id: int | str, method: str, params: Raw) -> Answer | None:
        try:
            return self.commands.dispatch(self._caller, method, params)
        except Failure as failure:
            self._refuse(id, method, failure)
        # The edge to commands, plugins' too: a defect is told as such and logged.
        except Exception as error:
            self._tell_defect(id, method, error)
        return None

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._take_off()
        self._starting += 1
        self.create_task(work)

    async def _dispatch_in_turn(self, id: int | str, method: str, params: Raw) -> None:
        answer = self._dispatch(id, method, params)
        if answer is None:
            self._starting -= 1
            self._land()
        else:
            await self._finish(id, method, answer)

    async def _finish(self, id: int | str, method: str, answer: Answer) -> None:
        self._starting -= 1
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                frame = encode_result(id, await answer)
            if len(frame) > LARGE_BYTES:
                # Beside what waits already it could be more than the client may let wait.
                await self.drained()
            self.write(text_frame(frame))
        except Failure as failure:
            self._refuse(id, method, failure)
        except TimeoutError:
            self.write(text_frame(encode_error(id, TimedOut())))
        # As above.
        except Exception as error:
            self._tell_defect(id, method, error)
        finally:
            self._land()

    def _answer(self, id: int | str, method: str, answer: asyncio.Future[Any]) -> None:
        """A request that needed no task is done."""
        if not answer.cancelled():
            failure = answer.exception()
            if failure is None:
                self.write(text_frame(encode_result(id, answer.result())))
            elif isinstance(failure, Failure):
                self._refuse(id, method, failure)
            else:
                self._tell_defect(id, method, failure)
        self._land()

    def _refuse(self, id: int | str, method: str, failure: Failure) -> None:
        self.refusals.tell(self._caller, method[:MAX_METHOD_CHARACTERS], failure)
        self.write(text_frame(encode_error(id, failure)))

    def _take_off(self) -> None:
        self._in_flight += 1
        if self._in_flight >= self.limits.max_in_flight:
            self.pause()

    def _land(self) -> None:
        self._in_flight -= 1
        if self._stopping:
            if self._in_flight == 0:
                super().shutdown()
        elif self._full:
            self.resume()

    def _tell_defect(self, id: int | str, method: str, error: BaseException) -> None:
        log.error("command_failed", command=method, request=id, user=self.user, exc_info=error)
        self.write(text_frame(encode_error(id, InternalError())))

    def _refuse_malformed(self, payload: bytes, failure: Failure) -> None:
        self._malformed += 1
        if self._malformed > MAX_MALFORMED:
            self.close(CloseCode.PROTOCOL_ABUSED, "too many frames that are no requests")
            return
        id = None if isinstance(failure, ParseError) else request_id(payload)
        self.write(text_frame(encode_error(id, failure)))


def _joined(headers: Headers) -> Headers:
    """Headers with each name once, as RFC 9110, section 5.3, lets several be joined."""
    names = dict.fromkeys(name.lower() for name, _ in headers.raw_items())
    return Headers((name, ", ".join(headers.get_all(name))) for name in names)
