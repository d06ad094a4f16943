"""Between password and code nothing works, by whatever way; and one code opens one session.

The server runs with every first-party plugin, TOTP among them, and is asked over real sockets.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
import pytest_asyncio
from dash_messenger.client import Client, post
from dash_messenger.errors import (
    CloseCode,
    Failure,
    LoginEnded,
    StepNeeded,
    Unauthenticated,
    WrongAnswer,
)
from dash_messenger.server.app import Server
from dash_messenger.settings import Settings
from dash_messenger.testing import PASSWORD, People, ServerProcess, upload
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

TRIES = 100
ANONYMOUS = {"account.register", "session.open", "session.continue"}
# How a token might be carried.
WAYS = ("bearer", "cookie", "both", "query")


@dataclass
class Ann:
    """Somebody with a second factor, and a log-in of hers that waits for a code."""

    name: str
    client: Client
    secret: str
    recovery: list[str]
    waiting: str
    url: str
    # What confirmed the set-up.
    used: str = ""

    def code(self, later_s: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(int(time.time()) + later_s)

    async def wait(self) -> str:
        """Another log-in that waits."""
        with pytest.raises(StepNeeded) as needed:
            await post(self.url, "session.open", {"username": self.name, "password": PASSWORD})
        return str(needed.value.params["login"])

    async def answer(self, login: str, code: str) -> str:
        """The name of the failure, or "opened"."""
        params = {"login": login, "step": "totp", "answer": {"code": code}}
        try:
            await post(self.url, "session.continue", params)
        except Failure as failure:
            return failure.key
        return "opened"

    async def sessions(self) -> int:
        return len((await self.client.call("session.list"))["sessions"])


@pytest_asyncio.fixture
async def ann(server: ServerProcess, people: People) -> AsyncIterator[Ann]:
    name, token = await people.register()
    client = await people.connect(token)
    begun = await client.call("factor.begin", factor="totp", password=PASSWORD)
    ann = Ann(name, client, begun["shown"]["secret"], [], "", server.url)
    ann.used = ann.code()
    done = await client.call("factor.confirm", factor="totp", answer={"code": ann.used})
    ann.recovery = done["shown"]["recovery_codes"]
    ann.waiting = await ann.wait()
    yield ann


def headers_of(token: str, way: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if way in ("bearer", "both"):
        headers["Authorization"] = f"Bearer {token}"
    if way in ("cookie", "both"):
        headers["Cookie"] = f"session={token}; __Host-session={token}; login={token}"
    return headers


def ask(url: str, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and body of an answer; what is each time another is struck out."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request(method, path, b"{}" if method != "GET" else None, headers)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        return answer.status, re.sub(r'"end_id":"[^"]*"', "", body)
    finally:
        connection.close()


async def registered(folder: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """The commands and the routes of a server with all plugins."""
    server = await Server.open(Settings(data=folder))
    try:
        routes = [
            (method, re.sub(r"<[^>]*>", "x" * 32, rule.rule))
            for rule in server.app.url_map.iter_rules()
            for method in sorted(rule.methods or ())
            if method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        ]
        return [command.name for command in server.commands], routes
    finally:
        await server.aclose()


@pytest.mark.parametrize("way", WAYS)
async def test_no_command_and_no_route_knows_the_token_of_a_waiting_log_in(
    ann: Ann, tmp_path: Path, way: str
) -> None:
    """Each answers as it does to nobody: the token makes no difference anywhere."""
    commands, routes = await registered(tmp_path)
    assert {"message.send", "stickers.make", "factor.remove"} <= {*commands}
    assert ("POST", "/_dash-update-component") in routes
    query = f"?token={ann.waiting}&login={ann.waiting}" if way == "query" else ""
    mine, nobodys = headers_of(ann.waiting, way), headers_of("", "none")
    for command in commands:
        path = f"/api/{command}"
        status, body = await asyncio.to_thread(ask, ann.url, "POST", path + query, mine)
        if command not in ANONYMOUS:
            assert status == 401, command
            assert '"unauthenticated"' in body, command
    own = [
        ("POST", "/blobs"),
        ("GET", "/"),
        ("GET", f"/c/{'0' * 32}"),
        ("GET", "/p/markdown/guide"),
    ]
    for method, path in [*routes, *own]:
        if path.startswith("/api/"):
            continue
        found = await asyncio.to_thread(ask, ann.url, method, path + query, mine)
        expected = await asyncio.to_thread(ask, ann.url, method, path + query, nobodys)
        assert found == expected, (method, path)


@pytest.mark.parametrize("way", WAYS)
async def test_no_socket_opens_before_the_code(ann: Ann, way: str) -> None:
    parts = urlsplit(ann.url)
    query = f"?token={ann.waiting}" if way == "query" else ""
    headers = headers_of(ann.waiting, way)
    headers.pop("Content-Type")
    headers["Origin"] = ann.url
    address = f"ws://{parts.netloc}/ws{query}"
    async with connect(address, additional_headers=headers) as socket:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(30):
                await socket.recv()
        assert socket.close_code == CloseCode.UNAUTHENTICATED


async def test_no_file_is_taken_or_given_before_the_code(ann: Ann, people: People) -> None:
    _, token = await people.register()
    blob = await upload(ann.url, b"hello", token=token)
    with pytest.raises(Unauthenticated):
        await upload(ann.url, b"hello", token=ann.waiting)
    for way in ("bearer", "cookie"):
        headers = headers_of(ann.waiting, way)
        status, _ = await asyncio.to_thread(ask, ann.url, "GET", f"/blobs/{blob['id']}", headers)
        assert status == 401


async def test_a_hundred_submissions_of_one_code_open_one_session(ann: Ann) -> None:
    logins = [await ann.wait() for _ in range(TRIES)]
    before, code = await ann.sessions(), ann.code(30)
    said = await asyncio.gather(*(ann.answer(login, code) for login in logins))
    assert sorted({*said}) == ["opened", "wrong_answer"]
    assert said.count("opened") == 1
    assert await ann.sessions() == before + 1


async def test_a_recovery_code_opens_one_session_however_often_it_is_sent(ann: Ann) -> None:
    logins = [await ann.wait() for _ in range(TRIES)]
    said = await asyncio.gather(*(ann.answer(login, ann.recovery[0]) for login in logins))
    assert said.count("opened") == 1
    assert said.count("wrong_answer") == TRIES - 1
    (factor,) = (await ann.client.call("factor.list"))["factors"]
    assert factor["details"] == {"recovery_codes_left": 9}
    # The others are still good, once each, those that are sent together too.
    logins = [await ann.wait() for _ in ann.recovery[1:]]
    pairs = zip(logins, ann.recovery[1:], strict=True)
    said = await asyncio.gather(*(ann.answer(login, code) for login, code in pairs))
    assert said == ["opened"] * 9


async def test_the_code_that_confirmed_the_set_up_opens_nothing(ann: Ann) -> None:
    with pytest.raises(WrongAnswer):
        raise_from(await ann.answer(ann.waiting, ann.used))


def raise_from(key: str) -> None:
    """The failure of that name."""
    raise {"wrong_answer": WrongAnswer, "login_ended": LoginEnded}[key]


async def test_what_is_kept_of_a_factor_is_told_by_no_command(ann: Ann) -> None:
    told = str(
        [
            await ann.client.call(command)
            for command in ("factor.list", "account.get", "session.list", "sync", "plugin.list")
        ]
    )
    assert ann.secret not in told
    for code in ann.recovery:
        assert code not in told


async def test_nothing_of_it_stands_in_the_log(ann: Ann, server: ServerProcess) -> None:
    await ann.answer(ann.waiting, ann.recovery[0])
    for secret in (ann.secret, ann.waiting, *ann.recovery):
        assert secret not in server.log
