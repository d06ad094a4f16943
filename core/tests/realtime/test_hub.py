"""Who hears what, in which order, and drawn how."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from dash_messenger.errors import CloseCode
from dash_messenger.protocol.events import (
    AccountUpdated,
    ConversationUpdated,
    MemberRemoved,
    ReactionChanged,
)
from dash_messenger.realtime.delivery import WRITES_A_SLICE
from dash_messenger.realtime.hub import Hub
from fixtures.served_gateway import NoDrawings, event, joining, message_event, revision_event
from msgspec import Raw


class Socket:
    """A connection that keeps what it was sent."""

    def __init__(self, user, view=None):
        self.user, self.session, self.view = user, f"session of {user}", view
        self.writes = []
        self.closed_with = None
        self.hub: Any = None

    def write(self, frames):
        self.writes.append(frames)

    def close(self, code, reason=""):
        self.closed_with = code
        self.hub.disconnect(self)

    @property
    def heard(self):
        """The bodies of all frames, in order."""
        bodies = []
        for frames in self.writes:
            while frames:
                size, at = frames[1], 2
                if size == 126:
                    size, at = int.from_bytes(frames[2:4], "big"), 4
                bodies.append(json.loads(frames[at : at + size]))
                frames = frames[at + size :]
        return bodies

    @property
    def seqs(self):
        """The seq of each event heard."""
        return [body["params"]["seq"] for body in self.heard]


@pytest.fixture
async def hub():
    # Slices end by the number of their writes: no clock has a say.
    hub = Hub(NoDrawings(), slice_s=60.0)
    yield hub
    await hub.aclose()


def join(hub, user, *conversations, view=None):
    socket = Socket(user, view)
    socket.hub = hub
    assert hub.connect(socket) is None
    hub.subscribe(socket, conversations)
    return socket


async def settle(hub):
    while hub._delivery._turns or hub._drawing._tasks:
        await asyncio.sleep(0)


async def test_members_hear_and_others_do_not(hub):
    ann, bob, eve = join(hub, "ann", "c"), join(hub, "bob", "c", "d"), join(hub, "eve", "d")
    hub.announce([message_event("c", 1)])
    await settle(hub)
    assert (ann.seqs, bob.seqs, eve.seqs) == ([1], [1], [])


async def test_events_of_one_commit_are_one_write(hub):
    ann = join(hub, "ann", "c", "d")
    hub.announce([message_event("c", 1), message_event("d", 1), message_event("c", 2)])
    await settle(hub)
    assert len(ann.writes) == 2
    assert [(b["params"]["log"], b["params"]["seq"]) for b in ann.heard] == [
        ("c", 1),
        ("c", 2),
        ("d", 1),
    ]


async def test_all_readers_get_the_same_bytes_object(hub):
    readers = [join(hub, f"user{n}", "c", view="dash:en") for n in range(20)]
    hub.announce([message_event("c", 1)])
    await settle(hub)
    assert len({id(reader.writes[0]) for reader in readers}) == 1


async def test_each_hears_the_view_they_asked_for(hub):
    english, russian = join(hub, "ann", "c", view="dash:en"), join(hub, "bob", "c", view="dash:ru")
    script = join(hub, "bot", "c")
    hub.announce([message_event("c", 1)])
    await settle(hub)
    assert english.heard[0]["params"]["data"]["message"]["view"] == "drawn dash:en"
    assert russian.heard[0]["params"]["data"]["message"]["view"] == "drawn dash:ru"
    assert "view" not in script.heard[0]["params"]["data"]["message"]


async def test_without_views_nothing_waits_for_drawing(hub):
    ann = join(hub, "ann", "c")
    hub.announce([message_event("c", 1)])
    assert ann.seqs == [1]


async def test_order_holds_while_an_earlier_event_is_drawn(hub):
    ann = join(hub, "ann", "c", view="dash:en")
    hub.announce([message_event("c", 1)])
    hub.announce([event("c", 2, ConversationUpdated())])
    hub.announce([message_event("c", 3)])
    await settle(hub)
    assert ann.seqs == [1, 2, 3]


async def test_failed_drawing_leaves_the_text(hub):
    async def draw(messages, views, **options):
        raise ZeroDivisionError

    hub._drawing._renderer.draw = draw
    ann = join(hub, "ann", "c", view="dash:en")
    hub.announce([message_event("c", 1)])
    await settle(hub)
    assert ann.heard[0]["params"]["data"]["message"]["text"] == "hi"


async def test_removed_member_hears_nothing_that_was_not_sent_before_the_removal(hub):
    ann, eve = join(hub, "ann", "c", view="dash:en"), join(hub, "eve", "c", view="dash:en")
    hub.announce([message_event("c", 1)])
    removal = event("c", 2, MemberRemoved("eve"))
    hub.apply([removal])
    hub.announce([removal])
    await settle(hub)
    assert (ann.seqs, eve.seqs) == ([1, 2], [])
    assert not hub.reads("eve", "c")


async def test_removal_reaches_into_a_fan_out_under_way(hub):
    many = [join(hub, f"user{n}", "c") for n in range(WRITES_A_SLICE * 2)]
    hub.announce([message_event("c", 1)])
    waiting = [reader for reader in many if not reader.writes]
    assert waiting
    for reader in waiting:
        hub.apply([event("c", 2, MemberRemoved(reader.user))])
    await settle(hub)
    assert not any(reader.writes for reader in waiting)


async def test_new_member_hears_nothing_from_before_joining(hub):
    ann, bob = join(hub, "ann", "c", view="dash:en"), join(hub, "bob", view="dash:en")
    early = message_event("c", 1)
    joined = joining("c", 2, "bob")
    hub.announce([early])
    hub.apply([joined])
    hub.announce([joined, message_event("c", 3)])
    await settle(hub)
    assert (ann.seqs, bob.seqs) == ([1, 2, 3], [2, 3])


async def test_member_who_syncs_while_older_events_wait_hears_only_what_is_theirs(hub):
    ann = join(hub, "ann", "c", view="dash:en")
    joined = joining("c", 2, "bob")
    hub.announce([message_event("c", 1)])
    hub.apply([joined])
    bob = join(hub, "bob", "c", view="dash:en")
    hub.announce([joined])
    await settle(hub)
    assert (ann.seqs, bob.seqs) == ([1, 2], [2])


async def test_own_log_reaches_all_connections_of_the_user_alone(hub):
    first, second, other = join(hub, "ann"), join(hub, "ann"), join(hub, "bob")
    hub.announce([event("ann", 1, AccountUpdated("Ann", None, None, None))])
    await settle(hub)
    assert (first.seqs, second.seqs, other.seqs) == ([1], [1], [])


async def test_long_fan_out_gives_the_loop_back_and_takes_turns(hub):
    for n in range(WRITES_A_SLICE * 2):
        join(hub, f"user{n}", "large")
    small = join(hub, "ann", "small")
    hub.announce([message_event("large", 1), message_event("small", 1)])
    assert small.seqs == [1]
    assert hub._delivery._turns
    await settle(hub)


async def test_what_comes_during_a_fan_out_goes_together_in_order(hub):
    many = [join(hub, f"user{n}", "c") for n in range(WRITES_A_SLICE * 2)]
    for seq in range(1, 6):
        hub.announce([message_event("c", seq)])
    await settle(hub)
    assert all(reader.seqs == [1, 2, 3, 4, 5] for reader in many)
    assert all(len(reader.writes) == 2 for reader in many)
    assert hub.backlog == 0


async def test_disconnected_user_leaves_nothing_behind(hub):
    people = [join(hub, f"user{n}", "c", "d") for n in range(20)]
    for socket in people:
        hub.disconnect(socket)
        hub.disconnect(socket)
    assert hub.connections == 0
    assert not hub._channels.users
    assert not hub._channels.channels


async def test_notifications_reach_a_user_or_a_conversation(hub):
    ann, bob = join(hub, "ann", "c"), join(hub, "bob", "c")
    hub.notify_user("ann", "read", {"n": 1})
    hub.notify_conversation("c", "receipt", {"n": 2}, but="ann")
    assert [body["method"] for body in ann.heard] == ["read"]
    assert [body["method"] for body in bob.heard] == ["receipt"]


async def test_a_user_s_company_is_told_once_each_and_no_stranger(hub):
    ann, bob = join(hub, "ann", "c", "d"), join(hub, "bob", "c", "d")
    second, eve = join(hub, "bob", "c"), join(hub, "eve", "e")
    hub.notify_company("ann", "user.updated", {"n": 1})
    hub.notify_company("nobody", "user.updated", {"n": 2})
    told = [[body["params"] for body in one.heard] for one in (ann, bob, second, eve)]
    assert told == [[{"n": 1}], [{"n": 1}], [{"n": 1}], []]


async def test_a_large_company_gives_the_loop_its_turns(hub):
    people = [join(hub, f"user{n}", "c") for n in range(WRITES_A_SLICE * 2 + 1)]
    hub.notify_company("user0", "user.updated", {"n": 1})
    told = [sum(bool(one.writes) for one in people)]
    while told[-1] < len(people):
        await asyncio.sleep(0)
        told.append(sum(bool(one.writes) for one in people))
    assert told == [WRITES_A_SLICE, WRITES_A_SLICE * 2, WRITES_A_SLICE * 2 + 1]


async def test_who_was_told_already_takes_the_loop_s_turns_too(monkeypatch):
    """Looking at ten times the same members must not hold the loop, though nothing is written."""
    hub = Hub(NoDrawings(), slice_s=-1.0)
    people = [join(hub, f"user{n}", *(f"c{n}" for n in range(10))) for n in range(20)]
    turn = hub._tell
    turns: list[object] = []

    def tell(*args):
        turns.append(args)
        return turn(*args)

    monkeypatch.setattr(hub, "_tell", tell)
    hub.notify_company("user0", "user.updated", {"n": 1})
    assert sum(bool(one.writes) for one in people) == 1
    while len(turns) <= 20 * 10:
        await asyncio.sleep(0)
    assert [len(one.writes) for one in people] == [1] * 20
    await hub.aclose()


async def test_closing_a_session_closes_its_sockets_and_one_just_opening(hub):
    ann, bob = join(hub, "ann", "c"), join(hub, "bob", "c")
    hub.close_sessions(["session of ann"], CloseCode.SESSION_CLOSED)
    assert ann.closed_with == CloseCode.SESSION_CLOSED
    assert bob.closed_with is None
    assert hub.connect(Socket("ann")) is CloseCode.SESSION_CLOSED
    hub.announce([message_event("c", 1)])
    await settle(hub)
    assert (ann.seqs, bob.seqs) == ([], [1])


async def test_quick_revisions_are_drawn_and_sent_once_and_cover_those_left_out(hub):
    ann, bot = join(hub, "ann", "c", view="dash:en"), join(hub, "bot", "c")
    for seq in range(1, 9):
        hub.announce([revision_event("c", seq)])
    await settle(hub)
    assert ann.seqs == bot.seqs == [1]
    hub.announce([message_event("c", 9)])
    await settle(hub)
    frames = [(b["params"]["after"], b["params"]["seq"]) for b in ann.heard]
    assert frames == [(0, 1), (1, 8), (8, 9)]
    assert ann.heard[1]["params"]["data"]["message"]["rev"] == 8
    assert len(ann.writes) == 2


async def test_who_joins_hears_no_revision_that_waited_from_before(hub):
    ann, bob = join(hub, "ann", "c"), join(hub, "bob")
    hub.announce([revision_event("c", 1)])
    hub.announce([revision_event("c", 2)])
    joined = joining("c", 3, "bob")
    hub.apply([joined])
    hub.announce([joined])
    await settle(hub)
    assert (ann.seqs, bob.seqs) == ([1, 2, 3], [3])


def join_late(hub, user, conversation, first_number, view=None):
    socket = Socket(user, view)
    socket.hub = hub
    assert hub.connect(socket) is None
    hub.subscribe(socket, [conversation], {conversation: first_number})
    return socket


def params_of(socket):
    return [body["params"] for body in socket.heard]


async def test_what_changes_before_ones_time_is_hidden_from_later_members_alone(hub):
    ann, bob = join(hub, "ann", "c", view="dash:en"), join_late(hub, "bob", "c", 2, "dash:en")
    reaction = event("c", 9, ReactionChanged("m", 1, "x", 1, True))
    hub.announce([revision_event("c", 8), reaction, message_event("c", 10)])
    await settle(hub)
    assert [p["kind"] for p in params_of(ann)] == [
        "message.updated",
        "reaction.changed",
        "message.created",
    ]
    assert [p["kind"] for p in params_of(bob)] == ["hidden", "hidden", "message.created"]
    assert (ann.seqs, bob.seqs) == ([8, 9, 10], [8, 9, 10])
    hidden = params_of(bob)[0]
    assert (hidden["after"], hidden["seq"], hidden["data"]) == (7, 8, {})
    assert "by" not in hidden


async def test_each_class_of_readers_gets_the_same_bytes_object(hub):
    classes: dict[int, list[Socket]] = {1: [], 3: [], 6: []}
    for number, readers in classes.items():
        readers += [join_late(hub, f"user{number}-{n}", "c", number) for n in range(20)]
    hub.announce([message_event("c", 2), message_event("c", 5), message_event("c", 7)])
    await settle(hub)
    for readers in classes.values():
        assert len({id(reader.writes[0]) for reader in readers}) == 1
    kinds = {n: [p["kind"] for p in params_of(some[0])] for n, some in classes.items()}
    assert kinds == {
        1: ["message.created"] * 3,
        3: ["hidden", "message.created", "message.created"],
        6: ["hidden", "hidden", "message.created"],
    }


async def test_after_the_last_later_member_nothing_is_looked_at(hub):
    ann, bob = join(hub, "ann", "c"), join_late(hub, "bob", "c", 5)
    carl = join_late(hub, "carl", "c", 3)
    hub.disconnect(bob)
    assert hub._delivery._hidden_in("c", [message_event("c", 4)]) is None
    assert hub._delivery._hidden_in("c", [message_event("c", 2)]) is not None
    hub.disconnect(carl)
    assert hub._channels.channels["c"].last_first_number == 1
    hub.announce([message_event("c", 2)])
    assert ann.seqs == [2]


async def test_who_comes_back_has_a_later_time_than_before(hub):
    bob = join_late(hub, "bob", "c", 2)
    hub.apply([event("c", 7, MemberRemoved("bob"))])
    rejoined = joining("c", 9, "bob", from_number=5)
    hub.apply([rejoined])
    hub.announce([rejoined, message_event("c", 3), message_event("c", 10)])
    await settle(hub)
    assert [p["kind"] for p in params_of(bob)] == ["member.joined", "message.created"]
    hub.announce([event("c", 11, ReactionChanged("m", 4, "x", 1, True))])
    await settle(hub)
    assert params_of(bob)[-1]["kind"] == "hidden"


class SlowDrawings(NoDrawings):
    """Drawings of conversation ``slow`` are not ready when they are wanted, and come when told."""

    def __init__(self):
        self.waits = asyncio.Event()
        self.late = None
        self.messages = []

    def needs_children(self, message, view):
        return message.conversation == "slow"

    async def draw(self, messages, views, **options):
        late = options["late"]
        if messages[0].conversation != "slow":
            return await super().draw(messages, views)
        self.late, self.messages = late, messages
        await self.waits.wait()
        return {}


@pytest.fixture
async def slow_hub():
    hub = Hub(SlowDrawings())
    yield hub
    await hub.aclose()


async def test_nobody_waits_for_another_chat_s_drawing(slow_hub):
    ann = join(slow_hub, "ann", "slow", view="dash:en")
    bob = join(slow_hub, "bob", "quick", view="dash:en")
    slow_hub.announce([message_event("slow", 1)])
    slow_hub.announce([message_event("quick", 1)])
    while not bob.heard:
        await asyncio.sleep(0)
    slow_hub.announce([event("slow", 2, ConversationUpdated())])
    slow_hub.announce([message_event("slow", 3), message_event("quick", 2)])
    while len(bob.heard) < 2:
        await asyncio.sleep(0)
    assert (ann.heard, slow_hub.backlog) == ([], 3)
    slow_hub._drawing._renderer.waits.set()
    await settle(slow_hub)
    assert (ann.seqs, bob.seqs, slow_hub.backlog) == ([1, 2, 3], [1, 2], 0)


async def test_a_late_drawing_follows_to_those_who_may_see_the_message(slow_hub):
    ann, russian = (
        join(slow_hub, "ann", "slow", view="dash:en"),
        join(slow_hub, "bob", "slow", view="dash:ru"),
    )
    eve, script = join(slow_hub, "eve", "slow", view="dash:en"), join(slow_hub, "bot", "slow")
    slow_hub.announce([message_event("slow", 1)])
    slow_hub._drawing._renderer.waits.set()
    await settle(slow_hub)
    slow_hub.apply([event("slow", 2, MemberRemoved("eve"))])
    late = join(slow_hub, "late", view="dash:en")
    slow_hub.subscribe(late, ["slow"], {"slow": 2})
    slow_hub._drawing._renderer.late(
        slow_hub._drawing._renderer.messages[0], "dash:en", Raw(b'"drawn"')
    )
    await settle(slow_hub)
    assert ann.heard[1:] == [
        {
            "jsonrpc": "2.0",
            "method": "message.drawn",
            "params": {"conversation": "slow", "message": "slow-1", "rev": 1, "view": "drawn"},
        }
    ]
    assert [len(one.heard) for one in (russian, eve, script, late)] == [1, 1, 1, 0]


async def test_a_late_drawing_does_not_overtake_its_message(slow_hub):
    many = [join(slow_hub, f"user{n}", "slow", view="dash:en") for n in range(WRITES_A_SLICE * 2)]
    slow_hub.announce([message_event("slow", 1)])
    slow_hub._drawing._renderer.waits.set()
    while not any(one.writes for one in many):
        await asyncio.sleep(0)
    assert not all(one.writes for one in many)
    slow_hub._drawing._renderer.late(
        slow_hub._drawing._renderer.messages[0], "dash:en", Raw(b'"drawn"')
    )
    await settle(slow_hub)
    assert all([body["method"] for body in one.heard] == ["event", "message.drawn"] for one in many)


async def test_one_connection_is_told_of_a_page_s_late_drawing_while_it_may_see_it(slow_hub):
    ann, bob = join(slow_hub, "ann", "c"), join(slow_hub, "bob", "c")
    late = join_late(slow_hub, "late", "c", 2)
    message = message_event("c", 1).data.message
    for one in (ann, late):
        slow_hub.tell_drawn(one, message, "dash:en", Raw(b'"drawn"'))
    slow_hub.apply([event("c", 2, MemberRemoved("ann"))])
    slow_hub.tell_drawn(ann, message, "dash:en", Raw(b'"drawn"'))
    assert [len(one.heard) for one in (ann, bob, late)] == [1, 0, 0]


async def test_one_log_that_cannot_be_drawn_or_sent_does_not_stop_the_others(monkeypatch):
    hub = Hub(NoDrawings())
    ann, bob = (
        join(hub, "ann", "broken", view="dash:en"),
        join(hub, "bob", "whole", view="dash:en"),
    )

    def needs_children(message, view):
        if message.conversation == "broken":
            raise ZeroDivisionError
        return False

    monkeypatch.setattr(hub._drawing._renderer, "needs_children", needs_children)
    hub.announce([message_event("broken", 1), message_event("whole", 1)])
    await settle(hub)
    assert (ann.seqs, bob.seqs, hub.backlog) == ([1], [1], 0)

    load = hub._delivery._load_events

    def load_events(lane, events, drawn):
        if lane.log == "broken":
            hub._delivery.backlog -= len(events)
            raise ZeroDivisionError
        load(lane, events, drawn)

    monkeypatch.setattr(hub._delivery, "_load_events", load_events)
    hub.announce([message_event("broken", 2), message_event("whole", 2)])
    await settle(hub)
    hub.announce([message_event("whole", 3)])
    await settle(hub)
    assert (bob.seqs, hub.backlog) == ([1, 2, 3], 0)
    await hub.aclose()
