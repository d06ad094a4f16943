"""The formatting guide: each mark as it is typed, and as the plugin's own renderer draws it."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dash_messenger_webui import Html, Page, Translate, markup

if TYPE_CHECKING:
    from dash_messenger_markdown.rendering import Rendering

__all__ = ["Guide"]


class Guide(Page):
    """What may be typed, for whoever writes."""

    name = "guide"
    icon = "markdown"

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._drawn: dict[str, str] = {}

    def label(self, t: Translate) -> str:
        """The heading."""
        return t("Formatting guide")

    async def layout(self, t: Translate) -> Any:
        """One row a mark."""
        from dash import html

        rows = []
        for heading, source in _marks(t):
            drawn = markup(Html(await self._draw(source, t)))
            shown = [html.Pre(source, dir="auto"), html.Div(drawn, className="guide-drawn")]
            rows.append(html.Section([html.H2(heading), *shown], className="guide-mark"))
        return [html.P(t("In grey is what you type, in the bubble what others see.")), *rows]

    async def _draw(self, source: str, t: Translate) -> str:
        async with self._lock:
            if source not in self._drawn:
                self._drawn[source] = await asyncio.to_thread(
                    self._html, source, copy=t("Copy"), reveal=t("Spoiler")
                )
            return self._drawn[source]

    def _html(self, source: str, **words: str) -> str:
        return self._rendering.html(source, **words)

    @cached_property
    def _rendering(self) -> Rendering:
        # Its own: the one that draws messages is used in another process. Made once it is asked.
        from dash_messenger_markdown.rendering import Rendering

        return Rendering()


def _marks(t: Translate) -> list[tuple[str, str]]:
    """What each is called, and an example that is typed."""
    tea, milk, later = t("tea"), t("milk"), t("tomorrow")
    return [
        (t("Bold"), f"**{tea}**"),
        (t("Italic"), f"*{tea}*"),
        (t("Strikethrough"), f"~~{tea}~~"),
        (t("Spoiler"), f"||{tea}||"),
        (t("Link"), f"[{tea}](https://example.org)"),
        (t("Code"), f"`{tea} = 2`"),
        (t("Lines of code"), f'```python\n{tea} = 2\nprint("{milk}")\n```'),
        (t("Quote"), f"> {tea}"),
        (t("List"), f"- {tea}\n- {milk}"),
        (t("Numbered list"), f"1. {tea}\n2. {milk}"),
        (t("Tasks"), f"- [x] {tea}\n- [ ] {milk}"),
        (t("Heading"), f"# {tea.capitalize()}\n## {later.capitalize()}"),
        (t("Table"), f"| {tea} | {milk} |\n| --- | ---: |\n| 2 | 30 |"),
        (t("Line across"), f"{tea}\n\n---\n\n{later}"),
        (t("A mark as it is"), rf"\*{tea}\*"),
    ]
