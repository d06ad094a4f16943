"""Commands over HTTP, for scripts: one question, one answer, no connection that stays.

Owns how a failure on the wire becomes one of `dash_messenger.errors` again, and the dialogue of a
log-in. Must not know sockets' frames.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from dash_messenger.errors import Failure, StepNeeded, TooLarge, failures

__all__ = ["Answerer", "failure_from", "log_in", "post", "upload"]

TIME_LIMIT_S = 30

# Given a step as the server asks for it (StepAsked in the reference), returns the answer, or None
# to leave it to another.
Answerer: TypeAlias = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any] | None]]


class _TooLargeForProxy(TooLarge):
    sentence = "This is larger than a proxy in front of the server lets through."


_KINDS = {kind.code: kind for kind in failures()}


async def post(
    url: str, command: str, params: Mapping[str, Any] | None = None, *, token: str | None = None
) -> Any:
    """The result of a command over HTTP: ``POST /api/COMMAND``.

    Raises:
        Failure: what the server answered.
        OSError: it did not answer.
    """
    return await asyncio.to_thread(_post, url, command, params or {}, token)


async def log_in(url: str, username: str, password: str, *, answer: Answerer | None = None) -> str:
    """The token of a new session.

    ``answer`` is asked for what is needed besides the password: a code of a second factor, the
    acceptance of terms. Of several second factors it may leave out all but one.

    Raises:
        WrongCredentials: the user name or the password is wrong.
        StepNeeded: something is needed that ``answer`` does not answer.
        WrongAnswer, LoginEnded, FactorUnavailable, Refused, RateLimited: as the server says.
    """
    command = "session.open"
    params: dict[str, Any] = {"username": username, "password": password, "as": "token"}
    while True:
        try:
            token: str = (await post(url, command, params))["token"]
        except StepNeeded as needed:
            step, answered = await _answer(needed, answer)
            command = "session.continue"
            params = {"login": needed.params["login"], "step": step, "answer": answered}
        else:
            return token


async def _answer(needed: StepNeeded, answer: Answerer | None) -> tuple[str, Mapping[str, Any]]:
    if answer is not None:
        steps: Any = needed.params["steps"]
        for step in steps:
            answered = await answer(step)
            if answered is not None:
                return step["step"], answered
    raise needed


async def upload(
    url: str, data: bytes, *, token: str, name: str = "file", media_type: str = ""
) -> dict[str, Any]:
    """What the server says of a file, once it has it: ``id``, ``name``, ``media_type``, ``bytes``.

    Raises:
        Failure: what the server answered.
        OSError: it did not answer.
    """
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {media_type or 'application/octet-stream'}\r\n\r\n"
    )
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    found: dict[str, Any] = await asyncio.to_thread(_ask, url, "/blobs", body, kind, token)
    return found


def _post(url: str, command: str, params: Mapping[str, Any], token: str | None) -> Any:
    body = json.dumps(params).encode()
    return _ask(url, f"/api/{command}", body, "application/json", token)


def _ask(url: str, path: str, body: bytes, media_type: str, token: str | None) -> Any:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIME_LIMIT_S)
    headers = {"Content-Type": media_type}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        found = answer.read()
    finally:
        connection.close()
    try:
        said = json.loads(found)
    except ValueError:
        # A page of a proxy's own.
        if answer.status == TooLarge.http_status:
            raise _TooLargeForProxy from None
        raise ConnectionError(f"no server of ours answered: HTTP {answer.status}") from None
    if answer.status >= 400:
        error = said["error"]
        raise failure_from({**error, "data": error})
    return said


def failure_from(error: Mapping[str, Any]) -> Failure:
    """What the server refused with; a code this client does not know keeps its words."""
    details = error.get("data") or {}
    params = {str(name): value for name, value in (details.get("params") or {}).items()}
    kind = _KINDS.get(error["code"])
    if kind is None:
        sentence = str(error["message"]).replace("{", "{{").replace("}", "}}")
        fields = {
            "code": error["code"],
            "key": str(details.get("key", "")),
            "sentence": sentence,
            "retryable": bool(details.get("retryable")),
        }
        kind = type("UnknownFailure", (Failure,), fields)
    return kind(**params)
