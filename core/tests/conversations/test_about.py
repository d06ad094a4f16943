"""What a group says of itself: its description and its rules."""

from __future__ import annotations

from typing import Any

import pytest
from dash_messenger.conversations.about import LIMITS
from fixtures.local_server import LocalServer

FIELDS = ("description", "rules")


async def update(local: LocalServer, by: str, conversation: str, **changes: Any) -> Any:
    return await local.call(by, "conversation.update", conversation=conversation, **changes)


async def found(local: LocalServer, by: str, conversation: str) -> dict[str, str]:
    answer = await local.call(by, "conversation.get", conversation=conversation)
    return {field: answer[field] for field in FIELDS if field in answer}


async def told(local: LocalServer, by: str, conversation: str) -> list[dict[str, Any]]:
    log = await local.call(by, "log.read", log=conversation, after=0)
    return [one["data"] for one in log["events"] if one["kind"] == "conversation.updated"]


async def test_a_group_says_what_it_is_and_what_holds_in_it(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    assert await found(local, "ben", conversation) == {}
    said = {"description": "Walks", "rules": "Be kind.\nBring tea."}
    answer = await update(local, "ann", conversation, **said)
    assert {field: answer[field] for field in FIELDS} == said
    assert await found(local, "ben", conversation) == said
    # The same again is told to nobody.
    await update(local, "ann", conversation, **said)
    assert await told(local, "ben", conversation) == [said]
    await update(local, "ann", conversation, description=None)
    assert await found(local, "ben", conversation) == {"rules": said["rules"]}
    assert (await told(local, "ben", conversation))[1:] == [{"description": None}]


async def test_the_list_has_neither(local: LocalServer) -> None:
    conversation = await local.group("ann", "ben")
    await update(local, "ann", conversation, description="canary", rules="canary")
    assert "canary" not in str(await local.call("ben", "sync"))


@pytest.mark.parametrize("field", FIELDS)
async def test_a_text_is_cleaned_and_has_a_limit(local: LocalServer, field: str) -> None:
    conversation = await local.group("ann", "ben")
    await update(local, "ann", conversation, **{field: " a\u202e\u200b \r\n\r\nb \n"})
    assert await found(local, "ann", conversation) == {field: "a\n\nb"}
    await update(local, "ann", conversation, **{field: "\u200b\n\u3164"})
    assert await found(local, "ann", conversation) == {}
    longest = "x" * LIMITS[field]
    await update(local, "ann", conversation, **{field: longest})
    failure = await local.failure(
        "ann", "conversation.update", conversation=conversation, **{field: longest + "y"}
    )
    assert (failure.key, failure.params["field"]) == ("invalid_params", field)
    assert await found(local, "ann", conversation) == {field: longest}


async def test_members_and_direct_conversations_have_no_say(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    for by, conversation, key in (("ben", group, "forbidden"), ("ann", made["id"], "refused")):
        failure = await local.failure(
            by, "conversation.update", conversation=conversation, rules="x"
        )
        assert failure.key == key
