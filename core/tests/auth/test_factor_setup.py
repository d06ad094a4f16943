"""Setting second factors up, changing them and taking them away, and which sessions end by it."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from dash_messenger.client import Client, post
from dash_messenger.client.http import Answerer
from dash_messenger.errors import CloseCode, StepNeeded, Unauthenticated, WrongAnswer
from dash_messenger.store.tables import enrolments
from dash_messenger.testing import People, ServerProcess
from fixtures.factor_plugin import enrol, go_on, waiting
from fixtures.full_plugin import install
from fixtures.local_server import PASSWORD, LocalServer, open_server
from sqlalchemy import select


@pytest.fixture
async def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalServer]:
    install(tmp_path / "site", monkeypatch, "keys", "fixtures.factor_plugin:Keys")
    async with open_server(tmp_path / "data", loaded=("keys",)) as local:
        await local.add("ann", "ben")
        yield local


async def listed(local: LocalServer, token: str) -> Any:
    (one,) = (await local.post("factor.list", token)).body["factors"]
    return one


async def test_a_factor_is_listed_before_and_after_it_is_set_up(local: LocalServer) -> None:
    token = await local.token("ann")
    before = await listed(local, token)
    assert (before["factor"], before["plugin"], before["available"]) == ("key", "keys", True)
    assert (before["confirmed_at_ms"], before["details"]) == (None, {})
    secret = await enrol(local, token)
    after = await listed(local, token)
    assert (after["confirmed_at_ms"], after["details"]) == (local.clock.now_ms, {"used": 1})
    assert secret not in str(after)
    assert (await listed(local, await local.token("ben")))["confirmed_at_ms"] is None


async def test_what_is_begun_is_not_asked_for(local: LocalServer) -> None:
    token = await local.token("ann")
    begun = await local.post("factor.begin", token, factor="key", password=PASSWORD)
    assert begun.body["shown"]["for"] == "ann"
    assert begun.body["expires_at_ms"] == local.clock.now_ms + 1_800_000
    assert (await listed(local, token))["confirmed_at_ms"] is None
    assert (await local.post("session.open", username="ann", password=PASSWORD)).status == 200


async def test_a_set_up_needs_the_password(local: LocalServer) -> None:
    token = await local.token("ann")
    answer = await local.post("factor.begin", token, factor="key", password="x" * 20)
    assert (answer.status, answer.key) == (422, "wrong_password")
    answer = await local.post("factor.begin", token, factor="none", password=PASSWORD)
    assert (answer.status, answer.key) == (404, "not_found")
    said = await local.post("factor.confirm", token, factor="key", answer={"code": "x-1"})
    assert (said.status, said.key) == (422, "setup_ended")


async def test_a_set_up_is_confirmed_by_a_right_answer_in_the_session_that_began_it(
    local: LocalServer,
) -> None:
    token, other = await local.token("ann"), await local.token("ann")
    begun = await local.post("factor.begin", token, factor="key", password=PASSWORD)
    right = {"code": f"{begun.body['shown']['secret']}-1"}
    wrong = await local.post("factor.confirm", token, factor="key", answer={"code": "x-1"})
    assert (wrong.status, wrong.key) == (422, "wrong_answer")
    elsewhere = await local.post("factor.confirm", other, factor="key", answer=right)
    assert elsewhere.key == "setup_ended"
    done = await local.post("factor.confirm", token, factor="key", answer=right)
    assert (done.status, done.body["shown"]) == (200, {"spare": "none"})
    again = await local.post("factor.confirm", token, factor="key", answer=right)
    assert again.key == "setup_ended"


async def test_a_set_up_that_takes_too_long_has_ended(local: LocalServer) -> None:
    token = await local.token("ann")
    begun = await local.post("factor.begin", token, factor="key", password=PASSWORD)
    local.clock.advance(s=1_800)
    right = {"code": f"{begun.body['shown']['secret']}-1"}
    answer = await local.post("factor.confirm", token, factor="key", answer=right)
    assert answer.key == "setup_ended"


async def test_a_hundred_confirmations_at_once_are_one(local: LocalServer) -> None:
    token = await local.token("ann")
    begun = await local.post("factor.begin", token, factor="key", password=PASSWORD)
    right = {"code": f"{begun.body['shown']['secret']}-1"}
    answers = await asyncio.gather(
        *(local.post("factor.confirm", token, factor="key", answer=right) for _ in range(100))
    )
    assert sum(answer.status == 200 for answer in answers) == 1
    assert {one.key for one in answers if one.status != 200} == {"setup_ended"}


async def test_a_factor_is_changed_only_with_the_password_and_an_answer(
    local: LocalServer,
) -> None:
    token = await local.token("ann")
    secret = await enrol(local, token)
    for command in ("factor.begin", "factor.remove"):
        bare = await local.post(command, token, factor="key", password=PASSWORD)
        assert (bare.status, bare.key) == (422, "answer_needed")
        assert bare.body["error"]["params"]["factors"] == ["key"]
        right = {"code": f"{secret}-9"}
        said = await local.post(command, token, factor="key", password="x" * 20, answer=right)
        assert said.key == "wrong_password"
        for code in ("x-1", f"{secret}-1"):
            said = await local.post(
                command, token, factor="key", password=PASSWORD, answer={"code": code}
            )
            assert said.key == "wrong_answer"
        said = await local.post(
            command, token, factor="key", password=PASSWORD, answer=right, by="other"
        )
        assert said.body["error"]["params"]["field"] == "by"
    assert (await go_on(local, await waiting(local, "ann"), f"{secret}-2")).status == 200


async def test_a_code_used_to_begin_is_used_up(local: LocalServer) -> None:
    token = await local.token("ann")
    secret = await enrol(local, token)
    answer = {"code": f"{secret}-2"}
    said = [
        await local.post("factor.begin", token, factor="key", password=PASSWORD, answer=answer)
        for _ in range(2)
    ]
    assert [one.status for one in said] == [200, 422]
    assert (await go_on(local, await waiting(local, "ann"), f"{secret}-2")).key == "wrong_answer"


async def test_setting_up_again_replaces_what_was_only_when_confirmed(local: LocalServer) -> None:
    token = await local.token("ann")
    old = await enrol(local, token)
    begun = await local.post(
        "factor.begin", token, factor="key", password=PASSWORD, answer={"code": f"{old}-2"}
    )
    new = begun.body["shown"]["secret"]
    assert (await go_on(local, await waiting(local, "ann"), f"{old}-3")).status == 200
    confirm = {"factor": "key", "answer": {"code": f"{new}-1"}}
    assert (await local.post("factor.confirm", token, **confirm)).status == 200
    assert (await go_on(local, await waiting(local, "ann"), f"{old}-4")).key == "wrong_answer"
    assert (await go_on(local, await waiting(local, "ann"), f"{new}-2")).status == 200


async def test_after_the_removal_the_password_is_enough(local: LocalServer) -> None:
    token = await local.token("ann")
    secret = await enrol(local, token)
    answer = {"code": f"{secret}-2"}
    gone = await local.post("factor.remove", token, factor="key", password=PASSWORD, answer=answer)
    assert gone.status == 200
    assert (await local.post("session.open", username="ann", password=PASSWORD)).status == 200
    rows = await local.server.store.read(lambda c: c.execute(select(enrolments)).all())
    assert rows == []
    again = await local.post("factor.remove", token, factor="key", password=PASSWORD)
    assert (again.status, again.key) == (404, "not_found")


async def test_a_change_ends_ones_other_sessions_and_waiting_log_ins(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By their ids: what looks for sessions that others closed may tell of one again.
    closed: dict[str, CloseCode] = {}
    monkeypatch.setattr(
        local.server.hub,
        "close_sessions",
        lambda ids, code: closed.update(dict.fromkeys(ids, code)),
    )
    mine, other, bens = [await local.token(name) for name in ("ann", "ann", "ben")]
    secret = await enrol(local, mine)
    assert list(closed.values()) == [CloseCode.SESSION_CLOSED]
    opened = await go_on(local, await waiting(local, "ann"), f"{secret}-2")
    login = await waiting(local, "ann")
    answer = {"code": f"{secret}-3"}
    gone = await local.post("factor.remove", mine, factor="key", password=PASSWORD, answer=answer)
    assert gone.body == {"factor": "key", "sessions_closed": 1}
    assert list(closed.values()) == [CloseCode.SESSION_CLOSED] * 2
    for token, status in ((mine, 200), (other, 401), (opened.body["token"], 401), (bens, 200)):
        assert (await local.post("account.get", token)).status == status
    assert (await go_on(local, login, f"{secret}-4")).key == "login_ended"


async def test_factors_that_fail_to_describe_themselves_say_so(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await local.token("ann")
    await enrol(local, token)
    monkeypatch.setattr("fixtures.factor_plugin.Key.describe", lambda self, kept: 1 / 0)
    answer = await local.post("factor.list", token)
    assert (answer.status, answer.key) == (503, "check_failed")


@pytest.fixture
async def keyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[ServerProcess, People]]:
    """A running server with the plugin, and people."""
    site = tmp_path / "site"
    install(site, monkeypatch, "keys", "fixtures.factor_plugin:Keys")
    path = f"{site}:{Path(__file__).parents[1]}"
    process = ServerProcess(tmp_path / "data", environment={"PYTHONPATH": path})
    process.start()
    people = People(process)
    yield process, people
    await people.aclose()
    process.kill()


async def until_closed(client: Client) -> None:
    """Return once the server has ended the client's session."""
    async with asyncio.timeout(30):
        with pytest.raises(Unauthenticated):
            [event async for event in client.events()]


