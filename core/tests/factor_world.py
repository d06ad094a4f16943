"""A plugin with a factor and a login step, and the way to set them up and to answer them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, ClassVar

from dash_messenger import (
    Beginning,
    Confirmed,
    Context,
    Factor,
    LoginStep,
    Refused,
    User,
    hookimpl,
)
from msgspec import Struct
from server_world import PASSWORD, Answer, ServerWorld


class KeyKept(Struct, frozen=True):
    secret: str
    last: int = 0


class Code(Struct, frozen=True, forbid_unknown_fields=True):
    code: str


class Key(Factor[KeyKept, Code]):
    """A counter that shows ``secret-1``, ``secret-2`` …; each is good once, and in order."""

    name = "key"
    Kept = KeyKept
    Answer = Code

    def begin(self, user: User) -> Beginning[KeyKept]:
        secret = secrets.token_hex(4)
        return Beginning(KeyKept(secret), {"secret": secret, "for": user.username})

    def confirm(self, kept: KeyKept, answer: Code, now_ms: int) -> Confirmed[KeyKept] | None:
        verified = self.verify(kept, answer, now_ms)
        return None if verified is None else Confirmed(verified, {"spare": "none"})

    def verify(self, kept: KeyKept, answer: Code, now_ms: int) -> KeyKept | None:
        if answer.code == "crash":
            raise RuntimeError("boom")
        secret, _, number = answer.code.partition("-")
        if secret != kept.secret or not number.isdigit() or int(number) <= kept.last:
            return None
        return KeyKept(secret, int(number))

    def describe(self, kept: KeyKept) -> dict[str, Any]:
        return {"used": kept.last}


class Agreed(Struct, frozen=True, forbid_unknown_fields=True):
    agreed: bool


class Terms(LoginStep[Agreed]):
    """Terms that a user called ``tess`` has to agree to at each log-in."""

    name = "terms"
    Answer = Agreed
    asked: ClassVar[int] = 0

    async def needed(self, user: User, context: Context) -> dict[str, Any] | None:
        if user.username == "crash":
            raise RuntimeError("boom")
        if user.username == "slow":
            await asyncio.Event().wait()
        return {"text": "Be kind."} if user.username.startswith("tess") else None

    async def done(self, user: User, answer: Agreed, context: Context) -> None:
        if not answer.agreed:
            raise Refused(reason="Then not.")


class Keys:
    @hookimpl
    def register_factors(self) -> list[Factor[Any, Any]]:
        return [Key()]

    @hookimpl
    def register_login_steps(self, context: Context) -> list[LoginStep[Any]]:
        return [Terms()]


class OtherKeys:
    """Another plugin whose factor has the same name."""

    @hookimpl
    def register_factors(self) -> list[Factor[Any, Any]]:
        return [Key()]


async def enrol(world: ServerWorld, token: str, **more: Any) -> str:
    """Set a key up and confirm it with its first code; the secret."""
    begun = await world.post("factor.begin", token, factor="key", password=PASSWORD, **more)
    assert begun.status == 200, begun.body
    secret: str = begun.body["shown"]["secret"]
    done = await world.post("factor.confirm", token, factor="key", answer={"code": f"{secret}-1"})
    assert done.status == 200, done.body
    return secret


async def half_way(world: ServerWorld, name: str, **more: Any) -> Answer:
    """The answer to a right password where something else is needed."""
    answer = await world.post("session.open", username=name, password=PASSWORD, **more)
    assert (answer.status, answer.key) == (401, "step_needed"), answer.body
    return answer


async def waiting(world: ServerWorld, name: str, **more: Any) -> str:
    """The token of a log-in that waits."""
    login: str = (await half_way(world, name, **more)).body["error"]["params"]["login"]
    return login


async def go_on(world: ServerWorld, login: str, code: str) -> Answer:
    """Answer the key."""
    return await world.post("session.continue", login=login, step="key", answer={"code": code})
