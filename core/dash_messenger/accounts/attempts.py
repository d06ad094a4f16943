"""How often somebody may try to log in, to answer a second factor, to register, and to use codes.

Owns the counters of an account: one for each device and each address that its owner logged in from
before, one for all other places together (`stranger_attempts`), each bounded, so that strangers who
guess lock nobody out. Must not know what is tried. Every try is counted before it is looked at; a
right one is given back. Memory is bounded: what is as if it had never been used is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeAlias

from dash_messenger.accounts.stranger_attempts import BURST, Strangers
from dash_messenger.errors import RateLimited
from dash_messenger.places import Place
from dash_messenger.rate_limits import Buckets

__all__ = ["Attempts", "Known"]

# How the owner of an account is known at a place: by the session that asks, by the device, by the
# address; None where they were never seen.
Known: TypeAlias = Literal["session", "device", "address"] | None

# Enough for somebody who tries all passwords they ever had; then a guess every two minutes, 730 a
# day, for who shares the address of their victim.
TRIES_WHERE_KNOWN, SECONDS_A_TRY_WHERE_KNOWN = 10, 120.0
# One stranger's share of what all of them have, so that one address does not use it all.
TRIES_OF_STRANGER, SECONDS_A_TRY_OF_STRANGER = 10, 30.0
# Over all accounts: one password tried on many names.
FAILURES_AT_ADDRESS, SECONDS_A_FAILURE = 100, 6.0
REGISTRATIONS_AT_ADDRESS, SECONDS_A_REGISTRATION = 100, 36.0
# A code of 59 bits, which changes at each start: nothing more is needed over all addresses.
SETUP_CODES_AT_ADDRESS, SECONDS_A_SETUP_CODE = 10, 30.0
# Who answers has shown to know the password. 3 of a million codes are good at a time: at 50 a day,
# guessing one takes years.
ANSWERS_AT_PLACE, SECONDS_AN_ANSWER_AT_PLACE = 10, 30.0
ANSWERS_A_DAY, SECONDS_AN_ANSWER = 50, 86_400 / 50
# Codes that let people in have 78 bits. Wrong ones are typing errors, or a search for one: over all
# accounts that an address makes.
CODES_OF_USER, SECONDS_A_CODE_OF_USER = 20, 60.0
CODES_AT_ADDRESS, SECONDS_A_CODE_AT_ADDRESS = 100, 12.0
# Accounts with tries of strangers under way. Hashing makes a few thousand in the 90 s in which one
# try is forgotten again.
MAX_ACCOUNTS = 10_000


class Attempts:
    """Counts attempts, by a clock in seconds."""

    def __init__(self, *, enabled: bool, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._enabled = enabled
        self._clock_s = clock_s
        self._known = self._buckets(TRIES_WHERE_KNOWN, SECONDS_A_TRY_WHERE_KNOWN)
        self._shares = self._buckets(TRIES_OF_STRANGER, SECONDS_A_TRY_OF_STRANGER)
        self._failures = self._buckets(FAILURES_AT_ADDRESS, SECONDS_A_FAILURE)
        self._registrations = self._buckets(REGISTRATIONS_AT_ADDRESS, SECONDS_A_REGISTRATION)
        self._setup_codes = self._buckets(SETUP_CODES_AT_ADDRESS, SECONDS_A_SETUP_CODE)
        self._answers_at_place = self._buckets(ANSWERS_AT_PLACE, SECONDS_AN_ANSWER_AT_PLACE)
        self._answers = self._buckets(ANSWERS_A_DAY, SECONDS_AN_ANSWER)
        self._codes = self._buckets(CODES_OF_USER, SECONDS_A_CODE_OF_USER)
        self._codes_at_address = self._buckets(CODES_AT_ADDRESS, SECONDS_A_CODE_AT_ADDRESS)
        self._strangers: dict[str, Strangers] = {}

    def _buckets(self, burst: int, seconds_each: float) -> Buckets:
        return Buckets(burst=burst, per_s=1 / seconds_each, clock_s=self._clock_s)

    def log_in(self, account: str, place: Place, known: Known = None, session: str = "") -> None:
        """Count an attempt, before the password is looked at.

        Raises:
            RateLimited: too many, by the counter of that place.
        """
        if not self._enabled:
            return
        if known is not None:
            self._known.take(_where(account, place, known, session))
            return
        address = place.counted_as
        share = f"{account} {address}"
        if address is not None:
            self._failures.test(address)
            self._shares.test(share)
        wait_s = self._strangers_of(account).take(address or place.network, self._clock_s())
        if wait_s:
            raise RateLimited(retry_after_s=round(wait_s))
        if address is not None:
            self._failures.take(address)
            self._shares.take(share)

    def logged_in(self, account: str, place: Place, known: Known = None, session: str = "") -> None:
        """Give back the attempts of somebody who turned out to know the password."""
        if not self._enabled:
            return
        if known is not None:
            self._known.clear(_where(account, place, known, session))
            return
        address = place.counted_as
        self._strangers_of(account).give_back(address or place.network)
        if address is not None:
            self._failures.give_back(address)
            self._shares.clear(f"{account} {address}")

    def answer(self, user: str, counter: str, place: Place, known: Known = None) -> None:
        """Count an answer to a second factor, before it is looked at.

        ``counter`` names the kind of code: each kind has an allowance of its own. So has a device
        that is known, which a thief of the password cannot use up.

        Raises:
            RateLimited: too many of this account, or from this place.
        """
        if not self._enabled:
            return
        day, here = _answers(user, counter, place, known)
        self._answers.test(day)
        if here is not None:
            self._answers_at_place.take(here)
        self._answers.take(day)

    def answered(self, user: str, counter: str, place: Place, known: Known = None) -> None:
        """Give back the answers of somebody who turned out to know the right one."""
        if not self._enabled:
            return
        day, here = _answers(user, counter, place, known)
        self._answers.give_back(day)
        if here is not None:
            self._answers_at_place.clear(here)

    def register(self, place: Place) -> None:
        """Count a new account.

        Raises:
            RateLimited: too many from this address.
        """
        if self._enabled and place.counted_as is not None:
            self._registrations.take(place.counted_as)

    def set_up(self, place: Place) -> None:
        """Count a set-up code, before it is looked at.

        Raises:
            RateLimited: too many from this address.
        """
        if self._enabled and place.counted_as is not None:
            self._setup_codes.take(place.counted_as)

    def setup_begun(self, place: Place) -> None:
        """Give back the code of somebody who turned out to know it."""
        if self._enabled and place.counted_as is not None:
            self._setup_codes.give_back(place.counted_as)

    def open_code(self, user: str, place: Place) -> None:
        """Count a code that somebody typed, before it is looked at.

        Raises:
            RateLimited: too many of this user, or from this address.
        """
        if not self._enabled:
            return
        if place.counted_as is not None:
            self._codes_at_address.test(place.counted_as)
        self._codes.take(user)
        if place.counted_as is not None:
            self._codes_at_address.take(place.counted_as)

    def code_opened(self, user: str, place: Place) -> None:
        """Give back the code of somebody who turned out to have a right one."""
        if not self._enabled:
            return
        self._codes.give_back(user)
        if place.counted_as is not None:
            self._codes_at_address.give_back(place.counted_as)

    def _strangers_of(self, account: str) -> Strangers:
        found = self._strangers.get(account)
        if found is None:
            now_s = self._clock_s()
            if len(self._strangers) >= MAX_ACCOUNTS:
                self._forget(now_s)
            found = self._strangers[account] = Strangers(now_s)
        return found

    def _forget(self, now_s: float) -> None:
        """Forget those that were hardly tried first: whoever is attacked stays protected."""
        tried = sorted(self._strangers.items(), key=lambda one: one[1].level(now_s))
        kept = [one for one in tried[: MAX_ACCOUNTS // 2] if one[1].level(now_s) < BURST]
        self._strangers = dict(kept)


def _where(account: str, place: Place, known: Known, session: str) -> str:
    if known == "session":
        return f"{account} session {session}"
    return f"{account} device {place.device}" if known == "device" else f"{account} {place.network}"


def _answers(user: str, counter: str, place: Place, known: Known) -> tuple[str, str | None]:
    kind = f"{user} {counter}"
    if known == "device":
        return f"{kind} device {place.device}", None
    return kind, None if place.counted_as is None else f"{kind} {place.counted_as}"
