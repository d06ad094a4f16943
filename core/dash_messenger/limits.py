"""How often somebody may try.

Owns the windows for log-ins and registrations (library ``limits``) and a token bucket for commands
that come thousands a second. Must not know what is tried. Memory is bounded: windows expire and
buckets that are full again are forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dash_messenger.errors import RateLimited
from dash_messenger.places import Place

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import FixedWindowRateLimiter

__all__ = ["Attempts", "Buckets"]

# Guessing a password of 15 characters at these rates is hopeless, and a forgetful owner is not
# locked out by a stranger at another address before the wider limit of the account is used up.
LOGINS_OF_ACCOUNT_AT_ADDRESS = "10/5 minute"
LOGINS_OF_ACCOUNT = "100/hour"
FAILURES_AT_ADDRESS = "100/10 minute"
REGISTRATIONS_AT_ADDRESS = "100/hour"
# Who answers has shown to know the password, so nobody else can use these up. 3 of a million codes
# are good at a time: at 50 a day, guessing one takes years.
ANSWERS_OF_ACCOUNT_AT_ADDRESS = "10/5 minute"
WRONG_ANSWERS_OF_ACCOUNT = "50/day"


class Attempts:
    """Counts attempts to log in and to register."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._limiter: FixedWindowRateLimiter | None = None
        self._items: dict[str, RateLimitItem] = {}

    def log_in(self, username_key: str, place: Place) -> None:
        """Count an attempt, before the password is looked at.

        Raises:
            RateLimited: too many for this account or from this address.
        """
        if not self._enabled:
            return
        self._test(FAILURES_AT_ADDRESS, "failures", place.counted_as)
        self._hit(LOGINS_OF_ACCOUNT_AT_ADDRESS, "login", username_key, place.counted_as)
        self._hit(LOGINS_OF_ACCOUNT, "login", username_key)

    def logged_in(self, username_key: str, place: Place) -> None:
        """Forget the attempts of somebody who turned out to know the password."""
        if self._enabled:
            limiter, item = self._use(LOGINS_OF_ACCOUNT_AT_ADDRESS)
            limiter.clear(item, "login", username_key, str(place.counted_as))

    def failed(self, place: Place) -> None:
        """Count a wrong password against the address it came from."""
        if self._enabled:
            limiter, item = self._use(FAILURES_AT_ADDRESS)
            if place.counted_as is not None:
                limiter.hit(item, "failures", place.counted_as)

    def answer(self, user: str, place: Place) -> None:
        """Count an answer to a second factor, before it is looked at.

        Raises:
            RateLimited: too many of this account, or from this address.
        """
        if not self._enabled:
            return
        self._test(FAILURES_AT_ADDRESS, "failures", place.counted_as)
        self._test(WRONG_ANSWERS_OF_ACCOUNT, "answers", user)
        self._hit(ANSWERS_OF_ACCOUNT_AT_ADDRESS, "answers", user, place.counted_as)

    def answered(self, user: str, place: Place) -> None:
        """Forget the answers of somebody who turned out to know the right one."""
        if self._enabled:
            limiter, item = self._use(ANSWERS_OF_ACCOUNT_AT_ADDRESS)
            limiter.clear(item, "answers", user, str(place.counted_as))

    def answered_wrong(self, user: str, place: Place) -> None:
        """Count a wrong answer against the account and the address it came from."""
        if self._enabled:
            self.failed(place)
            limiter, item = self._use(WRONG_ANSWERS_OF_ACCOUNT)
            limiter.hit(item, "answers", user)

    def register(self, place: Place) -> None:
        """Count a new account.

        Raises:
            RateLimited: too many from this address.
        """
        if self._enabled:
            self._hit(REGISTRATIONS_AT_ADDRESS, "register", place.counted_as)

    def _hit(self, rate: str, *names: str | None) -> None:
        limiter, item = self._use(rate)
        known = tuple(name for name in names if name is not None)
        # None is a place where nothing tells people apart.
        if len(known) == len(names) and not limiter.hit(item, *known):
            raise self._refusal(limiter, item, known)

    def _test(self, rate: str, *names: str | None) -> None:
        limiter, item = self._use(rate)
        known = tuple(name for name in names if name is not None)
        if len(known) == len(names) and not limiter.test(item, *known):
            raise self._refusal(limiter, item, known)

    @staticmethod
    def _refusal(
        limiter: FixedWindowRateLimiter, item: RateLimitItem, names: tuple[str, ...]
    ) -> RateLimited:
        resets_at_s = limiter.get_window_stats(item, *names).reset_time
        return RateLimited(retry_after_s=max(1, round(resets_at_s - time.time())))

    def _use(self, rate: str) -> tuple[FixedWindowRateLimiter, RateLimitItem]:
        # The library costs 0.1 s to import; a server that nobody logs in to does without.
        if self._limiter is None:
            from limits.storage import MemoryStorage
            from limits.strategies import FixedWindowRateLimiter

            self._limiter = FixedWindowRateLimiter(MemoryStorage())
        item = self._items.get(rate)
        if item is None:
            from limits import parse

            item = self._items[rate] = parse(rate)
        return self._limiter, item


class Buckets:
    """A token bucket for each key: ``burst`` at once, ``per_s`` in the long run."""

    __slots__ = ("_burst", "_clock_s", "_enabled", "_levels", "_per_s", "_swept_at_s")

    def __init__(
        self,
        *,
        burst: int,
        per_s: float,
        enabled: bool = True,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_s = per_s
        self._enabled = enabled
        self._clock_s = clock_s
        self._levels: dict[str, tuple[float, float]] = {}
        self._swept_at_s = clock_s()

    def take(self, key: str, count: int = 1) -> None:
        """Take a token, or ``count``; of a full bucket also more than it holds, which then lacks.

        Raises:
            RateLimited: there are too few.
        """
        if not self._enabled:
            return
        now_s = self._clock_s()
        level, at_s = self._levels.get(key, (float(self._burst), now_s))
        level = min(self._burst, level + (now_s - at_s) * self._per_s)
        needed = min(count, self._burst)
        if level < needed:
            self._levels[key] = (level, now_s)
            raise RateLimited(retry_after_s=max(1, round((needed - level) / self._per_s)))
        self._levels[key] = (level - count, now_s)
        if now_s - self._swept_at_s > self._burst / self._per_s:
            self._sweep(now_s)

    def _sweep(self, now_s: float) -> None:
        self._swept_at_s = now_s
        self._levels = {
            key: (level, at_s)
            for key, (level, at_s) in self._levels.items()
            if level + (now_s - at_s) * self._per_s < self._burst
        }
