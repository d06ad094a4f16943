"""Pages of messages."""

from __future__ import annotations

import pytest
from dash_messenger.plugin_api.views import View
from fixtures.local_server import LocalServer


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


async def test_a_page_names_its_senders(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await local.say("ben", conversation)
    page = await local.call("ann", "message.history", conversation=conversation)
    assert page["users"] == {local.users["ben"]: {"username": "ben", "display_name": "ben"}}


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
