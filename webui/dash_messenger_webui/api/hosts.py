"""How the host of an address is shown: one that looks like another is shown in ASCII.

Letters of other scripts look like Latin ones: ``аррӏе.com`` is Cyrillic. A name whose letters are
of one script, and not all of them look-alikes, is shown as it was typed; others as browsers show
them, in Punycode (RFC 3492). Punycode that was typed is never turned into letters.
"""

from __future__ import annotations

import unicodedata

__all__ = ["shown_host"]

MAX_LABEL_CHARACTERS = 63
# Letters that can be taken for Latin ones: the lists that Chromium keeps.
_LOOK_ALIKES = {
    "CYRILLIC": frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡ"),
    "GREEK": frozenset("αικνρυωηοτ"),
    "ARMENIAN": frozenset("ագզէլհյոսւօՙ"),
}
# Scripts that are written together.
_TOGETHER = (
    frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA")),
    frozenset(("LATIN", "CJK", "BOPOMOFO")),
    frozenset(("LATIN", "CJK", "HANGUL")),
)
_IN_SCRIPT = {"IDEOGRAPHIC": "CJK"}
# Latin letters up to here are those of languages; behind are those of phonetics.
_LAST_LATIN = 0x024F
_VIETNAMESE = range(0x1E00, 0x1F00)


def shown_host(host: str) -> str:
    """``host``, with each label that could be taken for another one in ASCII."""
    if host.isascii():
        return host
    labels = host.split(".")
    top = _scripts(_normalised(labels[-1]))
    return ".".join(_shown_label(label, top) for label in labels)


def _shown_label(label: str, top: frozenset[str]) -> str:
    if label.isascii():
        return label
    meant = _normalised(label)
    # DNS knows no longer one, and Punycode takes more time the longer it is.
    if meant.isascii() or len(meant) > MAX_LABEL_CHARACTERS:
        return meant
    scripts = _scripts(meant)
    if len(scripts) == 1:
        (script,) = scripts
        odd = script == "" or (
            script not in top and not _letters(meant) - _LOOK_ALIKES.get(script, frozenset())
        )
    else:
        odd = not any(scripts <= together for together in _TOGETHER)
    return f"xn--{meant.encode('punycode').decode('ascii')}" if odd else label


def _normalised(label: str) -> str:
    """Nearly as browsers do before they look a name up (UTS 46)."""
    kept = "".join(one for one in label if unicodedata.category(one) != "Cf")
    return unicodedata.normalize("NFKC", kept.lower())


def _letters(label: str) -> set[str]:
    return {one for one in label if one not in "0123456789-"}


def _scripts(label: str) -> frozenset[str]:
    return frozenset(_script(one) for one in _letters(label))


def _script(character: str) -> str:
    """The script of a letter as the first word of its name; empty for what belongs in no name."""
    if unicodedata.category(character)[0] not in "LMN":
        return ""
    name = unicodedata.name(character, "").replace("-", " ").partition(" ")[0]
    if name == "LATIN" and ord(character) > _LAST_LATIN and ord(character) not in _VIETNAMESE:
        return ""
    return "" if name == "COMBINING" else _IN_SCRIPT.get(name, name)
