"""Markdown to markup that is safe to insert.

Owns what each mark becomes: bare links are links, code is coloured where that costs little, and
nothing is loaded from elsewhere: an image is a link to it. What counts as a mark is `dialect`'s.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from html import escape, unescape
from typing import Any

import msgspec
import nh3
from dash_messenger import is_visible
from dash_messenger_webui import shown_address
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from dash_messenger_markdown.dialect import make_parser
from dash_messenger_markdown.highlighting import MAX_HIGHLIGHTED_CHARACTERS, Highlighting
from dash_messenger_markdown.links import beside, find_links_as_in_text

__all__ = ["MAX_DRAWN_BYTES", "Rendering"]

# A drawing may have 128 KiB as JSON, with what stands around it.
MAX_DRAWN_BYTES = 120 * 1024

# Numbers of lists that have room anyway.
MAX_USUAL_DIGITS = 2
# Blocks that take their direction from their own words; in others CSS does that line by line.
_TURNED = ("bullet_list_open", "ordered_list_open", "blockquote_open")
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"),
    *("strong", "em", "s", "a", "code", "pre", "div", "span", "button", "input"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "blockquote": {"dir"},
    "button": {"type", "data-copy"},
    "code": {"class"},
    "div": {"class", "tabindex"},
    "input": {"type", "checked", "disabled", "class", "aria-label"},
    "li": {"class"},
    "ol": {"start", "dir", "class"},
    "pre": {"tabindex"},
    "span": {"class", "data-reveal", "aria-label", "role", "tabindex"},
    "td": {"class"},
    "th": {"class"},
    "table": {"dir"},
    "ul": {"class", "dir"},
}


class Rendering:
    """The parser, set up once. Not for two threads at a time."""

    def __init__(
        self,
        *,
        max_drawn_bytes: int = MAX_DRAWN_BYTES,
        max_highlighted_characters: int = MAX_HIGHLIGHTED_CHARACTERS,
    ) -> None:
        self._max_drawn_bytes = max_drawn_bytes
        self._highlighting = Highlighting(max_characters=max_highlighted_characters)
        parser = make_parser(highlight=self._highlight)
        find_links_as_in_text(parser)
        parser.core.ruler.push("blocks", _mark_blocks)
        for rule in ("fence", "code_block"):
            parser.add_render_rule(rule, _code)
        parser.add_render_rule("image", _image)
        # There is no other raw HTML.
        parser.add_render_rule("html_inline", _box)
        for rule in ("th_open", "td_open"):
            parser.add_render_rule(rule, _cell)
        # Too wide a table is scrolled inside of the bubble; by keys too.
        parser.add_render_rule(
            "table_open",
            lambda *_: '<div class="table" tabindex="0"><table dir="auto">\n',
            fmt="html",
        )
        parser.add_render_rule("table_close", lambda *_: "</table>\n</div>\n", fmt="html")
        parser.add_render_rule("spoiler_open", _spoiler)
        parser.add_render_rule("spoiler_close", lambda *_: "</span>", fmt="html")
        self._parser = parser
        self._cleaner = nh3.Cleaner(
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel="noopener noreferrer nofollow",
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )

    def load(self) -> None:
        """Set up what highlighting needs."""
        self._highlighting.load()

    def html(
        self,
        source: str,
        *,
        copy: str = "Copy",
        reveal: str = "Spoiler",
        done: str = "Done",
        todo: str = "To do",
    ) -> str:
        """The markup of ``source``; the others are words in the reader's language.

        Code is shown without colours where they would make the markup larger than
        ``max_drawn_bytes`` or take too long; where it is too large all the same, or would show
        nothing, the source is shown as it was typed.
        """
        words = {"copy": copy, "reveal": reveal, "done": done, "todo": todo}
        for coloured in (True, False):
            self._highlighting.begin(coloured=coloured)
            drawn = self._cleaner.clean(self._parser.render(source, dict(words)))
            if len(msgspec.json.encode(drawn)) <= self._max_drawn_bytes:
                return drawn if _shows_something(drawn) else _as_typed(source)
        return _as_typed(source)

    def _highlight(self, code: str, language: str, attributes: str) -> str:
        return self._highlighting.html(code, language)


def _as_typed(source: str) -> str:
    """The source without a meaning: five bytes a character at most."""
    return f"<p>{escape(source, quote=False)}</p>\n".replace("\n", "<br>", source.count("\n"))


def _mark_blocks(state: StateCore) -> None:
    """Have blocks run as their own words do, and numbers of lists have room for their digits."""
    # One for each list that is open: where it begins, and how many items it has.
    open_: list[tuple[Token, int]] = []
    for token in state.tokens:
        if token.level == 0 and token.type in _TURNED:
            token.attrSet("dir", "auto")
        if token.type in ("ordered_list_open", "bullet_list_open"):
            open_.append((token, 0))
        elif token.type == "list_item_open":
            open_[-1] = (open_[-1][0], open_[-1][1] + 1)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            begins, items = open_.pop()
            digits = len(str(int(begins.attrs.get("start", 1)) + items - 1))
            if begins.tag == "ol" and digits > MAX_USUAL_DIGITS:
                begins.attrSet("class", f"digits-{digits}")


def _shows_something(drawn: str) -> bool:
    """Whether it has words, a line, a box or code."""
    if "<hr" in drawn or "<input" in drawn:
        return True
    return is_visible(unescape(nh3.clean(drawn, tags=set())))


def _code(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """A block of code with the button that copies it."""
    token = tokens[index]
    words = unescapeAll(token.info).split(maxsplit=1)
    language = words[0] if words else ""
    highlight = options.highlight
    shown = highlight(token.content, language, "") if highlight and language else ""
    kind = f' class="language-{escape(language)}"' if language else ""
    return (
        f'<div class="code"><div class="code-head"><span class="code-language">{escape(language)}'
        f'</span><button type="button" data-copy>{escape(env["copy"])}</button></div>'
        f'<pre tabindex="0"><code{kind}>{shown or escape(token.content)}</code></pre></div>\n'
    )


def _box(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """The box of a task, which says in words whether it is done."""
    box = tokens[index].content
    name = env["done"] if "checked=" in box else env["todo"]
    return box.replace("<input", f'<input aria-label="{escape(name)}"', 1)


def _image(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """A link to the picture: showing it would tell its host who reads."""
    token = tokens[index]
    address = str(token.attrs.get("src", ""))
    name = renderer.renderInlineAsText(token.children or [], options, env)
    name = name or shown_address(address)
    return f'<a href="{escape(address)}">{escape(name)}</a>{escape(beside(name, address))}'


def _cell(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """A cell, aligned by a class: style attributes do not pass the sanitiser."""
    token = tokens[index]
    side = str(token.attrs.get("style", "")).removeprefix("text-align:")
    return f'<{token.tag} class="{escape(side)}">' if side else f"<{token.tag}>"


def _spoiler(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    return f'<span data-reveal role="button" tabindex="0" aria-label="{escape(env["reveal"])}">'
