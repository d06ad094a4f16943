"""What the security log tells, and what never stands in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dash_messenger.accounts.security_log import MEANINGS, Refusals, SecurityEvent
from dash_messenger.errors import Forbidden, NotFound, RateLimited
from dash_messenger.protocol.commands import Caller
from dash_messenger.testing import PASSWORD, People, ServerProcess
from fixtures.factor_plugin import enrol, go_on, waiting
from fixtures.full_plugin import install
from fixtures.local_server import LocalServer, open_server
from structlog.testing import capture_logs

NEW = "a rather long password"
WRONG = "a wrong password of ann's"


@pytest.fixture
async def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalServer]:
    install(tmp_path / "site", monkeypatch, "keys", "fixtures.factor_plugin:Keys")
    async with open_server(tmp_path / "data", loaded=("keys",)) as local:
        await local.add("ann")
        yield local


async def test_a_life_is_told_with_user_session_and_address(local: LocalServer) -> None:
    ann = local.users["ann"]
    with capture_logs() as logged:
        await local.post("account.register", username="ben", password=PASSWORD)
        await local.post("session.open", username="ann", password=WRONG)
        await local.post("session.open", username="nobody", password=WRONG)
        token = await local.token("ann")
        secret = await enrol(local, token)
        login = await waiting(local, "ann")
        await go_on(local, login, "wrong")
        other = (await go_on(local, login, f"{secret}-2")).body
        await local.post("account.change_password", other["token"], old=WRONG, new=NEW)
        await local.post("account.change_password", other["token"], old=PASSWORD, new=NEW)
        await local.post("session.close_others", other["token"])
        await local.post("plugin.settings", other["token"])
        await local.request("/blobs")
        await local.post("session.close", other["token"])
        await local.post("account.get", other["token"])
    told = [line for line in logged if line["event"] in {one.value for one in SecurityEvent}]
    assert [line["event"] for line in told] == [
        "registered",
        "login_failed",
        "login_failed",
        "logged_in",
        "factor_set_up",
        "step_asked",
        "code_wrong",
        "logged_in",
        "password_wrong",
        "password_changed",
        "sessions_closed",
        "refused",
        "refused",
        "logged_out",
        "refused",
    ]
    assert {line["address"] for line in told} == {"127.0.0.1"}
    assert [line["user"] for line in told[1:4]] == [ann, None, ann]
    assert {line["user"] for line in told[3:12]} == {ann}
    assert told[7]["session"] == other["session"] == told[13]["closed"]
    assert [(one["what"], one["reason"]) for one in told if one["event"] == "refused"] == [
        ("/api/plugin.settings", "forbidden"),
        ("/blobs", "unauthenticated"),
        ("/api/account.get", "unauthenticated"),
    ]
    text = str(told)
    for never in (PASSWORD, WRONG, NEW, "nobody", token, other["token"], login, secret):
        assert never not in text


async def test_limits_are_told(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann")
        with capture_logs() as logged:
            for _ in range(11):
                await local.post("session.open", username="ann", password=WRONG)
        told = [line["event"] for line in logged]
        assert told == ["login_failed"] * 10 + ["limit_met"]
        assert logged[-1]["what"] == "/api/session.open"


def test_a_flood_of_refusals_is_counted_and_not_written() -> None:
    now_s = 0.0
    refusals, caller = Refusals(clock_s=lambda: now_s), Caller(None, None, "192.0.2.1")
    with capture_logs() as logged:
        for _ in range(1_000):
            refusals.tell(caller, "/x", Forbidden())
        now_s = 1.0
        refusals.tell(caller, "/x", RateLimited(retry_after_s=1))
        refusals.tell(caller, "/x", NotFound())
    assert len(logged) == 21
    assert (logged[-1]["event"], logged[-1]["untold"]) == ("limit_met", "980")


def test_each_event_has_a_meaning() -> None:
    assert set(MEANINGS) == set(SecurityEvent)


async def test_a_file_gets_every_line_of_the_server_and_of_admins(tmp_path: Path) -> None:
    """Whatever the level of the log; nobody else can read it, and no secret stands in it."""
    file = tmp_path / "security.log"
    server = ServerProcess(
        tmp_path / "data",
        environment={
            "DASH_MESSENGER_SECURITY_LOG": str(file),
            "DASH_MESSENGER_LOG_LEVEL": "error",
        },
    )
    server.start()
    people = People(server)
    try:
        name, token = await people.register()
        server.run("user", "set-password", name, "--password-file", "-", typed=NEW + "\n")
        server.run("user", "deactivate", name)
    finally:
        await people.aclose()
        server.kill()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["event"] for line in lines] == [
        "registered",
        "logged_in",
        "password_set",
        "user_deactivated",
    ]
    assert {line["user"] for line in lines} == {lines[0]["user"]}
    assert {line["logger"] for line in lines} == {"security"}
    assert lines[-1]["by"] == "command line"
    assert file.stat().st_mode & 0o077 == 0
    assert "logged_in" not in server.log
    for secret in (PASSWORD, NEW, token, name):
        assert secret not in file.read_text()
