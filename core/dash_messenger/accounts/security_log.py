"""The security log: who got in, who did not, and who changed what about it.

Owns the names of its events and how often refusals are told. Its lines come from the logger
``security``. Invariant: they hold ids, addresses and names of commands only; never a password, a
code, a token or a cookie, nor what somebody typed as a user name, which may be a password.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

import structlog

from dash_messenger.errors import (
    Failure,
    Forbidden,
    LoginEnded,
    RateLimited,
    StepNeeded,
    Unauthenticated,
    WrongCredentials,
)
from dash_messenger.protocol.commands import Caller
from dash_messenger.rate_limits import Buckets

__all__ = ["MEANINGS", "SECURITY", "Refusals", "SecurityEvent", "note"]

# The logger, whose lines a server may keep apart.
SECURITY = "security"

# A scanner makes thousands of refusals a second; beyond these, they are counted and told later.
REFUSALS_AT_ONCE, REFUSALS_A_SECOND = 20, 1.0
# They are told as events of their own, or are no refusals of what is not allowed.
_TOLD_ELSEWHERE = (WrongCredentials, StepNeeded, LoginEnded)


class SecurityEvent(Enum):
    """What is told; the value is the ``event`` of the line."""

    REGISTERED = "registered"
    LOGGED_IN = "logged_in"
    STEP_ASKED = "step_asked"
    LOGIN_FAILED = "login_failed"
    PASSWORD_WRONG = "password_wrong"  # noqa: S105
    CODE_WRONG = "code_wrong"
    SETUP_CODE_WRONG = "setup_code_wrong"
    LOGGED_OUT = "logged_out"
    SESSIONS_CLOSED = "sessions_closed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    FACTOR_SET_UP = "factor_set_up"
    FACTOR_REMOVED = "factor_removed"
    REFUSED = "refused"
    LIMIT_MET = "limit_met"
    USER_ADDED = "user_added"
    PASSWORD_SET = "password_set"  # noqa: S105
    USER_DEACTIVATED = "user_deactivated"
    USER_ACTIVATED = "user_activated"
    FACTORS_RESET = "factors_reset"
    SETTINGS_CHANGED = "settings_changed"
    PLUGIN_DISABLED = "plugin_disabled"
    PLUGIN_ENABLED = "plugin_enabled"
    PLUGIN_PURGED = "plugin_purged"


MEANINGS: Final[Mapping[SecurityEvent, str]] = {
    SecurityEvent.REGISTERED: "An account of role `role` was made by its owner: `admin` by the "
    "set-up code.",
    SecurityEvent.LOGGED_IN: "A session was opened; `kind` is `token` or `cookie`, `known` how its "
    "owner was known at that place (`device`, `address` or null).",
    SecurityEvent.STEP_ASKED: "The password was right; a second factor or another step is asked.",
    SecurityEvent.LOGIN_FAILED: "No session was opened; `reason` is `wrong_credentials` (then "
    "`user` is null where nobody has the name) or `account_deactivated`.",
    SecurityEvent.PASSWORD_WRONG: "Somebody who is logged in was asked for the password again.",
    SecurityEvent.CODE_WRONG: "An answer to the second factor `factor` was wrong.",
    SecurityEvent.SETUP_CODE_WRONG: "Somebody signed up with a wrong set-up code, or too late.",
    SecurityEvent.LOGGED_OUT: "The session `closed` was closed by its owner.",
    SecurityEvent.SESSIONS_CLOSED: "Several sessions were closed, `count` of them; `because` says "
    "why.",
    SecurityEvent.PASSWORD_CHANGED: "An owner changed their password.",
    SecurityEvent.FACTOR_SET_UP: "The second factor `factor` is asked for from now on.",
    SecurityEvent.FACTOR_REMOVED: "The second factor `factor` is asked for no longer.",
    SecurityEvent.REFUSED: "A request was refused: `reason` is the error's key, `what` the command "
    "or path.",
    SecurityEvent.LIMIT_MET: "A rate limit was met by `what`.",
    SecurityEvent.USER_ADDED: "An admin made an account, of role `role`.",
    SecurityEvent.PASSWORD_SET: "An admin gave somebody a password.",
    SecurityEvent.USER_DEACTIVATED: "An admin shut somebody out.",
    SecurityEvent.USER_ACTIVATED: "An admin let somebody in again.",
    SecurityEvent.FACTORS_RESET: "An admin took somebody's second factors away.",
    SecurityEvent.SETTINGS_CHANGED: "An admin changed settings of plugin `plugin`: `names`.",
    SecurityEvent.PLUGIN_DISABLED: "An admin disabled plugin `plugin`.",
    SecurityEvent.PLUGIN_ENABLED: "An admin enabled plugin `plugin`.",
    SecurityEvent.PLUGIN_PURGED: "An admin removed what plugin `plugin` stored.",
}


def note(event: SecurityEvent, caller: Caller | None = None, **fields: Any) -> None:
    """Write a line; without a caller it is an admin's act on the command line."""
    where: dict[str, Any] = {"by": "command line"}
    if caller is not None:
        where = {"user": caller.user, "session": caller.session, "address": caller.address}
        if caller.where.claimed:
            where["claimed_address"] = caller.where.claimed
    _logger().info(event.value, **{**where, **fields})


class Refusals:
    """Tells what was refused at the edge, a bounded number of lines at a time."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._lines = Buckets(burst=REFUSALS_AT_ONCE, per_s=REFUSALS_A_SECOND, clock_s=clock_s)
        self._untold = 0

    def tell(self, caller: Caller, what: str, failure: Failure) -> None:
        """Write a line if ``failure`` says that something is not allowed, or a limit was met."""
        if isinstance(failure, RateLimited):
            event, fields = SecurityEvent.LIMIT_MET, {"what": what}
        elif isinstance(failure, Unauthenticated | Forbidden) and not isinstance(
            failure, _TOLD_ELSEWHERE
        ):
            event, fields = SecurityEvent.REFUSED, {"what": what, "reason": failure.key}
        else:
            return
        try:
            self._lines.take("all")
        except RateLimited:
            self._untold += 1
            return
        if self._untold:
            fields["untold"] = str(self._untold)
            self._untold = 0
        note(event, caller, **fields)


def _logger() -> Any:
    # Not the wrapper that `start_logging` configures: this logger has a level of its own.
    return structlog.wrap_logger(
        logging.getLogger(SECURITY), wrapper_class=structlog.stdlib.BoundLogger
    )
