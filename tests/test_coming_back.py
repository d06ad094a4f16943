"""I4: whoever leaves and comes back at any moment ends with what a fresh client sees.

A state machine lets people do everything that makes an event, while one of them is away or there.
"""

from __future__ import annotations

import asyncio
import io
import shutil
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from dash_messenger.client import Client, Disconnected, Event
from dash_messenger.errors import Forbidden, NotFound
from dash_messenger.testing import Network, People, ServerProcess, upload
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PIL import Image

from tests.environment import ROOT
from tests.reader import Reader

PATIENCE_S = 60.0
SCALE = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
INDEX = st.integers(0, 1_000)
ROLES = ["owner", "admin", "member"]
# Whom Eve has to do with.
OTHER = st.sampled_from(["ann", "ben"])
# How she wants a group in her list.
WISH = st.sampled_from(
    [
        {"pinned": True},
        {"pinned": False},
        {"archived": True, "muted_until_ms": 2**53 - 1},
        {"archived": False, "muted_until_ms": None},
        {"marked_unread": True, "notify": "mentions"},
        {"marked_unread": False, "notify": "all"},
    ]
)


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose messages have marks too: those of the poll of the examples."""
    folder = tmp_path_factory.mktemp("polled")
    (folder / "plugins").mkdir(mode=0o700)
    shutil.copy(ROOT / "examples/poll/acme_poll/server.py", folder / "plugins" / "poll.py")
    server = ServerProcess(
        folder / "data", environment={"DASH_MESSENGER_PLUGINS_DIR": str(folder / "plugins")}
    )
    server.start()
    yield server
    server.kill()


class Forgetful(Client):
    """Goes on where the logs end now, and never reads what it missed."""

    async def _pull(self, log: str) -> None:
        self._cursors.reset(log, self._cursors.known(log))


@dataclass
class Room:
    """A group, and what may be done in it."""

    id: str
    members: set[str]
    # Besides ann, who always stays one.
    owners: set[str] = field(default_factory=set)
    banned: set[str] = field(default_factory=set)
    # By id: who wrote it, and its type.
    messages: dict[str, tuple[str, str]] = field(default_factory=dict)


class ComingBack(RuleBasedStateMachine):
    """Ann makes groups; Ben and Eve come and go in them; Eve's reader comes and goes too."""

    def __init__(
        self, server: ServerProcess, returning: type[Client] = Client, same_within_s: float = 30.0
    ) -> None:
        super().__init__()
        self._server, self._returning, self._same_within_s = server, returning, same_within_s
        self._runner = asyncio.Runner()
        self._opened = AsyncExitStack()
        try:
            self._do(self._begin())
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        try:
            self._do(self._opened.aclose())
        finally:
            self._runner.close()

    def _do(self, step: Awaitable[Any]) -> Any:
        async def within_time() -> Any:
            async with asyncio.timeout(PATIENCE_S):
                return await step

        return self._runner.run(within_time())

    async def _begin(self) -> None:
        self.network = await self._opened.enter_async_context(Network(self._server))
        self.people = People(self._server)
        self._opened.push_async_callback(self.people.aclose)
        self.actors = {name: await self.people() for name in ("ann", "ben")}
        _, self.token = await self.people.register()
        self.actors["eve"] = await self.people.connect(self.token)
        self.ids = {name: client.me["id"] for name, client in self.actors.items()}
        self.ann_token = await self.people.log_in(self.actors["ann"].me["username"])
        self.rooms = [await self._group({"ann", "ben", "eve"}, "Garden")]
        self.hearing: asyncio.Task[None] | None = None
        self._opened.push_async_callback(self._stop_hearing)
        self.unapplied: deque[Event] = deque()
        client = self._returning(self.network.url, token=self.token)
        await client.__aenter__()
        self.reader = Reader(client)
        # Whichever it is then: coming back may make another.
        self._opened.push_async_callback(lambda: self.reader.client.aclose())
        await self.reader.list()
        await self.reader.load_contacts()
        for conversation in self.reader.listed:
            await self.reader.load(conversation)
        self._hear()

    async def _group(self, members: set[str], title: str) -> Room:
        others = [self.ids[name] for name in sorted(members - {"ann"})]
        made = await self.actors["ann"].call(
            "conversation.create", kind="group", title=title, members=others
        )
        return Room(made["id"], members)

    def _hear(self) -> None:
        async def hear() -> None:
            await self._apply()
            async for event in self.reader.client.events():
                self.unapplied.append(event)
                # Closed in the middle of an event: it is applied when the reader is back.
                with suppress(Disconnected):
                    await self._apply()

        self.hearing = asyncio.get_running_loop().create_task(hear())

    async def _apply(self) -> None:
        while self.unapplied:
            await self.reader.apply(self.unapplied[0])
            self.unapplied.popleft()

    # What people do.

    def _room(self, which: int) -> Room:
        return self.rooms[which % len(self.rooms)]

    def _member(self, room: Room, who: int) -> str:
        return sorted(room.members)[who % len(room.members)]

    def _call(self, who: str, command: str, **params: Any) -> Any:
        return self._do(self.actors[who].call(command, **params))

    def _message(self, room: Room, which: int, type: str | None = None) -> str | None:
        found = [id for id, (_, kind) in room.messages.items() if type in (None, kind)]
        return found[which % len(found)] if found else None

    @rule(which=INDEX, who=INDEX, words=st.sampled_from("abc"), replies=st.booleans())
    def send(self, which: int, who: int, words: str, replies: bool) -> None:
        self._send(which, who, "text", {"text": words}, replies)

    @rule(which=INDEX, who=INDEX)
    def ask(self, which: int, who: int) -> None:
        self._send(which, who, "acme.poll", {"question": "?", "options": ["a", "b"]}, False)

    def _send(self, which: int, who: int, type: str, content: Any, replies: bool) -> None:
        room = self._room(which)
        author = self._member(room, who)
        # Ann alone sees every message; who joined later may not answer those before.
        answered = self._message(room, who) if replies and author == "ann" else None
        more = {"reply_to": answered} if answered else {}
        sent = self._call(
            author, "message.send", conversation=room.id, type=type, content=content, **more
        )
        room.messages[sent["id"]] = (author, type)

    @rule(which=INDEX, message=INDEX, words=st.sampled_from("xyz"))
    def edit(self, which: int, message: int, words: str) -> None:
        room = self._room(which)
        id = self._message(room, message, "text")
        if id and (author := room.messages[id][0]) in room.members:
            self._allowed(author, "message.edit", message=id, content={"text": words})

    @rule(which=INDEX, message=INDEX)
    def delete(self, which: int, message: int) -> None:
        room = self._room(which)
        if id := self._message(room, message):
            self._call("ann", "message.delete", message=id)
            del room.messages[id]

    @rule(which=INDEX, message=INDEX, who=INDEX, emoji=st.sampled_from("👍🎉"), on=st.booleans())
    def react(self, which: int, message: int, who: int, emoji: str, on: bool) -> None:
        room = self._room(which)
        if id := self._message(room, message):
            reader = self._member(room, who)
            self._allowed(reader, "message.react", message=id, emoji=emoji, on=on)

    @rule(which=INDEX, message=INDEX, who=INDEX, option=st.integers(0, 1), on=st.booleans())
    def vote(self, which: int, message: int, who: int, option: int, on: bool) -> None:
        room = self._room(which)
        if id := self._message(room, message, "acme.poll"):
            voted = {"option": option, "on": on}
            voter = self._member(room, who)
            self._allowed(voter, "message.act", message=id, action="vote", params=voted)

    def _allowed(self, who: str, command: str, **params: Any) -> None:
        """Do it, unless the message is from before one's time."""
        try:
            self._call(who, command, **params)
        except (NotFound, Forbidden):
            assert who != "ann"

    @rule(which=INDEX, title=st.sampled_from(["Garden", "Kitchen", "Attic"]))
    def rename(self, which: int, title: str) -> None:
        self._call("ann", "conversation.update", conversation=self._room(which).id, title=title)

    @rule(
        which=INDEX,
        field=st.sampled_from(["description", "rules"]),
        text=st.sampled_from(["Be kind", "Talk", None]),
    )
    def describe(self, which: int, field: str, text: str | None) -> None:
        room = self._room(which).id
        self._call("ann", "conversation.update", conversation=room, **{field: text})

    @rule(which=INDEX)
    def photograph(self, which: int) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(picture, "PNG")
        sent = upload(self._server.url, picture.getvalue(), token=self.ann_token, name="a.png")
        photo = self._do(sent)["id"]
        self._call("ann", "conversation.update", conversation=self._room(which).id, photo=photo)

    @rule(which=INDEX, who=st.sampled_from(["ben", "eve"]), leaves=st.booleans())
    def come_or_go(self, which: int, who: str, leaves: bool) -> None:
        room = self._room(which)
        if who in room.members:
            # An owner is removed by nobody.
            leaves = leaves or who in room.owners
            if leaves:
                self._call(who, "conversation.leave", conversation=room.id)
            else:
                gone = self.ids[who]
                self._call("ann", "conversation.remove", conversation=room.id, user=gone)
            room.members.discard(who)
            room.owners.discard(who)
        elif who not in room.banned:
            self._call("ann", "conversation.add", conversation=room.id, members=[self.ids[who]])
            room.members.add(who)

    @rule(which=INDEX, who=st.sampled_from(["ben", "eve"]), role=st.sampled_from(ROLES))
    def give_a_role(self, which: int, who: str, role: str) -> None:
        room = self._room(which)
        # Another owner is changed by nobody.
        if who in room.members and who not in room.owners:
            user = self.ids[who]
            self._call("ann", "conversation.set_role", conversation=room.id, user=user, role=role)
            if role == "owner":
                room.owners.add(who)

    @rule(which=INDEX, who=st.sampled_from(["ben", "eve"]), role=st.sampled_from(ROLES))
    def step_down(self, which: int, who: str, role: str) -> None:
        room = self._room(which)
        if who in room.members & room.owners:
            user = self.ids[who]
            self._call(who, "conversation.set_role", conversation=room.id, user=user, role=role)
            if role != "owner":
                room.owners.discard(who)

    @rule(which=INDEX, who=st.sampled_from(["ben", "eve"]), on=st.booleans())
    def ban_or_lift(self, which: int, who: str, on: bool) -> None:
        room = self._room(which)
        if who in room.owners:
            return
        command = "conversation.ban" if on else "conversation.unban"
        self._call("ann", command, conversation=room.id, user=self.ids[who])
        if on:
            room.members.discard(who)
            room.banned.add(who)
        else:
            room.banned.discard(who)

    @precondition(lambda self: len(self.rooms) < 3)
    @rule(with_eve=st.booleans())
    def make_a_group(self, with_eve: bool) -> None:
        members = {"ann", "ben"} | ({"eve"} if with_eve else set())
        self.rooms.append(self._do(self._group(members, "New")))

    @rule(which=INDEX, who=INDEX, number=st.integers(0, 20))
    def read(self, which: int, who: int, number: int) -> None:
        room = self._room(which)
        reader = self._member(room, who)
        self._call(reader, "read.advance", conversation=room.id, message_no=number)

    @rule(which=INDEX, wish=WISH)
    def prefer(self, which: int, wish: dict[str, Any]) -> None:
        room = self._room(which)
        if "eve" in room.members:
            self._call("eve", "conversation.set", conversation=room.id, **wish)

    @rule(name=st.sampled_from(["Eve", "Eva", "Evi"]))
    def call_oneself(self, name: str) -> None:
        self._call("eve", "account.update", display_name=name)

    @rule(other=OTHER, by_eve=st.booleans(), note=st.sampled_from(["x", "y", ""]))
    def ask_for_a_contact(self, other: str, by_eve: bool, note: str) -> None:
        self._wish("request", other, by_eve, note=note)

    @rule(other=OTHER, by_eve=st.booleans(), answer=st.sampled_from(["accept", "decline"]))
    def answer_who_asks(self, other: str, by_eve: bool, answer: str) -> None:
        self._wish(answer, other, by_eve)

    @rule(other=OTHER, by_eve=st.booleans())
    def end_a_contact(self, other: str, by_eve: bool) -> None:
        self._wish("remove", other, by_eve)

    @rule(other=OTHER, by_eve=st.booleans(), label=st.sampled_from(["x", "y", None]))
    def label_a_contact(self, other: str, by_eve: bool, label: str | None) -> None:
        self._wish("label", other, by_eve, label=label)

    def _wish(self, wish: str, other: str, by_eve: bool, **said: str | None) -> None:
        by, to = ("eve", other) if by_eve else (other, "eve")
        # Who does not ask is not accepted, who is no contact has no label.
        with suppress(NotFound):
            self._call(by, f"contact.{wish}", user=self.ids[to], **said)

    # Leaving and coming back.

    @precondition(lambda self: self.hearing is not None)
    @rule(by_cut=st.booleans())
    def leave(self, by_cut: bool) -> None:
        self._do(self._leave(by_cut))

    async def _leave(self, by_cut: bool) -> None:
        if by_cut:
            self.network.down()
            return
        await self.reader.client.aclose()
        assert self.hearing is not None
        await self.hearing
        self.hearing = None

    @rule()
    def come_back(self) -> None:
        self._do(self._come_back())

    async def _come_back(self) -> None:
        self.network.up()
        if self.hearing is None:
            left = self.reader.client
            client = self._returning(self.network.url, token=self.token, cursors=left.cursors)
            await client.__aenter__()
            self.reader.client = client
            self._hear()

    def teardown(self) -> None:
        try:
            self._do(self._come_back())
            self._do(self._compare())
        finally:
            self._close()

    async def _compare(self) -> None:
        """What came back knows becomes what a fresh client sees."""
        async with Client(self._server.url, token=self.token) as client:
            deadline = asyncio.get_running_loop().time() + self._same_within_s
            while True:
                fresh = Reader(client)
                await fresh.list()
                await fresh.load_contacts()
                for conversation in fresh.listed:
                    await fresh.load(conversation)
                await self.reader.list()
                assert self.hearing is not None
                assert not self.hearing.done(), self.hearing.exception()
                if self.reader.shown() == fresh.shown():
                    return
                if asyncio.get_running_loop().time() > deadline:
                    assert self.reader.shown() == fresh.shown()
                await asyncio.sleep(0.1)

    async def _stop_hearing(self) -> None:
        if self.hearing is not None:
            self.hearing.cancel()
            await asyncio.wait([self.hearing])


def run(machine: Callable[[], ComingBack]) -> None:
    # It takes whatever makes a machine, and is declared for classes.
    run_state_machine_as_test(machine, settings=SCALE)  # type: ignore[arg-type]


def test_whoever_comes_back_ends_with_what_a_fresh_client_sees(polled: ServerProcess) -> None:
    run(lambda: ComingBack(polled))


def test_a_client_that_skips_what_it_missed_is_found_out(polled: ServerProcess) -> None:
    # Played once more, the same steps may happen to miss nothing: it was found out all the same.
    with pytest.raises((AssertionError, Flaky)):
        run(lambda: ComingBack(polled, Forgetful, same_within_s=3.0))
