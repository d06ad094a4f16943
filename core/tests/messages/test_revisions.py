"""Messages that change after they were sent: actions, edits, deletions, reactions, replies."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from dash_messenger.plugin_api.actions import Acted, Change, Refuse, action
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.realtime.coalescing import EVERY_S
from fixtures.local_server import LocalServer, open_server
from msgspec import Meta, Struct


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    words: Annotated[str, Meta(min_length=1)]


class Votes(Struct, frozen=True):
    yes: int = 0
    closed: bool = False


class Ballot(MessageType[Question, Votes, bool]):
    type, Content, State, Mark, editable = "ballot", Question, Votes, bool, True
    inline = True

    def start(self, content: Question) -> Votes:
        return Votes()

    def text(self, content: Question, state: Votes) -> str:
        return f"{content.words} ({state.yes})"

    def edited(self, content: Question, state: Votes, new_content: Question) -> Votes:
        return state

    @action()
    def vote(self, ballot: Acted[Question, Votes, bool], *, on: bool) -> Change | Refuse:
        if ballot.state.closed:
            return Refuse("closed", "It is closed.")
        change = on - bool(ballot.mark)
        return Change(state=Votes(ballot.state.yes + change), mark=on or None)

    @action(may="author")
    def close(self, ballot: Acted[Question, Votes, bool]) -> Change:
        return Change(state=Votes(ballot.state.yes, closed=True))

    @action(may="admin")
    def clear(self, ballot: Acted[Question, Votes, bool]) -> Change:
        return Change(state=Votes())

    @action(may="bot")
    def count(self, ballot: Acted[Question, Votes, bool]) -> Change:
        return Change()

    @action()
    def breaks(self, ballot: Acted[Question, Votes, bool]) -> Change:
        raise KeyError("a defect")

    @action()
    def strays(self, ballot: Acted[Question, Votes, bool]) -> Change:
        return "nothing"  # type: ignore[return-value]


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path) as local:
        local.server.installed.types.add(Ballot(), "ballot")
        await local.add("ann", "ben", "cleo", "dan")
        yield local


async def ask(local: LocalServer, by: str, conversation: str, **params: object) -> str:
    sent = await local.call(
        by,
        "message.send",
        conversation=conversation,
        client_id=uuid.uuid4().hex,
        **{"type": "ballot", "content": {"words": "tea?"}, **params},
    )
    id: str = sent["id"]
    return id


def act(message: str, action: str, **params: Any) -> dict[str, Any]:
    return {
        "message": message,
        "action": action,
        "params": params,
        "client_id": uuid.uuid4().hex,
    }


async def shown(local: LocalServer, by: str, message: str) -> Any:
    found = await local.call(by, "message.get", messages=[message])
    return found["messages"][0] if found["messages"] else None


async def events(local: LocalServer, by: str, log: str) -> list[dict[str, Any]]:
    page = await local.call(by, "log.read", log=log, after=0, limit=500)
    return list(page["events"])


async def end_of(local: LocalServer, log: str) -> int:
    page = await local.call("ann", "log.read", log=log, after=0)
    newest: int = page["newest"]
    return newest


class Listener:
    """A connection that applies what it is sent as every client should."""

    def __init__(self, user: str, cursor: int) -> None:
        self.user, self.cursor = user, cursor
        self.session = "0" * 32
        self.view: str | None = None
        self.messages: dict[str, dict[str, Any]] = {}
        self.updates = 0
        self.stirred = asyncio.Event()

    def write(self, frames: bytes) -> None:
        for frame in msgspec.json.Decoder().decode_lines(_bodies(frames)):
            if frame["params"]["log"] != self.user:
                self.take(frame["params"])

    def take(self, event: dict[str, Any]) -> None:
        assert event["after"] <= self.cursor < event["seq"]
        self.cursor = event["seq"]
        message = event["data"].get("message")
        self.updates += event["kind"] == "message.updated"
        if (
            message is not None
            and message["rev"] > self.messages.get(message["id"], message)["rev"]
        ):
            self.messages[message["id"]] = message
        self.stirred.set()

    def close(self, code: Any, reason: str = "") -> None:
        raise AssertionError(code)


def _bodies(frames: bytes) -> bytes:
    lines = []
    while frames:
        size, at = frames[1], 2
        if size == 126:
            size, at = int.from_bytes(frames[2:4], "big"), 4
        lines.append(frames[at : at + size])
        frames = frames[at + size :]
    return b"\n".join(lines)


async def test_a_flood_of_votes_is_a_few_events_and_the_same_state_for_all(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben", "cleo", "dan")
    message = await ask(local, "ann", group)
    seq = await end_of(local, group)
    live, cut = Listener(local.users["ann"], seq), Listener(local.users["ben"], seq)
    hub = local.server.hub
    for listener in (live, cut):
        listener.messages[message] = await shown(local, "ann", message)
        assert hub.connect(listener) is None
        hub.subscribe(listener, [group])
    stopped_at, began_s = 0, time.monotonic()
    for n in range(40):
        by = ("ann", "ben", "cleo", "dan")[n % 4]
        await local.call(by, "message.act", **act(message, "vote", on=n % 8 < 4))
        if n == 20:
            hub.disconnect(cut)
            stopped_at = cut.cursor
    end = await end_of(local, group)
    assert end == seq + 40
    async with asyncio.timeout(30):
        while live.cursor < end:
            live.stirred.clear()
            await live.stirred.wait()
    # One at once, then one a round, however many rounds the machine takes for all of them.
    assert live.updates <= (time.monotonic() - began_s) / EVERY_S + 2
    fresh = await shown(local, "ann", message)
    assert live.messages[message] == fresh
    page = await local.call("ben", "log.read", log=group, after=stopped_at, limit=500)
    for event in page["events"]:
        cut.take(event)
    assert (cut.cursor, cut.messages[message]) == (end, fresh)


async def test_an_action_changes_the_state_for_all_and_the_mark_for_one(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    done = await local.call("ben", "message.act", **act(message, "vote", on=True))
    assert done == {"id": message, "rev": 2, "mark": True}
    for name, own in (("ann", {}), ("ben", {message: {"mark": True}})):
        page = await local.call(name, "message.history", conversation=group)
        assert page["messages"][0]["state"] == {"yes": 1, "closed": False}
        assert page["messages"][0]["text"] == "tea? (1)"
        assert page["own"] == own
    kinds = [event["kind"] for event in await events(local, "ann", group)]
    assert kinds[-1] == "message.updated"
    (told,) = [
        event
        for event in await events(local, "ben", local.users["ben"])
        if event["kind"] == "mark.changed"
    ]
    assert told["data"] == {"conversation": group, "message_id": message, "mark": True}
    assert "mark.changed" not in [
        event["kind"] for event in await events(local, "ann", local.users["ann"])
    ]


async def test_a_mark_can_be_taken_away(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    await local.call("ben", "message.act", **act(message, "vote", on=True))
    await local.call("ben", "message.act", **act(message, "vote", on=False))
    page = await local.call("ben", "message.history", conversation=group)
    assert page["own"] == {}
    assert page["messages"][0]["state"]["yes"] == 0


async def test_a_retry_is_answered_and_not_repeated(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    wish = act(message, "vote", on=True)
    first, *others = await asyncio.gather(
        *(local.call("ben", "message.act", **wish) for _ in range(5))
    )
    assert others == [first] * 4
    assert (await shown(local, "ann", message))["rev"] == 2
    failure = await local.failure("ben", "message.act", **{**wish, "params": {"on": False}})
    assert failure.key == "conflict"


async def test_many_who_vote_at_once_are_all_counted(local: LocalServer) -> None:
    names = [f"user{n}" for n in range(40)]
    await local.add(*names)
    group = await local.group("ann", *names)
    message = await ask(local, "ann", group)
    await asyncio.gather(
        *(local.call(name, "message.act", **act(message, "vote", on=True)) for name in names)
    )
    assert (await shown(local, "ann", message))["state"]["yes"] == 40


async def test_an_action_that_is_refused_changes_nothing(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    await local.call("ann", "message.act", **act(message, "close"))
    failure = await local.failure("ben", "message.act", **act(message, "vote", on=True))
    assert (failure.key, failure.params["action"]) == ("action_refused", "closed")
    assert failure.message == "It is closed."
    assert (await shown(local, "ann", message))["rev"] == 2


@pytest.mark.parametrize(
    ("name", "action", "key"),
    [
        ("ben", "close", "forbidden"),
        ("ben", "clear", "forbidden"),
        ("cleo", "vote", "not_found"),
        ("ann", "count", "forbidden"),
        ("ann", "nonesuch", "invalid_params"),
        ("ann", "breaks", "plugin_failed"),
        ("ann", "strays", "plugin_failed"),
        ("ann", "text", "invalid_params"),
    ],
)
async def test_who_may_not_or_what_cannot_be_is_said(
    local: LocalServer, name: str, action: str, key: str
) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    params = {"on": True} if action == "vote" else {}
    failure = await local.failure(name, "message.act", **act(message, action, **params))
    assert failure.key == key
    assert (await shown(local, "ann", message))["rev"] == 1


async def test_who_made_the_group_is_its_admin(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ben", group)
    await local.call("ann", "message.act", **act(message, "clear"))
    direct = await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    message = await ask(local, "ben", direct["id"])
    assert (await local.failure("ann", "message.act", **act(message, "clear"))).key == "forbidden"


@pytest.mark.parametrize("params", [{}, {"on": "yes"}, {"on": True, "more": 1}])
async def test_parameters_that_do_not_fit_are_named(
    local: LocalServer, params: dict[str, object]
) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    failure = await local.failure("ben", "message.act", **act(message, "vote", **params))
    assert failure.key == "invalid_params"


# Edits


async def test_an_edit_keeps_state_and_number_and_says_that_it_was(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    await local.call("ben", "message.act", **act(message, "vote", on=True))
    before = await shown(local, "ben", message)
    local.clock.advance(s=60)
    edit = {"message": message, "content": {"words": "coffee?"}, "client_id": uuid.uuid4().hex}
    changed = await local.call("ann", "message.edit", **edit)
    assert await local.call("ann", "message.edit", **edit) == changed
    after = await shown(local, "ben", message)
    assert after["rev"] == changed["rev"] == before["rev"] + 1
    assert (after["text"], after["number"], after["state"]["yes"]) == ("coffee? (1)", 1, 1)
    assert after["edited_at_ms"] == local.clock.now_ms
    assert after["sent_at_ms"] < after["edited_at_ms"]
    listed = await local.call("ben", "sync", since=None)
    (conversation,) = [one for one in listed["conversations"] if one["id"] == group]
    assert (conversation["last"]["text"], conversation["unread"]) == ("coffee? (1)", 1)


async def test_only_the_author_edits_and_only_what_can_be(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    edit = {"message": message, "content": {"words": "x"}, "client_id": uuid.uuid4().hex}
    assert (await local.failure("ben", "message.edit", **edit)).key == "forbidden"
    assert (await local.failure("cleo", "message.edit", **edit)).key == "not_found"
    bad = {**edit, "content": {"words": ""}}
    assert (await local.failure("ann", "message.edit", **bad)).key == "content_invalid"
    local.server.installed.types.remove_of("ballot")
    assert (await local.failure("ann", "message.edit", **edit)).key == "forbidden"


# Deletions


async def test_a_deleted_message_leaves_number_and_author_only(
    local: LocalServer, tmp_path: Path
) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group, content={"words": "canarysecret"})
    edit = {"message": message, "content": {"words": "canaryother"}, "client_id": uuid.uuid4().hex}
    await local.call("ann", "message.edit", **edit)
    await local.call("ben", "message.act", **act(message, "vote", on=True))
    await local.call("ben", "message.react", message=message, emoji="👍")
    await ask(local, "ann", group)
    await local.call("ann", "message.delete", message=message)
    tombstone = (await local.call("ben", "message.history", conversation=group))["messages"][0]
    assert (tombstone["number"], tombstone["sender"]) == (1, local.users["ann"])
    assert tombstone["deleted_at_ms"] == local.clock.now_ms
    assert tombstone["content"] is None
    assert tombstone["text"] is None
    assert not {"state", "reactions"} & set(tombstone)
    page = await local.call("ben", "message.history", conversation=group)
    assert page["own"] == {}
    listed = await local.call("ben", "sync", since=None)
    assert listed["conversations"][0]["unread"] == 1
    tables = ("messages", "revisions", "marks", "answers", "events")
    dump = await local.server.store.read(
        lambda connection: [
            str(row)
            for table in tables
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}").all()
        ]
    )
    assert not [row for row in dump if "canary" in row]


async def test_deleting_is_for_the_author_and_for_who_made_the_group(local: LocalServer) -> None:
    group = await local.group("ann", "ben", "cleo")
    first, second = await ask(local, "ben", group), await ask(local, "ben", group)
    assert (await local.failure("cleo", "message.delete", message=first)).key == "forbidden"
    assert (await local.failure("dan", "message.delete", message=first)).key == "not_found"
    await local.call("ann", "message.delete", message=first)
    await local.call("ben", "message.delete", message=second)
    assert (await local.failure("ben", "message.delete", message=second)).key == "not_found"
    for command in (
        ("message.act", act(first, "vote", on=True)),
        ("message.react", {"message": first, "emoji": "👍"}),
        ("message.edit", {"message": first, "content": {"words": "x"}, "client_id": "a" * 32}),
    ):
        assert (await local.failure("ben", command[0], **command[1])).key == "not_found"


# Reactions


async def test_reactions_are_counted_and_one_s_own_are_known(local: LocalServer) -> None:
    group = await local.group("ann", "ben", "cleo")
    message = await ask(local, "ann", group)
    await local.call("ben", "message.react", message=message, emoji="👍")
    await local.call("cleo", "message.react", message=message, emoji="👍")
    done = await local.call("cleo", "message.react", message=message, emoji="❤️")
    counts = [{"emoji": "👍", "count": 2}, {"emoji": "❤️", "count": 1}]
    assert done == {"reactions": counts, "own": ["👍", "❤️"]}
    page = await local.call("ben", "message.history", conversation=group)
    assert page["messages"][0]["reactions"] == counts
    assert page["messages"][0]["rev"] == 1
    assert page["own"] == {message: {"reactions": ["👍"]}}
    last = (await events(local, "ann", group))[-1]
    assert (last["kind"], last["by"]) == ("reaction.changed", local.users["cleo"])
    assert last["data"] == {
        "message_id": message,
        "number": 1,
        "emoji": "❤️",
        "count": 1,
        "on": True,
    }


async def test_an_emoji_is_one_reaction_however_it_is_spelt(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    await local.call("ann", "message.react", message=message, emoji="❤")
    done = await local.call("ben", "message.react", message=message, emoji="❤️")
    assert done == {"reactions": [{"emoji": "❤️", "count": 2}], "own": ["❤️"]}
    done = await local.call("ben", "message.react", message=message, emoji="❤\ufe0e", on=False)
    assert done == {"reactions": [{"emoji": "❤️", "count": 1}], "own": []}


@pytest.mark.parametrize(
    "emoji",
    ["\U0001faea", "\U0001faff", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"],
)
async def test_emoji_of_any_year_are_reactions(local: LocalServer, emoji: str) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    done = await local.call("ann", "message.react", message=message, emoji=emoji)
    assert done["own"] == [emoji]


async def test_the_same_wish_twice_is_one_reaction(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    await asyncio.gather(
        *(local.call("ben", "message.react", message=message, emoji="👍") for _ in range(5))
    )
    assert (await shown(local, "ann", message))["reactions"] == [{"emoji": "👍", "count": 1}]
    for _ in range(2):
        done = await local.call("ben", "message.react", message=message, emoji="👍", on=False)
        assert done == {"reactions": [], "own": []}
    assert "reactions" not in await shown(local, "ann", message)


@pytest.mark.parametrize("emoji", ["a", "<b>", "1", "👍a", "\u202e", "é", "👍" * 40, ""])
async def test_what_is_no_emoji_is_refused(local: LocalServer, emoji: str) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    failure = await local.failure("ben", "message.react", message=message, emoji=emoji)
    assert failure.key == "invalid_params"


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "1️⃣", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "™️"])
async def test_emoji_of_all_makes_are_taken(local: LocalServer, emoji: str) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    await local.call("ben", "message.react", message=message, emoji=emoji)


async def test_there_is_an_end_to_reactions(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    for emoji in "😀😁😂🤣😃":
        await local.call("ben", "message.react", message=message, emoji=emoji)
    failure = await local.failure("ben", "message.react", message=message, emoji="😅")
    assert failure.key == "refused"


# Replies


async def test_a_reply_names_what_it_answers(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    first = await ask(local, "ann", group)
    reply = await ask(local, "ben", group, reply_to=first)
    assert (await shown(local, "ann", reply))["reply_to"] == {"id": first, "number": 1}
    event = (await events(local, "ann", group))[-1]
    assert event["data"]["message"]["reply_to"] == {"id": first, "number": 1}


async def test_a_reply_to_what_is_elsewhere_is_refused(local: LocalServer) -> None:
    group, other = await local.group("ann", "ben"), await local.group("ann", "cleo")
    elsewhere = await ask(local, "ann", other)
    for wrong in (elsewhere, "0" * 32):
        failure = await local.failure(
            "ann",
            "message.send",
            conversation=group,
            client_id=uuid.uuid4().hex,
            type="ballot",
            content={"words": "x"},
            reply_to=wrong,
        )
        assert failure.key == "not_found"


# Who sees what


async def test_who_joined_later_cannot_touch_what_was_before(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group, content={"words": "canary"})
    await local.call("ann", "conversation.add", conversation=group, members=["cleo"])
    assert await shown(local, "cleo", message) is None
    for command, params in (
        ("message.act", act(message, "vote", on=True)),
        ("message.react", {"message": message, "emoji": "👍"}),
    ):
        assert (await local.failure("cleo", command, **params)).key == "not_found"


async def test_who_was_removed_learns_nothing_more(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    message = await ask(local, "ann", group)
    await local.call("ben", "message.react", message=message, emoji="👍")
    await local.call("ann", "conversation.remove", conversation=group, user=local.users["ben"])
    edit = {"message": message, "content": {"words": "canary"}, "client_id": uuid.uuid4().hex}
    await local.call("ann", "message.edit", **edit)
    assert await shown(local, "ben", message) is None
    assert (
        await local.failure("ben", "message.act", **act(message, "vote", on=True))
    ).key == "not_found"
    for event in await events(local, "ben", local.users["ben"]):
        assert "canary" not in str(event)


# Previews


async def test_a_preview_stores_nothing(local: LocalServer) -> None:
    group = await local.group("ann", "ben")
    seen = await local.call("ann", "message.preview", type="ballot", content={"words": "tea?"})
    assert seen == {"text": "tea? (0)"}
    failure = await local.failure("ann", "message.preview", type="ballot", content={"words": ""})
    assert failure.key == "content_invalid"
    page = await local.call("ann", "message.history", conversation=group)
    assert page["messages"] == []
