"""Things by their names, each with its owner: the plugin that brought it, or the core.

Owns that a name is taken once, and that a plugin's things go together. Must not know what the
things are. It stands in the foundation because commands, message types, views and the steps of a
log-in are registered in rooms below that of the plugins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

__all__ = ["CORE", "Registry"]

# The owner of what the server itself brings; no plugin can be called so.
CORE = "core"

T = TypeVar("T")


class Registry(Generic[T]):
    """What is registered, in the order in which it came; ``kind`` is what one thing is called."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._things: dict[str, T] = {}
        self._owners: dict[str, str] = {}

    def add(self, owner: str, name: str, thing: T) -> None:
        """Register a thing.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._things:
            raise ValueError(f"{self._kind} {name} is registered twice")
        self._things[name] = thing
        self._owners[name] = owner

    def remove(self, owner: str) -> list[T]:
        """Forget all that an owner brought: those things."""
        names = [name for name, by in self._owners.items() if by == owner]
        return [found for name in names if (found := self.discard(name)) is not None]

    def discard(self, name: str) -> T | None:
        """Forget one thing: that thing, or None where there is none of the name."""
        self._owners.pop(name, None)
        return self._things.pop(name, None)

    @property
    def by_name(self) -> Mapping[str, T]:
        """The things by name, as they are at each moment."""
        return self._things

    @property
    def owners(self) -> Mapping[str, str]:
        """Who brought what, by the name of the thing, as it is at each moment."""
        return self._owners

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[T]:
        """Those that there are now, whatever is registered meanwhile."""
        return iter([*self._things.values()])
