"""Accounts: names, passwords, one's own data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from server_world import PASSWORD, Answer, ServerWorld, open_server


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ServerWorld]:
    async with open_server(tmp_path) as world:
        yield world


async def register(world: ServerWorld, **params: Any) -> Answer:
    return await world.post("account.register", **{"password": PASSWORD, **params})


@pytest.mark.parametrize("name", ["ab", "Ann", "a.b-c_d", "0abc", "a" * 32])
async def test_good_user_names(world: ServerWorld, name: str) -> None:
    assert (await register(world, username=name)).body["user"]["username"] == name


@pytest.mark.parametrize("name", ["", "a", "_ab", ".ab", "a" * 33, "a b", "ann\n", "анна", "a@b"])
async def test_bad_user_names_are_told_under_their_field(world: ServerWorld, name: str) -> None:
    answer = await register(world, username=name)
    assert (answer.status, answer.key) == (422, "username_invalid")
    assert answer.body["error"]["params"]["field"] == "username"


async def test_user_names_are_unique_without_regard_to_case(world: ServerWorld) -> None:
    await register(world, username="Ann")
    answer = await register(world, username="aNN")
    assert (answer.status, answer.key) == (409, "username_taken")


async def test_of_two_who_register_at_once_one_gets_the_name(world: ServerWorld) -> None:
    answers = await asyncio.gather(*(register(world, username="ann") for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]


@pytest.mark.parametrize(
    "password",
    ["short", "a" * 300, "aaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "Password Password"],
)
async def test_weak_passwords_are_refused_with_a_reason(world: ServerWorld, password: str) -> None:
    answer = await register(world, username="ann", password=password)
    assert (answer.status, answer.key) == (422, "password_unacceptable")
    assert answer.body["error"]["params"]["min_length"] == 15


async def test_the_user_name_repeated_is_no_password(world: ServerWorld) -> None:
    answer = await register(world, username="margarethe", password="MargaretheMargarethe")
    assert answer.key == "password_unacceptable"


async def test_any_script_any_space_is_a_password(world: ServerWorld) -> None:
    password = "длинная фраза 🐈 zum Merken"
    await register(world, username="ann", password=password)
    answer = await world.post("session.open", username="ANN", password=password)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (" Анна  Б. ", "Анна Б."),
        ("a\u202eb\u0000c\nd", "abcd"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("   ", "ann"),
        (None, "ann"),
    ],
)
async def test_display_names_cannot_disturb_their_surroundings(
    world: ServerWorld, given: str | None, shown: str
) -> None:
    answer = await register(world, username="ann", display_name=given)
    assert answer.body["user"]["display_name"] == shown


async def test_registration_can_be_closed(tmp_path: Path) -> None:
    async with open_server(tmp_path, registration="closed") as world:
        assert (await register(world, username="ann")).key == "forbidden"
        assert (await world.server.accounts.create("ann", PASSWORD)).username == "ann"


async def test_unknown_users_and_wrong_passwords_get_one_answer(world: ServerWorld) -> None:
    await world.add("ann")
    unknown = await world.post("session.open", username="nobody", password=PASSWORD)
    wrong = await world.post("session.open", username="ann", password="x" * 20)
    assert unknown.body == wrong.body
    assert unknown.status == wrong.status == 401


async def test_unknown_users_cost_the_same_hashing(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher

    await world.add("ann")
    hashed: list[str] = []
    hash_it, verify = PasswordHasher.hash, PasswordHasher.verify

    def counted_hash(self: Any, *args: Any, **more: Any) -> str:
        hashed.append("hash")
        return hash_it(self, *args, **more)

    def counted_verify(self: Any, *args: Any) -> bool:
        hashed.append("verify")
        return verify(self, *args)

    monkeypatch.setattr(PasswordHasher, "hash", counted_hash)
    monkeypatch.setattr(PasswordHasher, "verify", counted_verify)
    await world.post("session.open", username="nobody", password=PASSWORD)
    await world.post("session.open", username="ann", password="x" * 20)
    assert hashed == ["hash", "verify"]


async def test_guessing_is_slowed_down_and_says_when_to_come_back(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as world:
        await world.add("ann", "ben")
        answers = [
            await world.post("session.open", username="ann", password="x" * 20) for _ in range(11)
        ]
        assert [answer.status for answer in answers] == [401] * 10 + [429]
        assert answers[-1].body["error"]["retryable"]
        assert int(answers[-1].headers["Retry-After"]) > 0
        right = await world.post("session.open", username="ann", password=PASSWORD)
        assert right.status == 429
        other = await world.post("session.open", username="ben", password=PASSWORD)
        assert other.status == 200


async def test_changes_are_kept_and_reach_ones_own_log(world: ServerWorld) -> None:
    await world.add("ann")
    after = await world.call("ann", "account.update", language="ru", theme="dark")
    assert (after["language"], after["theme"]) == ("ru", "dark")
    assert await world.call("ann", "account.get") == after
    log = await world.call("ann", "log.read", log=world.users["ann"], after=0)
    assert [event["kind"] for event in log["events"]] == ["account.updated"]
    await world.call("ann", "account.update", language="ru")
    assert (await world.call("ann", "sync"))["me"]["seq"] == 1


@pytest.mark.parametrize(
    "params", [{"language": "russian"}, {"theme": "x y"}, {"display_name": " "}, {"role": "admin"}]
)
async def test_bad_changes_are_refused(world: ServerWorld, params: dict[str, object]) -> None:
    await world.add("ann")
    assert (await world.failure("ann", "account.update", **params)).key == "invalid_params"
