"""The dialect: what counts as a mark.

CommonMark without raw HTML, with tables, strikethrough, task lists and ``||spoilers||``. Must not
know what becomes of the tokens. Invariant: what is drawn and the text that stands for it come from
the same tokens.
"""

from __future__ import annotations

from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from mdit_py_plugins.tasklists import tasklists_plugin

__all__ = ["make_parser"]

# Brackets in brackets take a time that grows with their depth: 0.3 s at 20 for a full message.
MAX_NESTING = 20
SPOILER = 0x7C  # |


def make_parser(**options: Any) -> MarkdownIt:
    """A parser of the dialect, without bare links. Not for two threads at a time."""
    parser = MarkdownIt("js-default", {"html": False, "maxNesting": MAX_NESTING, **options})
    parser.disable("linkify")
    parser.use(tasklists_plugin)
    parser.inline.add_terminator_char("|")
    parser.inline.ruler.before("emphasis", "spoiler", _find_spoiler)
    parser.inline.ruler2.before("emphasis", "spoiler", _pair_spoilers)
    return parser


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
