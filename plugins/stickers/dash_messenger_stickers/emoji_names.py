"""What emoji are called, so that stickers are found by words as well.

Pure. English has the names of the Unicode Character Database for every emoji; the commonest have
everyday words too, which translators translate.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

__all__ = ["is_found"]

_WORDS = {
    "hello": "👋🙂",
    "laugh": "😂🤣😆😄😀😁",
    "love": "❤😍🥰💕💗💖",
    "kiss": "😘😗💋",
    "sad": "😢😭😞🙁☹😔",
    "angry": "😠😡🤬",
    "wow": "😮😲😯🤯",
    "yes": "👍✅👌",
    "no": "👎❌🙅",
    "thanks": "🙏",
    "party": "🎉🥳🎊",
    "sleep": "😴💤🛌",
    "coffee": "☕",
    "question": "❓🤔⁉",
    "wink": "😉",
    "cool": "😎",
    "oops": "😅😬🙈",
    "bored": "🥱😒😑",
    "dizzy": "😵💫",
    "tongue": "😛😜😝",
    "sun": "☀🌞",
    "cat": "🐱🐈😺",
    "dog": "🐶🐕",
    "heart": "❤💙💚💛💜🖤",
    "fire": "🔥",
    "cry": "😢😭",
    "work": "💻💼",
    "food": "🍕🍔🍎🍰",
}


def is_found(query: str, emoji: str, t: Callable[[str], str]) -> bool:
    """Whether the emoji of a sticker, separated by spaces, answer a query in small letters."""
    for one in emoji.split():
        sign = one[0]
        # Of a query of several emoji each counts; variants and skin tones do not.
        if sign in query:
            return True
        words = [word for word, signs in _WORDS.items() if sign in signs]
        named = [unicodedata.name(sign, "").lower(), *words, *(t(word).lower() for word in words)]
        if any(query in name for name in named):
            return True
    return False
