"""Calls what plugins implement of ``check_*`` and ``on_*``, and nothing else.

Owns their time limits, their order and what a failure means. Invariants: a check that fails or
takes too long refuses; a failing ``on_*`` concerns nobody but its plugin's log; what one plugin
does slowly delays no other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog

from dash_messenger.errors import ANYTHING, CheckFailed, Failure
from dash_messenger.plugins.checks import Login, Proposed, Upload
from dash_messenger.plugins.context import Context, Demo, MemberChange
from dash_messenger.plugins.loading import Plugins
from dash_messenger.protocol import Event

__all__ = ["CHECKS", "Calls"]

CHECK_WITHIN_S = 5.0
ON_WITHIN_S = 30.0
# What waits when the server stops; the rest is not heard of.
STOP_WITHIN_S = 1.0
# What one plugin may be behind by; beyond it, the oldest is forgotten.
MAX_WAITING = 1_000

CHECKS = ("check_message", "check_login", "check_upload")
AFTER = ("on_message", "on_member")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Implementation:
    """One plugin's function for one hook."""

    plugin: str
    function: Callable[..., Awaitable[Any]]
    names: tuple[str, ...]

    def call(self, **arguments: object) -> Awaitable[Any]:
        return self.function(**{name: arguments[name] for name in self.names})


@dataclass(slots=True)
class _Line:
    """What waits for one plugin's ``on_*`` hooks."""

    waiting: deque[tuple[_Implementation, str, object]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    dropped: int = 0


class Calls:
    """The implementations of one server's plugins, in loading order.

    ``failed(plugin, error)`` hears of each failure; ``bot_of(plugin)`` gives the id of a plugin's
    bot where it has one: a plugin does not hear of its own messages.
    """

    def __init__(
        self,
        plugins: Plugins,
        context_of: Callable[[str], Context],
        *,
        bot_of: Callable[[str], str | None] = lambda plugin: None,
        failed: Callable[[str, BaseException], None] = lambda plugin, error: None,
    ) -> None:
        self._context_of = context_of
        self._bot_of = bot_of
        self._failed = failed
        self._lines: dict[str, _Line] = {}
        self._hooks: dict[str, tuple[_Implementation, ...]] = {}
        for hook in (*CHECKS, *AFTER, "on_start", "on_demo", "on_stop"):
            self._hooks[hook] = tuple(
                _Implementation(plugin, function, names)
                for plugin, function, names in plugins.implementations(hook)
            )

    def remove(self, plugin: str) -> None:
        """Call a plugin no more."""
        for hook, found in self._hooks.items():
            self._hooks[hook] = tuple(one for one in found if one.plugin != plugin)
        line = self._lines.pop(plugin, None)
        if line is not None and line.task is not None:
            line.task.cancel()

    # Checks.

    @property
    def active(self) -> bool:
        """Whether any plugin looks at messages."""
        return bool(self._hooks["check_message"])

    async def message(self, proposed: Proposed) -> Proposed:
        """The message as it may be stored, after every plugin has looked at it.

        Raises:
            Refused: a plugin declines it.
            CheckFailed: a plugin failed, or took more than 5 s.
        """
        for check in self._hooks["check_message"]:
            answer = await self._check(check, message=proposed)
            if answer is not None:
                if not isinstance(answer, Proposed):
                    raise self._defect(check, TypeError(f"check_message returned {answer!r}"))
                proposed = answer
        return proposed

    async def login(self, login: Login) -> None:
        """Return if nobody objects to a log-in.

        Raises:
            Refused, CheckFailed: as `message`.
        """
        for check in self._hooks["check_login"]:
            await self._check(check, login=login)

    async def upload(self, upload: Upload) -> None:
        """Return if nobody objects to a file.

        Raises:
            Refused, CheckFailed: as `message`.
        """
        for check in self._hooks["check_upload"]:
            await self._check(check, upload=upload)

    async def _check(self, check: _Implementation, **arguments: object) -> Any:
        context = self._context_of(check.plugin)
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                return await check.call(context=context, **arguments)
        except Failure:
            raise
        # The edge to a stranger's code: whatever it is, the answer is no.
        except ANYTHING as error:
            raise self._defect(check, error) from error

    def _defect(self, check: _Implementation, error: BaseException) -> Failure:
        log.error("check_failed", plugin=check.plugin, exc_info=error)
        self._failed(check.plugin, error)
        return CheckFailed(plugin=check.plugin)

    # After the commit.

    def hear(self, events: Iterable[Event]) -> None:
        """Tell the plugins what was committed; returns at once."""
        on_message, on_member = self._hooks["on_message"], self._hooks["on_member"]
        if not (on_message or on_member):
            return
        # A conversation and its first members are one transaction, and so in one batch.
        founded: set[str] = set()
        for event in events:
            if event.kind == "message.created":
                for one in on_message:
                    if event.by != self._bot_of(one.plugin):
                        self._enqueue(one, "message", event.message)
            elif event.kind == "conversation.created":
                founded.add(event.log)
            elif event.kind in ("member.joined", "member.removed"):
                user = event.data["user"]
                change = MemberChange(
                    conversation=event.log,
                    user=str(user["id"] if isinstance(user, dict) else user),
                    kind="joined" if event.kind == "member.joined" else "removed",
                    by=event.by,
                    founding=event.kind == "member.joined" and event.log in founded,
                )
                for one in on_member:
                    self._enqueue(one, "change", change)

    def _enqueue(self, one: _Implementation, name: str, value: object) -> None:
        line = self._lines.setdefault(one.plugin, _Line())
        if len(line.waiting) >= MAX_WAITING:
            line.waiting.popleft()
            line.dropped += 1
            if line.dropped & (line.dropped - 1) == 0:
                log.error("plugin_too_slow", plugin=one.plugin, dropped=line.dropped)
        line.waiting.append((one, name, value))
        if line.task is None:
            line.task = asyncio.get_running_loop().create_task(self._work(one.plugin, line))

    async def _work(self, plugin: str, line: _Line) -> None:
        while line.waiting:
            one, name, value = line.waiting.popleft()
            await self._after(one, **{name: value})
        line.task = None

    async def start(self) -> None:
        """Call ``on_start`` of every plugin, each on its own."""
        for one in self._hooks["on_start"]:
            await self._after(one)

    async def demo(self, demo: Demo) -> None:
        """Call ``on_demo`` of every plugin, each on its own."""
        for one in self._hooks["on_demo"]:
            await self._after(one, demo=demo)

    async def stop(self) -> None:
        """Finish what waits, for a moment, and call ``on_stop`` of every plugin."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in self._hooks["on_stop"]:
            await self._after(one)

    async def _after(self, one: _Implementation, **arguments: object) -> None:
        try:
            async with asyncio.timeout(ON_WITHIN_S):
                await one.call(context=self._context_of(one.plugin), **arguments)
        # The edge to a stranger's code, and the root of a task.
        except ANYTHING as error:
            log.error("plugin_failed", plugin=one.plugin, exc_info=error)
            self._failed(one.plugin, error)
