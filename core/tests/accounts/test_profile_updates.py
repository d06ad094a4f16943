"""Who hears that somebody has another name or photo, and how often."""

from __future__ import annotations

import asyncio
from typing import Any

from dash_messenger.accounts.privacy_watch import PrivacyWatch
from dash_messenger.accounts.profile_updates import ProfileUpdates
from dash_messenger.protocol.models import User
from dash_messenger.testing import People, ServerProcess


class Heard:
    def __init__(self) -> None:
        self.names: list[tuple[str, str]] = []
        self.new = asyncio.Event()

    def company_of(self, user: str) -> list[str]:
        raise AssertionError("nobody here has a photo")

    def notify_company(
        self, user: str, method: str, params: Any, *, instead: Any = None, to: Any = None
    ) -> None:
        assert method == "user.updated"
        self.names.append((user, params["user"].display_name))
        self.new.set()


async def test_it_is_told_at_once_and_then_the_last_of_a_while() -> None:
    heard = Heard()
    profile_updates = ProfileUpdates(heard, None, PrivacyWatch("everybody"), every_s=0.01)  # type: ignore[arg-type]
    profile_updates.tell(User("1", "ann", "A"))
    profile_updates.tell(User("2", "ben", "B"))
    assert heard.names == [("1", "A"), ("2", "B")]
    heard.new.clear()
    for name in ("Anna", "Anne", "Annie"):
        profile_updates.tell(User("1", "ann", name))
    assert len(heard.names) == 2
    await asyncio.wait_for(heard.new.wait(), 30)
    assert heard.names[2:] == [("1", "Annie")]
    profile_updates.close()


async def test_who_talks_with_somebody_hears_of_their_new_name_and_strangers_do_not(
    server: ServerProcess, people: People
) -> None:
    heard: dict[str, list[Any]] = {"ben": [], "cleo": []}
    new = asyncio.Event()

    def hear(who: str, method: str, params: Any) -> None:
        if method == "user.updated":
            heard[who].append(params["user"])
            new.set()

    ann, dan = await people(), await people()
    ben = await people(notified=lambda method, params: hear("ben", method, params))
    await people(notified=lambda method, params: hear("cleo", method, params))
    await ann.call("conversation.create", kind="direct", members=[ben.me["username"]])
    await ann.call("account.update", theme="dark")
    await ann.call("account.update", display_name="Annie")
    await asyncio.wait_for(new.wait(), 30)
    told = {"id": ann.me["id"], "username": ann.me["username"], "display_name": "Annie"}
    # What nobody sees is no news, and who is in no conversation with them has none.
    assert heard == {"ben": [told], "cleo": []}
    assert (await dan.call("user.get", users=[ann.me["id"]]))["users"] == [told]
