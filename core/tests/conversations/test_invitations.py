"""Invitations to groups: made, listed, revoked, opened, and joined by, also in bad faith."""

from __future__ import annotations

import asyncio
import base64
import uuid
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts.attempts import CODES_OF_USER
from dash_messenger.accounts.code_maker import MAX_LIVE_CODES, hash_of_typed
from dash_messenger.accounts.invitation_rows import find_good, live_invitations
from dash_messenger.accounts.typed_codes import CHARACTERS, in_groups, plain_code
from dash_messenger.conversations import invitations, joining
from dash_messenger.errors import Failure
from dash_messenger.protocol.commands import Caller
from dash_messenger.store import Transaction
from dash_messenger.store.tables import blobs, conversations, users
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from msgspec import json
from sqlalchemy import Connection, delete, update

DAY_MS = 86_400_000


async def new_group(local: LocalServer) -> str:
    """Of ann, with somebody of whom nothing more is heard."""
    if "zoe" not in local.users:
        await local.add("zoe")
    return await local.group("ann", "zoe")


async def invite(local: LocalServer, group: str, by: str = "ann", **params: Any) -> dict[str, Any]:
    named = {"client_id": uuid.uuid4().hex, "conversation": group} | params
    made: dict[str, Any] = await local.call(by, "conversation.invite_create", **named)
    return made


async def listed(local: LocalServer, group: str, by: str = "ann") -> list[dict[str, Any]]:
    found = await local.call(by, "conversation.invite_list", conversation=group)
    invites: list[dict[str, Any]] = found["invites"]
    return invites


async def opened(local: LocalServer, by: str, code: str) -> Any:
    """What somebody is to the group of a code, or why they do not see it."""
    try:
        found = await local.call(by, "contact.code_open", code=code)
    except Failure as failure:
        return failure.key
    return found["group"]["state"]


async def joined(local: LocalServer, by: str, code: str) -> Any:
    """What somebody is who joins by a code, or why they do not."""
    try:
        found = await local.call(by, "conversation.join", code=code)
    except Failure as failure:
        return failure.key
    return found["state"]


async def members_of(local: LocalServer, group: str) -> set[str]:
    found = await local.call("ann", "conversation.members", conversation=group)
    return {one["username"] for one in found["members"]}


async def told(local: LocalServer, by: str, log: str, kind: str) -> list[dict[str, Any]]:
    found = await local.call(by, "log.read", log=log, after=0)
    return [event for event in found["events"] if event["kind"] == kind]


