"""Markdown to markup that is safe to insert.

Owns the dialect: CommonMark without raw HTML, with tables, strikethrough, task lists, bare links,
``||spoilers||`` and highlighted code. Nothing is loaded from elsewhere: an image is a link to it.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import nh3
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from mdit_py_plugins.tasklists import tasklists_plugin

if TYPE_CHECKING:
    from pygments.lexer import Lexer

__all__ = ["Rendering"]

# Brackets in brackets take a time that grows with their depth: 0.3 s at 20 for a full message.
MAX_NESTING = 20
# Longer code is shown as it is: some grammars take 10 ms for each 1,000 characters.
MAX_HIGHLIGHTED_CHARACTERS = 3_000
COMMON_LANGUAGES = (
    "bash",
    "css",
    "html",
    "javascript",
    "json",
    "python",
    "sql",
    "typescript",
    "yaml",
)
SPOILER = 0x7C  # |

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"),
    *("strong", "em", "s", "a", "code", "pre", "div", "span", "button", "input"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "button": {"type", "data-copy"},
    "code": {"class"},
    "div": {"class", "tabindex"},
    "input": {"type", "checked", "disabled", "class", "aria-label"},
    "li": {"class"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "span": {"class", "data-reveal", "aria-label", "role", "tabindex"},
    "td": {"class"},
    "th": {"class"},
    "ul": {"class"},
}


class Rendering:
    """The parser, set up once. Not for two threads at a time."""

    def __init__(self) -> None:
        parser = MarkdownIt(
            "js-default",
            {
                "html": False,
                "linkify": True,
                "maxNesting": MAX_NESTING,
                "highlight": self._highlight,
            },
        )
        # "e.g.this" is no address: only what says so is one, as in plain text.
        parser.linkify = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": False})
        parser.use(tasklists_plugin)
        parser.inline.add_terminator_char("|")
        parser.inline.ruler.before("emphasis", "spoiler", _find_spoiler)
        parser.inline.ruler2.before("emphasis", "spoiler", _pair_spoilers)
        for rule in ("fence", "code_block"):
            parser.add_render_rule(rule, _code)
        parser.add_render_rule("image", _image)
        # There is no other raw HTML.
        parser.add_render_rule("html_inline", _box)
        for rule in ("th_open", "td_open"):
            parser.add_render_rule(rule, _cell)
        # Too wide a table is scrolled inside of the bubble; by keys too.
        parser.add_render_rule(
            "table_open", lambda *_: '<div class="table" tabindex="0"><table>\n', fmt="html"
        )
        parser.add_render_rule("table_close", lambda *_: "</table>\n</div>\n", fmt="html")
        parser.add_render_rule("spoiler_open", _spoiler)
        parser.add_render_rule("spoiler_close", lambda *_: "</span>", fmt="html")
        self._parser = parser
        self._lexers: dict[str, Lexer | None] = {}
        self._cleaner = nh3.Cleaner(
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )

    def load(self) -> None:
        """Import what highlighting the most used languages needs."""
        for language in COMMON_LANGUAGES:
            self._lexer(language)

    def html(
        self,
        source: str,
        *,
        copy: str = "Copy",
        reveal: str = "Spoiler",
        done: str = "Done",
        todo: str = "To do",
    ) -> str:
        """The markup of ``source``; the others are words in the reader's language."""
        words = {"copy": copy, "reveal": reveal, "done": done, "todo": todo}
        return self._cleaner.clean(self._parser.render(source, words))

    def _highlight(self, code: str, language: str, attributes: str) -> str:
        lexer = self._lexer(language.lower()) if len(code) <= MAX_HIGHLIGHTED_CHARACTERS else None
        if lexer is None:
            return ""
        from pygments.token import STANDARD_TYPES

        parts: list[str] = []
        for kind, value in lexer.get_tokens(code):
            while kind not in STANDARD_TYPES:
                kind = kind.parent
            name = STANDARD_TYPES[kind]
            text = escape(value, quote=False)
            parts.append(f'<span class="hl-{name}">{text}</span>' if name else text)
        return "".join(parts)

    def _lexer(self, language: str) -> Lexer | None:
        """The grammar of a language, or None; what people type must not fill the memory."""
        if language not in self._lexers:
            from pygments.lexers import get_lexer_by_name
            from pygments.util import ClassNotFound

            try:
                # The code is shown to its last line break, neither more nor less.
                found = get_lexer_by_name(language, stripnl=False, ensurenl=False)
            except ClassNotFound:
                return None
            self._lexers[language] = found
        return self._lexers[language]


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
    return f'<a href="{escape(address)}">{escape(name or address)}</a>'


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


def _find_spoiler(state: StateInline, silent: bool) -> bool:
    """Take ``||`` as a mark that may begin or end a spoiler."""
    if silent or state.src[state.pos : state.pos + 2] != "||":
        return False
    scanned = state.scanDelims(state.pos, True)
    for _ in range(scanned.length // 2):
        token = state.push("text", "", 0)
        token.content = "||"
        _add_delimiter(state, scanned.can_open, scanned.can_close)
    if scanned.length % 2:
        state.push("text", "", 0).content = "|"
    state.pos += scanned.length
    return True


def _add_delimiter(state: StateInline, can_open: bool, can_close: bool) -> None:
    from markdown_it.rules_inline.state_inline import Delimiter

    state.delimiters.append(
        Delimiter(
            marker=SPOILER,
            length=0,  # as for strikethrough: the rule of three does not hold here
            token=len(state.tokens) - 1,
            end=-1,
            open=can_open,
            close=can_close,
        )
    )


def _pair_spoilers(state: StateInline) -> None:
    """Turn the marks that found each other into tags."""
    for delimiters in (
        state.delimiters,
        *(meta["delimiters"] for meta in state.tokens_meta if meta and "delimiters" in meta),
    ):
        for delimiter in delimiters:
            if delimiter.marker != SPOILER or delimiter.end == -1:
                continue
            for place, kind, nesting in (
                (delimiter.token, "spoiler_open", 1),
                (delimiters[delimiter.end].token, "spoiler_close", -1),
            ):
                token = state.tokens[place]
                token.type, token.tag, token.nesting = kind, "span", nesting
                token.markup, token.content = "||", ""
