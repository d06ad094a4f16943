"""Conversations that tests begin with."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Person


async def talk(one: Person, *others: Person, title: str | None = None) -> str:
    """A conversation of these people: direct with one other and no title, a group otherwise."""
    kind = "direct" if title is None and len(others) == 1 else "group"
    titled = {} if kind == "direct" else {"title": title or "A group"}
    members = [other.username for other in others]
    created = await one.call("conversation.create", kind=kind, members=members, **titled)
    return str(created["id"])


async def two(person: Any, *, say: tuple[str, ...] = ()) -> tuple[Any, Any, str]:
    """Two people with a conversation in which the second has said some things."""
    ann, bob = await person("Ann"), await person("Bob")
    conversation = await talk(ann, bob)
    for text in say:
        await bob.send(conversation, text)
    return ann, bob, conversation


async def befriend(one: Person, *others: Person) -> None:
    """Make each of the others a contact of the first."""
    for other in others:
        await one.call("contact.request", user=other.id)
        await other.call("contact.accept", user=one.id)
