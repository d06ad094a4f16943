"""The demonstration."""

from __future__ import annotations

from pathlib import Path

from dash_messenger.demo import PASSWORD, DemoClock, fill
from server_world import ServerWorld, open_server


async def fill_world(world: ServerWorld) -> list[str]:
    clock = DemoClock()
    server = world.server
    server.store._writer._clock = clock
    return await fill(server.store, server.accounts, server.commands, server.installed.types, clock)


async def test_an_empty_folder_gets_people_who_talk(tmp_path: Path) -> None:
    async with open_server(tmp_path) as world:
        notes = await fill_world(world)
        assert PASSWORD in notes[0]
        opened = await world.post("session.open", username="anna", password=PASSWORD)
        listed = (await world.post("sync", opened.body["token"])).body["conversations"]
        assert len(listed) == 5
        assert {one["kind"] for one in listed} == {"direct", "group"}
        assert all(one["last"] for one in listed)
        assert any(one["unread"] for one in listed)
        times = [one["last"]["sent_at_ms"] for one in listed]
        assert times == sorted(times, reverse=True)


async def test_a_folder_with_users_is_left_alone(tmp_path: Path) -> None:
    async with open_server(tmp_path) as world:
        await world.add("ann")
        await fill_world(world)
        answer = await world.post("session.open", username="anna", password=PASSWORD)
        assert answer.status == 401


async def test_without_a_plain_message_type_there_are_people_and_no_messages(
    tmp_path: Path,
) -> None:
    async with open_server(tmp_path) as world:
        world.server.installed.types.remove("note")
        await fill_world(world)
        opened = await world.post("session.open", username="anna", password=PASSWORD)
        listed = (await world.post("sync", opened.body["token"])).body["conversations"]
        assert [one["last"] for one in listed] == [None] * 5
