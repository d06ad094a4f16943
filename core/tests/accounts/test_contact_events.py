"""I4 of contacts: lists that were asked for at any moment, and later events, are the lists now."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from dash_messenger.accounts.contact_rows import PAGES
from dash_messenger.errors import NotFound
from fixtures.local_server import LocalServer

STEPS = 150
NAMES = ("ann", "ben", "cleo")
WISHES = ("request", "request", "accept", "decline", "remove", "label")
Contacts = dict[str, dict[str, Any]]


class Follower:
    """Somebody's client: it asks for the lists once, then it goes by events."""

    def __init__(self, local: LocalServer, name: str) -> None:
        self._local, self._name = local, name
        self.contacts: Contacts = {}
        self.seq = 0

    async def load(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """All three lists, a contact a page, while something happens between the pages."""
        contacts: Contacts = {}
        seqs: list[int] = []
        for state in PAGES:
            after, more = None, True
            while more:
                page = await self._local.call(
                    self._name, "contact.list", state=state, after=after, limit=1
                )
                contacts |= {one["user"]: one for one in page["contacts"]}
                seqs.append(page["seq"])
                after, more = (page["contacts"] or [{}])[-1].get("user"), page["more"]
                await meanwhile()
        self.contacts, self.seq = contacts, min(seqs)

    async def follow(self) -> None:
        """Hear what was missed."""
        log = self._local.users[self._name]
        page = await self._local.call(self._name, "log.read", log=log, after=self.seq)
        for event in page["events"]:
            assert (event["kind"], event["seq"]) == ("contact.updated", self.seq + 1)
            self.seq = event["seq"]
            self.contacts.pop(event["data"]["user"]["id"], None)
            if event["data"]["contact"] is not None:
                self.contacts[event["data"]["user"]["id"]] = event["data"]["contact"]


@pytest.mark.parametrize("seed", range(8))
async def test_lists_and_later_events_are_what_is_so_now(local: LocalServer, seed: int) -> None:
    chance = random.Random(seed)

    async def nothing() -> None:
        """What happens while a list is compared."""

    async def wish() -> None:
        by, to = chance.sample(NAMES, 2)
        command = chance.choice(WISHES)
        said = {"request": {"note": chance.choice("xy")}, "label": {"label": chance.choice("ab")}}
        local.clock.advance(ms=1)
        with suppress(NotFound):
            await local.call(by, f"contact.{command}", user=to, **said.get(command, {}))

    followers = {name: Follower(local, name) for name in NAMES}
    states: set[str] = set()
    for _ in range(STEPS):
        await wish()
        name = chance.choice(NAMES)
        if chance.random() < 0.1:
            await followers[name].load(wish)
        if chance.random() < 0.5:
            fresh = Follower(local, name)
            await fresh.load(nothing)
            await followers[name].follow()
            assert followers[name].contacts == fresh.contacts
            assert followers[name].seq == fresh.seq
            states |= {one["state"] for one in fresh.contacts.values()}
    assert states == PAGES.keys()
