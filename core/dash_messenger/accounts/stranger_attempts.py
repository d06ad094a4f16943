"""Tries at one account from places where its owner was never seen, shared out fairly.

Pure. Owns how many there may be and whose turn it is. Invariants: in all they stay below 1,000 in
any 24 hours, however many addresses take part; nobody is held while they wait; and whoever comes
new, while others go on and on, gets the next place, which comes within `SECONDS_A_TRY`.

Passwords are not looked at before a try has its place, so a fair share is by address, never by what
was typed. An attacker with an endless supply of new addresses can still take each place; the owner
then needs a device or an address from which they logged in before.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Strangers"]

# 30 + 86,400 / 90 = 990 in the worst 24 hours. A person who looks at the page sees the next place
# come within two minutes, and a few typing errors by a newcomer cost no wait.
BURST = 30
SECONDS_A_TRY = 90.0
# A newcomer may mistype that often before others who wait count as less tried.
TRIES_OF_A_NEWCOMER = 3
# Whoever does not come back for so long does not wait any more; their place is for others.
WAITS_S = 150.0
# Addresses that are remembered of one account; beyond, the oldest are forgotten.
MAX_ADDRESSES = 1_024


@dataclass(slots=True)
class _Address:
    arrived: int
    tries: int = 0
    asked_s: float = 0.0

    @property
    def rank(self) -> tuple[int, int]:
        """The lowest is let in first: the least tried, of these the newest."""
        return self.tries // TRIES_OF_A_NEWCOMER, -self.arrived


class Strangers:
    """The tries at one account. Times are seconds of any clock; one that goes back adds nothing."""

    __slots__ = ("_addresses", "_arrivals", "_at_s", "_level", "_next")

    def __init__(self, now_s: float) -> None:
        self._level = float(BURST)
        self._at_s = now_s
        self._addresses: dict[str, _Address] = {}
        self._arrivals = 0
        # Who gets the next place: the first by rank of those who were refused since the last one.
        self._next: _Address | None = None

    def take(self, address: str, now_s: float) -> float:
        """Count a try of ``address``: 0, or in how many seconds it may come again."""
        level = self.level(now_s)
        one = self._addresses.get(address)
        if one is None:
            one = self._addresses[address] = _Address(self._arrivals)
            self._arrivals += 1
            if len(self._addresses) > MAX_ADDRESSES:
                del self._addresses[next(iter(self._addresses))]
        first = self._next
        if first is None or first.asked_s < now_s - WAITS_S or one.rank <= first.rank:
            first = one
        # One place is kept for whoever is next; what there is beyond is for anybody.
        needed = 1 if first is one else 2
        one.asked_s = now_s
        if level < needed:
            self._next = first
            return max(1.0, (needed - level) * SECONDS_A_TRY)
        self._level = level - 1
        one.tries += 1
        self._next = None if first is one else first
        return 0.0

    def give_back(self, address: str) -> None:
        """The try turned out to be the owner's: it was no guess."""
        self._level = min(BURST, self._level + 1)
        self._addresses.pop(address, None)

    def level(self, now_s: float) -> float:
        """How many places there are now; `BURST` where nothing is worth remembering."""
        passed_s = max(0.0, now_s - self._at_s)
        self._level = min(BURST, self._level + passed_s / SECONDS_A_TRY)
        self._at_s = now_s
        return self._level