async def test_whoever_has_the_code_sees_the_group_and_joins_it(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    await local.call("ann", "conversation.update", conversation=group, description="Tea at five")
    made = await invite(local, group)
    assert made["url"] == f"/j/{made['code']}"
    found = await local.call("cleo", "contact.code_open", code=made["code"])
    shown = {"title": "Group", "member_count": 2, "approval": False, "description": "Tea at five"}
    # Nothing says who is in it, nor who has made the code.
    assert found == {"group": {**shown, "state": "outside"}}
    # Looking is not using.
    assert (await listed(local, group))[0]["used"] == 0
    answer = await local.call("cleo", "conversation.join", code=made["code"])
    assert answer == {"state": "member", "conversation": group}
    assert await members_of(local, group) == {"ann", "ben", "cleo"}
    found = await local.call("cleo", "contact.code_open", code=made["code"])
    assert found == {
        "group": {**shown, "member_count": 3, "state": "member", "conversation": group}
    }
    assert (await local.say("cleo", group))["number"] == 1


async def test_the_log_says_who_came_by_a_link_and_who_was_added(local: LocalServer) -> None:
    await local.add("dan")
    group = await local.group("ann", "ben")
    made = await invite(local, group)
    await joined(local, "cleo", made["code"])
    await local.call("ben", "conversation.add", conversation=group, members=["dan"])
    lines = (await told(local, "ann", group, "member.joined"))[2:]
    assert [(one["by"], one["data"]["user"]["username"]) for one in lines] == [
        (local.users["ann"], "cleo"),
        (local.users["ben"], "dan"),
    ]
    assert [one["data"].get("via") for one in lines] == ["link", None]
    own = await told(local, "cleo", local.users["cleo"], "conversation.added")
    assert [one["data"] for one in own] == [{"conversation": group}]


async def test_who_joins_reads_what_others_who_are_added_would(local: LocalServer) -> None:
    for history, numbers in (("joined", [2]), ("all", [1, 2])):
        group = await local.group("ann", "ben")

        def show(transaction: Transaction, group: str = group, history: str = history) -> None:
            transaction.connection.execute(
                update(conversations).where(conversations.c.id == group).values(history=history)
            )

        await local.server.store.write(show)
        await local.say("ann", group)
        made = await invite(local, group)
        await joined(local, "cleo", made["code"])
        await local.say("ann", group)
        page = await local.call("cleo", "message.history", conversation=group)
        assert [one["number"] for one in page["messages"]] == numbers


async def test_a_setting_against_being_added_keeps_nobody_from_joining(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    await local.call("cleo", "privacy.update", add="nobody", find="nobody")
    await local.call("cleo", "user.block", user="ben")
    assert await joined(local, "cleo", (await invite(local, group))["code"]) == "member"


async def test_a_code_that_does_not_work_is_refused_in_one_way(local: LocalServer) -> None:
    await local.add("dan", "eve")
    group = await local.group("ann", "dan", "eve")
    for one in ("dan", "eve"):
        user = local.users[one]
        params = {"conversation": group, "user": user, "role": "admin"}
        await local.call("ann", "conversation.set_role", **params)
    codes = {
        "revoked": await invite(local, group),
        "used up": await invite(local, group, uses=1),
        "expired": await invite(local, group, expires_at_ms=local.clock.now_ms + 1_000),
        "maker is no admin": await invite(local, group, "dan"),
        "maker has left": await invite(local, group, "eve"),
    }
    await local.call(
        "ann", "conversation.invite_revoke", conversation=group, id=codes["revoked"]["id"]
    )
    assert await joined(local, "ben", codes["used up"]["code"]) == "member"
    dan = {"conversation": group, "user": local.users["dan"]}
    await local.call("ann", "conversation.set_role", **dan, role="member")
    await local.call("eve", "conversation.leave", conversation=group)
    local.clock.advance(ms=1_000)
    typed = [one["code"] for one in codes.values()]
    typed += [in_groups(CHARACTERS[:16]), "", "🔑", "A" * 200]
    for command in ("contact.code_open", "conversation.join"):
        refused = [await local.failure("cleo", command, code=code) for code in typed]
        assert {(one.key, one.code, one.message, str(one.params)) for one in refused} == {
            ("not_found", 1004, "Not found.", "{}")
        }
    states = {one["id"]: one["works"] for one in await listed(local, group)}
    assert states == {one["id"]: False for name, one in codes.items() if name != "revoked"}
    # Who may invite again has links that work again.
    await local.call("ann", "conversation.set_role", **dan, role="admin")
    assert await joined(local, "cleo", codes["maker is no admin"]["code"]) == "member"


async def test_a_code_of_somebody_deactivated_lets_nobody_in(local: LocalServer) -> None:
    await local.add("dan")
    group = await local.group("ann", "dan")
    params = {"conversation": group, "user": local.users["dan"], "role": "admin"}
    await local.call("ann", "conversation.set_role", **params)
    made = await invite(local, group, "dan")

    def deactivate(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(users).where(users.c.id == local.users["dan"]).values(deactivated_at_ms=1)
        )

    await local.server.store.write(deactivate)
    assert await joined(local, "cleo", made["code"]) == "not_found"
    assert [one["works"] for one in await listed(local, group)] == [False]


async def test_who_is_banned_learns_only_that_the_code_does_not_work(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    made = await invite(local, group)
    cleo = {"conversation": group, "user": local.users["cleo"]}
    await local.call("ann", "conversation.ban", **cleo)
    unknown = in_groups(CHARACTERS[:16])
    for command in ("contact.code_open", "conversation.join"):
        answers = [
            await local.failure("cleo", command, code=code) for code in (made["code"], unknown)
        ]
        assert len({(one.key, one.message, str(one.params)) for one in answers}) == 1
    assert await members_of(local, group) == {"ann", "ben"}
    assert (await listed(local, group))[0]["used"] == 0
    await local.call("ann", "conversation.unban", **cleo)
    assert await joined(local, "cleo", made["code"]) == "member"


async def test_who_is_a_member_joins_without_using_anything(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    made = await invite(local, group, uses=1)
    for by in ("ann", "ben"):
        assert await joined(local, by, made["code"]) == "member"
    assert (await listed(local, group))[0]["used"] == 0
    assert len(await told(local, "ann", group, "member.joined")) == 2
    assert await joined(local, "cleo", made["code"]) == "member"
    # It is used up, and still of a group that one is in.
    assert await joined(local, "ben", made["code"]) == "member"
    assert await opened(local, "ben", made["code"]) == "member"


async def test_each_person_counts_once(local: LocalServer) -> None:
    await local.add("dan")
    group = await local.group("ann", "ben")
    made = await invite(local, group, uses=1)
    for _ in range(2):
        assert await joined(local, "cleo", made["code"]) == "member"
        assert (await listed(local, group))[0]["used"] == 1
        await local.call("cleo", "conversation.leave", conversation=group)
    assert await joined(local, "dan", made["code"]) == "not_found"


async def test_of_two_who_take_the_last_use_at_once_one_gets_in(local: LocalServer) -> None:
    for _ in range(20):
        group = await new_group(local)
        made = await invite(local, group, uses=1)
        both = await asyncio.gather(
            *(joined(local, by, made["code"]) for by in ("ben", "cleo", "ben", "cleo"))
        )
        assert sorted(both) == ["member", "member", "not_found", "not_found"]
        assert both[:2] == both[2:]
        assert len(await members_of(local, group)) == 3
        assert (await listed(local, group))[0]["used"] == 1


async def test_one_who_joins_many_times_at_once_is_in_once(local: LocalServer) -> None:
    group = await new_group(local)
    made = await invite(local, group)
    answers = await asyncio.gather(*(joined(local, "cleo", made["code"]) for _ in range(8)))
    assert answers == ["member"] * 8
    assert len(await told(local, "ann", group, "member.joined")) == 3
    assert (await listed(local, group))[0]["used"] == 1


async def test_a_ban_and_a_join_at_once_leave_nobody_in_who_is_banned(local: LocalServer) -> None:
    for _ in range(20):
        group = await new_group(local)
        made = await invite(local, group)
        cleo = {"conversation": group, "user": local.users["cleo"]}
        await asyncio.gather(
            joined(local, "cleo", made["code"]), local.call("ann", "conversation.ban", **cleo)
        )
        assert await members_of(local, group) == {"ann", "zoe"}


async def test_a_retry_gets_the_same_code(local: LocalServer) -> None:
    group, other = await new_group(local), await new_group(local)
    client_id = uuid.uuid4().hex
    params: dict[str, Any] = {"client_id": client_id, "label": "Poster", "uses": 3}
    first = await invite(local, group, **params)
    assert await invite(local, group, **params) == first
    for changed in ({"approval": True}, {"uses": 4}, {"label": None}, {"conversation": other}):
        failure = await local.failure(
            "ann",
            "conversation.invite_create",
            **{"conversation": group} | params | changed,
        )
        assert failure.key == "conflict"
    # A contact code that is called so is another.
    contact = await local.call("ann", "contact.code_create", client_id=client_id)
    assert contact["code"] != first["code"]
    assert len(await listed(local, group)) == 1


async def test_neither_kind_of_code_does_what_the_other_does(local: LocalServer) -> None:
    group = await new_group(local)
    made = await invite(local, group)
    contact = await local.call("ann", "contact.code_create", client_id=uuid.uuid4().hex)
    assert await joined(local, "cleo", contact["code"]) == "not_found"
    assert (await local.call("ann", "contact.code_list"))["codes"][0]["used"] == 0
    failure = await local.failure("ann", "contact.code_revoke", id=made["id"])
    assert failure.key == "not_found"
    failure = await local.failure(
        "ann", "conversation.invite_revoke", conversation=group, id=contact["id"]
    )
    assert failure.key == "not_found"
    assert [one["id"] for one in await listed(local, group)] == [made["id"]]
    assert len((await local.call("ann", "contact.code_list"))["codes"]) == 1


async def test_all_who_may_invite_see_and_revoke_all_links(local: LocalServer) -> None:
    group, other = await local.group("ann", "ben"), await new_group(local)
    await invite(local, other)
    params = {"conversation": group, "user": local.users["ben"], "role": "admin"}
    await local.call("ann", "conversation.set_role", **params)
    now_ms = local.clock.now_ms
    made = [
        await invite(local, group, label="A", approval=True),
        await invite(local, group, "ben", label="B", uses=2, expires_at_ms=now_ms + DAY_MS),
    ]
    found = await local.call("ben", "conversation.invite_list", conversation=group)
    ann, ben = local.users["ann"], local.users["ben"]
    common = {"created_at_ms": now_ms, "used": 0, "works": True}
    assert found["invites"] == [
        {
            **common,
            **{"id": made[1]["id"], "made_by": ben, "label": "B", "approval": False},
            **{"uses": 2, "expires_at_ms": now_ms + DAY_MS},
        },
        {
            **common,
            **{"id": made[0]["id"], "made_by": ann, "label": "A", "approval": True},
            **{"uses": None, "expires_at_ms": None},
        },
    ]
    assert {id: one["username"] for id, one in found["users"].items()} == {ann: "ann", ben: "ben"}
    pages = []
    after = None
    for _ in range(2):
        page = await local.call(
            "ann", "conversation.invite_list", conversation=group, limit=1, after=after
        )
        after = page["invites"][-1]["id"]
        pages.append((page["invites"][0]["label"], page["more"]))
    assert pages == [("B", True), ("A", False)]
    for _ in range(2):
        answer = await local.call(
            "ben", "conversation.invite_revoke", conversation=group, id=made[0]["id"]
        )
        assert answer == {"id": made[0]["id"]}
    assert [one["label"] for one in await listed(local, group)] == ["B"]
    # Of another group it is none.
    failure = await local.failure(
        "ann", "conversation.invite_revoke", conversation=other, id=made[1]["id"]
    )
    assert failure.key == "not_found"


async def test_as_many_links_work_as_one_may_have_in_a_group(local: LocalServer) -> None:
    group, other = await new_group(local), await new_group(local)
    made = [await invite(local, group) for _ in range(MAX_LIVE_CODES)]
    params = {"conversation": group, "client_id": uuid.uuid4().hex}
    failure = await local.failure("ann", "conversation.invite_create", **params)
    assert (failure.key, failure.params) == ("too_many_codes", {"limit": 100})
    await invite(local, other)
    await local.call("ann", "contact.code_create", client_id=uuid.uuid4().hex)
    await local.call("ann", "conversation.invite_revoke", conversation=group, id=made[0]["id"])
    await invite(local, group)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"client_id": "x"}, "client_id"),
        ({"conversation": "x"}, "conversation"),
        ({"uses": 0}, "uses"),
        ({"expires_at_ms": 1_790_000_000_000}, "expires_at_ms"),
        ({"label": "a" * 65}, "label"),
        ({"approval": 1}, "approval"),
    ],
)
async def test_a_link_that_cannot_be_is_refused(
    local: LocalServer, params: dict[str, Any], field: str
) -> None:
    group = await new_group(local)
    named = {"client_id": uuid.uuid4().hex, "conversation": group} | params
    failure = await local.failure("ann", "conversation.invite_create", **named)
    assert (failure.key, failure.params["field"]) == ("invalid_params", field)
    assert await listed(local, group) == []


