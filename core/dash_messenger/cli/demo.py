"""A folder worth looking at: a few people, their conversations, some days of talk.

Owns the people and their words. Must not know tables: it acts by the ordinary commands, on a clock
of its own that it sets back, so that what it makes is what people would have made.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import select

from dash_messenger.accounts.accounts import Accounts
from dash_messenger.clock import now_ms
from dash_messenger.errors import ANYTHING
from dash_messenger.plugin_api.context import Demo
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.protocol.commands import Caller, Commands
from dash_messenger.protocol.models import User
from dash_messenger.store import Store
from dash_messenger.store.tables import users

__all__ = ["PASSWORD", "DemoClock", "fill"]

# Public: it is printed, and the folder is a demonstration.
PASSWORD = "open sesame, please"  # noqa: S105
SCRIPT = Path(__file__).parent / "demo.json"
# The conversation in which plugins show what they are for.
SHOWN_IN = "show"
SHOWN_EVERY_MS = 240_000
# A type for plain words leaves marks alone, and white space.
PROBE = "**This** is _not_ > marked\n# up"
# What is done once by its name: whoever shows something need not think of one.
NAMED = ("message.send", "message.edit", "message.act")
MINUTE_MS = 60_000
DAY_MS = 86_400_000


class DemoClock:
    """The time, set back while the talk is made."""

    def __init__(self) -> None:
        self.behind_ms = 0

    def __call__(self) -> int:
        """Now, or then."""
        return now_ms() - self.behind_ms


@dataclass(frozen=True, slots=True)
class _Line:
    """Something said: in which conversation, when (ms before now), by whom."""

    conversation: str
    behind_ms: int
    by: str
    text: str


async def fill(
    store: Store,
    accounts: Accounts,
    commands: Commands,
    types: MessageTypes,
    clock: DemoClock,
    show: Callable[[Demo], Awaitable[None]],
) -> list[str]:
    """Fill an empty folder; what to tell the admin. One that has users is left as it is.

    ``show`` lets plugins add to it.
    """
    anybody = select(users.c.id).limit(1)
    if await store.read(lambda connection: connection.execute(anybody).first()) is not None:
        return [f"The folder was not empty. If it is a demo's, the password is: {PASSWORD}"]
    script = json.loads(SCRIPT.read_text(encoding="utf-8"))
    oldest_day = max(day for talk in script["conversations"] for day, _, _ in talk["days"])
    clock.behind_ms = (oldest_day + 1) * DAY_MS
    callers: dict[str, Caller] = {}
    people: dict[str, User] = {}
    for person in script["people"]:
        user = await accounts.create(
            person["username"],
            PASSWORD,
            display_name=person["display_name"],
            role=person.get("role", "member"),
        )
        callers[person["username"]] = Caller(user=user.id, session=None, address="demo")
        people[person["username"]] = user
    call = _caller_of(commands, callers)
    for person in script["people"]:
        await call(person["username"], "account.update", language=person["language"])
    ids: dict[str, str] = {}
    lines: list[_Line] = []
    today_ms = now_ms()
    for talk in script["conversations"]:
        first, *others = talk["members"]
        created = await call(
            first,
            "conversation.create",
            kind="group" if "title" in talk else "direct",
            members=others,
            title=talk.get("title"),
        )
        ids[talk["name"]] = created["id"]
        lines += _lines(talk, today_ms)
        if "title" not in talk:
            # Who writes to somebody alone has them among the contacts.
            await call(first, "contact.request", user=others[0])
            await call(others[0], "contact.accept", user=first)
    for asks in script["contact_requests"]:
        await call(asks["by"], "contact.request", user=asks["to"], note=asks["note"])
    writes = _plain_type(types, lines)
    if writes is None:
        lines.clear()
    type_name, field = writes or ("", "")
    lines.sort(key=lambda line: -line.behind_ms)
    numbers: dict[str, int] = {}

    async def say(some: list[_Line]) -> None:
        for line in some:
            clock.behind_ms = line.behind_ms
            sent = await call(
                line.by,
                "message.send",
                conversation=ids[line.conversation],
                client_id=uuid.uuid4().hex,
                type=type_name,
                content={field: line.text},
            )
            numbers[line.conversation] = sent["number"]

    talk = next(one for one in script["conversations"] if one["name"] == SHOWN_IN)
    shown_ms = _behind(talk, today_ms)
    # In the order of the clock: the list of chats is in the order in which things were stored.
    await say([line for line in lines if line.behind_ms >= shown_ms])
    clock.behind_ms = shown_ms
    shown = _Shown([people[name] for name in talk["members"]], ids[SHOWN_IN], call, clock)
    await show(shown)
    await say([line for line in lines if line.behind_ms < shown_ms])
    numbers[SHOWN_IN] = max(shown.number, numbers.get(SHOWN_IN, 0))
    clock.behind_ms = 0
    for talk in script["conversations"]:
        for reader in talk["members"]:
            left = talk.get("unread", {}).get(reader, 0)
            await call(
                reader,
                "read.advance",
                conversation=ids[talk["name"]],
                message_no=max(0, numbers.get(talk["name"], 0) - left),
            )
    names = ", ".join(callers)
    admin = next(one["username"] for one in script["people"] if one.get("role") == "admin")
    return [
        f"Log in as one of {names}. The password of each is: {PASSWORD}",
        f"The admin is {admin}.",
    ]


class _Shown:
    """A `Demo`: what is said comes some minutes after what was said before."""

    def __init__(
        self, people: list[User], conversation: str, call: Callable[..., Any], clock: DemoClock
    ) -> None:
        self.people = people
        self.conversation = conversation
        self.number = 0
        self._call = call
        self._clock = clock

    async def say(
        self, by: User, type: str, content: Struct | dict[str, Any], *, reply_to: str | None = None
    ) -> str:
        """Send a message to the group."""
        self._clock.behind_ms = max(self._clock.behind_ms - SHOWN_EVERY_MS, MINUTE_MS)
        sent = await self.call(
            by,
            "message.send",
            conversation=self.conversation,
            type=type,
            content=content,
            reply_to=reply_to,
        )
        self.number = sent["number"]
        return str(sent["id"])

    async def call(self, by: User, command: str, /, **params: object) -> dict[str, Any]:
        """The result of a command."""
        if command in NAMED:
            params.setdefault("client_id", uuid.uuid4().hex)
        result: dict[str, Any] = await self._call(by.username, command, **params)
        return result


def _plain_type(types: MessageTypes, lines: list[_Line]) -> tuple[str, str] | None:
    """A message type for plain words, with the name of its field for them: one that takes every
    line and leaves it as it is."""
    said = [PROBE, *(line.text for line in lines)]
    for one in types:
        required = [field for field in msgspec.structs.fields(one.Content) if field.required]
        if len(required) == 1:
            name = required[0].encode_name
            if all(_text(types, one.type, {name: text}) == text for text in said):
                return one.type, name
    return None


def _text(types: MessageTypes, type: str, content: dict[str, str]) -> str | None:
    try:
        return types.prepare(type, msgspec.json.encode(content)).text
    # The edge to a stranger's code: whatever it says, it is no type for plain words.
    except ANYTHING:
        return None


def _behind(talk: dict[str, Any], today_ms: int) -> int:
    """How long ago the last of a talk's lines was said."""
    return min(line.behind_ms for line in _lines(talk, today_ms))


def _lines(talk: dict[str, Any], today_ms: int) -> list[_Line]:
    """The lines of a talk: ``days`` are [days ago, "HH:MM" UTC, [[minutes later, who, what]]]."""
    midnight_ms = today_ms - today_ms % DAY_MS
    lines = []
    for days_ago, start, said in talk["days"]:
        hour, minute = start.split(":")
        at_ms = midnight_ms - days_ago * DAY_MS + (int(hour) * 60 + int(minute)) * MINUTE_MS
        for later, by, text in said:
            at_ms += int(later * MINUTE_MS)
            # What would lie in the future was said a little while ago.
            behind_ms = max(today_ms - at_ms, 2 * MINUTE_MS)
            lines.append(_Line(talk["name"], behind_ms, by, text))
    return lines


def _caller_of(commands: Commands, callers: dict[str, Caller]) -> Callable[..., Any]:
    async def call(username: str, command: str, **params: object) -> dict[str, Any]:
        answer = commands.dispatch(callers[username], command, msgspec.json.encode(params))
        # By JSON and back, as every client gets it.
        result: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(await answer))
        return result

    return call
