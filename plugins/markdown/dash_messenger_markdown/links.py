"""Links in Markdown: bare addresses as in plain text, and no link that says another host.

Invariant: Punycode stays as it was typed, and where a link's words name a host, it is the one that
it opens, or the one that it opens stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from dash_messenger_webui import links, names_another_host, shown_address
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

__all__ = ["beside", "find_links_as_in_text"]


@dataclass(frozen=True, slots=True)
class _Match:
    """An address as the parser wants to have it."""

    url: str
    text: str
    index: int
    last_index: int
    # With one the parser leaves the text as it is.
    schema: str = "as typed"


class _Finder:
    """What the parser asks for bare addresses."""

    def pretest(self, text: str) -> bool:
        """Whether there may be some."""
        return ":" in text or "@" in text or "." in text

    def test(self, text: str) -> bool:
        """Whether there is one."""
        return next(links(text), None) is not None

    def match(self, text: str) -> list[_Match]:
        """All of them."""
        return [
            _Match(link.address, text[link.start : link.end], link.start, link.end)
            for link in links(text)
        ]


def find_links_as_in_text(parser: MarkdownIt) -> None:
    """Have a parser take as bare links what is one in plain text, and tell where others lead."""
    parser.options["linkify"] = True
    parser.enable("linkify")
    parser.linkify = _Finder()
    parser.inline.ruler.at("linkify", _find_address)
    parser.normalizeLinkText = shown_address  # type: ignore[assignment, method-assign]
    parser.core.ruler.push("hosts", _tell_hosts)


def beside(words: str, address: str) -> str:
    """What stands beside a link whose words name another host than it opens."""
    host = names_another_host(words, address)
    return f" ({host})" if host else ""


def _tell_hosts(state: StateCore) -> None:
    for block in state.tokens:
        children = block.children or []
        if not any(token.type == "link_open" for token in children):
            continue
        told: list[Token] = []
        words: list[str] = []
        address = ""
        for token in children:
            told.append(token)
            if token.type == "link_open":
                words, address = [], "" if token.info == "auto" else str(token.attrs["href"])
            elif token.type == "link_close":
                host = Token("text", "", 0, level=token.level)
                host.content = beside("".join(words), address)
                if host.content:
                    told.append(host)
                address = ""
            elif address:
                words.append(token.content)
        block.children = told


def _find_address(state: StateInline, silent: bool) -> bool:
    """Take an address with its scheme as a whole: what looks like a mark in it is none."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    match = _with_scheme(state).get(state.pos)
    if match is None or match.last_index > state.posMax:
        return False
    scheme = state.src[match.index : state.pos]
    address = state.md.normalizeLink(match.url.rstrip("*"))
    if not state.pending.endswith(scheme) or not state.md.validateLink(address):
        return False
    shown = match.text.rstrip("*")
    if not silent:
        state.pending = state.pending.removesuffix(scheme)
        opened = state.push("link_open", "a", 1)
        opened.attrs = {"href": address}
        words = state.push("text", "", 0)
        words.content = state.md.normalizeLinkText(shown)
        closed = state.push("link_close", "a", -1)
        for token in (opened, closed):
            token.markup, token.info = "linkify", "auto"
    state.pos = match.index + len(shown)
    return True


def _with_scheme(state: StateInline) -> dict[int, _Match]:
    """The addresses with a scheme, by the place of its colon; looked for once in a text."""
    found: dict[str, dict[int, _Match]] = state.env.setdefault("addresses", {})
    if state.src not in found:
        matches = ((match.text.find("://"), match) for match in _Finder().match(state.src))
        found[state.src] = {match.index + colon: match for colon, match in matches if colon >= 0}
    return found[state.src]