async def test_neither_codes_nor_what_they_are_made_of_are_stored(
    local: LocalServer, tmp_path: Path
) -> None:
    client_id = uuid.uuid4().hex
    made = await invite(local, await new_group(local), client_id=client_id, label="Findable")
    await local.server.aclose()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("**/*") if path.is_file())
    assert b"Findable" in stored
    for secret in (made["code"], plain_code(made["code"]), client_id):
        assert secret.encode() not in stored
    assert bytes.fromhex(client_id) not in stored


async def test_guessing_is_limited_as_that_of_contact_codes(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann", "ben")
        good = (await invite(local, await new_group(local)))["code"]

        async def guess(command: str, code: str) -> str:
            caller = Caller(user=local.users["ben"], session="0" * 32, address="192.0.2.1")
            params = json.encode({"code": code})
            try:
                await local.server.commands.dispatch(caller, command, params)
            except Failure as failure:
                return failure.key
            return "done"

        commands = ("contact.code_open", "conversation.join")
        # A right code is no guess.
        for n in range(CODES_OF_USER + 5):
            assert await guess(commands[n % 2], good) == "done"
        # The two are counted together.
        for n in range(CODES_OF_USER):
            assert await guess(commands[n % 2], "AAAA-AAAA") == "not_found"
        assert [await guess(command, good) for command in commands] == ["rate_limited"] * 2


async def picture(local: LocalServer, group: str) -> str:
    """The blob that is a group's photo."""
    blob = await local.server.services.ground.blobs.put(
        b"a picture", owner=local.users["ann"], name="g.webp", media_type="image/webp"
    )

    def work(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(conversations).where(conversations.c.id == group).values(photo=blob.id)
        )

    await local.server.store.write(work)
    return blob.id


async def test_the_photo_comes_with_the_code_to_who_may_not_read_its_blob(
    local: LocalServer,
) -> None:
    group = await new_group(local)
    blob = await picture(local, group)
    made = await invite(local, group)
    found = await local.call("cleo", "contact.code_open", code=made["code"])
    coded = base64.b64encode(b"a picture").decode()
    assert found["group"]["photo"] == f"data:image/webp;base64,{coded}"
    assert (await local.call("cleo", "blob.get", blobs=[blob]))["blobs"] == []


@pytest.mark.parametrize("gone", [False, True])
async def test_a_photo_that_cannot_be_shown_is_left_out(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    group = await new_group(local)
    blob = await picture(local, group)
    if gone:
        await local.server.store.write(
            lambda transaction: transaction.connection.execute(
                delete(blobs).where(blobs.c.id == blob)
            )
        )
    else:
        monkeypatch.setattr(joining, "MAX_PHOTO_BYTES", len(b"a picture") - 1)
    made = await invite(local, group)
    found = await local.call("cleo", "contact.code_open", code=made["code"])
    assert found["group"]["state"] == "outside"
    assert "photo" not in found["group"]


async def test_an_invitation_shows_nobody_who_has_made_it(local: LocalServer) -> None:
    await local.call("ann", "privacy.update", find="nobody")
    group = await local.group("ann", "ben")
    made = await invite(local, group, approval=True)
    assert await joined(local, "cleo", made["code"]) == "waiting"
    found = await local.call("cleo", "user.get", users=[local.users["ann"], local.users["ben"]])
    assert [one["username"] for one in found["users"]] == ["ben"]


async def test_invitations_are_found_by_an_index(local: LocalServer) -> None:
    group = await new_group(local)
    made = await invite(local, group, uses=2)
    await local.call("ann", "contact.code_create", client_id=uuid.uuid4().hex)
    ann, now_ms = local.users["ann"], local.clock.now_ms

    def plans(connection: Connection) -> dict[str, str]:
        def work() -> None:
            assert find_good(connection, hash_of_typed(made["code"]), now_ms).kind == "group"
            live = live_invitations(connection, "group", ann, now_ms, 5, conversation=group)
            assert live == 1
            asked = {"in_conversation": group, "after": "f" * 32, "limit": 5}
            assert len(connection.execute(invitations._PAGE, asked).all()) == 1

        return query_plans(connection, work)

    found = await local.server.store.read(plans)
    assert len(found) == 3
    for plan in found.values():
        assert "SCAN" not in plan.replace("SCAN anon", "")
        assert "TEMP B-TREE" not in plan