async def test_sockets_of_other_sessions_are_closed_and_ones_own_stays(
    keyed: tuple[ServerProcess, People],
) -> None:
    _, people = keyed
    name, token = await people.register()
    mine = await people.connect(token)
    other = await people.connect(await people.log_in(name))
    begun = await mine.call("factor.begin", factor="key", password=PASSWORD)
    code = f"{begun['shown']['secret']}-1"
    done = await mine.call("factor.confirm", factor="key", answer={"code": code})
    assert done["sessions_closed"] == 1
    await until_closed(other)
    assert (await mine.call("account.get"))["user"]["username"] == name


async def test_a_script_answers_what_its_log_in_asks_for(
    keyed: tuple[ServerProcess, People],
) -> None:
    _, people = keyed
    name, token = await people.register("tess-" + secrets.token_hex(4), answer=answering({}))
    client = await people.connect(token)
    begun = await client.call("factor.begin", factor="key", password=PASSWORD)
    secret = begun["shown"]["secret"]
    await client.call("factor.confirm", factor="key", answer={"code": f"{secret}-1"})
    with pytest.raises(StepNeeded) as needed:
        await people.log_in(name)
    (step,) = cast(list[Any], needed.value.params["steps"])
    assert step["step"] == "key"
    with pytest.raises(StepNeeded):
        await people.log_in(name, answer=answering({"key": None}))
    with pytest.raises(WrongAnswer):
        await people.log_in(name, answer=answering({"key": {"code": "x"}}))
    again = await people.log_in(name, answer=answering({"key": {"code": f"{secret}-2"}}))
    assert (await post(people.server.url, "account.get", token=again))["user"]["username"] == name


def answering(answers: dict[str, Any]) -> Answerer:
    """Agrees to terms, and answers other steps so."""

    async def answer(step: dict[str, Any]) -> Any:
        return {"agreed": True} if step["step"] == "terms" else answers[step["step"]]

    return answer


async def test_an_admin_resets_the_factors_of_somebody_who_lost_them(
    keyed: tuple[ServerProcess, People],
) -> None:
    """The command is another process: the running server notices what it closed."""
    server, people = keyed
    name, token = await people.register()
    client = await people.connect(token)
    begun = await client.call("factor.begin", factor="key", password=PASSWORD)
    code = f"{begun['shown']['secret']}-1"
    await client.call("factor.confirm", factor="key", answer={"code": code})
    said = await asyncio.to_thread(server.run, "user", "reset-factors", name)
    assert "removed: key." in said
    assert "Sessions closed: 1." in said
    await until_closed(client)
    assert await people.log_in(name)


def test_resetting_the_factors_of_nobody_fails(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    with pytest.raises(subprocess.CalledProcessError, match="status 1"):
        server.run("user", "reset-factors", "nobody")
