"""What people may do to a message: the actions of its type.

Pure: no asyncio, Quart or SQLAlchemy. Owns how an action's parameters are declared and what it may
answer. An action decides from the newest state alone, so that it can be run again when somebody
else was faster.
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeAlias, get_type_hints

import msgspec
from msgspec import UNSET, Struct
from typing_extensions import TypeVar

__all__ = ["Acted", "Action", "Change", "May", "Refuse", "action", "actions_of"]

ContentT = TypeVar("ContentT")
StateT = TypeVar("StateT", default=None)
MarkT = TypeVar("MarkT", default=None)

May: TypeAlias = Literal["member", "author", "admin", "bot"]
_MAY: tuple[May, ...] = ("member", "author", "admin", "bot")
_MARK = "_dash_messenger_action"


@dataclass(frozen=True, slots=True)
class Acted(Generic[ContentT, StateT, MarkT]):
    """A message as somebody acts on it.

    ``by`` is the user who acts, ``mark`` what that user has put on the message (None at first),
    ``now_ms`` the time in milliseconds UTC.
    """

    id: str
    conversation: str
    sender: str
    by: str
    content: ContentT
    state: StateT
    mark: MarkT | None
    now_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """What an action changes: the state that all share, the mark of the one who acts, or both.

    What is left out stays as it is; ``mark=None`` takes the mark away.
    """

    state: Any = UNSET
    mark: Any = UNSET


@dataclass(frozen=True, slots=True)
class Refuse:
    """An action that is not possible now; nothing changes.

    ``code`` is a short name for clients, ``sentence`` says why in English; with ``values`` it has
    places for them: ``Refuse("full", "Only {seats} can ride.", {"seats": 3})``. The pages show it
    in the reader's language where the plugin's catalogue has the sentence.
    """

    code: str
    sentence: str
    values: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def reason(self) -> str:
        """The sentence with its values.

        Raises:
            KeyError, IndexError, ValueError: it has places for others.
        """
        return self.sentence.format_map(self.values) if self.values else self.sentence

    def told(self) -> dict[str, Any]:
        """What clients are told of it: ``action``, ``reason``, and the sentence by itself."""
        told: dict[str, Any] = {**self.values, "action": self.code, "reason": self.reason}
        return told | ({"sentence": self.sentence} if self.values else {})


@dataclass(frozen=True, slots=True)
class Action:
    """An action of a message type, with its parameters as a struct made from its signature."""

    name: str
    may: May
    params: builtins.type[Struct]
    decoder: msgspec.json.Decoder[Any]
    run: Callable[..., Change | Refuse]


F = TypeVar("F", bound=Callable[..., Any])


def action(*, may: May = "member") -> Callable[[F], F]:
    """Declare a method of a `MessageType` as an action that clients may ask for.

    The method takes the message (`Acted`) and its parameters by keyword, and returns `Change` or
    `Refuse`. Annotations say what a parameter may be, as in a msgspec struct. It is a plain
    function without effects: it may run more than once for one request. Say the wish
    (``on: bool``), never "the other way round": a repeated request must mean the same.

    ``may`` says who is allowed: every ``member``, the ``author`` alone, an ``admin`` (who owns the
    group or is its admin; the author too), or a plugin's ``bot``.

    Raises:
        ValueError: ``may`` is none of these.
    """
    if may not in _MAY:
        raise ValueError(f"{may!r} is nobody; an action may be for {', '.join(_MAY)}")

    def declare(method: F) -> F:
        setattr(method, _MARK, may)
        return method

    return declare


def actions_of(message_type: object) -> Mapping[str, Action]:
    """The actions that a message type declares, by name.

    Raises:
        TypeError: a parameter has no annotation, is not given by keyword, or cannot be JSON.
    """
    found: dict[str, Action] = {}
    # Of the class: a look at the object would make whatever its properties make.
    methods: list[tuple[str, Any]] = inspect.getmembers(type(message_type), callable)
    for name, declared in methods:
        may = getattr(declared, _MARK, None)
        if may is not None:
            method = getattr(message_type, name)
            params = _params_of(name, method)
            found[name] = Action(name, may, params, msgspec.json.Decoder(params), method)
    return found


def _params_of(name: str, method: Callable[..., Any]) -> builtins.type[Struct]:
    if inspect.iscoroutinefunction(method):
        raise TypeError(f"action {name} is async; actions are plain functions")
    hints = get_type_hints(method, include_extras=True)
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for parameter in [*inspect.signature(method).parameters.values()][1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"action {name}: *{parameter.name} cannot be a parameter")
        if parameter.name not in hints:
            raise TypeError(f"action {name}: parameter {parameter.name} has no annotation")
        declared = hints[parameter.name]
        if parameter.default is parameter.empty:
            fields.append((parameter.name, declared))
        else:
            fields.append((parameter.name, declared, parameter.default))
    made: builtins.type[Struct] = msgspec.defstruct(
        f"{name}_params", fields, frozen=True, forbid_unknown_fields=True, kw_only=True
    )
    return made
