"""Accounts: names, passwords, one's own data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from dash_messenger.accounts.accounts import find_user
from dash_messenger.store.tables import users
from fixtures.local_server import PASSWORD, Answer, LocalServer, open_server
from sqlalchemy import select, update


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path) as local:
        yield local


async def register(local: LocalServer, **params: Any) -> Answer:
    return await local.post("account.register", **{"password": PASSWORD, **params})


@pytest.mark.parametrize("name", ["ab", "Ann", "a.b-c_d", "0abc", "a" * 32])
async def test_good_user_names(local: LocalServer, name: str) -> None:
    assert (await register(local, username=name)).body["user"]["username"] == name


@pytest.mark.parametrize("name", ["", "a", "_ab", ".ab", "a" * 33, "a b", "анна", "a@b"])
async def test_bad_user_names_are_told_under_their_field(local: LocalServer, name: str) -> None:
    answer = await register(local, username=name)
    assert (answer.status, answer.key) == (422, "username_invalid")
    assert answer.body["error"]["params"]["field"] == "username"


async def test_user_names_are_unique_without_regard_to_case(local: LocalServer) -> None:
    await register(local, username="Ann")
    answer = await register(local, username="aNN")
    assert (answer.status, answer.key) == (409, "username_taken")


async def test_of_two_who_register_at_once_one_gets_the_name(local: LocalServer) -> None:
    answers = await asyncio.gather(*(register(local, username="ann") for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]


@pytest.mark.parametrize(
    "password",
    ["short", "a" * 300, "aaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "Password Password"],
)
async def test_weak_passwords_are_refused_with_a_reason(local: LocalServer, password: str) -> None:
    answer = await register(local, username="ann", password=password)
    assert (answer.status, answer.key) == (422, "password_unacceptable")
    assert answer.body["error"]["params"]["min_length"] == 15


async def test_the_user_name_repeated_is_no_password(local: LocalServer) -> None:
    answer = await register(local, username="margarethe", password="MargaretheMargarethe")
    assert answer.key == "password_unacceptable"


async def test_any_script_any_space_is_a_password(local: LocalServer) -> None:
    password = "длинная фраза 🐈 zum Merken"
    await register(local, username="ann", password=password)
    answer = await local.post("session.open", username="ANN", password=password)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (" Анна  Б. ", "Анна Б."),
        ("a\u202eb\u0000c\nd", "abc d"),
        ("\U0001faea \U0001faff", "\U0001faea \U0001faff"),
        ("\u3164\u2800", "ann"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("   ", "ann"),
        (None, "ann"),
    ],
)
async def test_display_names_cannot_disturb_their_surroundings(
    local: LocalServer, given: str | None, shown: str
) -> None:
    answer = await register(local, username="ann", display_name=given)
    assert answer.body["user"]["display_name"] == shown


async def test_a_name_that_is_too_long_is_nobody_s(local: LocalServer) -> None:
    await local.add("a" * 32)
    answer = await local.post("session.open", username="a" * 33, password=PASSWORD)
    assert answer.key == "wrong_credentials"


@pytest.mark.parametrize("around", [" {} ", "{}\n", "\u2068{}\u2069", "\u200b{}", "@{}"])
async def test_space_around_a_user_name_is_forgiven_wherever_it_is_typed(
    local: LocalServer, around: str
) -> None:
    await local.add("ben")
    typed = around.format("Ann")
    answer = await register(local, username=typed)
    assert answer.body["user"]["username"] == answer.body["user"]["display_name"] == "Ann"
    assert (await register(local, username=typed)).key == "username_taken"
    answer = await local.post("session.open", username=typed, password=PASSWORD)
    assert answer.status == 200
    found = await local.call("ben", "user.get", users=[typed])
    assert [one["username"] for one in found["users"]] == ["Ann"]
    await local.call("ben", "conversation.create", kind="group", title="A", members=[typed])
    account = await local.server.store.read(lambda connection: find_user(connection, typed))
    assert account == found["users"][0]["id"]


async def test_registration_can_be_closed(tmp_path: Path) -> None:
    async with open_server(tmp_path, registration="closed") as local:
        assert (await register(local, username="ann")).key == "forbidden"
        assert (await local.server.accounts.create("ann", PASSWORD)).username == "ann"


async def test_unknown_users_and_wrong_passwords_get_one_answer(local: LocalServer) -> None:
    await local.add("ann")
    unknown = await local.post("session.open", username="nobody", password=PASSWORD)
    wrong = await local.post("session.open", username="ann", password="x" * 20)
    assert unknown.body == wrong.body
    assert unknown.status == wrong.status == 401


async def test_unknown_users_cost_the_same_hashing(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await local.add("ann")
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
    await local.post("session.open", username="nobody", password=PASSWORD)
    await local.post("session.open", username="ann", password="x" * 20)
    assert hashed == ["hash", "verify"]


async def test_guessing_is_slowed_down_and_says_when_to_come_back(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann", "ben")
        answers = [
            await local.post("session.open", username="ann", password="x" * 20) for _ in range(11)
        ]
        assert [answer.status for answer in answers] == [401] * 10 + [429]
        assert answers[-1].body["error"]["retryable"]
        assert int(answers[-1].headers["Retry-After"]) > 0
        right = await local.post("session.open", username="ann", password=PASSWORD)
        assert right.status == 429
        other = await local.post("session.open", username="ben", password=PASSWORD)
        assert other.status == 200


async def test_changes_are_kept_and_reach_ones_own_log(local: LocalServer) -> None:
    await local.add("ann")
    after = await local.call("ann", "account.update", language="ru", theme="dark")
    assert (after["language"], after["theme"]) == ("ru", "dark")
    assert await local.call("ann", "account.get") == after
    log = await local.call("ann", "log.read", log=local.users["ann"], after=0)
    assert [event["kind"] for event in log["events"]] == ["account.updated"]
    await local.call("ann", "account.update", language="ru")
    assert (await local.call("ann", "sync"))["me"]["seq"] == 1


@pytest.mark.parametrize(
    "params",
    [
        {"language": "russian"},
        {"theme": "x y"},
        {"display_name": " "},
        {"display_name": "\u3164"},
        {"role": "admin"},
    ],
)
async def test_bad_changes_are_refused(local: LocalServer, params: dict[str, object]) -> None:
    await local.add("ann")
    assert (await local.failure("ann", "account.update", **params)).key == "invalid_params"


# Passwords that are typed differently and are the same.

RAW = "Å\u0301pen \ufb01ord i Nordland"
TYPED_ELSEWHERE = "A\u030a\u0301pen fiord i Nordland"


async def stored_hash(local: LocalServer, name: str) -> str:
    query = select(users.c.password_hash).where(users.c.username == name)
    found = await local.server.store.read(lambda c: c.execute(query).scalar())
    return str(found)


async def test_a_password_is_the_same_however_its_letters_are_encoded(local: LocalServer) -> None:
    await register(local, username="ann", password=RAW)
    for password in (RAW, TYPED_ELSEWHERE):
        answer = await local.post("session.open", username="ann", password=password)
        assert answer.status == 200


async def test_the_hash_of_a_password_as_it_was_typed_is_renewed(local: LocalServer) -> None:
    await local.add("ann")
    old = PasswordHasher(memory_cost=8_192, time_cost=1, parallelism=1).hash(RAW.encode())
    change = update(users).where(users.c.username == "ann").values(password_hash=old)
    await local.server.store.write(lambda transaction: transaction.connection.execute(change))
    refused = await local.post("session.open", username="ann", password=TYPED_ELSEWHERE)
    assert refused.key == "wrong_credentials"
    assert (await local.post("session.open", username="ann", password=RAW)).status == 200
    assert await stored_hash(local, "ann") != old
    answer = await local.post("session.open", username="ann", password=TYPED_ELSEWHERE)
    assert answer.status == 200


@pytest.mark.parametrize(("password", "tries"), [("x" * 20, 1), (RAW, 2)])
async def test_known_and_unknown_users_cost_the_same_however_it_is_typed(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch, password: str, tries: int
) -> None:
    await local.add("ann")
    hashed: list[str] = []
    for method in ("hash", "verify"):
        real = getattr(PasswordHasher, method)

        def counted(self: Any, *args: Any, real: Any = real, **more: Any) -> Any:
            hashed.append("one")
            return real(self, *args, **more)

        monkeypatch.setattr(PasswordHasher, method, counted)
    for name in ("ann", "nobody"):
        hashed.clear()
        await local.post("session.open", username=name, password=password)
        assert len(hashed) == tries


async def test_a_short_password_is_not_made_long_by_letters_that_fall_together(
    local: LocalServer,
) -> None:
    answer = await register(local, username="ann", password="A\u030a" * 7 + "b")
    assert answer.key == "password_unacceptable"


async def test_a_new_password_is_judged_like_at_registration(local: LocalServer) -> None:
    await local.add("margarethe")
    token = await local.token("margarethe")
    for new in ("short", "aaaaaaaaaaaaaaaaaa", "MargaretheMargarethe"):
        answer = await local.post("account.change_password", token, old=PASSWORD, new=new)
        assert (answer.status, answer.key) == (422, "password_unacceptable")
        assert answer.body["error"]["params"]["field"] == "new"
    assert (await local.post("account.get", token)).status == 200


async def test_of_two_changes_at_once_one_is_done(local: LocalServer) -> None:
    await local.add("ann")
    token = await local.token("ann")
    changes = [f"a rather long password {n}" for n in range(2)]
    answers = await asyncio.gather(
        *(local.post("account.change_password", token, old=PASSWORD, new=new) for new in changes)
    )
    assert sorted(answer.status for answer in answers) == [200, 422]
    (in_force,) = [new for new, one in zip(changes, answers, strict=True) if one.status == 200]
    assert (await local.post("session.open", username="ann", password=in_force)).status == 200


async def test_a_log_in_under_way_does_not_outlive_a_change(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was proven, and then changed, before the session was stored."""
    await local.add("ann")
    token = await local.token("ann")
    proven, changed = asyncio.Event(), asyncio.Event()

    async def hold(login: object) -> None:
        proven.set()
        await changed.wait()

    monkeypatch.setattr(local.server.services.people.logins, "_check", hold)
    late = asyncio.create_task(local.post("session.open", username="ann", password=PASSWORD))
    await proven.wait()
    new = "a rather long password"
    answer = await local.post("account.change_password", token, old=PASSWORD, new=new)
    assert answer.status == 200
    changed.set()
    assert (await late).key == "wrong_credentials"


async def test_guesses_of_the_old_password_are_bounded(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann")
        token = await local.token("ann")
        params = {"old": "x" * 20, "new": "a rather long password"}
        answers = [await local.post("account.change_password", token, **params) for _ in range(11)]
        assert [answer.status for answer in answers] == [422] * 10 + [429]
