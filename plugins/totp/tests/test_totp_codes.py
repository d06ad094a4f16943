"""Which codes are right, and how often: six digits, and recovery codes."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pyotp
import pytest
from dash_messenger import Context, User, WrongAnswer
from dash_messenger.testing import FactorContract
from dash_messenger_totp.server import (
    ALIKE,
    Settings,
    Totp,
    TotpAnswer,
    TotpKept,
    _hash,
    _plain,
)
from msgspec.structs import replace

NOW_MS = 1_790_000_000_000
STEP_MS = 30_000
ANN = User("0" * 32, "ann", "Ann")


def totp(**settings: str) -> Totp:
    return Totp(cast(Context, SimpleNamespace(settings=Settings(**settings))))


def code(secret: str, at_ms: int) -> str:
    return pyotp.TOTP(secret).at(at_ms // 1000)


class TestTotp(FactorContract):
    factor = totp()
    wrong = ({"code": "abcdef"}, {"code": ""}, {"code": "AAAA-" * 6}, {"code": "12345"})
    bad = ({}, [], None, {"code": 123456}, {"code": "1" * 65}, {"code": "1", "more": 1})

    def answer(self, shown: dict[str, Any], now_ms: int) -> dict[str, Any]:
        return {"code": code(shown["secret"], now_ms)}


@pytest.fixture
def confirmed() -> tuple[TotpKept, list[str]]:
    """What is kept of a set-up, and its recovery codes."""
    begun = totp().begin(ANN)
    done = totp().confirm(begun.kept, TotpAnswer(code(begun.kept.secret, NOW_MS)), NOW_MS)
    assert done is not None
    return done.kept, done.shown["recovery_codes"]


def test_the_uri_names_the_server_and_the_user() -> None:
    shown = totp(issuer="Our chat").begin(ANN).shown
    assert (
        shown["uri"] == f"otpauth://totp/Our%20chat:ann?secret={shown['secret']}&issuer=Our%20chat"
    )
    # RFC 4226, section 4, R6.
    assert len(base64.b32decode(shown["secret"])) == 20


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, for SHA-1: the last six of its eight digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    for at_s, digits in ((59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")):
        assert totp().verify(TotpKept(secret), TotpAnswer(digits), at_s * 1000) is not None


@pytest.mark.parametrize("drift", [-2, -1, 0, 1, 2])
def test_a_clock_may_be_half_a_minute_off(
    confirmed: tuple[TotpKept, list[str]], drift: int
) -> None:
    kept, now_ms = confirmed[0], NOW_MS + 600_000
    answer = TotpAnswer(code(kept.secret, now_ms + drift * STEP_MS))
    verified = totp().verify(kept, answer, now_ms)
    assert (verified is not None) is (abs(drift) <= 1)


def test_after_a_code_no_earlier_one_is_good(confirmed: tuple[TotpKept, list[str]]) -> None:
    now_ms = NOW_MS + 600_000
    later, now = (TotpAnswer(code(confirmed[0].secret, now_ms + n * STEP_MS)) for n in (1, 0))
    kept = totp().verify(confirmed[0], later, now_ms)
    assert kept is not None
    for used in (later, now):
        assert totp().verify(kept, used, now_ms) is None


def test_codes_may_be_typed_as_people_type_them(confirmed: tuple[TotpKept, list[str]]) -> None:
    kept, codes = confirmed
    now_ms = NOW_MS + 600_000
    digits = code(kept.secret, now_ms)
    for typed in (f" {digits[:3]} {digits[3:]} ", f"{digits[:3]}-{digits[3:]}"):
        assert totp().verify(kept, TotpAnswer(typed), now_ms) is not None
    for typed in (codes[0].lower(), codes[0].replace("-", ""), codes[0].replace("-", " ")):
        assert totp().verify(kept, TotpAnswer(typed), now_ms) is not None


@pytest.mark.parametrize("zero", ["０", "٠", "۰", "०"])
def test_digits_of_every_keyboard_are_digits(
    confirmed: tuple[TotpKept, list[str]], zero: str
) -> None:
    """Full-width, Arabic, Persian, Devanagari."""
    kept, codes = confirmed
    now_ms = NOW_MS + 600_000
    other = {48 + n: chr(ord(zero) + n) for n in range(10)}
    typed = TotpAnswer(code(kept.secret, now_ms).translate(other))
    assert totp().verify(kept, typed, now_ms) is not None
    assert totp().counter(typed) == "code"
    assert totp().verify(kept, TotpAnswer(codes[0].translate(other)), now_ms) is not None


def test_letters_that_look_alike_are_taken_for_each_other() -> None:
    salt = bytes(16)
    for made in ("OIL2-ABCD", "LLII-OOAA"):
        new = TotpKept("A" * 32, recovery=(_hash(_plain(made).translate(ALIKE), salt),))
        for typed in (made, made.replace("O", "0"), made.replace("I", "1"), made.replace("L", "1")):
            assert totp().verify(new, TotpAnswer(typed.lower()), NOW_MS) is not None
            assert totp().verify(new, TotpAnswer(typed.replace("I", "l")), NOW_MS) is not None
        # As it was kept before.
        old = TotpKept("A" * 32, recovery=(_hash(_plain(made), salt),))
        for typed in (made, made.replace("O", "0").replace("I", "1")):
            assert totp().verify(old, TotpAnswer(typed), NOW_MS) is not None
        assert totp().verify(new, TotpAnswer(made.replace("A", "B")), NOW_MS) is None


def verdict(factor: Totp, kept: TotpKept, typed: str, now_ms: int) -> object:
    try:
        return factor.verify(kept, TotpAnswer(typed), now_ms)
    except WrongAnswer as wrong:
        return wrong.params["rule"]


@pytest.mark.parametrize("off_s", [-570, -300, -60, 120, 300, 600])
def test_the_second_code_of_a_wrong_clock_says_so_and_is_not_taken(off_s: int) -> None:
    kept, factor, now_ms = TotpKept("KSRK43JYCIJJSUTAMPWZDHPU6MV7VHQE"), totp(), NOW_MS
    first = code(kept.secret, now_ms + off_s * 1000)
    assert verdict(factor, kept, first, now_ms) is None
    # The same again tells nobody who guessed it that it will be good.
    assert verdict(factor, kept, first, now_ms + STEP_MS) is None
    second = code(kept.secret, now_ms + 2 * STEP_MS + off_s * 1000)
    assert verdict(factor, kept, second, now_ms + 2 * STEP_MS) == "clock_off"
    assert verdict(factor, kept, code(kept.secret, now_ms + 3 * STEP_MS), now_ms + 3 * STEP_MS)


def test_wrong_codes_of_different_times_say_nothing() -> None:
    kept, now_ms = TotpKept("KSRK43JYCIJJSUTAMPWZDHPU6MV7VHQE"), NOW_MS
    for first_s, second_s in ((-300, 300), (-300, -150), (-660, -660), (3_600, 3_600), (-30, -30)):
        factor, later_ms = totp(), now_ms + 2 * STEP_MS
        kept_then = replace(kept, last_step=now_ms // STEP_MS + 2)
        for typed_ms, off_s in ((now_ms, first_s), (later_ms, second_s)):
            typed = code(kept.secret, typed_ms + off_s * 1000)
            assert verdict(factor, kept_then, typed, typed_ms) is None
    # One between that fits nothing, or too long a time.
    for between, pause_ms in (("000000", 2 * STEP_MS), (None, 900_000)):
        factor = totp()
        assert verdict(factor, kept, code(kept.secret, now_ms - 300_000), now_ms) is None
        if between:
            assert verdict(factor, kept, between, now_ms) is None
        later_ms = now_ms + pause_ms
        assert verdict(factor, kept, code(kept.secret, later_ms - 300_000), later_ms) is None


def test_a_recovery_code_is_good_once_and_alone(confirmed: tuple[TotpKept, list[str]]) -> None:
    kept, codes = confirmed
    assert len({*codes}) == 10
    for n, each in enumerate(codes):
        after = totp().verify(kept, TotpAnswer(each), NOW_MS)
        assert after is not None
        assert totp().describe(after) == {"recovery_codes_left": 9 - n}
        assert totp().verify(after, TotpAnswer(each), NOW_MS) is None
        kept = after


def test_a_recovery_code_has_112_bits_and_is_kept_as_a_salted_hash(
    confirmed: tuple[TotpKept, list[str]],
) -> None:
    kept, codes = confirmed
    for each in codes:
        assert len(base64.b32decode(each.replace("-", ""))) * 8 >= 112
        assert each.replace("-", "") not in str(kept).upper().replace("-", "")
    salts = {hashed.partition(":")[0] for hashed in kept.recovery}
    assert len(salts) == 10
    assert all(len(salt) >= 32 for salt in salts)


def test_setting_up_again_makes_other_codes() -> None:
    first, second = totp().begin(ANN), totp().begin(ANN)
    assert first.kept.secret != second.kept.secret


@pytest.mark.parametrize("issuer", ["", "a:b", "x" * 65])
def test_the_name_in_apps_is_one_that_apps_understand(issuer: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"issuer": issuer}, Settings)


@pytest.mark.parametrize(
    ("typed", "counter"),
    [("123456", "code"), ("123 456", "code"), ("12345", "recovery"), ("ABCD-EFGH", "recovery")],
)
def test_guesses_at_codes_leave_recovery_codes_alone(typed: str, counter: str) -> None:
    assert totp().counter(TotpAnswer(typed)) == counter
