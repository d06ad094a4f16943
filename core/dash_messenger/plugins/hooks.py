"""Calls what plugins implement of ``check_*`` and ``on_*``, each in its order and its time.

Owns their order and what waits for them; how long each may take is in `isolation/time_limits`, what
a failure means in `isolation/runner`. Invariants: a check that fails or takes too long refuses; a
failing ``on_*`` concerns nobody but its plugin's log; what one plugin does slowly delays no other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from dash_messenger.errors import CheckFailed
from dash_messenger.isolation.time_limits import CHECK_WITHIN_S, ON_WITHIN_S
from dash_messenger.plugin_api.checks import Login, Proposed, Upload
from dash_messenger.plugin_api.context import Context, Demo, MemberChange
from dash_messenger.plugins.loader import Plugins
from dash_messenger.protocol.events import (
    ConversationCreated,
    Event,
    MemberJoined,
    MemberRemoved,
    MessageCreated,
)

__all__ = ["CHECKS", "MAX_WAITING", "HookCalls"]

# What one plugin may be behind by; beyond it, the oldest is forgotten.
MAX_WAITING = 1_000

CHECKS = ("check_message", "check_login", "check_upload")
AFTER = ("on_message", "on_member")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Implementation:
    """One plugin's function for one hook."""

    hook: str
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


class HookCalls:
    """The implementations of one server's plugins, in loading order.

    A table that is empty until plugins are loaded: whoever lets plugins check or hear something
    holds it. ``bot_of(plugin)`` gives the id of a plugin's bot where it has one: a plugin does not
    hear of its own messages.
    """

    def __init__(
        self,
        plugins: Plugins,
        context_of: Callable[[str], Context],
        bot_of: Callable[[str], str | None],
        *,
        check_within_s: float = CHECK_WITHIN_S,
        on_within_s: float = ON_WITHIN_S,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._plugins = plugins
        self._runner = plugins.runner
        self._context_of = context_of
        self._bot_of = bot_of
        self._check_within_s = check_within_s
        self._on_within_s = on_within_s
        self._max_waiting = max_waiting
        self._lines: dict[str, _Line] = {}
        self._hooks: dict[str, tuple[_Implementation, ...]] = {}
        self.find()

    def find(self) -> None:
        """Look up what the plugins in use implement."""
        for hook in (*CHECKS, *AFTER, "on_start", "on_demo", "on_stop"):
            self._hooks[hook] = tuple(
                _Implementation(hook, plugin, function, names)
                for plugin, function, names in self._plugins.implementations(hook)
            )

    def remove(self, plugin: str) -> None:
        """Call a plugin no more."""
        self.find()
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
            CheckFailed: a plugin failed, or took too long.
        """
        for check in self._hooks["check_message"]:
            answer = await self._check(check, _message_of, message=proposed)
            if answer is not None:
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

    async def _check(
        self,
        check: _Implementation,
        read: Callable[[object], Any] = lambda answer: answer,
        /,
        **arguments: object,
    ) -> Any:
        context = self._context_of(check.plugin)

        async def work() -> Any:
            return read(await check.call(context=context, **arguments))

        # Whatever goes wrong, the answer is no.
        no = partial(CheckFailed, plugin=check.plugin)
        return await self._runner.run(
            check.plugin,
            work,
            doing=check.hook,
            within_s=self._check_within_s,
            raises=no,
            timed_out=no,
        )

    # After the commit.

    def hear(self, events: Iterable[Event]) -> None:
        """Tell the plugins what was committed; returns at once."""
        on_message, on_member = self._hooks["on_message"], self._hooks["on_member"]
        if not (on_message or on_member):
            return
        # A conversation and its first members are one transaction, and so in one batch.
        founded: set[str] = set()
        for event in events:
            conversation, by = event.log, event.by
            match event.data:
                case MessageCreated(message=message):
                    for one in on_message:
                        if by != self._bot_of(one.plugin):
                            self._enqueue(one, "message", message)
                case ConversationCreated():
                    founded.add(conversation)
                case MemberJoined(user=user):
                    founding = conversation in founded
                    joined = MemberChange(conversation, user.id, "joined", by, founding)
                    self._enqueue_change(on_member, joined)
                case MemberRemoved(user=gone):
                    removed = MemberChange(conversation, gone, "removed", by)
                    self._enqueue_change(on_member, removed)

    def _enqueue_change(self, hooks: Iterable[_Implementation], change: MemberChange) -> None:
        for one in hooks:
            self._enqueue(one, "change", change)

    def _enqueue(self, one: _Implementation, name: str, value: object) -> None:
        line = self._lines.setdefault(one.plugin, _Line())
        if len(line.waiting) >= self._max_waiting:
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
        """Call ``on_start`` of every plugin, each on its own; one that fails is quarantined."""
        for one in self._hooks["on_start"]:
            await self._begin(one)

    async def begin(self, plugin: str) -> bool:
        """Call a plugin that has come back, its ``on_start`` first: whether that went well."""
        self.find()
        for one in self._hooks["on_start"]:
            if one.plugin == plugin:
                await self._begin(one)
        return self._plugins.loaded(plugin)

    async def _begin(self, one: _Implementation) -> None:
        # What checks others goes on checking.
        run = self._runner.attempt if self._plugins.spares(one.plugin) else self._runner.start_async
        await run(one.plugin, self._bound(one), doing=one.hook, within_s=self._on_within_s)

    async def demo(self, demo: Demo) -> None:
        """Call ``on_demo`` of every plugin, each on its own."""
        for one in self._hooks["on_demo"]:
            await self._after(one, demo=demo)

    async def stop(self, within_s: float) -> None:
        """Finish what waits, for half of the time, and call ``on_stop`` of all plugins at once."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s / 2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(self._after(one, within_s / 2) for one in self._hooks["on_stop"]))

    async def _after(
        self, one: _Implementation, within_s: float | None = None, /, **arguments: object
    ) -> None:
        await self._runner.attempt(
            one.plugin,
            self._bound(one, **arguments),
            doing=one.hook,
            within_s=self._on_within_s if within_s is None else within_s,
        )

    def _bound(self, one: _Implementation, **arguments: object) -> Callable[[], Awaitable[object]]:
        return partial(one.call, context=self._context_of(one.plugin), **arguments)


def _message_of(answer: object) -> Proposed | None:
    if answer is not None and not isinstance(answer, Proposed):
        raise TypeError(f"check_message returned {answer!r}")
    return answer
