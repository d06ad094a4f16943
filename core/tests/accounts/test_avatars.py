"""Photos of people and groups: whose they are, who may see them, and what becomes of old ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.errors import Failure
from dash_messenger.plugins.limits import PluginLimits
from dash_messenger.server.limits import Limits
from dash_messenger.store import Transaction
from dash_messenger.store.tables import users
from fixtures import full_plugin
from fixtures.full_plugin import PNG, Everything, Negatives, install, migrations
from fixtures.local_server import LocalServer, open_server
from sqlalchemy import update

DAY_S = 86_400


@pytest.fixture
async def local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> AsyncIterator[LocalServer]:
    """Ann, Ben and Cleo, and a plugin that makes photos."""
    Everything.migrations = migrations(tmp_path / "migrations", full_plugin.CREATE)
    install(tmp_path / "site", monkeypatch, "everything", "fixtures.full_plugin:Everything")
    async with open_server(tmp_path / "data", loaded=("everything",), limits=limits) as local:
        await local.add("ann", "ben", "cleo")
        yield local


async def upload(local: LocalServer, by: str, content: bytes = b"me") -> str:
    blob = await local.server.blobs.put(
        content, owner=local.users[by], name="me.png", media_type="image/png"
    )
    return blob.id


async def picture(local: LocalServer, by: str, blob: str) -> bytes | None:
    """What somebody gets by GET; None where there is nothing for them."""
    answer = await local.request(f"/blobs/{blob}", method="GET", token=await local.token(by))
    if answer.status == 404:
        return None
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/png"
    body: bytes = answer.body
    return body


async def show_me(local: LocalServer, by: str, content: bytes = b"me") -> str:
    account = await local.call(by, "account.update", photo=await upload(local, by, content))
    photo: str = account["user"]["photo"]
    return photo


async def show_us(local: LocalServer, by: str, group: str, content: bytes = b"us") -> str:
    found = await local.call(
        by, "conversation.update", conversation=group, photo=await upload(local, by, content)
    )
    photo: str = found["conversation"]["photo"]
    return photo


async def events(local: LocalServer, by: str, log: str, kind: str) -> list[dict[str, Any]]:
    page = await local.call(by, "log.read", log=log, after=0)
    return [event for event in page["events"] if event["kind"] == kind]


# One's own


async def test_a_photo_is_made_from_one_s_upload_and_shown_wherever_one_is_named(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben")
    await local.say("ann", group)
    photo = await show_me(local, "ann")
    ann = local.users["ann"]
    assert await picture(local, "cleo", photo) == PNG + b"me"
    synced = await local.call("ben", "sync")
    members = await local.call("ben", "conversation.members", conversation=group)
    history = await local.call("ben", "message.history", conversation=group)
    found = await local.call("cleo", "user.get", users=["ann", "ben"])
    told = [
        synced["users"][ann],
        *(one for one in members["members"] if one["id"] == ann),
        history["users"][ann],
        found["users"][0],
        (await local.call("ann", "sync"))["me"],
        (await local.call("ann", "account.get"))["user"],
    ]
    assert [one["photo"] for one in told] == [photo] * 6
    # Who has none is told as before.
    assert "photo" not in found["users"][1]


async def test_one_s_other_pages_hear_of_it(local: LocalServer) -> None:
    photo = await show_me(local, "ann")
    (event,) = await events(local, "ann", local.users["ann"], "account.updated")
    assert event["data"]["photo"] == photo
    await local.call("ann", "account.update", photo=None)
    *_, event = await events(local, "ann", local.users["ann"], "account.updated")
    assert event["data"]["photo"] is None


async def test_nobody_else_is_written_to(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    before = (await local.call("ben", "sync"))["conversations"][0]["seq"]
    await show_me(local, "ann")
    assert (await local.call("ben", "sync"))["conversations"][0]["seq"] == before
    assert await events(local, "ben", local.users["ben"], "account.updated") == []
    assert len(await events(local, "ben", group, "member.joined")) == 2


async def test_null_removes_it_for_everybody(local: LocalServer) -> None:
    photo = await show_me(local, "ann")
    account = await local.call("ann", "account.update", photo=None)
    assert "photo" not in account["user"]
    assert await picture(local, "ben", photo) is None
    assert (await local.call("ann", "sync"))["me"]["photo"] is None


async def test_what_is_left_out_stays(local: LocalServer) -> None:
    photo = await show_me(local, "ann")
    account = await local.call("ann", "account.update", theme="dark")
    assert account["user"]["photo"] == photo


@pytest.mark.parametrize("command", ["account.update", "conversation.update"])
async def test_only_one_s_own_upload_will_do(local: LocalServer, command: str) -> None:
    group = await local.group("ann", "ben")
    more = {"conversation": group} if command == "conversation.update" else {}
    of_ben = await upload(local, "ben")
    # Ann may see it, and it is none of hers.
    shown = await show_me(local, "ben")
    for blob in (of_ben, shown, "f" * 32, "no id"):
        failure = await local.failure("ann", command, photo=blob, **more)
        assert failure.key == "blob_unusable", blob
    assert "photo" not in (await local.call("ann", "account.get"))["user"]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"refuse", "refused"),
        (b"crash", "portrait_failed"),
        (b"lie", "portrait_failed"),
        (b"large", "portrait_failed"),
        (b"nothing", "portrait_failed"),
    ],
)
async def test_what_no_photo_is_made_of_is_refused_and_the_old_one_stays(
    local: LocalServer, content: bytes, key: str
) -> None:
    photo = await show_me(local, "ann")
    blob = await upload(local, "ann", content)
    failure = await local.failure("ann", "account.update", photo=blob, theme="dark")
    assert failure.key == key
    if content == b"refuse":
        assert failure.message == "That is no picture."
    account = await local.call("ann", "account.get")
    assert (account["user"]["photo"], account["theme"]) == (photo, None)


async def test_an_upload_of_more_than_30_mb_is_not_taken(local: LocalServer) -> None:
    blob = await upload(local, "ann", bytes(30_000_001))
    assert (await local.failure("ann", "account.update", photo=blob)).key == "too_large"


@pytest.mark.parametrize("limits", [Limits(plugins=PluginLimits(avatar_within_s=0.01))])
async def test_a_photo_that_takes_too_long_is_given_up(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hold(self: Negatives, upload: bytes) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Negatives, "make", hold)
    blob = await upload(local, "ann")
    assert (await local.failure("ann", "account.update", photo=blob)).key == "timed_out"


async def test_changing_it_over_and_over_is_slowed_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        local.server.installed.avatars.add("negatives", Negatives())
        await local.add("ann")
        blob = await upload(local, "ann")
        keys = set()
        for _ in range(30):
            try:
                await local.call("ann", "account.update", photo=blob)
            except Failure as failure:
                keys.add(failure.key)
        assert keys == {"rate_limited"}


async def test_without_a_plugin_that_makes_them_photos_stay_as_they_are(
    local: LocalServer, tmp_path: Path
) -> None:
    group = await local.group("ann", "ben")
    photo, other = await show_me(local, "ann"), await show_us(local, "ann", group)
    assert (await local.call("ann", "plugin.list"))["portraits"] is True
    local.server.installed.quarantine("everything", "for a test")
    assert (await local.call("ann", "plugin.list"))["portraits"] is False
    for command, more in (
        ("account.update", {}),
        ("conversation.update", {"conversation": group}),
    ):
        failure = await local.failure("ann", command, photo=await upload(local, "ann"), **more)
        assert failure.key == "portraits_unavailable"
    assert await picture(local, "ben", photo) == PNG + b"me"
    # They can still be removed.
    await local.call("ann", "conversation.update", conversation=group, photo=None)
    assert await picture(local, "ben", other) is None


async def test_the_second_plugin_that_makes_photos_is_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Everything.migrations = migrations(tmp_path / "migrations", full_plugin.CREATE)
    site = tmp_path / "site"
    install(site, monkeypatch, "everything", "fixtures.full_plugin:Everything")
    monkeypatch.setattr(
        full_plugin,
        "Wrong",
        type("Wrong", (), {"register_portraits": Everything.register_portraits}),
    )
    install(site, monkeypatch, "wrong", "fixtures.full_plugin:Wrong")
    async with open_server(tmp_path / "data", loaded=("everything", "wrong")) as local:
        status = {one.name: (one.status, one.reason) for one in local.server.installed}
        assert status["everything"][0] == "loaded"
        assert status["wrong"] == (
            "quarantined",
            "ValueError: portraits are made by everything",
        )
        await local.add("ann")
        assert await show_me(local, "ann")


# A group's


async def test_its_creator_changes_a_group_and_members_hear_what_changed(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben")
    since = (await local.call("ben", "sync"))["since"]
    photo = await show_us(local, "ann", group)
    found = await local.call("ann", "conversation.update", conversation=group, title="  New  one ")
    assert (found["conversation"]["title"], found["conversation"]["photo"]) == ("New one", photo)
    # Nothing new is no event.
    await local.call("ann", "conversation.update", conversation=group, title="New one")
    await local.call("ann", "conversation.update", conversation=group)
    heard = await events(local, "ben", group, "conversation.updated")
    assert [(event["by"], event["data"]) for event in heard] == [
        (local.users["ann"], {"photo": photo}),
        (local.users["ann"], {"title": "New one"}),
    ]
    (seen,) = (await local.call("ben", "sync", since=since))["conversations"]
    assert (seen["title"], seen["photo"]) == ("New one", photo)
    assert await picture(local, "ben", photo) == PNG + b"us"


async def test_other_members_may_not_and_admins_may(local: LocalServer) -> None:
    group = await local.group("ann", "ben", "cleo")
    blob = await upload(local, "ben")
    for params in ({"title": "Mine"}, {"photo": blob}, {"photo": None}):
        failure = await local.failure("ben", "conversation.update", conversation=group, **params)
        assert failure.key == "forbidden"

    def promote(transaction: Transaction) -> None:
        of_ben = users.c.id == local.users["ben"]
        transaction.connection.execute(update(users).where(of_ben).values(role="admin"))

    await local.server.store.write(promote)
    assert await show_us(local, "ben", group)


@pytest.mark.parametrize("title", ["", "   ", "x" * 129])
async def test_a_group_keeps_a_name(local: LocalServer, title: str) -> None:
    group = await local.group("ann", "ben")
    failure = await local.failure("ann", "conversation.update", conversation=group, title=title)
    assert (failure.key, failure.params["field"]) == ("invalid_params", "title")


async def test_a_direct_conversation_has_no_photo_of_its_own(local: LocalServer) -> None:
    photo = await show_me(local, "ben")
    made = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    failure = await local.failure("ann", "conversation.update", conversation=made["id"], title="X")
    assert failure.key == "refused"
    assert "photo" not in made["conversation"]
    assert made["users"][made["conversation"]["peer"]]["photo"] == photo


async def test_a_group_s_photo_is_its_members_alone(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    photo = await show_us(local, "ann", group)
    assert await picture(local, "cleo", photo) is None
    assert (await local.call("cleo", "blob.get", blobs=[photo]))["blobs"] == []
    await local.call("ann", "conversation.add", conversation=group, members=["cleo"])
    assert await picture(local, "cleo", photo) == PNG + b"us"


async def test_who_was_removed_cannot_get_a_group_s_photo_any_more(local: LocalServer) -> None:
    """I5: however often it is asked for while the removal is under way."""
    group = await local.group("ann", "ben")
    photo = await show_us(local, "ann", group, b"canary")
    token, removed = await local.token("ben"), False
    got: list[tuple[bool, int]] = []

    async def ask() -> None:
        while len(got) < 400 and (not removed or len(got) < 40 or got[-1] != (True, 404)):
            before = removed
            answer = await local.request(f"/blobs/{photo}", method="GET", token=token)
            got.append((before, answer.status))

    async def remove() -> None:
        nonlocal removed
        while len(got) < 20:
            await asyncio.sleep(0)
        await local.call("ann", "conversation.remove", conversation=group, user=local.users["ben"])
        removed = True

    await asyncio.gather(ask(), ask(), remove())
    assert got[0] == (False, 200)
    assert got[-1] == (True, 404)
    assert (True, 200) not in got
    later = await show_us(local, "ann", group, b"later")
    assert await picture(local, "ben", later) is None
    assert (await local.call("ben", "blob.get", blobs=[photo, later]))["blobs"] == []
    failure = await local.failure("ben", "conversation.update", conversation=group, photo=None)
    assert failure.key == "not_found"


# What becomes of old ones


async def test_a_photo_is_kept_while_it_is_shown_and_collected_once_it_is_not(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben")
    first, of_us = await show_me(local, "ann", b"first"), await show_us(local, "ann", group)
    local.clock.advance(s=DAY_S + 1)
    # The two uploads.
    assert await local.server.blobs.collect() == 2
    second = await show_me(local, "ann", b"second")
    local.clock.advance(s=DAY_S + 1)
    # The upload, and the first photo.
    assert await local.server.blobs.collect() == 2
    assert await local.server.blobs.info(first) is None
    assert await picture(local, "ben", second) == PNG + b"second"
    assert await picture(local, "ben", of_us) == PNG + b"us"
    await local.call("ann", "account.update", photo=None)
    await local.call("ann", "conversation.update", conversation=group, photo=None)
    local.clock.advance(s=DAY_S + 1)
    assert await local.server.blobs.collect() == 2
    assert await local.server.blobs.count() == 0


async def test_of_two_changes_at_once_one_is_shown_and_the_other_collected(
    local: LocalServer,
) -> None:
    await asyncio.gather(*(show_me(local, "ann", b"%d" % n) for n in range(4)))
    local.clock.advance(s=DAY_S + 1)
    await local.server.blobs.collect()
    assert await local.server.blobs.count() == 1
    photo = (await local.call("ann", "account.get"))["user"]["photo"]
    assert await picture(local, "ben", photo)
