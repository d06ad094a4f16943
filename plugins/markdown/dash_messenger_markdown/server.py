"""Markdown: what a person types with marks for emphasis, links, lists, tables and code.

The content is the source; how it looks is the Dash half's affair. The fallback text is the source
without its marks, so that lists, notifications and search show what was meant.
"""

from __future__ import annotations

import re
from typing import Annotated

from dash_messenger import Context, Demo, MessageType, hookimpl
from msgspec import Meta, Struct

__all__ = ["MAX_CHARACTERS", "Markdown", "MarkdownMessage", "on_demo", "register_message_types"]

MAX_CHARACTERS = 4_000

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

# Each takes time in proportion to the text, whatever stands in it.
_FENCE = re.compile(r"^ {0,3}(?:`{3,}|~{3,})[^`\n]{0,60}$\n?", re.M)
_RULE = re.compile(r"^ {0,3}(?:\|?(?: {0,3}:?-{3,}:? {0,3}\|?)+|[*_]{3,}) *$\n?", re.M)
_LINE_MARK = re.compile(r"^ {0,3}(?:#{1,6} |(?:> ?){1,20})", re.M)
_TASK = re.compile(r"^( {0,12}(?:[-*+]|\d{1,9}[.)]) )\[([ xX])\] ", re.M)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,500})\]\([^()\s]{0,1000}(?: \"[^\"\n]{0,200}\")?\)")
_EMPHASIS = re.compile(
    r"\*{1,3}(?=\S)|(?<=\S)\*{1,3}|~~|\|\||`+|(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)"
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


class Markdown(Struct, frozen=True, forbid_unknown_fields=True):
    """What an author sends: 1 to 4,000 characters, one of them at least not white space."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS, pattern=r"\S")]


class MarkdownMessage(MessageType[Markdown]):
    """The type ``markdown``."""

    type = "markdown"
    Content = Markdown
    editable = True

    def text(self, content: Markdown, state: None) -> str:
        """The source without its marks; the source itself where nothing else is in it."""
        return plain(content.text) or content.text


@hookimpl
def register_message_types() -> list[MessageType[Markdown]]:
    """The type ``markdown``."""
    return [MarkdownMessage()]


@hookimpl
async def on_demo(demo: Demo, context: Context) -> None:
    """A recipe."""
    await demo.say(demo.people[1], "markdown", Markdown(SHOWN))


def plain(source: str) -> str:
    """The words of ``source``. An approximation: no parser runs on the server's loop."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[1])
        return f"\ue000{len(kept) - 1}\ue001"

    text = _ESCAPE.sub(keep, source.replace("\ue000", "").replace("\ue001", ""))
    text = _FENCE.sub("", text)
    text = _RULE.sub("", text)
    text = _TASK.sub(lambda found: found[1] + ("☑ " if found[2] in "xX" else "☐ "), text)
    text = _LINE_MARK.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub("", text)
    text = re.sub("\ue000(\\d+)\ue001", lambda found: kept[int(found[1])], text)
    return text.strip()
