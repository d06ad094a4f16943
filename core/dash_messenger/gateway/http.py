"""HTTP: every command as ``POST /api/COMMAND``, ``GET /healthz``, and the guard of all routes.

Owns the Quart application. Must not know what commands do, nor which pages plugins add. Invariant:
one guard runs before every route, a plugin's too: without a session nothing is answered but what
stands on the list of open paths and the commands registered as anonymous, and nothing that another
site's page asked for is done.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
from quart import Quart, Response, g, request
from werkzeug.exceptions import HTTPException

from dash_messenger.accounts.security_log import Refusals
from dash_messenger.auth.sessions import OpenSession, SessionClosed, SessionOpened, Sessions
from dash_messenger.auth.tokens import (
    cookie_name,
    device_cookie_name,
    device_of,
    new_device,
    read_cookie,
)
from dash_messenger.blobs import BlobStore
from dash_messenger.blobs.transfers import Transfers
from dash_messenger.errors import (
    Failure,
    ForeignOrigin,
    InternalError,
    NotFound,
    ParseError,
    TimedOut,
    TooLarge,
    Unauthenticated,
    UnknownCommand,
    UpgradeRequired,
)
from dash_messenger.gateway.client_address import Addresses, BehindProxies, place_of
from dash_messenger.gateway.downloads import add_downloads
from dash_messenger.gateway.drain import DrainedBodies
from dash_messenger.gateway.origin import Origins
from dash_messenger.gateway.uploads import Uploads
from dash_messenger.places import Place
from dash_messenger.plugin_api.web import Headers
from dash_messenger.protocol.commands import Caller, Commands
from dash_messenger.protocol.jsonrpc import MAX_INBOUND_BYTES, http_error_body
from dash_messenger.settings import Settings

__all__ = ["OpenPaths", "make_app"]

# Pages' callbacks send more than commands do; files have routes with limits of their own.
MAX_BODY_BYTES = 1_048_576
BODY_TIMEOUT_S = 10
COMMAND_TIMEOUT_S = 30
MAX_USER_AGENT_CHARACTERS = 256
MAX_PATH_CHARACTERS = 64
# The most that browsers keep a cookie (RFC 6265bis, section 5.5).
DEVICE_DAYS = 400
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
SOCKET_PATH = "/ws"
# A proxy that does not pass the upgrade on makes every client come again and again.
UPGRADE_LOGGED_EVERY_S = 60.0
ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

# For answers that set none of their own; pages do.
DEFAULT_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder()


class OpenPaths:
    """The paths that need no session: exact ones, and prefixes where they end in ``/``."""

    def __init__(self) -> None:
        self._exact = {"/healthz", SOCKET_PATH}
        self._prefixes: tuple[str, ...] = ("/api/",)

    def add(self, *paths: str) -> None:
        """Open more; the single ``/`` is a path, not a prefix of all.

        Raises:
            ValueError: it is no path.
        """
        for path in paths:
            if not path.startswith("/"):
                raise ValueError(f"{path!r} is not a path")
            self._exact.add(path)
            if path.endswith("/") and path != "/":
                self._prefixes += (path,)

    def __contains__(self, path: str) -> bool:
        return path in self._exact or path.startswith(self._prefixes)

    def copy(self) -> OpenPaths:
        """The same paths, to come back to."""
        other = OpenPaths()
        other._exact, other._prefixes = set(self._exact), self._prefixes
        return other

    def restore(self, other: OpenPaths) -> None:
        """Open what ``other`` opens and nothing else."""
        self._exact, self._prefixes = set(other._exact), other._prefixes


def make_app(
    commands: Commands,
    sessions: Sessions,
    settings: Settings,
    open_paths: OpenPaths,
    addresses: Addresses,
    origins: Origins,
    refusals: Refusals,
    is_ready: Callable[[], bool],
    blobs: BlobStore,
    transfers: Transfers,
) -> Quart:
    """The application, to which plugins add their routes."""
    app = Quart("dash_messenger", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        BODY_TIMEOUT=BODY_TIMEOUT_S,
        # Only `__Host-session`, `__Host-device` and two choices of the pages are cookies here.
        SECRET_KEY=None,
    )
    http = _Http(commands, sessions, settings, open_paths, origins, refusals)
    app.before_request(http.guard)
    app.after_request(http.protect)
    app.register_error_handler(Failure, http.refuse)
    app.register_error_handler(HTTPException, http.refuse_http)
    app.add_url_rule("/api/", "api_root", http.command, methods=ALL_METHODS)
    app.add_url_rule("/api/<path:command>", "api", http.command, methods=ALL_METHODS)

    async def healthz() -> Response:
        if not is_ready():
            return _json({"status": "not ready"}, 503)
        disk = await blobs.quotas.disk()
        status = "ok" if disk == "ok" else f"disk {disk}"
        return _json({"status": status}, 503 if disk == "full" else 200)

    app.add_url_rule("/healthz", "healthz", healthz, methods=["GET"])
    app.add_url_rule(SOCKET_PATH, "socket", http.socket, methods=["GET"])
    add_downloads(app, blobs, transfers)
    drained = DrainedBodies(app.asgi_app, max_bytes=MAX_BODY_BYTES)  # type: ignore[arg-type]
    uploads = Uploads(
        drained,
        blobs,
        http.admit,
        transfers,
        max_bytes=settings.max_upload_bytes,
        rate_limits=settings.rate_limits,
    )
    app.asgi_app = BehindProxies(uploads, addresses)  # type: ignore[method-assign, assignment]
    return app


class _Http:
    """The guard and the commands."""

    def __init__(
        self,
        commands: Commands,
        sessions: Sessions,
        settings: Settings,
        open_paths: OpenPaths,
        origins: Origins,
        refusals: Refusals,
    ) -> None:
        self._commands = commands
        self._sessions = sessions
        self._settings = settings
        self._open_paths = open_paths
        self._origins = origins
        self._refusals = refusals
        self._upgrade_logged_s = -UPGRADE_LOGGED_EVERY_S

    async def guard(self) -> None:
        """Return for requests that may go on.

        Raises:
            ForeignOrigin: another site's page would act as the user.
            Unauthenticated: the path needs a session.
            RateLimited: the user's pages ask too often.
        """
        g.session = None
        is_safe = request.method in SAFE_METHODS
        is_open = request.path in self._open_paths
        if is_safe and is_open:
            return
        g.session = await self._sessions.authenticate(
            request.headers, secure=request.scheme == "https"
        )
        if not is_safe and not self._origin_allowed(g.session, request.headers, request.scheme):
            raise ForeignOrigin
        if is_open:
            return
        if g.session is None:
            raise Unauthenticated
        if not is_safe:
            # A page's callback, or whatever a plugin's route changes; commands count themselves.
            self._commands.rates.take("callback", g.session.user)

    async def admit(self, headers: Headers, scope: Mapping[str, Any]) -> OpenSession:
        """The session of a request that changes something and is answered outside of the framework.

        Raises:
            ForeignOrigin, Unauthenticated: as `guard`.
        """
        scheme = scope["scheme"]
        session = await self._sessions.authenticate(headers, secure=scheme == "https")
        allowed = self._origin_allowed(session, headers, scheme)
        if allowed and session is not None:
            return session
        failure = Unauthenticated() if allowed else ForeignOrigin()
        place = place_of(scope) or Place("")
        nobody = Caller(None, None, place.address, place=place)
        self._refusals.tell(nobody, scope["path"][:MAX_PATH_CHARACTERS], failure)
        raise failure

    def _origin_allowed(self, session: OpenSession | None, headers: Headers, scheme: str) -> bool:
        origin = headers.get("Origin")
        if origin is None:
            # A browser names the origin of every POST: this is a script. It may act by its token
            # or as nobody, but not by a cookie.
            return session is None or session.by == "bearer"
        return self._origins.allow(
            origin,
            host=headers.get("Host"),
            secure=scheme == "https",
            cookie=True,
            bearer=False,
        )

    async def command(self, command: str = "") -> Response:
        """The result of a command."""
        if request.method != "POST":
            return _refusal(UnknownCommand(command=command[:64]), 405, {"Allow": "POST"})
        if command not in self._commands:
            raise UnknownCommand(command=command[:64])
        body = await self._body()
        caller = self._caller()
        try:
            answer = self._commands.dispatch(caller, command, body or b"{}")
            result = await asyncio.wait_for(answer, COMMAND_TIMEOUT_S)
        except TimeoutError:
            raise TimedOut from None
        except Failure:
            raise
        # The edge: a defect of a command or a plugin is logged, and told without its details.
        except Exception:
            log.exception("command_failed", command=command, user=caller.user)
            raise InternalError from None
        return self._answer(caller, body, result)

    async def socket(self) -> Response:
        """What comes to the socket's address by plain HTTP is told what is missing."""
        if time.monotonic() - self._upgrade_logged_s >= UPGRADE_LOGGED_EVERY_S:
            self._upgrade_logged_s = time.monotonic()
            log.warning("websocket_without_upgrade", hint="does a proxy pass on Upgrade?")
        return _refusal(UpgradeRequired(), headers={"Upgrade": "websocket"})

    async def _body(self) -> bytes:
        length = request.content_length
        if length is not None and length > MAX_INBOUND_BYTES:
            raise TooLarge(max_bytes=MAX_INBOUND_BYTES)
        body = bytes(await request.get_data(as_text=False))  # type: ignore[arg-type]
        if len(body) > MAX_INBOUND_BYTES:
            raise TooLarge(max_bytes=MAX_INBOUND_BYTES)
        return body

    def _answer(self, caller: Caller, body: bytes, result: Any) -> Response:
        if isinstance(result, SessionOpened) and result.kind == "cookie":
            secure = self._secure()
            response = _json(msgspec.structs.replace(result, token=msgspec.UNSET))
            self._set_cookie(
                response, cookie_name(secure), str(result.token), self._settings.session_days
            )
            device = caller.where.device
            self._set_cookie(response, device_cookie_name(secure), device, DEVICE_DAYS)
            return response
        response = _json(result)
        if isinstance(result, SessionClosed) and result.session == caller.session:
            self._forget_cookie(response)
            # What the browser kept of the user (W3C Clear Site Data, section 3.1); the choices of
            # language and theme are cookies, and stay.
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def _caller(self) -> Caller:
        session: OpenSession | None = g.get("session")
        return Caller(
            user=session.user if session else None,
            session=session.id if session else None,
            address=request.remote_addr or "",
            user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_CHARACTERS],
            place=self._place(),
        )

    def _place(self) -> Place:
        """Where the request comes from; a device that is not known yet gets a secret."""
        place = place_of(request.scope) or Place(request.remote_addr or "")
        device = device_of(request.headers, self._secure()) or new_device()
        return dataclasses.replace(place, device=device)

    def _secure(self) -> bool:
        """Whether the browser of this request reaches the server by TLS."""
        return self._settings.by_tls(request.scheme == "https")

    def _set_cookie(self, response: Response, name: str, value: str, days: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=days * 86_400,
            path="/",
            secure=self._secure(),
            httponly=True,
            samesite="Lax",
        )

    def _keep_cookie(self, response: Response) -> None:
        """Where the session ends later from now on, the browser keeps its cookie as long."""
        session: OpenSession | None = g.get("session")
        if session is None or session.by != "cookie" or not session.moved:
            return
        if "Set-Cookie" not in response.headers:
            name = cookie_name(self._secure())
            token = read_cookie(request.headers.get("Cookie") or "", name)
            self._set_cookie(response, name, token, self._settings.session_days)

    def _forget_cookie(self, response: Response) -> None:
        secure = self._secure()
        response.delete_cookie(
            cookie_name(secure),
            path="/",
            secure=secure,
            httponly=True,
            samesite="Lax",
        )

    async def refuse(self, failure: Failure) -> Response:
        """A failure as its documented status and body."""
        self._refusals.tell(self._caller(), request.path[:MAX_PATH_CHARACTERS], failure)
        return _refusal(failure)

    async def refuse_http(self, error: HTTPException) -> Response:
        """What the framework refuses, in the same form."""
        code = error.code or 500
        if code == 413:
            return _refusal(TooLarge(max_bytes=MAX_BODY_BYTES))
        if code in (404, 405):
            return _refusal(NotFound(), code)
        if code == 400:
            return _refusal(ParseError())
        if code == 408:
            return _refusal(TimedOut(), 408)
        return _refusal(InternalError(), code)

    async def protect(self, response: Response) -> Response:
        """Headers for every answer; those that a page has set stay."""
        self._keep_cookie(response)
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Content-Security-Policy", DEFAULT_CSP)
        if self._secure():
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.path.startswith("/api/"):
            headers["Cache-Control"] = "no-store"
        return response


def _json(value: object, status: int = 200) -> Response:
    return Response(_encoder.encode(value), status, content_type="application/json")


def _refusal(
    failure: Failure, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    response = Response(
        http_error_body(failure),
        status or failure.http_status,
        content_type="application/json",
        headers=dict(headers or {}),
    )
    retry_after_s = failure.params.get("retry_after_s")
    if isinstance(retry_after_s, int | float):
        # RFC 9110, section 10.2.3: whole seconds.
        response.headers["Retry-After"] = str(math.ceil(retry_after_s))
    return response
