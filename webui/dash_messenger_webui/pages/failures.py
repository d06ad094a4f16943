"""Failures as sentences, in the language of whoever is told."""

from __future__ import annotations

from typing import Any

from dash_messenger import Failure

from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.session import reader

__all__ = ["Sentences"]


class Sentences:
    """Failures in the reader's language."""

    def __init__(self, words: dict[str, Words], texts: dict[str, Any]) -> None:
        self._words = words
        self._texts = texts

    @property
    def t(self) -> Words:
        """The words of the reader of this request."""
        return self._words[reader().language]

    def of(self, failure: Failure) -> str:
        """What went wrong, for the person who asked."""
        rule = failure.params.get("rule")
        text = self._texts.get(f"error_{rule}") or self._texts.get(f"error_{failure.key}")
        if isinstance(text, dict):
            n = int(str(failure.params.get("retry_after_s") or failure.params.get("n") or 0))
            return self.t.count(text["one"], text["other"], n)
        try:
            return self.t(text or failure.sentence).format(**failure.params)
        except (KeyError, IndexError, ValueError):
            return failure.message
