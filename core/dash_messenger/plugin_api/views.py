"""Views: what a plugin that draws messages registers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dash_messenger.protocol.models import Message

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """A way to draw messages, as one client family understands it.

    ``name`` is what clients ask for before the colon of ``dash:en``; ``languages`` are the parts
    after it. ``draw(message, language)`` returns JSON bytes, or None where it has no drawing for
    that type. ``inline(type)`` says whether that is linear and trivial for a type: then it runs in
    a worker thread of the server, one call at a time, else in a child process that is killed when
    it takes too long. ``load()`` is called once in the process that children are made from: what
    is slow to import is imported there.

    ``failed(type, error, grave)`` hears, on the loop, of messages of a type whose drawing raised;
    ``grave``: its thread had to be given up. ``plugin_of(type)`` says whose code draws a type, for
    the log.
    """

    name: str
    languages: tuple[str, ...]
    draw: Callable[[Message, str], bytes | None]
    failed: Callable[[str, BaseException, bool], None] = lambda type, error, grave: None
    plugin_of: Callable[[str], str | None] = lambda type: None
    inline: Callable[[str], bool] = lambda type: False
    load: Callable[[], None] = lambda: None
