"""Recognises phones whose clock is wrong, by the codes that their owners type.

Invariant: nothing is said of one code alone. It takes two in a row, of different half minutes, that
are off by the same time: who guesses meets that once in some ten thousand million pairs, so that it
tells nobody which code will be good later. What is remembered is lost at a restart.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass

import pyotp

__all__ = ["WrongClocks"]

STEP_S = 30
# Ten minutes either way, without those whose codes are good, or were used.
SEARCHED_STEPS = 20
GOOD_STEPS = 1
# The second code is typed a moment later, and its own clock goes on.
APART_STEPS = 1
MAX_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A wrong code: when it was typed, and by how many steps it may be off."""

    step: int
    offsets: tuple[int, ...]


class WrongClocks:
    """The last wrong code of each secret, if it is one of another time."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, _Wrong] = OrderedDict()
        # Codes are checked on threads.
        self._lock = threading.Lock()

    def shows_another_time(self, secret: str, code: str, step: int) -> bool:
        """Whether a wrong code, and the one before it, are off by the same time."""
        totp = pyotp.TOTP(secret, interval=STEP_S)
        offsets = tuple(
            offset
            for offset in range(-SEARCHED_STEPS, SEARCHED_STEPS + 1)
            if abs(offset) > GOOD_STEPS
            and step + offset >= 0
            and hmac.compare_digest(totp.generate_otp(step + offset), code)
        )
        with self._lock:
            before = self._last.pop(secret, None)
            if offsets:
                self._last[secret] = _Wrong(step, offsets)
                if len(self._last) > MAX_REMEMBERED:
                    self._last.popitem(last=False)
        if before is None or not 0 <= step - before.step <= SEARCHED_STEPS:
            return False
        return any(
            # Another code, not the same typed again.
            step + now > before.step + then and abs(now - then) <= APART_STEPS
            for now in offsets
            for then in before.offsets
        )
