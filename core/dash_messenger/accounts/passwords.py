"""Passwords: which are accepted, and hashing them with argon2id off the loop.

Owns the worker threads that hash and the bound on who waits for them. Must not know users.
Invariants: finding out that nobody has a user name takes as long as finding a password wrong;
passwords are judged and hashed in Unicode's form NFKC (NIST SP 800-63B-4, 3.1.1.2), so that the
same key presses open the account on every device.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from dash_messenger.errors import Busy, PasswordUnacceptable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["MAX_PASSWORD_CHARACTERS", "Match", "Passwords", "check_password"]

# Longer ones are only a way to keep the server busy.
MAX_PASSWORD_CHARACTERS = 256
# Each takes its memory and one core: more at once are slower for everybody.
AT_ONCE = 2
MAX_WAITING = 256

T = TypeVar("T")

# Phrases of 15 characters and more that head the published lists of leaked passwords, in lower
# case and without spaces. Shorter ones are refused by their length.
_WELL_KNOWN = frozenset(
    (
        "abcdefghijklmno",
        "abcdefghijklmnop",
        "abcdefghijklmnopqrstuvwxyz",
        "changemechangeme",
        "iloveyouiloveyou",
        "letmeinletmeinletmein",
        "passwordpassword",
        "passwordpasswordpassword",
        "qwertyuiopasdfgh",
        "qwertyuiopasdfghjkl",
        "qwertyuiopasdfghjklzxcvbnm",
        "thisismypassword",
        "1q2w3e4r5t6y7u8i9o0p",
        "1qaz2wsx3edc4rfv",
        "123456789012345",
        "1234567890123456",
        "12345678901234567890",
    )
)


def check_password(
    password: str, username: str, min_length: int, *, field: str = "password"
) -> None:
    """Return if ``password`` may protect the account (NIST SP 800-63B-4, 3.1.1.2).

    Length and a list of known ones decide; there are no rules about kinds of characters. ``field``
    is the parameter that a refusal names.

    Raises:
        PasswordUnacceptable: too short, too long, well known, one short piece repeated, or made
            of the user name.
    """

    def refuse(reason: str) -> PasswordUnacceptable:
        return PasswordUnacceptable(field=field, reason=reason, min_length=min_length)

    password = _normalised(password)
    if len(password) < min_length:
        raise refuse(f"Use at least {min_length} characters. A few words are easy to remember.")
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise refuse(f"Use at most {MAX_PASSWORD_CHARACTERS} characters.")
    folded = "".join(password.lower().split())
    if folded in _WELL_KNOWN or _is_repetition(folded):
        raise refuse("This password is well known. Choose another.")
    if username and not folded.replace(username.lower(), ""):
        raise refuse("This password is your user name. Choose another.")


def _is_repetition(text: str) -> bool:
    """Whether a piece of at most four characters, repeated, makes ``text``."""
    return any((text[:size] * (len(text) // size + 1))[: len(text)] == text for size in range(1, 5))


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a password gives a stored hash, and whether a newer one should take its place."""

    fits: bool
    outdated: bool = False


class Passwords:
    """Hashes and compares, a bounded number at a time."""

    def __init__(self, *, memory_kib: int, passes: int) -> None:
        # argon2 is imported with the first password, not with the server.
        self._memory_kib = memory_kib
        self._passes = passes
        self._workers = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The argon2id hash in PHC form, parameters and salt included.

        Raises:
            Busy: too many are waiting.
        """
        return await self._run(lambda: self._hasher().hash(_bytes(_normalised(password))))

    async def compare(self, password: str, stored: str | None) -> Match:
        """Whether ``password`` gives the hash ``stored``; None fits nothing and takes as long.

        The hash is outdated if it was made with other parameters than today's, or of the password
        as it was typed where that is not its normal form.

        Raises:
            Busy: too many are waiting.
        """
        return await self._run(lambda: _compare(self._hasher(), password, stored))

    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(memory_cost=self._memory_kib, time_cost=self._passes, parallelism=1)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the workers end; nobody waits for what is queued."""
        self._workers.shutdown(wait=False, cancel_futures=True)


def _compare(hasher: PasswordHasher, password: str, stored: str | None) -> Match:
    normalised = _normalised(password)
    if _fits(hasher, normalised, stored):
        return Match(True, outdated=hasher.check_needs_rehash(stored or ""))
    # Hashes of before passwords were normalised. Where nothing differs, nothing is tried twice.
    if password != normalised and _fits(hasher, password, stored):
        return Match(True, outdated=True)
    return Match(False)


def _fits(hasher: PasswordHasher, password: str, stored: str | None) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    if stored is None:
        hasher.hash(_bytes(password))
        return False
    try:
        return hasher.verify(stored, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _normalised(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    # Lone surrogates are legal in JSON strings; they must not raise here.
    return password.encode("utf-8", "surrogatepass")
