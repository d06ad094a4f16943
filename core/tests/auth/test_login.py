"""Log-ins that need more than a password: what opens, what does not, and what is never told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from dash_messenger.auth import factor_registry
from dash_messenger.isolation.failures import MAX_FAILURES
from dash_messenger.plugins.limits import PluginLimits
from dash_messenger.server.limits import Limits
from dash_messenger.store.tables import enrolments, logins, sessions, users
from fixtures.factor_plugin import Key, enrol, go_on, half_way, waiting
from fixtures.full_plugin import install
from fixtures.local_server import PASSWORD, LocalServer, open_server
from sqlalchemy import select, update
from structlog.testing import capture_logs


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(tmp_path / "site", monkeypatch, "keys", "fixtures.factor_plugin:Keys")
    return tmp_path / "data"


@pytest.fixture
async def local(installed: Path, limits: Limits) -> AsyncIterator[LocalServer]:
    async with open_server(installed, loaded=("keys",), limits=limits) as local:
        await local.add("ann", "tess", "tessa", "crash", "slow")
        yield local


async def count_sessions(local: LocalServer, name: str) -> int:
    query = select(sessions.c.id).where(
        sessions.c.user_id == local.users[name], sessions.c.closed_at_ms.is_(None)
    )
    return len(await local.server.store.read(lambda c: c.execute(query).all()))


async def test_without_a_factor_the_password_is_enough(local: LocalServer) -> None:
    assert (await local.post("session.open", username="ann", password=PASSWORD)).status == 200


async def test_the_password_alone_opens_nothing_once_a_factor_is_set_up(
    local: LocalServer,
) -> None:
    secret = await enrol(local, await local.token("ann"))
    asked = await half_way(local, "ann")
    params = asked.body["error"]["params"]
    (step,) = params["steps"]
    assert (step["step"], step["kind"], step["plugin"]) == ("key", "factor", "keys")
    assert step["answer"]["$defs"]["Code"]["required"] == ["code"]
    assert params["expires_at_ms"] == local.clock.now_ms + 600_000
    assert secret not in str(asked.body)
    assert await count_sessions(local, "ann") == 1
    opened = await go_on(local, params["login"], f"{secret}-2")
    assert (opened.status, opened.body["user"]["username"]) == (200, "ann")
    assert (await local.post("account.get", opened.body["token"])).status == 200


async def test_a_cookie_is_set_only_once_all_is_answered(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    asked = await half_way(local, "ann", **{"as": "cookie"})
    assert "Set-Cookie" not in asked.headers
    opened = await go_on(local, asked.body["error"]["params"]["login"], f"{secret}-2")
    assert "HttpOnly" in opened.headers["Set-Cookie"]
    assert "token" not in opened.body


async def test_a_code_is_good_once(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    used = await go_on(local, await waiting(local, "ann"), f"{secret}-1")
    assert (used.status, used.key) == (422, "wrong_answer")
    assert used.body["error"]["params"]["left"] == 4
    login = await waiting(local, "ann")
    assert (await go_on(local, login, f"{secret}-2")).status == 200
    again = await go_on(local, login, f"{secret}-3")
    assert (again.status, again.key) == (401, "login_ended")
    assert (await go_on(local, await waiting(local, "ann"), f"{secret}-2")).key == "wrong_answer"


async def test_a_hundred_submissions_of_one_code_open_one_session(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    tokens = [await waiting(local, "ann") for _ in range(100)]
    answers = await asyncio.gather(*(go_on(local, login, f"{secret}-2") for login in tokens))
    assert sorted(answer.status for answer in answers) == [200, *[422] * 99]
    assert {one.key for one in answers if one.status != 200} == {"wrong_answer"}
    assert await count_sessions(local, "ann") == 2


async def test_a_hundred_submissions_to_one_log_in_open_one_session(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    login = await waiting(local, "ann")
    answers = await asyncio.gather(*(go_on(local, login, f"{secret}-2") for _ in range(100)))
    assert sum(answer.status == 200 for answer in answers) == 1
    assert {one.key for one in answers if one.status != 200} <= {"wrong_answer", "login_ended"}
    assert await count_sessions(local, "ann") == 2


async def test_five_wrong_answers_end_a_log_in(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    login = await waiting(local, "ann")
    for left in (4, 3, 2, 1):
        answer = await go_on(local, login, "wrong")
        assert answer.body["error"]["params"]["left"] == left
    for code in ("wrong", f"{secret}-2"):
        answer = await go_on(local, login, code)
        assert (answer.status, answer.key) == (401, "login_ended")
    assert await count_sessions(local, "ann") == 1


async def test_what_a_factor_says_of_a_wrong_answer_is_told_and_the_answer_counts(
    local: LocalServer,
) -> None:
    token = await local.token("ann")
    begun = await local.post("factor.begin", token, factor="key", password=PASSWORD)
    late = await local.post("factor.confirm", token, factor="key", answer={"code": "late"})
    assert late.key == "wrong_answer"
    assert late.body["error"]["params"] == {"rule": "clock_off", "step": "key"}
    secret = begun.body["shown"]["secret"]
    answer = {"code": f"{secret}-1"}
    assert (await local.post("factor.confirm", token, factor="key", answer=answer)).status == 200
    login = await waiting(local, "ann")
    with capture_logs() as logged:
        told = [await go_on(local, login, "late") for _ in range(5)]
    assert [one.key for one in told] == ["wrong_answer"] * 4 + ["login_ended"]
    assert told[0].body["error"]["params"] == {"rule": "clock_off", "step": "key", "left": 4}
    assert [line["event"] for line in logged][:5] == ["code_wrong"] * 5


async def test_wrong_answers_at_once_do_not_share_a_try(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrol(local, await local.token("ann"))
    login, looked = await waiting(local, "ann"), Mock(side_effect=Key().verify)
    monkeypatch.setattr(Key, "verify", lambda self, *arguments: looked(*arguments))
    answers = await asyncio.gather(*(go_on(local, login, f"wrong-{n}") for n in range(50)))
    assert looked.call_count == 5
    assert sum(one.key == "login_ended" for one in answers) == 46


async def test_a_log_in_that_waits_too_long_has_ended(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    login = await waiting(local, "ann")
    local.clock.advance(s=600)
    answer = await go_on(local, login, f"{secret}-2")
    assert (answer.status, answer.key) == (401, "login_ended")
    await waiting(local, "ann")
    rows = await local.server.store.read(lambda c: c.execute(select(logins)).all())
    assert len(rows) == 1


async def test_what_is_no_answer_costs_no_try(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    login = await waiting(local, "ann")
    answers: list[Any] = [{}, {"code": 5}, [], None, {"code": "x", "more": 1}]
    for answer in answers:
        said = await local.post("session.continue", login=login, step="key", answer=answer)
        assert (said.status, said.key) == (400, "invalid_params")
    other = await local.post("session.continue", login=login, step="terms", answer={})
    assert other.body["error"]["params"]["field"] == "step"
    assert (await go_on(local, login, f"{secret}-2")).status == 200


@pytest.mark.parametrize("login", ["", "x" * 43, "x" * 1024])
async def test_a_token_that_nobody_was_given_is_none(local: LocalServer, login: str) -> None:
    answer = await go_on(local, login, "key-1")
    assert (answer.status, answer.key) == (401, "login_ended")


async def test_a_deactivated_user_does_not_go_on(local: LocalServer) -> None:
    secret = await enrol(local, await local.token("ann"))
    login = await waiting(local, "ann")
    change = update(users).where(users.c.username == "ann").values(deactivated_at_ms=1)
    await local.server.store.write(lambda transaction: transaction.connection.execute(change))
    assert (await go_on(local, login, f"{secret}-2")).key == "login_ended"


async def test_nothing_of_a_token_or_a_code_is_stored_or_logged(
    local: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = await enrol(local, await local.token("ann"))
    login = await waiting(local, "ann")
    await go_on(local, login, "crash")
    rows = await local.server.store.read(lambda c: c.execute(select(logins)).all())
    assert login not in str(rows)
    assert login not in caplog.text
    assert secret not in caplog.text


# Fail closed.


async def test_a_factor_that_crashes_opens_nothing_and_is_not_switched_off(
    local: LocalServer,
) -> None:
    secret = await enrol(local, await local.token("ann"))
    with capture_logs():
        for _ in range(MAX_FAILURES // 4 + 1):
            login = await waiting(local, "ann")
            for _ in range(4):
                answer = await go_on(local, login, "crash")
                assert (answer.status, answer.key) == (503, "check_failed")
    assert local.server.installed.plugins.loaded("keys")
    assert (await go_on(local, await waiting(local, "ann"), f"{secret}-2")).status == 200


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(check_within_s=0.05))])
async def test_a_factor_that_hangs_opens_nothing(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrol(local, await local.token("ann"))
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(*arguments: object) -> None:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    monkeypatch.setattr(Key, "verify", hang)
    answer = await go_on(local, await waiting(local, "ann"), "any-2")
    release.set()
    assert (answer.status, answer.key) == (503, "check_failed")
    assert await count_sessions(local, "ann") == 1


async def test_without_the_plugin_of_an_enrolled_factor_nobody_gets_in(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_server(installed, loaded=("keys",)) as local:
        await local.add("ann", "ben")
        secret = await enrol(local, await local.token("ann"))
        login = await waiting(local, "ann")
    # Uninstalled; then another plugin's factor has the name.
    install(tmp_path / "other", monkeypatch, "other", "fixtures.factor_plugin:OtherKeys")
    for loaded in ((), ("other",)):
        async with open_server(installed, loaded=loaded) as local:
            answer = await local.post("session.open", username="ann", password=PASSWORD)
            assert (answer.status, answer.key) == (503, "factor_unavailable")
            assert (await go_on(local, login, f"{secret}-2")).key == "factor_unavailable"
            assert (
                await local.post("session.open", username="ben", password=PASSWORD)
            ).status == 200
            wrong = await local.post("session.open", username="ann", password="x" * 20)
            assert wrong.key == "wrong_credentials"
    async with open_server(installed, loaded=("keys",)) as local:
        assert (await go_on(local, login, f"{secret}-2")).status == 200


async def test_while_the_plugin_is_quarantined_nobody_gets_in_by_its_factor(
    local: LocalServer,
) -> None:
    token = await local.token("ann")
    secret = await enrol(local, token)
    login = await waiting(local, "ann")
    local.server.installed.quarantine("keys", "it was bad")
    answer = await local.post("session.open", username="ann", password=PASSWORD)
    assert (answer.status, answer.key) == (503, "factor_unavailable")
    assert (await go_on(local, login, f"{secret}-2")).key == "factor_unavailable"
    listed = await local.post("factor.list", token)
    (one,) = listed.body["factors"]
    assert (one["factor"], one["available"]) == ("key", False)
    for command in ("factor.begin", "factor.remove"):
        said = await local.post(command, token, factor="key", password=PASSWORD, answer={})
        assert said.key in ("factor_unavailable", "not_found")
    assert await count_sessions(local, "ann") == 1


# Steps.


async def test_a_step_is_asked_for_after_the_factor(local: LocalServer) -> None:
    secret = await enrol(local, await until_open(local, "tess"))
    login = await waiting(local, "tess")
    early = await local.post("session.continue", login=login, step="terms", answer={"agreed": True})
    assert early.body["error"]["params"]["field"] == "step"
    asked = await go_on(local, login, f"{secret}-2")
    assert (asked.status, asked.key) == (401, "step_needed")
    params = asked.body["error"]["params"]
    assert params["login"] == login
    (step,) = params["steps"]
    assert (step["step"], step["kind"], step["shown"]) == ("terms", "step", {"text": "Be kind."})
    again = await go_on(local, login, f"{secret}-3")
    assert again.body["error"]["params"]["field"] == "step"
    no = await local.post("session.continue", login=login, step="terms", answer={"agreed": False})
    assert (no.status, no.key, no.body["error"]["message"]) == (422, "refused", "Then not.")
    yes = await local.post("session.continue", login=login, step="terms", answer={"agreed": True})
    assert (await local.post("account.get", yes.body["token"])).status == 200


async def until_open(local: LocalServer, name: str) -> str:
    """A session of somebody who has to agree first."""
    login = await waiting(local, name)
    done = await local.post("session.continue", login=login, step="terms", answer={"agreed": True})
    token: str = done.body["token"]
    return token


async def test_a_step_is_asked_of_those_alone_whom_it_concerns(local: LocalServer) -> None:
    assert (await local.post("session.open", username="ann", password=PASSWORD)).status == 200
    assert await until_open(local, "tessa")


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(check_within_s=0.05))])
@pytest.mark.parametrize("name", ["crash", "slow"])
async def test_a_step_that_fails_or_takes_too_long_opens_nothing(
    local: LocalServer, name: str
) -> None:
    for _ in range(MAX_FAILURES - 1):
        local.server.installed.runner.failed("keys", ValueError(), doing="login step")
    for _ in range(2):
        answer = await local.post("session.open", username=name, password=PASSWORD)
        assert (answer.status, answer.key) == (503, "check_failed")
    assert local.server.installed.plugins.loaded("keys")
    assert await count_sessions(local, name) == 0


async def test_answers_are_limited_over_all_log_ins_of_an_account(installed: Path) -> None:
    async with open_server(installed, loaded=("keys",), rate_limits=True) as local:
        await local.add("ann", "ben")
        await enrol(local, await local.token("ann"))
        tokens = [await waiting(local, "ann") for _ in range(4)]
        said = [(await go_on(local, login, "x")).status for login in tokens for _ in range(4)]
        assert said == [*[422] * 10, *[429] * 6]
        await enrol(local, await local.token("ben"))


async def test_a_factor_set_up_while_somebody_logs_in_is_asked_for(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at what is enrolled and the session: the transaction looks again."""
    token = await local.token("ann")
    needed = factor_registry.Steps.needed
    enrolled = asyncio.Event()

    async def meanwhile(self: factor_registry.Steps, user: object) -> object:
        if not enrolled.is_set():
            enrolled.set()
            await enrol(local, token)
        return await needed(self, user)  # type: ignore[arg-type]

    monkeypatch.setattr(factor_registry.Steps, "needed", meanwhile)
    await half_way(local, "ann")
    assert await count_sessions(local, "ann") == 1
    rows = await local.server.store.read(lambda c: c.execute(select(enrolments)).all())
    assert len(rows) == 1
