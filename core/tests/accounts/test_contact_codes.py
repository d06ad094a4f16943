"""Contact codes: made, shown once, opened, counted, ended, and guessed in vain."""

from __future__ import annotations

import asyncio
import hashlib
import math
import uuid
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts.attempts import CODES_AT_ADDRESS, CODES_OF_USER
from dash_messenger.accounts.code_maker import CODE_CHARACTERS, MAX_LIVE_CODES
from dash_messenger.accounts.contacts import MAX_LABEL_CHARACTERS
from dash_messenger.accounts.invitation_rows import (
    find_good,
    find_named,
    live_invitations,
    page_of_invitations,
)
from dash_messenger.accounts.typed_codes import CHARACTERS, code_of, in_groups, plain_code
from dash_messenger.errors import Failure, TooManyCodes
from dash_messenger.protocol.commands import Caller
from dash_messenger.store import Transaction
from dash_messenger.store.tables import users
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from msgspec import json
from sqlalchemy import Connection, update

DAY_MS = 86_400_000


async def make(local: LocalServer, by: str = "ann", **params: Any) -> dict[str, Any]:
    named = {"client_id": uuid.uuid4().hex} | params
    made: dict[str, Any] = await local.call(by, "contact.code_create", **named)
    return made


async def listed(local: LocalServer, by: str = "ann") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await local.call(by, "contact.code_list"))["codes"]
    return found


async def outcome(local: LocalServer, by: str, code: str) -> str:
    """Whose code it is for somebody, or why it is not."""
    try:
        opened = await local.call(by, "contact.code_open", code=code)
    except Failure as failure:
        return failure.key
    username: str = opened["user"]["username"]
    return username


async def test_a_code_shows_whose_it_is(local: LocalServer) -> None:
    made = await make(local)
    opened = await local.call("ben", "contact.code_open", code=made["code"])
    assert opened == {"user": {"id": local.users["ann"], "username": "ann", "display_name": "ann"}}
    await local.call("ben", "contact.request", user=opened["user"]["id"])
    again = await local.call("ben", "contact.code_open", code=made["code"])
    assert again["contact"]["state"] == "sent"


async def test_a_code_has_its_address(local: LocalServer, tmp_path: Path) -> None:
    made = await make(local)
    assert made["url"] == f"/j/{made['code']}"
    async with open_server(tmp_path / "public", public_url="https://chat.example.org") as public:
        await public.add("ann")
        made = await make(public)
        assert made["url"] == f"https://chat.example.org/j/{made['code']}"


async def test_a_code_has_many_bits_of_letters_that_are_not_mistaken(local: LocalServer) -> None:
    assert CODE_CHARACTERS * math.log2(len(CHARACTERS)) > 60
    assert not set(CHARACTERS) & set("01OIL")
    codes = {(await make(local))["code"] for _ in range(30)}
    assert len(codes) == 30
    assert {len(plain_code(code)) for code in codes} == {CODE_CHARACTERS}
    assert set("".join(codes)) == {*CHARACTERS, "-"}
    assert {code.count("-") for code in codes} == {3}


def test_characters_of_a_code_are_all_equally_likely() -> None:
    counts = dict.fromkeys(CHARACTERS, 0)
    for n in range(3_000):
        digest = hashlib.sha256(str(n).encode()).digest()
        for character in code_of(digest, CODE_CHARACTERS):
            counts[character] += 1
    expected = 3_000 * CODE_CHARACTERS / len(CHARACTERS)
    assert all(0.85 < count / expected < 1.15 for count in counts.values())


@pytest.mark.parametrize(
    "form",
    [
        str.lower,
        lambda code: f"  {code.replace('-', ' ')} ",
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", "–"),
        lambda code: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in code),
    ],
)
async def test_a_code_may_be_typed_as_people_type_it(local: LocalServer, form: Any) -> None:
    made = await make(local)
    assert await outcome(local, "ben", form(made["code"])) == "ann"


async def test_a_retry_gets_the_same_code_and_makes_no_other(local: LocalServer) -> None:
    client_id = str(uuid.uuid4())
    params: dict[str, Any] = {
        "label": "Party",
        "expires_at_ms": local.clock.now_ms + DAY_MS,
        "uses": 3,
    }
    first = await make(local, client_id=client_id, **params)
    retries = await asyncio.gather(
        *(make(local, client_id=client_id.replace("-", ""), **params) for _ in range(5))
    )
    assert retries == [first] * 5
    # What somebody else calls so is another code.
    assert (await make(local, "ben", client_id=client_id, **params))["code"] != first["code"]
    # However late, and though the code opens nothing any more.
    local.clock.advance(s=2 * 86_400)
    await local.call("ann", "contact.code_revoke", id=first["id"])
    assert await make(local, client_id=client_id, **params) == first
    assert await outcome(local, "ben", first["code"]) == "not_found"
    for other in ({"label": "Other"}, {"uses": 4}, {"uses": None}, {"expires_at_ms": None}):
        failure = await local.failure(
            "ann", "contact.code_create", client_id=client_id, **params | other
        )
        assert failure.key == "conflict"


