"""Requests to join a group: asked by a link, answered, and settled in other ways."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from dash_messenger.conversations.join_request_rows import find_request, has_asked, waiting_requests
from dash_messenger.store import Transaction
from dash_messenger.store.tables import users
from fixtures.local_server import LocalServer
from fixtures.query_plans import query_plans
from sqlalchemy import Connection, update

from .test_invitations import invite, joined, listed, members_of, opened, told


async def waiting(local: LocalServer, group: str, by: str = "ann") -> list[str]:
    found = await local.call(by, "conversation.join_requests", conversation=group)
    return [one["user"]["username"] for one in found["requests"]]


async def answer(
    local: LocalServer, group: str, who: str, accept: bool, by: str = "ann"
) -> dict[str, Any]:
    params = {"conversation": group, "user": local.users[who], "accept": accept}
    found: dict[str, Any] = await local.call(by, "conversation.join_answer", **params)
    return found


async def refusal(local: LocalServer, group: str, who: str, accept: bool) -> str:
    params = {"conversation": group, "user": local.users[who], "accept": accept}
    return (await local.failure("ann", "conversation.join_answer", **params)).key


async def heard(local: LocalServer, by: str) -> list[tuple[str, bool]]:
    """What somebody's own log says of who asks."""
    found = await told(local, by, local.users[by], "join_request.updated")
    return [(one["data"]["user"]["username"], one["data"]["waiting"]) for one in found]


@pytest.fixture
async def group(local: LocalServer) -> str:
    """Ann's, with ben as an admin and dan as a member."""
    await local.add("dan", "eve")
    made = await local.group("ann", "ben", "dan")
    params = {"conversation": made, "user": local.users["ben"], "role": "admin"}
    await local.call("ann", "conversation.set_role", **params)
    return made


async def test_who_asks_waits_and_is_let_in(local: LocalServer, group: str) -> None:
    made = await invite(local, group, approval=True)
    found = await local.call("cleo", "contact.code_open", code=made["code"])
    assert (found["group"]["approval"], found["group"]["state"]) == (True, "outside")
    answered = await local.call("cleo", "conversation.join", code=made["code"])
    assert answered == {"state": "waiting"}
    assert await opened(local, "cleo", made["code"]) == "waiting"
    assert "cleo" not in await members_of(local, group)
    found = await local.call("ben", "conversation.join_requests", conversation=group)
    cleo = {"id": local.users["cleo"], "username": "cleo", "display_name": "cleo"}
    asked = {"user": cleo, "at_ms": local.clock.now_ms, "invitation": made["id"]}
    assert found == {"requests": [asked], "more": False}
    answered = await answer(local, group, "cleo", accept=True, by="ben")
    assert answered == {"user": cleo["id"], "accepted": True}
    assert "cleo" in await members_of(local, group)
    [line] = (await told(local, "ann", group, "member.joined"))[3:]
    assert (line["by"], line["data"]["via"]) == (local.users["ben"], "request")
    assert await waiting(local, group) == []
    assert await opened(local, "cleo", made["code"]) == "member"
    # By hand, not by a link: nobody said how.
    assert "via" not in (await told(local, "ann", group, "member.joined"))[2]["data"]


async def test_those_who_may_answer_are_told_and_nobody_else(
    local: LocalServer, group: str
) -> None:
    made = await invite(local, group, approval=True)
    await joined(local, "cleo", made["code"])
    await joined(local, "eve", made["code"])
    await answer(local, group, "cleo", accept=True)
    await answer(local, group, "eve", accept=False, by="ben")
    expected = [("cleo", True), ("eve", True), ("cleo", False), ("eve", False)]
    assert await heard(local, "ann") == await heard(local, "ben") == expected
    for by in ("cleo", "dan", "eve"):
        assert await heard(local, by) == []
    log = await local.call("dan", "log.read", log=group, after=0)
    assert "join_request.updated" not in {event["kind"] for event in log["events"]}


