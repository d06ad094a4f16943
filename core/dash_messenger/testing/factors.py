"""What holds for every second factor: the right answer is taken, once, and what is kept stays here.

The tests run in the process of the test, without a server, at a time that stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from dash_messenger.auth.factor_registry import Steps
from dash_messenger.plugin_api.factors import Beginning, Confirmed, Factor
from dash_messenger.plugin_api.hookspecs import PROJECT, ServerHooks
from dash_messenger.plugins.loader import GROUP, Plugins
from dash_messenger.protocol.models import User

__all__ = ["FactorContract"]

USER = User("0" * 32, "ann", "Ann")
NOW_MS = 1_790_000_000_000
# Anything shorter may stand in a description by chance.
SECRET_CHARACTERS = 8


class FactorContract:
    """Inherit from it, say which factor it is, and answer as its owner would::

        class TestTotp(FactorContract):
            factor = Totp()
            wrong = [{"code": "000000"}, {"code": ""}]

            def answer(self, shown, now_ms):
                return {"code": pyotp.TOTP(shown["secret"]).at(now_ms // 1000)}

    ``wrong`` are answers of the right shape that are not right, ``bad`` are of another shape.
    ``apart_ms`` is how long after one answer there is another right one.
    """

    factor: ClassVar[Factor[Any, Any]]
    wrong: ClassVar[Sequence[dict[str, Any]]]
    bad: ClassVar[Sequence[Any]] = ({}, [], None, {"no such field": 1})
    apart_ms: ClassVar[int] = 60_000

    def answer(self, shown: dict[str, Any], now_ms: int) -> dict[str, Any]:
        """The right answer at a time, for somebody whom `begin` showed this."""
        raise TypeError(f"{type(self).__name__} defines no answer()")

    @pytest.fixture
    def begun(self) -> Beginning[Any]:
        """A set-up that has begun."""
        return self.factor.begin(USER)

    @pytest.fixture
    def confirmed(self, begun: Beginning[Any]) -> Confirmed[Any]:
        """A set-up that was confirmed by the right answer."""
        confirmed = self.factor.confirm(self._kept(begun.kept), self._right(begun, NOW_MS), NOW_MS)
        assert confirmed is not None, "the right answer did not confirm the set-up"
        return confirmed

    def test_it_can_be_registered(self) -> None:
        """Its name and its structs are such that it can be asked for."""
        runner = Plugins(group=GROUP, project=PROJECT, hooks=ServerHooks).runner
        Steps(_no_context, runner).add_factors("test", [self.factor])

    def test_a_set_up_is_confirmed_by_no_wrong_answer(self, begun: Beginning[Any]) -> None:
        """Else somebody would be asked for what they do not have."""
        for answer in self.wrong:
            assert self.factor.confirm(begun.kept, self._read(answer), NOW_MS) is None, answer

    def test_the_right_answer_is_taken(
        self, begun: Beginning[Any], confirmed: Confirmed[Any]
    ) -> None:
        """Again and again, as long as it is another one."""
        kept = confirmed.kept
        for n in range(1, 4):
            now_ms = NOW_MS + n * self.apart_ms
            kept = self.factor.verify(self._kept(kept), self._right(begun, now_ms), now_ms)
            assert kept is not None

    def test_a_wrong_answer_is_refused(self, confirmed: Confirmed[Any]) -> None:
        """So is what has another shape."""
        now_ms = NOW_MS + self.apart_ms
        for answer in self.wrong:
            kept = self._kept(confirmed.kept)
            assert self.factor.verify(kept, self._read(answer), now_ms) is None, answer
        for answer in self.bad:
            with pytest.raises(msgspec.ValidationError):
                self._read(answer)

    def test_an_answer_is_good_once(self, begun: Beginning[Any], confirmed: Confirmed[Any]) -> None:
        """The one that confirmed the set-up too."""
        used = self._right(begun, NOW_MS)
        assert self.factor.verify(self._kept(confirmed.kept), used, NOW_MS) is None
        now_ms = NOW_MS + self.apart_ms
        answer = self._right(begun, now_ms)
        kept = self.factor.verify(self._kept(confirmed.kept), answer, now_ms)
        assert kept is not None
        assert kept != confirmed.kept, "what is kept does not say that the answer was used"
        assert self.factor.verify(self._kept(kept), answer, now_ms) is None

    def test_no_two_set_ups_are_alike(self, begun: Beginning[Any]) -> None:
        """Each user's answers are their own."""
        other = self.factor.begin(USER)
        assert other.kept != begun.kept
        answer = self._right(begun, NOW_MS)
        assert self.factor.confirm(other.kept, answer, NOW_MS) is None

    def test_what_it_tells_is_json_and_no_secret(
        self, begun: Beginning[Any], confirmed: Confirmed[Any]
    ) -> None:
        """What the owner may see later helps nobody to answer."""
        for shown in (begun.shown, confirmed.shown):
            assert msgspec.json.decode(msgspec.json.encode(shown)) == shown
        told = msgspec.json.encode(self.factor.describe(self._kept(confirmed.kept))).decode()
        secrets = {*_texts(msgspec.to_builtins(confirmed.kept)), *_texts(confirmed.shown)}
        assert not [text for text in secrets if len(text) >= SECRET_CHARACTERS and text in told]

    def _right(self, begun: Beginning[Any], now_ms: int) -> Any:
        return self._read(self.answer(begun.shown, now_ms))

    def _read(self, answer: object) -> Any:
        return msgspec.json.decode(msgspec.json.encode(answer), type=self.factor.Answer)

    def _kept(self, kept: object) -> Any:
        """What comes back from the database."""
        read = msgspec.json.decode(msgspec.json.encode(kept), type=self.factor.Kept)
        assert read == kept
        return read


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _no_context(plugin: str) -> Any:
    raise AssertionError("a factor is registered without its context being used")
