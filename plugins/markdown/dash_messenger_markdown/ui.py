"""How Markdown looks and is written: CommonMark, with what people expect of a messenger.

Invariant: what leaves `MarkdownView.render` went through the sanitiser last. Everything that adds
markup (links, highlighting, spoilers, the copy button) comes before it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dash_messenger_webui import (
    Composer,
    Drawable,
    Format,
    Html,
    MessageView,
    Page,
    Translate,
    hookimpl,
)

from dash_messenger_markdown.formatting_guide import Guide
from dash_messenger_markdown.marks import MARKS
from dash_messenger_markdown.server import MAX_CHARACTERS, Markdown

if TYPE_CHECKING:
    from dash_messenger_markdown.rendering import Rendering

__all__ = ["MarkdownView", "register_message_views", "register_pages"]


class MarkdownView(MessageView[Markdown]):
    """Draws messages of type ``markdown``, and may own the text box."""

    type = "markdown"

    @cached_property
    def _rendering(self) -> Rendering:
        # Imported where something is drawn: the server's own process needs no parser.
        from dash_messenger_markdown.rendering import Rendering

        return Rendering()

    def load(self) -> None:
        """Bring in the grammars of the most used languages: the first use of one takes long."""
        self._rendering.load()

    def render(self, message: Drawable[Markdown], t: Translate) -> Html:
        """The sanitised markup."""
        return Html(
            self._rendering.html(
                message.content.text,
                copy=t("Copy"),
                reveal=t("Spoiler"),
                done=t("Done"),
                todo=t("To do"),
            )
        )

    def composer(self, t: Translate) -> Composer:
        """A text box with a bar of marks, and a preview."""
        return Composer(
            icon="markdown",
            label=t("Markdown"),
            inline="text",
            max_characters=MAX_CHARACTERS,
            rank=50,
            preview=True,
            guide=Guide.name,
            marks=MARKS,
            formats=(
                Format(t("Bold"), "bold", before="**", after="**", key="b"),
                Format(t("Italic"), "italic", before="*", after="*", key="i"),
                Format(t("Strikethrough"), "strikethrough", before="~~", after="~~"),
                Format(t("Code"), "code", before="`", after="`", key="e"),
                Format(t("Link"), "link", before="[", after="](https://)", key="k"),
                Format(t("Spoiler"), "eye-off", before="||", after="||"),
                Format(t("Quote"), "quote", before="> ", line=True),
                Format(t("List"), "list", before="- ", line=True),
            ),
        )


@hookimpl
def register_message_views() -> list[MessageView[Markdown]]:
    """The view of type ``markdown``."""
    return [MarkdownView()]


@hookimpl
def register_pages() -> list[Page]:
    """What may be typed, and how it looks."""
    return [Guide()]
