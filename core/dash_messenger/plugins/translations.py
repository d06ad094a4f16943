"""Plugins' own words in other languages, read from ``locale/LANGUAGE/messages.po``.

Owns the catalogues of server halves. Babel reads them if it is there (the web UI brings it);
without it, sentences stay as they were written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

__all__ = ["Catalogues"]


class Catalogues:
    """The catalogues beside one plugin's code."""

    def __init__(self, code: Path | None) -> None:
        self._folder = None if code is None else code / "locale"
        self._read: dict[str, dict[str, str]] = {}

    def of(self, language: str) -> Callable[[str], str]:
        """What turns sentences into ``language``."""
        words = self._read.get(language)
        if words is None:
            words = self._read[language] = self._load(language)
        return lambda text: words.get(text) or text

    def _load(self, language: str) -> dict[str, str]:
        if self._folder is None or not language.isalnum():
            return {}
        path = self._folder / language / "messages.po"
        if not path.is_file():
            return {}
        try:
            from babel.messages.pofile import read_po
        except ImportError:
            return {}
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        return {
            message.id: message.string
            for message in catalogue
            if isinstance(message.id, str) and isinstance(message.string, str) and message.id
        }
