"""Whose code stands in the stacks that ``faulthandler`` writes.

Owns how such a text is read, and which plugin a file belongs to. Must not know how the stacks were
asked for. The text comes from C code that takes no lock; it names files and lines, not modules.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Code", "Frame", "Stack", "drawn", "read_stacks"]

MAX_FRAMES = 40


class Frame(NamedTuple):
    """A place in a file."""

    file: str
    line: int
    function: str


class Stack(NamedTuple):
    """What one thread does, innermost first; ``main`` is the thread that got the signal."""

    main: bool
    frames: list[Frame]


class Code:
    """Whose code is run: the plugins by the modules that they are loaded from."""

    def __init__(self) -> None:
        self._plugins: dict[str, str] = {}
        self._roots: list[str] = []

    def add(self, plugin: str, entry: str) -> None:
        """Note what a plugin is loaded from, such as ``acme_poll.server:Poll``."""
        self._plugins[entry.partition(":")[0]] = plugin

    def look_in(self, roots: Iterable[str]) -> None:
        """Note the folders that modules are imported from, as in ``sys.path``."""
        # The longest first: a folder may lie in another.
        self._roots = sorted((f"{root.rstrip('/')}/" for root in roots if root), key=len)[::-1]

    def of(self, module: str) -> str | None:
        """The plugin that a module belongs to, or None where none or several may claim it.

        That is the plugin whose own module shares the longest beginning with it.
        """
        best, found = 0, set[str]()
        for loaded, plugin in self._plugins.items():
            shared = _shared(loaded, module)
            if shared > best:
                best, found = shared, {plugin}
            elif shared and shared == best:
                found.add(plugin)
        return found.pop() if len(found) == 1 else None

    def running(self, frames: Iterable[Frame]) -> str | None:
        """The plugin whose code stands innermost in a stack, or None."""
        for frame in frames:
            plugin = self.of(self._module(frame.file))
            if plugin is not None:
                return plugin
        return None

    def _module(self, file: str) -> str:
        for root in self._roots:
            if file.startswith(root):
                return (
                    file[len(root) :]
                    .removesuffix(".py")
                    .removesuffix("/__init__")
                    .replace("/", ".")
                )
        return ""


def read_stacks(text: str) -> list[Stack]:
    """The stacks in what ``faulthandler`` wrote; a last line that is cut is left out."""
    stacks: list[Stack] = []
    for line in text.splitlines():
        if line.endswith("(most recent call first):"):
            stacks.append(Stack(line.startswith("Current thread"), []))
        elif line.startswith('  File "') and stacks:
            # File "/a/b.py", line 3 in work
            file, _, rest = line[8:].rpartition('", line ')
            number, _, function = rest.partition(" in ")
            if number.isdecimal():
                stacks[-1].frames.append(Frame(file, int(number), function))
    return stacks


def drawn(frames: list[Frame]) -> str:
    """A stack as tracebacks show it: outermost first, with the lines of code."""
    lines = []
    for frame in frames[:MAX_FRAMES][::-1]:
        lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.function}')
        code = _line_of(frame)
        if code:
            lines.append(f"    {code}")
    return "\n".join(lines)


def _line_of(frame: Frame) -> str:
    try:
        with open(frame.file, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if number == frame.line:
                    return line.strip()
    except OSError:
        pass
    return ""


def _shared(one: str, other: str) -> int:
    """How many parts of dotted names are the same, from the beginning."""
    count = 0
    for left, right in zip(one.split("."), other.split("."), strict=False):
        if left != right:
            break
        count += 1
    return count
