"""The code by which the first admin signs up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts.security_log import SecurityEvent
from fixtures.local_server import PASSWORD, Answer, LocalServer, open_server
from structlog.testing import capture_logs


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path) as local:
        yield local


async def code_of(local: LocalServer) -> str:
    found = await local.server.setup_code.current()
    assert found is not None
    return found


async def sign_up(local: LocalServer, name: str, **params: Any) -> Answer:
    return await local.post("account.register", username=name, password=PASSWORD, **params)


async def role_of(local: LocalServer, name: str) -> str:
    answer = await local.post("account.get", await local.token(name))
    role: str = answer.body["role"]
    return role


async def test_who_has_the_code_is_the_admin_and_others_are_members(local: LocalServer) -> None:
    code = await code_of(local)
    assert (await sign_up(local, "ann")).status == 200
    assert (await sign_up(local, "ben", setup_code=code)).status == 200
    assert await role_of(local, "ann") == "member"
    assert await role_of(local, "ben") == "admin"
    assert await local.server.setup_code.current() is None


async def test_a_code_is_good_once(local: LocalServer) -> None:
    code = await code_of(local)
    await sign_up(local, "ann", setup_code=code)
    again = await sign_up(local, "ben", setup_code=code)
    assert (again.status, again.key) == (422, "setup_code_wrong")
    assert again.body["error"]["params"]["field"] == "setup_code"
    # No account was made for who hoped to be the admin.
    assert (await sign_up(local, "ben")).status == 200


async def test_of_two_who_use_it_at_once_one_is_the_admin(local: LocalServer) -> None:
    code = await code_of(local)
    names = ["ann", "ben", "clara", "dora"]
    answers = await asyncio.gather(*(sign_up(local, name, setup_code=code) for name in names))
    assert sorted(answer.status for answer in answers) == [200, 422, 422, 422]


async def test_a_wrong_code_makes_no_account_and_is_told(local: LocalServer) -> None:
    with capture_logs() as logged:
        for wrong in ("", "AAAA-AAAA-AAAA", "🔑", "ключ"):
            assert (await sign_up(local, "ann", setup_code=wrong)).key == "setup_code_wrong"
    told = [line["event"] for line in logged if line["event"] in {e.value for e in SecurityEvent}]
    assert told == ["setup_code_wrong"] * 4
    assert (await sign_up(local, "ann")).status == 200


async def test_a_code_is_left_by_a_sign_up_that_fails_otherwise(local: LocalServer) -> None:
    code = await code_of(local)
    short = await local.post("account.register", username="ann", password="x", setup_code=code)
    assert short.key == "password_unacceptable"
    assert await code_of(local) == code


@pytest.mark.parametrize("form", [str.lower, lambda code: f" {code.replace('-', ' ')} "])
async def test_a_code_may_be_typed_as_people_type_it(local: LocalServer, form: object) -> None:
    assert callable(form)
    typed = form(await code_of(local))
    assert (await sign_up(local, "ann", setup_code=typed)).status == 200


async def test_a_code_in_full_width_is_a_code(local: LocalServer) -> None:
    code = await code_of(local)
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in code)
    assert (await sign_up(local, "ann", setup_code=wide)).status == 200


async def test_an_admin_of_the_command_line_ends_the_code(local: LocalServer) -> None:
    code = await code_of(local)
    await local.server.accounts.create("ann", PASSWORD, role="admin")
    assert await local.server.setup_code.current() is None
    assert (await sign_up(local, "ben", setup_code=code)).key == "setup_code_wrong"


async def test_each_start_has_another_code(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        first = await code_of(local)
    async with open_server(tmp_path) as local:
        assert await code_of(local) != first


async def test_the_code_opens_a_closed_registration_for_the_admin_alone(tmp_path: Path) -> None:
    async with open_server(tmp_path, registration="closed") as local:
        code = await code_of(local)
        assert (await sign_up(local, "ann")).key == "forbidden"
        assert (await sign_up(local, "ann", setup_code="AAAA")).key == "setup_code_wrong"
        assert (await sign_up(local, "ann", setup_code=code)).status == 200
        assert (await sign_up(local, "ben")).key == "forbidden"


async def test_guesses_at_the_code_are_limited_and_a_right_one_is_not_counted(
    tmp_path: Path,
) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        code = await code_of(local)
        for _ in range(12):
            refused = await local.post(
                "account.register", username="ann", password="x", setup_code=code
            )
            assert refused.key == "password_unacceptable"
        answers = [await sign_up(local, "ann", setup_code="wrong") for _ in range(11)]
        assert [answer.status for answer in answers] == [422] * 10 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        # The limit is one of guesses: an account without the code is made meanwhile.
        assert (await sign_up(local, "ben")).status == 200
