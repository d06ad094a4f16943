"""What a client may ask: one registry for the socket, HTTP, pages and the reference docs.

Owns names, parameter and result types, and the one rule of access. Must not know how a request
arrived. Deny by default: a command needs a full session unless it is registered as anonymous. Each
has a class that says how often it may be asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from dash_messenger.activity import Activity, follow
from dash_messenger.charged_user import CHARGED_USER, working_for
from dash_messenger.errors import Unauthenticated, UnknownCommand
from dash_messenger.places import Place
from dash_messenger.protocol.params import decode_params
from dash_messenger.protocol.request_rates import RATES, Rate, Rates
from dash_messenger.registry import CORE, Registry

__all__ = ["Access", "Answer", "Caller", "Command", "Commands", "Listener"]

Access: TypeAlias = Literal["session", "anonymous"]
Answer: TypeAlias = Coroutine[Any, Any, Any] | asyncio.Future[Any]


class Listener(Protocol):
    """The connection a request came by, if it can also hear notifications."""

    view: str | None

    async def drained(self) -> None:
        """Return once the client has taken most of what it was sent, or is gone."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``user`` and ``session`` are both None or both ids of a full session."""

    user: str | None
    session: str | None
    address: str
    connection: Listener | None = None
    user_agent: str = ""
    place: Place | None = None

    @property
    def user_id(self) -> str:
        """The id of the user.

        Raises:
            Unauthenticated: nobody is logged in.
        """
        if self.user is None:
            raise Unauthenticated
        return self.user

    @property
    def where(self) -> Place:
        """Where the request comes from, for limits."""
        return self.place or Place(self.address)

    @property
    def view(self) -> str | None:
        """The view that the caller's connection chose, or None."""
        return None if self.connection is None else self.connection.view


@dataclass(frozen=True, slots=True)
class Command:
    """Something a client may ask for.

    ``handler(caller, params)`` is a coroutine function, or, where a request is worth no task of
    its own, a plain function that returns a future. ``summary`` is one sentence for the docs.
    ``rate`` is its class: how often one user may ask, and how many of theirs are under way.
    """

    name: str
    params: type[msgspec.Struct]
    result: type[msgspec.Struct]
    handler: Callable[[Caller, Any], Answer]
    summary: str
    access: Access = "session"
    rate: Rate = field(kw_only=True)
    decoder: msgspec.json.Decoder[Any] = field(init=False)

    def __post_init__(self) -> None:
        if self.rate not in RATES:
            raise ValueError(f"{self.rate!r} is no class of requests")
        object.__setattr__(self, "decoder", msgspec.json.Decoder(self.params))


class Commands:
    """The registry. Iterating gives the commands by name.

    Whose command runs is noted in ``activity`` while it does. ``rates`` says who must wait.
    """

    def __init__(self, activity: Activity | None = None, rates: Rates | None = None) -> None:
        self._registry: Registry[Command] = Registry("command")
        self._commands = self._registry.by_name
        self._activity = activity or Activity()
        self.rates = rates or Rates(enabled=False)

    def add(self, owner: str, command: Command) -> None:
        """Register a command of the core or of a plugin, whose name its own begins with.

        Raises:
            ValueError: the name is taken, or does not begin with the plugin's.
        """
        if owner != CORE and not command.name.startswith(f"{owner}."):
            raise ValueError(f"command {command.name} must be called {owner}.…")
        self._registry.add(owner, command.name, command)

    def remove(self, owner: str) -> None:
        """Forget an owner's commands, as when the plugin is quarantined."""
        self._registry.remove(owner)

    def __iter__(self) -> Iterator[Command]:
        return iter(sorted(self._commands.values(), key=lambda command: command.name))

    def __getitem__(self, name: str) -> Command:
        return self._commands[name]

    def __contains__(self, name: str) -> bool:
        return name in self._commands

    def dispatch(self, caller: Caller, name: str, params: msgspec.Raw | bytes) -> Answer:
        """The answer on its way: a coroutine not yet started, or a future.

        Raises:
            UnknownCommand: there is no such command.
            Unauthenticated: it needs a session and the caller has none.
            RateLimited: the caller asked too often.
            InvalidParams: the parameters do not fit; nothing was done.
            Failure: what a plain-function handler refuses at once.
        """
        command = self._commands.get(name)
        if command is None:
            raise UnknownCommand(command=name[:64])
        if caller.user is None and command.access != "anonymous":
            raise Unauthenticated
        rate, key = command.rate, caller.user or caller.where.counted_as
        # Where nothing tells people apart, nobody shuts the others out.
        if rate != "own" and key is not None:
            self.rates.take(rate, key)
        token = self._activity.begin(None, caller.user, name)
        charged = CHARGED_USER.set(caller.user)
        try:
            answer = command.handler(caller, decode_params(command.decoder, params))
        finally:
            CHARGED_USER.reset(charged)
            self._activity.end(token)
        if isinstance(answer, asyncio.Future):
            return answer
        if rate == "preview":
            # It runs in a task of its own.
            answer = follow(self._activity, answer, user=caller.user, command=command.name)
        if rate != "own":
            answer = self.rates.run(rate, key or "", caller.connection, answer)
        answer = working_for(caller.user, answer)
        return follow(self._activity, answer, user=caller.user, command=command.name)
