"""Pages of messages."""

from __future__ import annotations

from typing import Any

import pytest
from dash_messenger.messages.lines import MAX_LINES
from dash_messenger.plugin_api.views import View
from dash_messenger.store.logs import timeline_events
from fixtures.local_server import LocalServer
from fixtures.query_plans import query_plans
from sqlalchemy import Connection, text


@pytest.mark.parametrize(
    ("place", "numbers", "more"),
    [
        ({}, [8, 9, 10], (True, False)),
        ({"before": 8}, [5, 6, 7], (True, True)),
        ({"before": 3}, [1, 2], (False, True)),
        ({"before": 1}, [], (False, True)),
        ({"before": 99}, [8, 9, 10], (True, False)),
        ({"after": 0}, [1, 2, 3], (False, True)),
        ({"after": 8}, [9, 10], (True, False)),
        ({"after": 10}, [], (True, False)),
        ({"around": 5}, [4, 5, 6], (True, True)),
        ({"around": 1}, [1, 2, 3], (False, True)),
        ({"around": 10}, [8, 9, 10], (True, False)),
    ],
)
async def test_pages_are_ascending_and_know_what_lies_beyond(
    local: LocalServer, place: dict[str, int], numbers: list[int], more: tuple[bool, bool]
) -> None:
    conversation = await local.group("ann", "ben")
    for _ in range(10):
        await local.say("ann", conversation)
    page = await local.call("ben", "message.history", conversation=conversation, limit=3, **place)
    assert [one["number"] for one in page["messages"]] == numbers
    assert (page["more_before"], page["more_after"]) == more
    assert page["seq"] == 13


async def test_a_page_names_its_senders_and_who_came_and_went(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await local.say("ben", conversation)
    page = await local.call("ann", "message.history", conversation=conversation)
    names = {local.users[one]: {"username": one, "display_name": one} for one in ("ann", "ben")}
    assert page["users"] == names


async def test_two_places_at_once_are_refused(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    failure = await local.failure(
        "ann", "message.history", conversation=conversation, before=1, after=1
    )
    assert failure.key == "invalid_params"


async def test_drawings_come_with_the_page_where_they_are_wanted(local: LocalServer) -> None:
    view = View("test", ("en",), lambda message, language: b'"drawn"', inline=lambda type: True)
    local.server.installed.renderer.add("test", view)
    conversation = await local.group("ann", "ben")
    await local.say("ann", conversation)
    plain = await local.call("ann", "message.history", conversation=conversation)
    drawn = await local.call(
        "ann", "message.history", conversation=conversation, views=["other:en", "test:en"]
    )
    assert "view" not in plain["messages"][0]
    assert drawn["messages"][0]["view"] == "drawn"


# Who came and went


async def busy_group(local: LocalServer, history: str = "joined") -> str:
    """Each message is followed by something that happened to the group, and by what is no line."""
    group = await local.group("ann", "ben")
    await local.server.store.write(
        lambda transaction: transaction.connection.execute(
            text(f"UPDATE conversations SET history = '{history}'")
        )
    )
    changes: list[tuple[str, dict[str, Any]]] = [
        ("conversation.update", {"title": "canary of old"}),
        ("conversation.add", {"members": ["cleo"]}),
        ("conversation.update", {"title": "Newer"}),
        ("conversation.remove", {"user": local.users["ben"]}),
        ("conversation.add", {"members": ["ben"]}),
    ]
    for command, params in changes:
        sent = await local.say("ann", group)
        await local.call("ann", "message.react", message=sent["id"], emoji="👍")
        await local.call("ann", command, conversation=group, **params)
    await local.say("ann", group)
    return group


def lines(page: Any) -> list[tuple[str, int]]:
    """The page's lines, and after how many of all messages each stands."""
    found = []
    for one in page["events"]:
        before = [message["number"] for message in page["messages"] if message["seq"] < one["seq"]]
        first = page["messages"][0]["number"] if page["messages"] else 1
        found.append((one["kind"], max(before, default=first - 1)))
    assert [one["seq"] for one in page["events"]] == sorted({one["seq"] for one in page["events"]})
    return found


ALL_LINES = [
    ("conversation.created", 0),
    ("member.joined", 0),
    ("member.joined", 0),
    ("conversation.updated", 1),
    ("member.joined", 2),
    ("conversation.updated", 3),
    ("member.removed", 4),
    ("member.joined", 5),
]


async def test_a_page_has_what_happened_between_its_messages(local: LocalServer) -> None:
    group = await busy_group(local)
    page = await local.call("ann", "message.history", conversation=group)
    assert lines(page) == ALL_LINES
    removed = next(one for one in page["events"] if one["kind"] == "member.removed")
    assert (removed["by"], removed["data"]["user"]) == (local.users["ann"], local.users["ben"])
    assert {local.users[one] for one in ("ann", "ben", "cleo")} <= set(page["users"])


@pytest.mark.parametrize("limit", [1, 2, 3, 6])
async def test_pages_that_join_have_each_line_once(local: LocalServer, limit: int) -> None:
    group = await busy_group(local)

    async def page(**place: int) -> Any:
        return await local.call("ann", "message.history", conversation=group, limit=limit, **place)

    newest = found = await page()
    before = lines(newest)
    while newest["more_before"]:
        newest = await page(before=newest["messages"][0]["number"])
        before = lines(newest) + before
    assert before == ALL_LINES
    after: list[tuple[str, int]] = []
    number = 0
    while True:
        found = await page(after=number)
        after += lines(found)
        if not found["more_after"]:
            break
        number = found["messages"][-1]["number"]
    assert after == ALL_LINES
    assert lines(await page(after=6)) == []


async def test_who_joins_later_learns_of_no_earlier_line(local: LocalServer) -> None:
    group = await busy_group(local)
    page = await local.call("cleo", "message.history", conversation=group)
    assert lines(page) == ALL_LINES[4:]
    assert "canary" not in str(page)
    page = await local.call("ben", "message.history", conversation=group)
    assert lines(page) == ALL_LINES[7:]


async def test_where_all_is_shown_to_everybody_lines_are_too(local: LocalServer) -> None:
    group = await busy_group(local, history="all")
    page = await local.call("cleo", "message.history", conversation=group)
    assert lines(page) == ALL_LINES


async def test_where_nothing_was_said_there_are_lines(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    page = await local.call("ben", "message.history", conversation=group)
    assert (page["messages"], lines(page)) == ([], ALL_LINES[:3])
    await local.say("ann", group)
    await local.call("ann", "conversation.add", conversation=group, members=["cleo"])
    page = await local.call("cleo", "message.history", conversation=group)
    assert [one["data"]["user"]["username"] for one in page["events"]] == ["cleo"]


async def test_of_very_many_lines_the_latest_come(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    for number in range(MAX_LINES):
        await local.call("ann", "conversation.update", conversation=group, title=f"G{number}")
    page = await local.call("ann", "message.history", conversation=group)
    titles = [one["data"]["title"] for one in page["events"]]
    assert titles == [f"G{number}" for number in range(MAX_LINES)]


async def test_lines_are_found_by_their_index(local: LocalServer) -> None:
    group = await local.group("ann", "ben")

    def plans(connection: Connection) -> list[str]:
        found = query_plans(connection, lambda: timeline_events(connection, group, 0, 9, 5))
        return list(found.values())

    assert await local.server.store.read(plans) == [
        "SEARCH events USING INDEX ix_events_timeline (log_id=? AND seq>? AND seq<?)"
    ]