async def test_a_code_is_the_same_after_a_restart(tmp_path: Path) -> None:
    client_id = uuid.uuid4().hex
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben")
        people, made = local.users, await make(local, client_id=client_id)
    async with open_server(tmp_path) as local:
        local.users = people
        assert await make(local, client_id=client_id) == made
        assert await outcome(local, "ben", made["code"]) == "ann"


async def test_neither_codes_nor_what_they_are_made_of_are_stored(
    local: LocalServer, tmp_path: Path
) -> None:
    client_id = uuid.uuid4().hex
    made = await make(local, client_id=client_id, label="Findable")
    await local.server.aclose()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("**/*") if path.is_file())
    assert b"Findable" in stored
    for secret in (made["code"], plain_code(made["code"]), client_id):
        assert secret.encode() not in stored
        assert secret.lower().encode() not in stored
    assert bytes.fromhex(client_id) not in stored


async def test_a_code_that_opens_nothing_does_so_in_one_way(local: LocalServer) -> None:
    await local.add("dan")
    revoked, used, gone = await make(local), await make(local, uses=1), await make(local, "dan")
    expired = await make(local, expires_at_ms=local.clock.now_ms + 1_000)
    assert await outcome(local, "ben", used["code"]) == "ann"
    await local.call("ann", "contact.code_revoke", id=revoked["id"])
    local.clock.advance(ms=999)
    assert await outcome(local, "ben", expired["code"]) == "ann"
    local.clock.advance(ms=1)

    def deactivate(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(users).where(users.c.id == local.users["dan"]).values(deactivated_at_ms=1)
        )

    await local.server.store.write(deactivate)
    codes = [one["code"] for one in (revoked, used, expired, gone)]
    unknown = in_groups(CHARACTERS[:CODE_CHARACTERS])
    refused = [
        await local.failure("cleo", "contact.code_open", code=code)
        for code in (*codes, unknown, "", "🔑", "\u0660" * 16, "A" * 200)
    ]
    assert {(one.key, one.code, one.message, str(one.params)) for one in refused} == {
        ("not_found", 1004, "Not found.", "{}")
    }


async def test_each_person_counts_once_and_the_maker_never(local: LocalServer) -> None:
    made = await make(local, uses=2)
    for by in ("ann", "ben", "ben", "ann", "cleo", "ben", "cleo"):
        assert await outcome(local, by, made["code"]) == "ann"
    assert [(one["uses"], one["used"]) for one in await listed(local)] == [(2, 2)]
    await local.add("dan")
    assert await outcome(local, "dan", made["code"]) == "not_found"
    free = await make(local)
    for by in ("ben", "cleo", "dan", "dan"):
        assert await outcome(local, by, free["code"]) == "ann"
    assert (await listed(local))[0]["used"] == 3


async def test_of_two_who_use_a_code_at_once_one_has_the_last_use(local: LocalServer) -> None:
    for _ in range(20):
        made = await make(local, uses=1)
        both = await asyncio.gather(
            *(outcome(local, by, made["code"]) for by in ("ben", "cleo", "ben", "cleo"))
        )
        assert sorted(both) == ["ann", "ann", "not_found", "not_found"]
        assert both[:2] == both[2:]
        assert (await listed(local))[0]["used"] == 1


async def test_codes_are_listed_newest_first_without_what_opens_them(local: LocalServer) -> None:
    now_ms = local.clock.now_ms
    made = [await make(local, label=label, uses=n) for n, label in enumerate(("A", "B", "C"), 1)]
    await make(local, "ben")
    await local.call("ann", "contact.code_revoke", id=made[1]["id"])
    assert await listed(local) == [
        {
            "id": one["id"],
            "label": label,
            "created_at_ms": now_ms,
            "expires_at_ms": None,
            "uses": uses,
            "used": 0,
        }
        for one, label, uses in ((made[2], "C", 3), (made[0], "A", 1))
    ]
    first = await local.call("ann", "contact.code_list", limit=1)
    rest = await local.call("ann", "contact.code_list", after=first["codes"][0]["id"], limit=1)
    assert [page["more"] for page in (first, rest)] == [True, False]
    assert [page["codes"][0]["label"] for page in (first, rest)] == ["C", "A"]


