"""Slash commands: what people type as ``/name arguments``.

Owns ``message.slash`` and ``command.slash_list``. Invariant: whoever calls one is a member of the
conversation at that moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection

from dash_messenger.accounts.policy import require_taken
from dash_messenger.conversations.access import Right, require
from dash_messenger.errors import UnknownSlashCommand
from dash_messenger.ids import id_param
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.isolation.time_limits import SLASH_WITHIN_S
from dash_messenger.plugin_api.context import SlashCall, SlashCommand
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.rate_limits import Buckets
from dash_messenger.registry import Registry
from dash_messenger.store import Store

__all__ = ["SlashCommands"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")

Id = Annotated[str, Meta(max_length=64)]
Language = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Z]{2})?$", max_length=6)]


class MessageSlash(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.slash``: the text as it was typed, its slash included."""

    conversation: Id
    text: Annotated[str, Meta(min_length=2, max_length=4_000, pattern=r"^/\S")]
    language: Language = "en"


class SlashDone(Struct, frozen=True):
    """Result of ``message.slash``: which command ran."""

    name: str


class SlashList(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``command.slash_list``: ``language`` is that of the summaries, where a plugin
    has words of it."""

    language: Language = "en"


class SlashInfo(Struct, frozen=True):
    """A slash command, and the plugin it came with."""

    name: str
    summary: str
    plugin: str


class SlashListed(Struct, frozen=True):
    """Result of ``command.slash_list``, by name."""

    commands: list[SlashInfo]


class SlashCommands:
    """The registered slash commands by name."""

    def __init__(
        self,
        store: Store,
        runner: PluginRunner,
        *,
        rate_limits: bool,
        translate: Callable[[str, str], Callable[[str], str]] = lambda plugin, language: str,
        run_within_s: float = SLASH_WITHIN_S,
    ) -> None:
        self._store = store
        self._runner = runner
        self._translate = translate
        self._run_within_s = run_within_s
        self._registry: Registry[SlashCommand] = Registry("slash command")
        self._buckets = Buckets(burst=20, per_s=1, enabled=rate_limits)

    def add(self, plugin: str, command: SlashCommand) -> None:
        """Register a slash command.

        Raises:
            TypeError: it is none.
            ValueError: its name is taken or malformed.
        """
        if not isinstance(command, SlashCommand):
            raise TypeError(f"{command!r} is not a SlashCommand")
        if not _NAME.fullmatch(command.name):
            raise ValueError(f"{command.name!r} is not a name for a slash command")
        self._registry.add(plugin, command.name, command)

    def remove(self, plugin: str) -> None:
        """Forget what a plugin registered."""
        self._registry.remove(plugin)

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.slash",
                MessageSlash,
                SlashDone,
                self.run,
                "Run what was typed after a /.",
                rate="write",
            ),
            Command(
                "command.slash_list",
                SlashList,
                SlashListed,
                self.list_commands,
                "What may be typed after a /.",
                rate="cheap read",
            ),
        ]

    async def run(self, caller: Caller, params: MessageSlash) -> SlashDone:
        """Run a slash command.

        Raises:
            UnknownSlashCommand: there is none of that name.
            NotFound: not a member of the conversation.
            MessagesNotAccepted, RequestPending, BlockedByYou: as for `message.send`.
            Refused: it declines.
            PluginFailed, TimedOut: its code failed, or takes too long.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        self._buckets.take(user)

        def check(connection: Connection) -> None:
            require(connection, user, conversation, Right.SEND)
            require_taken(connection, user, conversation)

        await self._store.read(check)
        name, _, arguments = params.text[1:].partition(" ")
        command = self._registry.by_name.get(name.lower())
        if command is None:
            raise UnknownSlashCommand(name=name[:32])
        plugin = self._registry.owners[command.name]
        call = SlashCall(user, conversation, arguments.strip(), params.language)
        await self._runner.run(
            plugin, lambda: command.run(call), doing=f"/{command.name}", within_s=self._run_within_s
        )
        return SlashDone(command.name)

    async def list_commands(self, caller: Caller, params: SlashList) -> SlashListed:
        """All slash commands."""
        found = []
        for name, command in sorted(self._registry.by_name.items()):
            plugin = self._registry.owners[name]
            summary = self._translate(plugin, params.language)(command.summary)
            found.append(SlashInfo(name, summary, plugin))
        return SlashListed(found)
