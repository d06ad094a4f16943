"""Accounts: names, passwords, one's own data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from dash_messenger.store.tables import users
from server_world import PASSWORD, Answer, ServerWorld, open_server
from sqlalchemy import select, update


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


# Passwords that are typed differently and are the same.

RAW = "Å\u0301pen \ufb01ord i Nordland"
TYPED_ELSEWHERE = "A\u030a\u0301pen fiord i Nordland"


async def stored_hash(world: ServerWorld, name: str) -> str:
    query = select(users.c.password_hash).where(users.c.username == name)
    found = await world.server.store.read(lambda c: c.execute(query).scalar())
    return str(found)


async def test_a_password_is_the_same_however_its_letters_are_encoded(world: ServerWorld) -> None:
    await register(world, username="ann", password=RAW)
    for password in (RAW, TYPED_ELSEWHERE):
        answer = await world.post("session.open", username="ann", password=password)
        assert answer.status == 200


async def test_the_hash_of_a_password_as_it_was_typed_is_renewed(world: ServerWorld) -> None:
    await world.add("ann")
    old = PasswordHasher(memory_cost=8_192, time_cost=1, parallelism=1).hash(RAW.encode())
    change = update(users).where(users.c.username == "ann").values(password_hash=old)
    await world.server.store.write(lambda transaction: transaction.connection.execute(change))
    refused = await world.post("session.open", username="ann", password=TYPED_ELSEWHERE)
    assert refused.key == "wrong_credentials"
    assert (await world.post("session.open", username="ann", password=RAW)).status == 200
    assert await stored_hash(world, "ann") != old
    answer = await world.post("session.open", username="ann", password=TYPED_ELSEWHERE)
    assert answer.status == 200


@pytest.mark.parametrize(("password", "tries"), [("x" * 20, 1), (RAW, 2)])
async def test_known_and_unknown_users_cost_the_same_however_it_is_typed(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch, password: str, tries: int
) -> None:
    await world.add("ann")
    hashed: list[str] = []
    for method in ("hash", "verify"):
        real = getattr(PasswordHasher, method)

        def counted(self: Any, *args: Any, real: Any = real, **more: Any) -> Any:
            hashed.append("one")
            return real(self, *args, **more)

        monkeypatch.setattr(PasswordHasher, method, counted)
    for name in ("ann", "nobody"):
        hashed.clear()
        await world.post("session.open", username=name, password=password)
        assert len(hashed) == tries


async def test_a_short_password_is_not_made_long_by_letters_that_fall_together(
    world: ServerWorld,
) -> None:
    answer = await register(world, username="ann", password="A\u030a" * 7 + "b")
    assert answer.key == "password_unacceptable"


async def test_a_new_password_is_judged_like_at_registration(world: ServerWorld) -> None:
    await world.add("margarethe")
    token = await world.token("margarethe")
    for new in ("short", "aaaaaaaaaaaaaaaaaa", "MargaretheMargarethe"):
        answer = await world.post("account.change_password", token, old=PASSWORD, new=new)
        assert (answer.status, answer.key) == (422, "password_unacceptable")
        assert answer.body["error"]["params"]["field"] == "new"
    assert (await world.post("account.get", token)).status == 200


async def test_of_two_changes_at_once_one_is_done(world: ServerWorld) -> None:
    await world.add("ann")
    token = await world.token("ann")
    changes = [f"a rather long password {n}" for n in range(2)]
    answers = await asyncio.gather(
        *(world.post("account.change_password", token, old=PASSWORD, new=new) for new in changes)
    )
    assert sorted(answer.status for answer in answers) == [200, 422]
    (in_force,) = [new for new, one in zip(changes, answers, strict=True) if one.status == 200]
    assert (await world.post("session.open", username="ann", password=in_force)).status == 200


async def test_a_log_in_under_way_does_not_outlive_a_change(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was proven, and then changed, before the session was stored."""
    await world.add("ann")
    token = await world.token("ann")
    proven, changed = asyncio.Event(), asyncio.Event()

    async def hold(login: object) -> None:
        proven.set()
        await changed.wait()

    monkeypatch.setattr(world.server._logins, "check", hold)
    late = asyncio.create_task(world.post("session.open", username="ann", password=PASSWORD))
    await proven.wait()
    new = "a rather long password"
    answer = await world.post("account.change_password", token, old=PASSWORD, new=new)
    assert answer.status == 200
    changed.set()
    assert (await late).key == "wrong_credentials"


async def test_guesses_of_the_old_password_are_bounded(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as world:
        await world.add("ann")
        token = await world.token("ann")
        params = {"old": "x" * 20, "new": "a rather long password"}
        answers = [await world.post("account.change_password", token, **params) for _ in range(11)]
        assert [answer.status for answer in answers] == [422] * 10 + [429]