async def test_a_code_is_revoked_by_its_maker_alone(local: LocalServer) -> None:
    made = await make(local)
    for id in (made["id"], "f" * 32):
        failure = await local.failure("ben", "contact.code_revoke", id=id)
        assert failure.key == "not_found"
    assert await outcome(local, "ben", made["code"]) == "ann"
    for _ in range(2):
        assert await local.call("ann", "contact.code_revoke", id=made["id"]) == {"id": made["id"]}
    # Whoever opened it before sees no more than others.
    assert await outcome(local, "ben", made["code"]) == "not_found"


async def test_as_many_codes_work_as_one_may_have(local: LocalServer) -> None:
    ends = local.clock.now_ms + DAY_MS
    codes = [await make(local, expires_at_ms=ends, uses=1) for _ in range(MAX_LIVE_CODES)]

    async def refused() -> bool:
        try:
            await make(local)
        except TooManyCodes:
            return True
        return False

    failure = await local.failure("ann", "contact.code_create", client_id=uuid.uuid4().hex)
    assert (failure.key, failure.code) == ("too_many_codes", 1091)
    assert failure.params == {"limit": 100}
    await make(local, "ben")
    # What does not work any more makes room: revoked, used up, expired.
    await local.call("ann", "contact.code_revoke", id=codes[0]["id"])
    assert not await refused()
    assert await refused()
    assert await outcome(local, "ben", codes[1]["code"]) == "ann"
    assert not await refused()
    assert await refused()
    local.clock.advance(s=86_400)
    assert not await refused()


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"client_id": "x"}, "client_id"),
        ({"uses": 0}, "uses"),
        ({"uses": 10_001}, "uses"),
        ({"expires_at_ms": -1}, "expires_at_ms"),
        ({"expires_at_ms": 1_790_000_000_000}, "expires_at_ms"),
        ({"label": "a" * (MAX_LABEL_CHARACTERS + 1)}, "label"),
    ],
)
async def test_a_code_that_cannot_be_is_refused(
    local: LocalServer, params: dict[str, Any], field: str
) -> None:
    named = {"client_id": uuid.uuid4().hex} | params
    failure = await local.failure("ann", "contact.code_create", **named)
    assert (failure.key, failure.params["field"]) == ("invalid_params", field)
    assert await listed(local) == []


async def test_guessing_is_limited_by_user_and_by_address(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        names = [f"guesser{n}" for n in range(CODES_AT_ADDRESS // CODES_OF_USER + 1)]
        await local.add("ann", "ben", *names)
        good = (await make(local))["code"]

        async def guess(by: str, code: str, address: str) -> str:
            caller = Caller(user=local.users[by], session="0" * 32, address=address)
            params = json.encode({"code": code})
            try:
                await local.server.commands.dispatch(caller, "contact.code_open", params)
            except Failure as failure:
                return failure.key
            return "opened"

        # A right code is no guess.
        for _ in range(CODES_OF_USER + 5):
            assert await guess("ben", good, "192.0.2.1") == "opened"
        for name in names[:-1]:
            wrong = [await guess(name, "AAAA-AAAA", "192.0.2.1") for _ in range(CODES_OF_USER)]
            assert set(wrong) == {"not_found"}
        # One user's tries are counted wherever they come from, and an address's whoever makes them.
        assert await guess(names[0], good, "192.0.2.9") == "rate_limited"
        assert await guess(names[-1], good, "192.0.2.1") == "rate_limited"
        assert await guess(names[-1], good, "192.0.2.9") == "opened"
        local.clock.advance(s=60)
        assert await guess(names[0], good, "192.0.2.1") == "opened"


async def test_codes_are_found_by_an_index(local: LocalServer) -> None:
    made = await make(local, uses=2)
    await outcome(local, "ben", made["code"])
    ann, hashed = local.users["ann"], hashlib.sha256(plain_code(made["code"]).encode()).digest()

    def plans(connection: Connection) -> dict[str, str]:
        def work() -> None:
            assert find_good(connection, hashed, local.clock.now_ms).used == 1
            assert find_named(connection, b"") is None
            assert len(page_of_invitations(connection, "contact", ann, "f" * 32, 5)) == 1
            assert live_invitations(connection, "contact", ann, local.clock.now_ms, 5) == 1

        return query_plans(connection, work)

    found = await local.server.store.read(plans)
    assert len(found) == 4
    for plan in found.values():
        # What is counted is at most as many as one may have.
        assert "SCAN" not in plan.replace("SCAN anon", "")
        assert "TEMP B-TREE" not in plan
