"""Markdown: what a person types with marks for emphasis, links, lists, tables and code.

The content is the source; how it looks is the Dash half's affair. The text is the source without
its marks, so that lists, notifications and search show what was meant.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from dash_messenger import Context, Demo, MessageType, hookimpl, is_visible, require_visible
from msgspec import Meta, Struct

if TYPE_CHECKING:
    from dash_messenger_markdown.plain_text import PlainText

__all__ = ["MAX_CHARACTERS", "Markdown", "MarkdownMessage", "on_demo", "register_message_types"]

MAX_CHARACTERS = 16_000

SHOWN = """\
**Rye bread**, as promised:

| flour | water | salt |
| --- | --: | --: |
| 500 g | 350 ml | 10 g |

- [x] feed the starter
- [ ] knead, and leave it *overnight*
- [ ] bake 50 minutes at 220°

> Let it cool down before you cut it.

```python
def slices(centimetres: float) -> int:
    return round(centimetres / 0.8)
```

The secret is ||patience||.
"""


class Markdown(Struct, frozen=True, forbid_unknown_fields=True):
    """What an author sends: 1 to 16,000 characters, one of them at least to be seen."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]

    def __post_init__(self) -> None:
        require_visible(self.text)


class MarkdownMessage(MessageType[Markdown]):
    """The type ``markdown``."""

    type = "markdown"
    Content = Markdown
    editable = True

    def load(self) -> None:
        """Make the parser where messages are read."""
        self.text(Markdown("*a*"), None)

    def text(self, content: Markdown, state: None) -> str:
        """The source without its marks; the source itself where nothing else is in it."""
        plain = self._plain.of(content.text)
        return plain if is_visible(plain) else content.text

    @cached_property
    def _plain(self) -> PlainText:
        # Made where text is asked for first: the server's own process needs no parser.
        from dash_messenger_markdown.plain_text import PlainText

        return PlainText()


@hookimpl
def register_message_types() -> list[MessageType[Markdown]]:
    """The type ``markdown``."""
    return [MarkdownMessage()]


@hookimpl
async def on_demo(demo: Demo, context: Context) -> None:
    """A recipe."""
    await demo.say(demo.people[1], "markdown", Markdown(SHOWN))
