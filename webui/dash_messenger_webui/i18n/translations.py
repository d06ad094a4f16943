"""The words of the web UI and of plugins, from ``.po`` files as translators keep them.

Owns reading the catalogues and choosing a language. English is the text in the code, so it needs
no file. Must not know requests: languages come in as strings. Invariant: a word without a
translation is shown in English, never left out.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages import Catalog

__all__ = [
    "LANGUAGES",
    "OWN_WORDS",
    "Words",
    "choose_language",
    "folder_of",
    "read_words",
    "words_beside",
]

OWN_WORDS = Path(__file__).parent.parent / "locale"

# In their own words, in the order of the menu.
LANGUAGES = {"en": "English", "ru": "Русский"}
# Numbers enough to meet every plural form that whole numbers have in CLDR.
_SAMPLES = (*range(201), 1_000_000)

Text = str | Mapping[str, str]


class Words:
    """The texts of one language: called with English, it answers in that language."""

    def __init__(self, language: str, folders: Iterable[Path]) -> None:
        self.language = language
        self._folders = tuple(folders)

    def read(self) -> None:
        """Read the files now, rather than at the first word: 50 ms for the first language."""
        _ = self._catalogue, self.sentences

    def __call__(self, text: str) -> str:
        """The translation of a text, or the text itself."""
        return self._catalogue.gettext(text) if text else ""

    def count(self, one: str, other: str, n: int) -> str:
        """The form for ``n``, with ``{n}`` filled in."""
        return self._catalogue.ngettext(one, other, n).replace("{n}", str(n))

    def knows(self, text: str) -> bool:
        """Whether a text is translated, be it by the same words; all are into English."""
        return self.language == "en" or text in self._translated

    def translate(self, texts: Mapping[str, Text]) -> dict[str, Text]:
        """A list of texts by key, as our own components take it.

        A text with ``one`` and ``other`` gets every plural category that the language has, named
        as CLDR and `Intl.PluralRules` name them.
        """
        return {
            key: self(text) if isinstance(text, str) else self._forms(text["one"], text["other"])
            for key, text in texts.items()
        }

    def _forms(self, one: str, other: str) -> dict[str, str]:
        forms = {"other": self._catalogue.ngettext(one, other, 0)}
        for n in reversed(_SAMPLES):
            forms[self._plural_category(n)] = self._catalogue.ngettext(one, other, n)
        return forms

    @cached_property
    def _plural_category(self) -> Callable[[int], str]:
        from babel import Locale

        return Locale.parse(self.language).plural_form

    @cached_property
    def _translated(self) -> frozenset[str]:
        return frozenset(
            message.id if isinstance(message.id, str) else message.id[0]
            for path in self._paths()
            for message in _catalogue_of(path)
            if message.id and message.string
        )

    @cached_property
    def sentences(self) -> dict[str, str]:
        """What the first of the folders says in whole sentences, by their English: refusals."""
        path = self._folders[0] / self.language / "messages.po"
        return {
            message.id: str(message.string)
            for message in (_catalogue_of(path) if path.is_file() else ())
            if isinstance(message.id, str)
            and message.id.endswith((".", "!", "?", "…"))
            and message.string
        }

    def _paths(self) -> list[Path]:
        paths = (folder / self.language / "messages.po" for folder in self._folders)
        return [path for path in paths if path.is_file()]

    @cached_property
    def _catalogue(self) -> NullTranslations:
        """The first folder's words; what they lack comes from the folders after it."""
        found: list[NullTranslations] = [_read(path) for path in self._paths()]
        for first, second in pairwise(found):
            first.add_fallback(second)
        return found[0] if found else NullTranslations()


def read_words(*folders: Path) -> dict[str, Words]:
    """The words of each language; a file is read when its first word is asked for."""
    return {language: Words(language, folders) for language in LANGUAGES}


@lru_cache
def words_beside(folder: Path) -> dict[str, Words]:
    """The words of the code in ``folder``, by language; what they lack comes from ours."""
    return read_words(folder / "locale", OWN_WORDS)


def folder_of(thing: object) -> Path:
    """The folder with the code of an object's class.

    Raises:
        ValueError: it comes from no file.
    """
    file = sys.modules[type(thing).__module__].__file__
    if file is None:
        raise ValueError(f"{type(thing).__module__} is no file")
    return Path(file).parent


def choose_language(accept: str, *wishes: str | None) -> str:
    """The first of the wishes that we have, else the best of an ``Accept-Language`` header
    (RFC 9110, 12.5.4), else English."""
    for wish in wishes:
        if wish in LANGUAGES:
            return wish
    # Here, since children, which draw messages and answer no requests, load this module too.
    from werkzeug.datastructures import LanguageAccept
    from werkzeug.http import parse_accept_header

    return parse_accept_header(accept[:500], LanguageAccept).best_match(LANGUAGES, "en")


def _read(path: Path) -> GNUTranslations:
    # Babel costs 45 ms to import; a server whose readers want English never needs it.
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, _catalogue_of(path))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _catalogue_of(path: Path) -> Catalog:
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return read_po(file, locale=path.parent.name)