async def test_who_was_declined_sees_no_difference(local: LocalServer, group: str) -> None:
    made = await invite(local, group, approval=True)
    seen = []
    for who, decline in (("cleo", True), ("eve", False)):
        await joined(local, who, made["code"])
        if decline:
            for _ in range(2):
                answered = await answer(local, group, who, accept=False)
                assert answered == {"user": local.users[who], "accepted": False}
        own = await local.call(who, "log.read", log=local.users[who], after=0)
        seen.append(
            (
                await local.call(who, "contact.code_open", code=made["code"]),
                await local.call(who, "conversation.join", code=made["code"]),
                own["events"],
                (await local.call(who, "sync"))["conversations"],
            )
        )
    assert seen[0] == seen[1]
    # Asking again is the same request: nobody is asked twice.
    assert await waiting(local, group) == ["eve"]
    assert await heard(local, "ann") == [("cleo", True), ("cleo", False), ("eve", True)]


async def test_who_was_declined_by_mistake_may_be_let_in(local: LocalServer, group: str) -> None:
    made = await invite(local, group, approval=True)
    await joined(local, "cleo", made["code"])
    await answer(local, group, "cleo", accept=False)
    await answer(local, group, "cleo", accept=True)
    assert "cleo" in await members_of(local, group)
    # They leave: asking is asking again.
    await local.call("cleo", "conversation.leave", conversation=group)
    assert await joined(local, "cleo", made["code"]) == "waiting"
    assert await waiting(local, group) == ["cleo"]


async def test_asking_uses_the_link_once_for_each_person(local: LocalServer, group: str) -> None:
    made = await invite(local, group, approval=True, uses=1)
    answers = await asyncio.gather(*(joined(local, "cleo", made["code"]) for _ in range(4)))
    assert answers == ["waiting"] * 4
    assert await joined(local, "eve", made["code"]) == "not_found"
    assert await opened(local, "cleo", made["code"]) == "waiting"
    [invitation] = await listed(local, group)
    assert (invitation["used"], invitation["works"], invitation["approval"]) == (1, False, True)
    assert await heard(local, "ann") == [("cleo", True)]


async def test_coming_in_another_way_settles_the_request(local: LocalServer, group: str) -> None:
    asking = await invite(local, group, approval=True)
    for who in ("cleo", "eve"):
        await joined(local, who, asking["code"])
    await local.call("dan", "conversation.add", conversation=group, members=["cleo"])
    assert await joined(local, "eve", (await invite(local, group))["code"]) == "member"
    assert await waiting(local, group) == []
    expected = [("cleo", True), ("eve", True), ("cleo", False), ("eve", False)]
    assert await heard(local, "ben") == expected
    # Who answers too late has been answered already, or declines in vain.
    assert (await answer(local, group, "cleo", accept=True))["accepted"]
    assert await refusal(local, group, "eve", accept=False) == "not_found"
    assert {"cleo", "eve"} <= await members_of(local, group)


async def test_a_ban_ends_a_request(local: LocalServer, group: str) -> None:
    made = await invite(local, group, approval=True)
    await joined(local, "cleo", made["code"])
    cleo = {"conversation": group, "user": local.users["cleo"]}
    await local.call("ann", "conversation.ban", **cleo)
    assert await waiting(local, group) == []
    assert await heard(local, "ben") == [("cleo", True), ("cleo", False)]
    assert await refusal(local, group, "cleo", accept=True) == "not_found"
    assert await joined(local, "cleo", made["code"]) == "not_found"
    await local.call("ann", "conversation.unban", **cleo)
    assert await joined(local, "cleo", made["code"]) == "waiting"
    assert await waiting(local, group) == ["cleo"]


async def test_a_request_outlives_its_link(local: LocalServer, group: str) -> None:
    made = await invite(local, group, approval=True)
    await joined(local, "cleo", made["code"])
    await local.call("ann", "conversation.invite_revoke", conversation=group, id=made["id"])
    assert await joined(local, "cleo", made["code"]) == "not_found"
    await answer(local, group, "cleo", accept=True)
    assert "cleo" in await members_of(local, group)


