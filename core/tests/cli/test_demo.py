"""The demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from dash_messenger.cli.demo import PASSWORD, DemoClock, fill
from dash_messenger.plugin_api.context import Demo
from dash_messenger.plugin_api.message_types import MessageType
from fixtures.local_server import LocalServer, Words, open_server
from msgspec import Meta, Struct


async def fill_server(local: LocalServer) -> list[str]:
    clock = DemoClock()
    server = local.server
    server.store._writer._clock = clock
    return await fill(
        server.store,
        server.accounts,
        server.commands,
        server.installed.types,
        clock,
        server.demonstrate,
    )


async def test_an_empty_folder_gets_people_who_talk(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        notes = await fill_server(local)
        assert PASSWORD in notes[0]
        opened = await local.post("session.open", username="anna", password=PASSWORD)
        listed = (await local.post("sync", opened.body["token"])).body["conversations"]
        assert len(listed) == 6
        assert {one["kind"] for one in listed} == {"direct", "group"}
        assert all(one["last"] for one in listed)
        assert any(one["unread"] for one in listed)
        times = [one["last"]["sent_at_ms"] for one in listed]
        assert times == sorted(times, reverse=True)


async def test_people_of_the_demo_have_contacts_and_one_asks(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        await fill_server(local)
        opened = await local.post("session.open", username="ben", password=PASSWORD)
        token = opened.body["token"]
        counts = []
        for state in ("contact", "received"):
            found = await local.post("contact.list", token, state=state)
            counts.append(len(found.body["contacts"]))
        assert counts == [2, 1]


async def test_a_folder_with_users_is_left_alone(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        await local.add("ann")
        await fill_server(local)
        answer = await local.post("session.open", username="anna", password=PASSWORD)
        assert answer.status == 401


async def test_without_a_plain_message_type_there_are_people_and_no_messages(
    tmp_path: Path,
) -> None:
    async with open_server(tmp_path) as local:
        local.server.installed.types.remove("note")
        await fill_server(local)
        opened = await local.post("session.open", username="anna", password=PASSWORD)
        listed = (await local.post("sync", opened.body["token"])).body["conversations"]
        assert [one["last"] for one in listed] == [None] * 6


class Small(Struct, frozen=True):
    words: Annotated[str, Meta(max_length=20)]


class SmallType(MessageType[Small]):
    """It takes some of what is said, and comes first by its name."""

    type = "acme.small"
    inline = True
    Content = Small

    def text(self, content: Small, state: None) -> str:
        return content.words


async def test_a_type_that_cannot_hold_every_line_is_not_asked_to(tmp_path: Path) -> None:
    async with open_server(tmp_path) as local:
        types = local.server.installed.types
        others = [types[one.type] for one in [*types]]
        for one in others:
            types.remove(one.type)
        for one in (SmallType(), *others):
            types.add(one)
        await fill_server(local)
        opened = await local.post("session.open", username="anna", password=PASSWORD)
        listed = (await local.post("sync", opened.body["token"])).body["conversations"]
        assert {one["last"]["type"] for one in listed} == {"note"}


async def test_plugins_show_what_they_are_for(tmp_path: Path) -> None:
    async def show(demo: Demo) -> None:
        first, second, *_ = demo.people
        sent = await demo.say(first, "note", {"words": "look"})
        await demo.say(second, "note", Words("nice"), reply_to=sent)
        await demo.call(second, "message.react", message=sent, emoji="👍", on=True)

    async with open_server(tmp_path) as local:
        server, clock = local.server, DemoClock()
        server.store._writer._clock = clock
        parts = (server.store, server.accounts, server.commands, server.installed.types)
        await fill(*parts, clock, show)
        opened = await local.post("session.open", username="anna", password=PASSWORD)
        token = opened.body["token"]
        listed = (await local.post("sync", token)).body["conversations"]
        # The list is by the server's order, and what was shown was long ago.
        shown = sorted(listed, key=lambda one: one["order_no"], reverse=True)
        said = [one["last"]["sent_at_ms"] for one in shown]
        assert said == sorted(said, reverse=True)
        (group,) = (one for one in listed if one["title"] == "Show and tell")
        page = await local.post("message.history", token, conversation=group["id"])
        *_, look, nice = page.body["messages"]
        assert (look["text"], look["reactions"]) == ("look", [{"emoji": "👍", "count": 1}])
        assert (nice["text"], nice["reply_to"]["id"]) == ("nice", look["id"])
        times = [one["sent_at_ms"] for one in page.body["messages"]]
        assert times == sorted(times)
        assert times[-1] < clock()
