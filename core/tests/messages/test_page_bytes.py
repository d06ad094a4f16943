"""Pages end at 1 MB as well as by count, with at least one item, and say what there is beyond."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dash_messenger.plugin_api.views import View
from dash_messenger.server.limits import Limits
from fixtures.local_server import LocalServer

# Of text and content together: some 27 of them have room in a page.
WORDS = "ж" * 8_000
MESSAGES = 60
MAX_ANSWER_BYTES = 1_000_000


@pytest.fixture
async def conversation(local: LocalServer) -> str:
    conversation = await local.group("ann", "ben")
    for _ in range(MESSAGES):
        await local.say("ann", conversation, WORDS)
    return conversation


def numbers(page: Any) -> list[int]:
    assert len(msgspec.json.encode(page)) <= MAX_ANSWER_BYTES
    found = [message["number"] for message in page["messages"]]
    assert found == list(range(found[0], found[0] + len(found)))
    assert (page["more_before"], page["more_after"]) == (found[0] > 1, found[-1] < MESSAGES)
    return found


@pytest.mark.parametrize(
    ("place", "kept", "end"),
    [
        ({}, MESSAGES, -1),
        ({"before": 50}, 49, -1),
        ({"after": 5}, 6, 0),
        ({"around": 30}, 30, None),
    ],
)
async def test_a_page_of_history_ends_by_bytes_at_its_far_end(
    local: LocalServer, conversation: str, place: dict[str, int], kept: int, end: int | None
) -> None:
    page = await local.call("ben", "message.history", conversation=conversation, limit=100, **place)
    found = numbers(page)
    assert 20 < len(found) < 35
    if end is None:
        assert found[5] < kept < found[-5]
    else:
        assert found[end] == kept


async def test_going_on_by_more_gives_every_message(local: LocalServer, conversation: str) -> None:
    newest = await local.call("ben", "message.history", conversation=conversation, limit=100)
    seen = numbers(newest)
    page = newest
    while page["more_before"]:
        page = await local.call(
            "ben", "message.history", conversation=conversation, before=seen[0], limit=100
        )
        seen = numbers(page) + seen
    assert seen == list(range(1, MESSAGES + 1))


async def test_a_log_cut_by_bytes_says_the_seq_of_its_last_event(
    local: LocalServer, conversation: str
) -> None:
    after, seqs, pages = 0, [], 0
    while True:
        page = await local.call("ben", "log.read", log=conversation, after=after)
        assert len(msgspec.json.encode(page)) <= MAX_ANSWER_BYTES
        assert page["after"] == after
        assert page["seq"] == page["events"][-1]["seq"]
        seqs += [event["seq"] for event in page["events"]]
        after, pages = page["seq"], pages + 1
        if after == page["newest"]:
            break
    assert pages > 1
    assert seqs == list(range(1, MESSAGES + 4))


async def test_messages_by_their_ids_say_whether_some_had_no_room(
    local: LocalServer, conversation: str
) -> None:
    page = await local.call("ben", "log.read", log=conversation, after=0)
    found = [
        event["data"]["message"]["id"] for event in page["events"] if "message" in event["data"]
    ]
    later = await local.call("ben", "log.read", log=conversation, after=page["seq"])
    found += [event["data"]["message"]["id"] for event in later["events"]]
    wanted, got = set(found), set()
    while wanted:
        answer = await local.call("ben", "message.get", messages=sorted(wanted))
        assert len(msgspec.json.encode(answer)) <= MAX_ANSWER_BYTES
        came = {message["id"] for message in answer["messages"]}
        assert came
        got |= came
        wanted -= came
        assert answer["more"] == bool(wanted)
    assert got == set(found)


async def test_drawings_count(local: LocalServer, conversation: str) -> None:
    drawing = msgspec.json.encode("x" * 20_000)
    local.server.installed.renderer.add(
        "test", View("test", ("en",), lambda *_: drawing, inline=lambda type: True)
    )
    asked = {"conversation": conversation, "limit": 100, "views": ["test:en"]}
    page = await local.call("ben", "message.history", **asked)
    assert 10 < len(numbers(page)) < 20
    assert page["messages"][0]["view"]
    log = await local.call("ben", "log.read", log=conversation, after=0, views=["test:en"])
    assert len(msgspec.json.encode(log)) <= MAX_ANSWER_BYTES
    assert log["seq"] == log["events"][-1]["seq"] < log["newest"]


@pytest.mark.parametrize("limits", [Limits(page_bytes=10)])
async def test_at_least_one_comes_however_large(local: LocalServer, conversation: str) -> None:
    for place in ({}, {"after": 3}, {"around": 7}, {"before": 9}):
        page = await local.call("ben", "message.history", conversation=conversation, **place)
        assert len(numbers(page)) in (1, 2)
    log = await local.call("ben", "log.read", log=conversation, after=7)
    assert (len(log["events"]), log["seq"]) == (1, 8)
