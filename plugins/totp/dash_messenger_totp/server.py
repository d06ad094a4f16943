"""Codes of an authenticator app as a second factor: TOTP (RFC 6238), with recovery codes.

Owns which codes are right. Invariant: a code is good once, since the last time step that was used
is kept; a recovery code is good once, since it is forgotten when it is used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from typing import Annotated, Any

import pyotp
from dash_messenger import (
    Beginning,
    Confirmed,
    Context,
    Factor,
    User,
    WrongAnswer,
    hookimpl,
    setting,
)
from msgspec import Meta, Struct
from msgspec.structs import replace

from dash_messenger_totp.wrong_clocks import WrongClocks

__all__ = ["Settings", "Totp", "TotpAnswer", "TotpKept", "register_factors", "register_settings"]

STEP_S = 30
# Clocks of phones are off, and people type slowly (RFC 6238, section 5.2).
DRIFT_STEPS = 1
RECOVERY_CODES = 10
# At 112 bits and more, a look-up secret needs no slow hash (NIST SP 800-63B, 5.1.2.2).
RECOVERY_BYTES = 15
SALT_BYTES = 16
# What the alphabet of the codes (RFC 4648, section 6) has no digit for is read as its letter.
LETTERS = str.maketrans("01", "OI")
# In many typefaces the two are alike. 24 letters of the 31 that are left have 118 bits.
ALIKE = str.maketrans("01L", "OII")
_FORMS = (ALIKE, LETTERS)


class Settings(Struct, frozen=True):
    """What an admin can set."""

    issuer: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^:]+$")],
        setting("Name in authenticator apps", help="People see it beside their codes."),
    ] = "Dash Messenger"


class TotpKept(Struct, frozen=True):
    """What is kept of a user's set-up: ``recovery`` are salted hashes of the codes left."""

    secret: str
    last_step: int = 0
    recovery: tuple[str, ...] = ()


class TotpAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person types: the six digits that the app shows, or a recovery code."""

    code: Annotated[str, Meta(max_length=64)]


class Totp(Factor[TotpKept, TotpAnswer]):
    """The factor."""

    name = "totp"
    Kept = TotpKept
    Answer = TotpAnswer

    def __init__(self, context: Context) -> None:
        self._context = context
        self._clocks = WrongClocks()

    def begin(self, user: User) -> Beginning[TotpKept]:
        """A new secret: for typing, and as the URI that apps read from a QR code."""
        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(
            name=user.username, issuer_name=self._context.settings.issuer
        )
        return Beginning(TotpKept(secret), {"secret": secret, "uri": uri})

    def confirm(
        self, kept: TotpKept, answer: TotpAnswer, now_ms: int
    ) -> Confirmed[TotpKept] | None:
        """The first code shows that the app has the secret; then there are recovery codes."""
        confirmed = self.verify(kept, answer, now_ms)
        if confirmed is None:
            return None
        codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
        hashed = tuple(
            _hash(_plain(code).translate(ALIKE), secrets.token_bytes(SALT_BYTES)) for code in codes
        )
        return Confirmed(replace(confirmed, recovery=hashed), {"recovery_codes": codes})

    def verify(self, kept: TotpKept, answer: TotpAnswer, now_ms: int) -> TotpKept | None:
        """A code of the last, the present or the next half minute, or a recovery code.

        Raises:
            WrongAnswer: for the second time in a row it is a code of the same other time.
        """
        code = _plain(answer.code)
        if _is_code(code):
            return self._verify_step(kept, code, now_ms // 1000 // STEP_S)
        left = tuple(hashed for hashed in kept.recovery if not _fits(code, hashed))
        return replace(kept, recovery=left) if len(left) < len(kept.recovery) else None

    def counter(self, answer: TotpAnswer) -> str:
        """Recovery codes are counted apart: no guess at six digits keeps their owner out."""
        return "code" if _is_code(_plain(answer.code)) else "recovery"

    def describe(self, kept: TotpKept) -> dict[str, Any]:
        """How many recovery codes are left."""
        return {"recovery_codes_left": len(kept.recovery)}

    def _verify_step(self, kept: TotpKept, code: str, step: int) -> TotpKept | None:
        totp = pyotp.TOTP(kept.secret, interval=STEP_S)
        for each in range(step - DRIFT_STEPS, step + DRIFT_STEPS + 1):
            if hmac.compare_digest(totp.generate_otp(each), code) and each > kept.last_step:
                return replace(kept, last_step=each)
        if self._clocks.shows_another_time(kept.secret, code, step):
            raise WrongAnswer(rule="clock_off")
        return None


def _is_code(code: str) -> bool:
    return len(code) == 6 and code.isdecimal()


def _new_recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()
    return "-".join(text[n : n + 4] for n in range(0, len(text), 4))


def _plain(code: str) -> str:
    """``code`` without what people put between its parts, in upper case.

    Full-width letters, and digits of every script, are what they stand for: they are what the
    keyboard had.
    """
    folded = unicodedata.normalize("NFKC", code).upper()
    typed = "".join(str(unicodedata.decimal(c, c)) for c in folded)
    return "".join(c for c in typed if c.isascii() and c.isalnum())


def _hash(code: str, salt: bytes) -> str:
    return f"{salt.hex()}:{hashlib.sha256(salt + code.encode()).hexdigest()}"


def _fits(code: str, hashed: str) -> bool:
    salt = bytes.fromhex(hashed.partition(":")[0])
    # Of codes that were made before their letters were taken as alike, the hash is of all letters.
    forms = [hmac.compare_digest(_hash(code.translate(form), salt), hashed) for form in _FORMS]
    return any(forms)


@hookimpl
def register_settings() -> type[Settings]:
    """The name that apps show."""
    return Settings


@hookimpl
def register_factors(context: Context) -> list[Totp]:
    """The one."""
    return [Totp(context)]
