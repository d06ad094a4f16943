"""The second factors and login steps of one server, and the calling of their code.

Owns which there are, which plugin each came with, and that whatever their code raises, or taking
too long, means no. Must not know what is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct

from dash_messenger.errors import CheckFailed
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.isolation.time_limits import CHECK_WITHIN_S
from dash_messenger.plugin_api.context import Context
from dash_messenger.plugin_api.factors import Beginning, Confirmed, Factor, LoginStep
from dash_messenger.protocol.models import User
from dash_messenger.protocol.params import decode_params
from dash_messenger.registry import Registry

__all__ = ["RegisteredFactor", "RegisteredStep", "StepAsked", "Steps"]

MAX_COUNTER_CHARACTERS = 32

T = TypeVar("T")


class StepAsked(Struct, frozen=True):
    """Something to do before a session opens; ``answer`` is a JSON Schema.

    Of the steps of kind ``factor`` any one will do; of the others each is needed. ``shown`` is what
    the step shows, as its plugin documents.
    """

    step: str
    kind: Literal["factor", "step"]
    plugin: str
    answer: dict[str, Any]
    shown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegisteredFactor:
    """A factor, with the plugin it came with and its decoders."""

    factor: Factor[Any, Any]
    plugin: str
    kept: msgspec.json.Decoder[Any]
    answer: msgspec.json.Decoder[Any]

    @property
    def name(self) -> str:
        """The factor's name."""
        return self.factor.name

    def asked(self) -> StepAsked:
        """How it is asked for."""
        schema = msgspec.json.schema(self.factor.Answer)
        return StepAsked(self.name, "factor", self.plugin, schema, {})


@dataclass(frozen=True, slots=True)
class RegisteredStep:
    """A login step, with the plugin it came with."""

    step: LoginStep[Any]
    plugin: str
    answer: msgspec.json.Decoder[Any]

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step.name


