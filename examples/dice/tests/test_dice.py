"""/roll throws dice for everybody to see, and says how it is used where it cannot."""

import re
from typing import Any

import pytest
from dash_messenger import Refused
from dash_messenger.client import Client
from dash_messenger.errors import NotFound
from dash_messenger.testing import People


async def group(people: People, ann: Client) -> str:
    bob, _ = await people.register()
    made = await ann.call("conversation.create", kind="group", title="Group", members=[bob])
    conversation: str = made["id"]
    return conversation


async def last(client: Client, conversation: str) -> dict[str, Any]:
    page = await client.call("message.history", conversation=conversation)
    message: dict[str, Any] = page["messages"][-1]
    return message


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("/roll", r"🎲 (\w+): [1-6]"),
        ("/ROLL  d4", r"🎲 (\w+): [1-4]"),
        ("/roll 1", r"🎲 (\w+): 1"),
        ("/roll 3d1", r"🎲 (\w+): 1 \+ 1 \+ 1 = 3"),
    ],
)
async def test_everybody_sees_what_was_thrown_and_by_whom(
    people: People, typed: str, shown: str
) -> None:
    ann = await people()
    conversation = await group(people, ann)
    done = await ann.call("message.slash", conversation=conversation, text=typed)
    assert done == {"name": "roll"}
    found = re.fullmatch(shown, (await last(ann, conversation))["text"])
    assert found
    assert found[1] == ann.me["username"]


@pytest.mark.parametrize("typed", ["/roll the dice", "/roll 0", "/roll 0d6", "/roll 100d6"])
async def test_what_cannot_be_thrown_is_refused_with_the_way_to_write_it(
    people: People, typed: str
) -> None:
    ann = await people()
    conversation = await group(people, ann)
    with pytest.raises(Refused, match="Write /roll"):
        await ann.call("message.slash", conversation=conversation, text=typed)


async def test_nobody_throws_dice_where_they_are_not_a_member(people: People) -> None:
    ann, eve = await people(), await people()
    conversation = await group(people, ann)
    with pytest.raises(NotFound):
        await eve.call("message.slash", conversation=conversation, text="/roll")


async def test_it_is_listed_for_whoever_types_a_slash(people: People) -> None:
    ann = await people()
    listed = (await ann.call("command.slash_list"))["commands"]
    assert {"name": "roll", "summary": "Throw dice, such as 2d6", "plugin": "dice"} in listed
