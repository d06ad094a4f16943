"""The way of a message from what somebody sent to what is stored: validated, prepared, checked.

Owns the order of these steps and who waits for whom. Invariants: what one person sends to one
conversation keeps its order, however long a step takes; nobody else waits; a type that needs no
step costs no task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Raw, Struct

from dash_messenger.errors import ContentInvalid, PluginFailed
from dash_messenger.isolation.contents import Contents
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.isolation.time_limits import PREPARE_WITHIN_S
from dash_messenger.plugin_api.checks import Proposed
from dash_messenger.plugin_api.context import Context, Preparing
from dash_messenger.plugin_api.message_types import Prepared

__all__ = ["Checks", "Preparation"]


class Checks(Protocol):
    """The plugins that look at messages before they are stored."""

    @property
    def active(self) -> bool:
        """Whether there is any."""

    async def message(self, proposed: Proposed) -> Proposed:
        """The message as it may be stored; raises a `Failure` to refuse it."""


class Preparation:
    """What happens to content before it is stored.

    ``context_of(plugin)`` gives what the `prepare` of a plugin's type may use.
    """

    def __init__(
        self,
        contents: Contents,
        context_of: Callable[[str], Context],
        runner: PluginRunner,
        checks: Checks,
        *,
        prepare_within_s: float = PREPARE_WITHIN_S,
    ) -> None:
        self.contents = contents
        self._types = contents.types
        self._checks = checks
        self._context_of = context_of
        self._runner = runner
        self._prepare_within_s = prepare_within_s

    def has_steps(self, type: str) -> bool:
        """Whether a message of this type is prepared or checked before it is stored."""
        return self._checks.active or self._types.prepares(type)

    def is_quick(self, type: str) -> bool:
        """Whether a message of this type needs nothing that takes time."""
        return not self._checks.active and self.contents.is_quick(type)

    def at_once(self, type: str, content: Raw) -> Prepared:
        """A new message's parts, for types that are quick.

        Raises:
            UnknownType, ContentInvalid: the content is not acceptable.
            PluginFailed: the type's code failed.
        """
        return self.contents.at_once(type, content)

    async def preview(self, type: str, content: Raw, user: str) -> Prepared:
        """A message's parts as they are before any step.

        Raises:
            Failure: as `Contents.new`.
            ContentInvalid: what the author claims is not what `prepare` would make of it, too.
        """
        try:
            return await self.contents.new(type, content, user)
        except PluginFailed:
            if self._types.prepares(type):
                # The type's code reads what is prepared; a claim is the author's mistake.
                raise ContentInvalid(field="", reason="there is nothing to show yet") from None
            raise

    async def steps(
        self,
        type: str,
        content: Struct,
        user: str,
        conversation: str,
        *,
        reply_to: str | None = None,
        message: str | None = None,
        before: Struct | None = None,
    ) -> Struct:
        """The content as it may be stored; an edited ``message`` holds ``before``.

        Raises:
            Refused: the type or a plugin declines it.
            TimedOut: preparing took too long.
            PluginFailed: the type's code failed.
        """
        value = content
        if self._types.prepares(type):
            value = await self._prepare(type, content, user, conversation, before)
        if not self._checks.active:
            return value
        text = (await self.contents.finish(type, value, user)).text
        proposed = Proposed(conversation, user, type, value, text, reply_to, message)
        allowed = (await self._checks.message(proposed)).content
        if allowed is value:
            return value
        # A plugin rewrote it: as valid as what people send.
        return await self.contents.read(type, self._types.encode(allowed), user)

    async def _prepare(
        self, type: str, content: Struct, user: str, conversation: str, before: Struct | None
    ) -> Struct:
        message_type = self._types[type]
        context = self._context_of(self._types.plugin_of(type) or "")
        preparing = Preparing(context, user, conversation, before)

        async def prepare() -> Struct:
            value = await message_type.prepare(content, preparing)
            if not isinstance(value, message_type.Content):
                raise TypeError(f"prepare() of message type {type} returned {value!r}")
            prepared: Struct = value
            return prepared

        return await self._runner.run(
            preparing.context.name,
            prepare,
            doing=f"prepare {type}",
            within_s=self._prepare_within_s,
        )
