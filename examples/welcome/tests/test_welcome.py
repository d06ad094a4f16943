"""New members are greeted, and who writes "help" is answered, in the words that admins chose."""

import uuid
from typing import Any

import pytest
from dash_messenger.client import Client
from dash_messenger.testing import People


async def group(ann: Client, *members: Client) -> str:
    names = [member.me["username"] for member in members]
    made = await ann.call("conversation.create", kind="group", title="Group", members=names)
    conversation: str = made["id"]
    return conversation


async def say(client: Client, conversation: str, text: str) -> None:
    await client.call(
        "message.send",
        conversation=conversation,
        client_id=uuid.uuid4().hex,
        type="text",
        content={"text": text},
    )


async def next_message(client: Client, by: str) -> dict[str, Any]:
    """The next message of somebody whose user name ends so."""
    async for event in client.events():
        message: dict[str, Any] = event.data.get("message") or {}
        if event.kind == "message.created":
            found = await client.call("user.get", users=[event.by])
            if found["users"][0]["username"].endswith(by):
                return message
    raise AssertionError("the client was closed")


@pytest.fixture
async def ann(people: People) -> Client:
    return await people()


async def test_who_joins_is_greeted_and_who_was_there_from_the_start_is_not(
    people: People, ann: Client
) -> None:
    bob, eve = await people(), await people()
    conversation = await group(ann, bob)
    await ann.call("conversation.add", conversation=conversation, members=[eve.me["username"]])
    message = await next_message(ann, "welcome-bot")
    assert message["text"].startswith(f"Welcome, {eve.me['username']}!")
    assert message["number"] == 1


async def test_help_is_answered_as_a_reply(people: People, ann: Client) -> None:
    conversation = await group(ann, await people())
    await say(ann, conversation, "who can tell me?")
    await say(ann, conversation, " Help\n")
    message = await next_message(ann, "welcome-bot")
    assert message["text"] == "Just write: everybody in this conversation reads it."
    assert message["reply_to"]["number"] == 2
    assert message["number"] == 3


async def test_admins_choose_the_words(people: People, ann: Client) -> None:
    admin = await people.admin()
    await admin.call(
        "plugin.change_settings", plugin="welcome", values={"help": "Ask Bob.", "greeting": ""}
    )
    conversation = await group(ann, await people())
    await ann.call("conversation.add", conversation=conversation, members=[admin.me["username"]])
    await say(ann, conversation, "help")
    message = await next_message(ann, "welcome-bot")
    # Nobody was greeted before.
    assert (message["text"], message["number"]) == ("Ask Bob.", 2)
    # The other tests share the server.
    await admin.call(
        "plugin.change_settings",
        plugin="welcome",
        values={
            setting["name"]: setting["default"]
            for plugin in (await admin.call("plugin.settings"))["plugins"]
            for setting in plugin["settings"]
        },
    )
