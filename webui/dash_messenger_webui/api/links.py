"""Finds addresses in a text, in one pass, and draws them as links.

Owns what counts as an address: one that says ``http://``, ``https://``, ``mailto:`` or ``tel:``,
one that begins with ``www.``, and one of mail. Invariant: time in proportion to the text, whatever
it is; text is drawn where a look at it cannot be stopped. What a link says names the host that it
opens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from ipaddress import AddressValueError, IPv6Address
from itertools import islice
from typing import NamedTuple

from dash_messenger_webui.api.hosts import shown_host

__all__ = ["MAX_LINKS", "Link", "linked", "links", "names_another_host", "shown_address"]

# No white space, no quotation marks, nothing that hides or turns round what follows, no punctuation
# of scripts without spaces. Each match begins where the last one ended, and the name of a mailbox
# only at its first character, so that nothing is read twice.
_CANDIDATE = re.compile(
    r"(?:(?<![a-z0-9_])(?:https?://|mailto:)|(?<![a-z0-9_@./-])www\.(?=[^\W_]))"
    r"[^\s<>\"“”„«»‹›。｡．、､，！？；：（）【】「」『』《》〈〉〔〕"
    r"\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
    r"|(?<![a-z0-9_@./-])tel:[+0-9().-]+"
    r"|(?<![\w.!#$%&'*+/=?^`{|}~@-])[\w.!#$%&'*+=?^`{|}~-]++@[\w.-]+",
    re.IGNORECASE,
)
# Each address holds one of them; most texts hold none.
_SIGNS = ("://", "@", "www.", "tel:")
# At the end they belong to the sentence.
_PUNCTUATION = ".,:;!?'`…*"
_OPENERS = {")": "(", "]": "[", "}": "{"}
_MIN_DIGITS = 3
MAX_HOST_CHARACTERS = 253
# Each that is looked at takes up to 0.1 ms, and messages that are quick to draw are drawn together:
# everybody waits for the slowest of them.
MAX_LINKS = 50
# Each character that is read takes up to 0.2 µs.
MAX_SEARCHED_CHARACTERS = 12_000
# Of hosts in other scripts each letter is looked up, 5 µs: about 0.03 ms a host that people use.
MAX_ODD_HOST_CHARACTERS = 300


class Link(NamedTuple):
    """An address in a text: where it begins and ends, and where it leads."""

    start: int
    end: int
    address: str


def links(text: str) -> Iterator[Link]:
    """The addresses among the first `MAX_LINKS` places that look like one, in the first
    `MAX_SEARCHED_CHARACTERS` of a text.

    Where hosts in other scripts have more than `MAX_ODD_HOST_CHARACTERS` together, what follows of
    these is no link.
    """
    lower = text.lower()
    if not any(sign in lower for sign in _SIGNS):
        return
    left = MAX_ODD_HOST_CHARACTERS
    for candidate in islice(_CANDIDATE.finditer(text, 0, MAX_SEARCHED_CHARACTERS), MAX_LINKS):
        start, end = candidate.span()
        if end == MAX_SEARCHED_CHARACTERS < len(text):
            # It may go on.
            return
        found = text[start : start + _closed(text[start:end])].rstrip(_PUNCTUATION)
        if not found.isascii():
            host = _host_of(found)
            left -= 0 if host.isascii() else len(host)
            if left < 0 and not host.isascii():
                continue
        address = _address(found)
        if address:
            yield Link(start, start + len(found), address)


def linked(text: str) -> str:
    """``text`` as HTML in which its addresses are links. A host that looks like another one, by
    letters of other scripts, is shown in ASCII."""
    parts: list[str] = []
    end = 0
    for link in links(text):
        parts.append(escape(text[end : link.start]))
        parts.append(
            f'<a href="{escape(link.address)}" target="_blank" rel="noopener noreferrer nofollow">'
            f"{escape(shown_address(text[link.start : link.end]))}</a>"
        )
        end = link.end
    return "".join(parts) + escape(text[end:])


def shown_address(address: str) -> str:
    """An address as it was typed, but for a host that looks like another one."""
    start, end = _host_place(address)
    return address[:start] + shown_host(address[start:end]) + address[end:]


def names_another_host(words: str, address: str) -> str:
    """The host that ``address`` opens where ``words`` seem to say another one, else nothing."""
    start, end = _host_place(address)
    host = address[start:end]
    if not host:
        return ""
    claimed = [_host_of(link.address) for link in links(words)] or [
        word.strip("()[]{}<>\"'“”„«»,;:!?…").partition("/")[0].partition(":")[0]
        for word in words.split()
    ]
    said = {_bare(one) for one in claimed if _is_domain(one)}
    # Somebody's name before the host is taken for the host.
    if "@" in address[:start] and not address.lower().startswith("mailto:"):
        said.add("")
    return host if said - {_bare(host)} else ""


def _bare(host: str) -> str:
    """A host as it is compared, without what makes no difference to a reader."""
    labels = (
        one if one.isascii() else f"xn--{one.encode('punycode').decode('ascii')}"
        for one in host[:MAX_HOST_CHARACTERS].lower().removeprefix("www.").split(".")
    )
    return ".".join(labels)


def _address(found: str) -> str:
    """Where a candidate leads; empty where it leads nowhere."""
    lower = found[:8].lower()
    if lower.startswith("tel:"):
        number = found[4:]
        return found if sum(map(str.isdigit, number)) >= _MIN_DIGITS else ""
    if lower.startswith("www."):
        host = _host_of(f"https://{found}")
        return f"https://{found}" if host.count(".") > 1 and _is_domain(host) else ""
    if lower.startswith(("http://", "https://")):
        start, _ = _host_place(found)
        named = _is_host(_host_of(found)) and found[start - 1] != "@"
        return found if named else ""
    mail = found[7:] if lower.startswith("mailto:") else found
    box, _, host = mail.partition("@")
    if not box or box[0] == "." or box[-1] == "." or not _is_domain(host.partition("?")[0]):
        return ""
    return found if len(mail) < len(found) else f"mailto:{found}"


def _is_host(host: str) -> bool:
    if host.startswith("["):
        try:
            IPv6Address(host[1:-1])
        except AddressValueError:
            return False
        return host.endswith("]")
    return bool(host) and (host[0].isalnum() or not host[0].isascii())


def _is_domain(host: str) -> bool:
    """Whether it is a name of several labels, the last of letters."""
    labels = host.split(".")
    return (
        len(labels) > 1
        and len(host) <= MAX_HOST_CHARACTERS
        and len(labels[-1]) > 1
        and (labels[-1].isalpha() or labels[-1].lower().startswith("xn--"))
        and all(label and label.replace("-", "").isalnum() for label in labels)
    )


def _host_of(address: str) -> str:
    start, end = _host_place(address)
    return address[start:end]


def _host_place(address: str) -> tuple[int, int]:
    """Where the host of an address begins and ends, as browsers read it: a backslash is a slash."""
    start = address.find("//") + 2
    if start == 1 or ":" not in address[:start]:
        if "@" not in address and address[:4].lower() != "www.":
            return 0, 0
        start = address.find("@") + 1
        end = _first(address, "?/", start)
        return start, end
    end = _first(address, "/\\?#", start)
    start = max(start, address.rfind("@", start, end) + 1)
    if address[start : start + 1] == "[":
        closed = address.find("]", start, end) + 1
        if closed and address[closed:end][:1] in ("", ":"):
            return start, closed
        return start, start
    return start, _first(address, ":", start, end)


def _first(text: str, signs: str, start: int, end: int | None = None) -> int:
    """Where the first of some signs stands, or the end."""
    places = (text.find(sign, start, end) for sign in signs)
    last = len(text) if end is None else end
    return min((place for place in places if place >= 0), default=last)


def _closed(address: str) -> int:
    """How much of it has no bracket that closes and was not opened in it."""
    open_ = dict.fromkeys(_OPENERS.values(), 0)
    for index, character in enumerate(address):
        if character in open_:
            open_[character] += 1
        elif character in _OPENERS:
            if not open_[_OPENERS[character]]:
                return index
            open_[_OPENERS[character]] -= 1
    return len(address)