async def test_nobody_is_let_in_who_did_not_ask(local: LocalServer, group: str) -> None:
    for who, accept in (("cleo", True), ("cleo", False), ("dan", False)):
        assert await refusal(local, group, who, accept) == "not_found"
    params = {"conversation": group, "user": uuid.uuid4().hex, "accept": True}
    failure = await local.failure("ann", "conversation.join_answer", **params)
    assert failure.key == "not_found"
    # To one group is not to another.
    other = await local.group("ann", "ben")
    await joined(local, "cleo", (await invite(local, other, approval=True))["code"])
    assert await refusal(local, group, "cleo", accept=True) == "not_found"
    assert "cleo" not in await members_of(local, group)


async def test_who_is_deactivated_asks_for_nothing(local: LocalServer, group: str) -> None:
    made = await invite(local, group, approval=True)
    await joined(local, "cleo", made["code"])

    def deactivate(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(users).where(users.c.id == local.users["cleo"]).values(deactivated_at_ms=1)
        )

    await local.server.store.write(deactivate)
    assert await waiting(local, group) == []
    assert await refusal(local, group, "cleo", accept=True) == "not_found"


async def test_two_who_answer_at_once_let_somebody_in_once(local: LocalServer, group: str) -> None:
    for _ in range(10):
        made = await invite(local, group, approval=True)
        await joined(local, "cleo", made["code"])
        before = len(await told(local, "ann", group, "member.joined"))
        await asyncio.gather(
            answer(local, group, "cleo", accept=True),
            answer(local, group, "cleo", accept=True, by="ben"),
        )
        assert len(await told(local, "ann", group, "member.joined")) == before + 1
        await local.call("cleo", "conversation.leave", conversation=group)


async def test_requests_come_a_page_at_a_time(local: LocalServer, group: str) -> None:
    names = [f"asker{n}" for n in range(5)]
    await local.add(*names)
    made = await invite(local, group, approval=True)
    for name in names:
        await joined(local, name, made["code"])
    found: list[str] = []
    after, more = None, True
    while more:
        page = await local.call(
            "ann", "conversation.join_requests", conversation=group, after=after, limit=2
        )
        found += [one["user"]["id"] for one in page["requests"]]
        after, more = found[-1], page["more"]
    assert found == sorted(local.users[name] for name in names)
    for limit in (0, 201):
        failure = await local.failure(
            "ann", "conversation.join_requests", conversation=group, limit=limit
        )
        assert failure.key == "invalid_params"


async def test_photos_of_who_asks_are_shown_as_they_wish(local: LocalServer, group: str) -> None:
    def picture(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(users).where(users.c.id == local.users["cleo"]).values(photo="ab" * 16)
        )

    await local.server.store.write(picture)
    await joined(local, "cleo", (await invite(local, group, approval=True))["code"])

    async def photo() -> str | None:
        found = await local.call("ann", "conversation.join_requests", conversation=group)
        shown: str | None = found["requests"][0]["user"].get("photo")
        return shown

    assert await photo() == "ab" * 16
    await local.call("cleo", "privacy.update", photo="nobody")
    assert await photo() is None


async def test_requests_are_found_by_an_index(local: LocalServer, group: str) -> None:
    await joined(local, "cleo", (await invite(local, group, approval=True))["code"])
    cleo = local.users["cleo"]

    def plans(connection: Connection) -> dict[str, str]:
        def work() -> None:
            assert has_asked(connection, group, cleo)
            assert find_request(connection, group, cleo) is not None
            assert len(waiting_requests(connection, group, "0" * 32, 5)) == 1

        return query_plans(connection, work)

    found = await local.server.store.read(plans)
    assert len(found) == 3
    for plan in found.values():
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan
