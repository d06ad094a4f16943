"""What a plugin's Dash half is made of: views, safe HTML, composers, translations.

Owns the public types of the web UI. Imports neither Dash nor the server, so that a ``ui.py`` that
draws strings or HTML stays light.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec

__all__ = ["Composer", "Drawable", "Html", "MessageView", "Translate"]

ContentT = TypeVar("ContentT")

Translate: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is safe to insert: whoever makes it has escaped or sanitised what people wrote.

    ``bubble=False`` shows it on the bare background, as stickers and single emoji are.
    """

    markup: str
    bubble: bool = True


@dataclass(frozen=True, slots=True)
class Drawable(Generic[ContentT]):
    """A message as a view draws it: the same for every reader.

    ``content`` is the type's own struct; times are milliseconds UTC.
    """

    id: str
    rev: int
    sender: str
    content: ContentT
    text: str
    sent_at_ms: int


@dataclass(frozen=True, slots=True)
class Composer:
    """How people write a message of a type.

    ``inline`` names the field of Content that the text box fills: such a type owns the box, the
    one with the lowest ``rank`` where several do. ``max_characters`` is that field's limit,
    ``icon`` a Tabler icon's name, ``label`` what the type is called.
    """

    icon: str
    label: str
    inline: str | None = None
    max_characters: int | None = None
    rank: int = 100


class MessageView(Generic[ContentT]):
    """How messages of one type look and are written. One object is registered by a plugin.

    ``type`` is the message type's name. ``render`` is called once per revision and language, off
    the server's loop, for at most 50 ms and 32 KiB; beyond, readers are shown the text.
    """

    type: ClassVar[str]

    def render(self, message: Drawable[ContentT], t: Translate) -> str | Html | Any:
        """The body: a plain string, safe `Html`, or a Dash component.

        Bubble, author, time and receipts are drawn around it. ``t`` translates the plugin's own
        words into the reader's language.
        """
        raise TypeError(f"{builtins.type(self).__name__} defines no render()")

    def composer(self, t: Translate) -> Composer | None:
        """How a message of this type is written, or None where people do not write it."""
        return None


def body_json(drawn: object) -> bytes | None:
    """What `MessageView.render` returned, as the JSON that the time line draws; None where it
    is nothing that can be drawn."""
    if isinstance(drawn, str):
        return msgspec.json.encode(drawn)
    if isinstance(drawn, Html):
        body: dict[str, object] = {"html": drawn.markup}
        if not drawn.bubble:
            body["bare"] = True
        return msgspec.json.encode(body)
    if hasattr(drawn, "to_plotly_json"):
        return msgspec.json.encode(drawn, enc_hook=_component_json)
    return None


def _component_json(value: Any) -> Any:
    """A Dash component as its JSON; anything else that JSON lacks is refused."""
    if hasattr(value, "to_plotly_json"):
        return value.to_plotly_json()
    raise TypeError(f"a body cannot hold {value!r}")
