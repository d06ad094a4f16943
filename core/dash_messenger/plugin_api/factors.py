"""What plugins may ask for before a session opens: second factors, and other steps of a log-in.

Pure: no asyncio, Quart or SQLAlchemy. Owns the two contracts. A factor decides from what is kept
alone, so that it can be asked again when somebody else was faster; core keeps, and core counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from msgspec import Struct
from typing_extensions import TypeVar

from dash_messenger.protocol.models import User

if TYPE_CHECKING:
    from dash_messenger.plugin_api.context import Context

__all__ = ["Beginning", "Confirmed", "Factor", "LoginStep"]

KeptT = TypeVar("KeptT", bound=Struct)
AnswerT = TypeVar("AnswerT", bound=Struct)


@dataclass(frozen=True, slots=True)
class Beginning(Generic[KeptT]):
    """A factor that somebody begins to set up; ``shown`` is JSON for its owner, this once."""

    kept: KeptT
    shown: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confirmed(Generic[KeptT]):
    """A factor that somebody has shown to have; ``shown`` is JSON for its owner, this once."""

    kept: KeptT
    shown: dict[str, Any] = field(default_factory=dict)


class Factor(Generic[KeptT, AnswerT]):
    """Something that a person has besides a password. One object of a subclass is registered.

    Class attributes: ``name`` is the name on the wire (a word for first-party factors, dotted for
    others: ``acme.key``). ``Kept`` is a frozen msgspec struct that core stores for each user and
    never sends anywhere; ``Answer`` is one that says what a person answers when the factor is
    asked for. Both are read again by later versions: fields are only added, with defaults.

    Every method is a plain function without effects, quick, and may run more than once for one
    answer. It runs in a thread of its own, outside of any transaction. What it raises, or taking
    longer than 5 s, means no.
    """

    name: ClassVar[str]
    Kept: type[KeptT]
    Answer: type[AnswerT]

    def begin(self, user: User) -> Beginning[KeptT]:
        """Something new for ``user``, who sets the factor up: a secret, a challenge."""
        raise TypeError(f"{type(self).__name__} defines no begin()")

    def confirm(self, kept: KeptT, answer: AnswerT, now_ms: int) -> Confirmed[KeptT] | None:
        """What is kept from now on if ``answer`` shows that the set-up worked, or None.

        ``kept`` is what `begin` gave. By default whatever `verify` says.
        """
        verified = self.verify(kept, answer, now_ms)
        return None if verified is None else Confirmed(verified)

    def verify(self, kept: KeptT, answer: AnswerT, now_ms: int) -> KeptT | None:
        """What is kept from now on if ``answer`` is right, or None.

        Return another `Kept` than the one before, so that no answer is right twice: core stores it
        in the transaction that opens the session, and only if ``kept`` is still the newest.

        Raises:
            WrongAnswer: it is wrong, and ``rule`` says why; only where that helps nobody to guess.
        """
        raise TypeError(f"{type(self).__name__} defines no verify()")

    def counter(self, answer: AnswerT) -> str:
        """Which kind of code an answer is, where a factor has several: a word of up to 32 letters.

        Wrong ones of each kind are counted apart, so that whoever guesses at one kind (six digits)
        leaves the other (recovery codes) to the owner. Called before the answer is looked at.
        """
        return ""

    def describe(self, kept: KeptT) -> dict[str, Any]:
        """What its owner may see of it at any time, as JSON; nothing that helps to answer."""
        return {}


class LoginStep(Generic[AnswerT]):
    """Something else to do before a session opens, after the password and the second factor.

    One object of a subclass is registered. Class attributes: ``name`` is the name on the wire, as
    a factor's; ``Answer`` is a frozen msgspec struct that says what a person answers.

    Both methods may take 5 s. What they raise means that no session opens: `Refused` with its
    sentence, anything else as "could not be checked".
    """

    name: ClassVar[str]
    Answer: type[AnswerT]

    async def needed(self, user: User, context: Context) -> dict[str, Any] | None:
        """What ``user`` is shown, as JSON, if there is something to do; None if there is not.

        Called whenever a log-in goes on, so more than once for one.
        """
        raise TypeError(f"{type(self).__name__} defines no needed()")

    async def done(self, user: User, answer: AnswerT, context: Context) -> None:
        """Take ``user``'s answer. For the rest of this log-in the step is not asked again.

        Raises:
            Refused: it will not do; the person is told why and may answer again.
        """
        raise TypeError(f"{type(self).__name__} defines no done()")