class Steps:
    """The registry."""

    def __init__(
        self,
        context_of: Callable[[str], Context],
        runner: PluginRunner,
        *,
        check_within_s: float = CHECK_WITHIN_S,
    ) -> None:
        self._context_of = context_of
        self._runner = runner
        self._check_within_s = check_within_s
        self._registry: Registry[RegisteredFactor | RegisteredStep] = Registry("login step")

    def add_factors(self, plugin: str, factors: Iterable[Factor[Any, Any]]) -> None:
        """Register a plugin's factors.

        Raises:
            TypeError: one is no `Factor`, or says not what it keeps and is answered.
            ValueError: a name is taken or malformed.
        """
        for factor in factors:
            if not isinstance(factor, Factor):
                raise TypeError(f"{factor!r} is not a Factor")
            self._check_name(factor)
            kept, answer = _decoder(factor, "Kept"), _decoder(factor, "Answer")
            registered = RegisteredFactor(factor, plugin, kept, answer)
            self._registry.add(plugin, factor.name, registered)

    def add_steps(self, plugin: str, steps: Iterable[LoginStep[Any]]) -> None:
        """Register a plugin's login steps.

        Raises:
            TypeError, ValueError: as `add_factors`.
        """
        for step in steps:
            if not isinstance(step, LoginStep):
                raise TypeError(f"{step!r} is not a LoginStep")
            self._check_name(step)
            registered = RegisteredStep(step, plugin, _decoder(step, "Answer"))
            self._registry.add(plugin, step.name, registered)

    def _check_name(self, one: Factor[Any, Any] | LoginStep[Any]) -> None:
        name = getattr(one, "name", None)
        if not isinstance(name, str) or not all(
            part.isidentifier() and part.isascii() for part in name.split(".")
        ):
            raise ValueError(f"{name!r} is not a name for a step of a log-in")
        if name in self._registry:
            raise ValueError(f"login step {name} is registered twice")

    def remove(self, plugin: str) -> None:
        """Forget what a plugin registered. Who has enrolled its factor cannot log in with it."""
        self._registry.remove(plugin)

    def owns(self, plugin: str) -> bool:
        """Whether a plugin registered a factor or a step."""
        return plugin in self._registry.owners.values()

    def __iter__(self) -> Iterator[RegisteredFactor]:
        """The factors, in loading order."""
        return (one for one in self._registry if isinstance(one, RegisteredFactor))

    @property
    def steps(self) -> list[RegisteredStep]:
        """The login steps, in loading order."""
        return [one for one in self._registry if isinstance(one, RegisteredStep)]

    def factor(self, name: str, plugin: str | None = None) -> RegisteredFactor | None:
        """The factor of that name, if ``plugin`` still is the one that it comes with."""
        found = self._registry.by_name.get(name)
        if not isinstance(found, RegisteredFactor) or plugin not in (None, found.plugin):
            return None
        return found

    # Factors.

    async def begin(self, one: RegisteredFactor, user: User) -> tuple[str, dict[str, Any]]:
        """What is kept of a new set-up, as JSON, and what its owner is shown.

        Raises:
            CheckFailed: the factor failed or took too long.
        """

        def work() -> tuple[str, dict[str, Any]]:
            begun = one.factor.begin(user)
            if not isinstance(begun, Beginning):
                raise TypeError(f"begin() of factor {one.name} returned another thing")
            return _encode(begun.kept, one), begun.shown

        return await self._run_in_thread(one.plugin, work)

    async def confirm(
        self, one: RegisteredFactor, kept: str, answer: Any, now_ms: int
    ) -> tuple[str, dict[str, Any]] | None:
        """What is kept from now on, and shown, if ``answer`` is right.

        Raises:
            CheckFailed: as `begin`.
        """

        def work() -> tuple[str, dict[str, Any]] | None:
            confirmed = one.factor.confirm(one.kept.decode(kept), answer, now_ms)
            if confirmed is None:
                return None
            if not isinstance(confirmed, Confirmed):
                raise TypeError(f"confirm() of factor {one.name} returned another thing")
            return _encode(confirmed.kept, one), confirmed.shown

        return await self._run_in_thread(one.plugin, work)

    async def verify(
        self, one: RegisteredFactor, kept: str, answer: Any, now_ms: int
    ) -> str | None:
        """What is kept from now on, if ``answer`` is right.

        Raises:
            CheckFailed: as `begin`.
        """

        def work() -> str | None:
            verified = one.factor.verify(one.kept.decode(kept), answer, now_ms)
            return None if verified is None else _encode(verified, one)

        return await self._run_in_thread(one.plugin, work)

    async def counter(self, one: RegisteredFactor, answer: Any) -> str:
        """Which counter an answer is counted by, before it is looked at.

        Raises:
            CheckFailed: as `begin`.
        """

        def work() -> str:
            counter: object = one.factor.counter(answer)
            if not isinstance(counter, str) or len(counter) > MAX_COUNTER_CHARACTERS:
                raise TypeError(f"counter() of factor {one.name} returned another thing")
            return f"{one.name} {counter}"

        return await self._run_in_thread(one.plugin, work)

    async def describe(self, one: RegisteredFactor, kept: str) -> dict[str, Any]:
        """What its owner may see of it.

        Raises:
            CheckFailed: as `begin`.
        """

        def work() -> dict[str, Any]:
            return dict(one.factor.describe(one.kept.decode(kept)))

        return await self._run_in_thread(one.plugin, work)

    # Steps.

    async def needed(self, user: User) -> list[StepAsked]:
        """The login steps that ``user`` has to do.

        Raises:
            Refused: a plugin will not have this log-in.
            CheckFailed: as `begin`.
        """
        asked = []
        for one in self.steps:
            context = self._context_of(one.plugin)
            shown = await self._run(one.plugin, partial(one.step.needed, user, context))
            if shown is not None:
                schema = msgspec.json.schema(one.step.Answer)
                asked.append(StepAsked(one.name, "step", one.plugin, schema, shown))
        return asked

    async def answer(self, name: str, user: User, answer: Any) -> None:
        """Give a login step its answer.

        Raises:
            Refused, CheckFailed: as `needed`.
        """
        one = self._registry.by_name[name]
        assert isinstance(one, RegisteredStep)
        context = self._context_of(one.plugin)
        await self._run(one.plugin, partial(one.step.done, user, answer, context))

    def read(self, name: str, answer: Raw) -> Any:
        """An answer to a factor or step that is registered.

        Raises:
            InvalidParams: it is none.
        """
        return decode_params(self._registry.by_name[name].answer, answer)

    async def _run(self, plugin: str, work: Callable[[], Awaitable[T]]) -> T:
        no = partial(CheckFailed, plugin=plugin)
        return await self._runner.run(
            plugin, work, doing="login step", within_s=self._check_within_s, raises=no, timed_out=no
        )

    async def _run_in_thread(self, plugin: str, work: Callable[[], T]) -> T:
        no = partial(CheckFailed, plugin=plugin)
        return await self._runner.run_in_thread(
            plugin, work, doing="factor", within_s=self._check_within_s, raises=no, timed_out=no
        )


def _decoder(one: Factor[Any, Any] | LoginStep[Any], name: str) -> msgspec.json.Decoder[Any]:
    kind = getattr(one, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Struct):
        raise TypeError(f"{name} of {one.name} is not a msgspec struct")
    # Whether it can be described fails here, at start, rather than at somebody's log-in.
    msgspec.json.schema(kind)
    return msgspec.json.Decoder(kind)


def _encode(kept: object, one: RegisteredFactor) -> str:
    if not isinstance(kept, one.factor.Kept):
        raise TypeError(f"factor {one.name} keeps another thing than its Kept")
    return msgspec.json.encode(kept).decode()
