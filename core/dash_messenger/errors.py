"""What can go wrong, once for every transport: stable codes, safe sentences, close codes.

The tree:

    Failure
    ├── ParseError, InvalidRequest, UnknownCommand, InvalidParams, InternalError  (JSON-RPC 2.0)
    ├── Unauthenticated ── WrongCredentials, AccountDeactivated, StepNeeded, LoginEnded
    ├── Forbidden ── ForeignOrigin
    ├── NotFound ── UnknownUser, UnknownSlashCommand
    ├── Conflict ── Superseded, UsernameTaken
    ├── Refused ── UsernameInvalid, PasswordUnacceptable, ContentInvalid, ContentTooCostly,
    │   UnknownType, OverLimit, BlobUnusable, ActionRefused, PluginFailed, CheckFailed,
    │   PortraitsUnavailable, PortraitFailed, WrongAnswer, WrongPassword, AnswerNeeded, SetupEnded,
    │   FactorUnavailable, SetupCodeWrong, QuotaExceeded, TooManyOpenRequests, TooManyCodes,
    │   MessagesNotAccepted, AddingNotAllowed, BlockedByYou, TooManyExceptions, TooManyBlocks,
    │   RequestPending, TooManyMessageRequests, TooManyPins, LastOwner, UserBanned
    ├── TooLarge
    ├── FileDamaged, UploadTooSlow
    ├── RateLimited, Busy, TimedOut, StorageFailed, DiskLow                       (retryable)
    ├── UpgradeRequired
    └── Resync

Owns the numbers. Must not know asyncio, Quart or SQLAlchemy. A code, once released, keeps its
meaning for ever. It is long because it is read as one table: a failure is found here by its code.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

__all__ = [
    "ANYTHING",
    "AccountDeactivated",
    "ActionRefused",
    "AddingNotAllowed",
    "AnswerNeeded",
    "BlobUnusable",
    "BlockedByYou",
    "Busy",
    "CheckFailed",
    "CloseCode",
    "Conflict",
    "ContentInvalid",
    "ContentTooCostly",
    "DiskLow",
    "FactorUnavailable",
    "Failure",
    "FileDamaged",
    "Forbidden",
    "ForeignOrigin",
    "InternalError",
    "InvalidParams",
    "InvalidRequest",
    "LastOwner",
    "LoginEnded",
    "MessagesNotAccepted",
    "NotFound",
    "OverLimit",
    "ParseError",
    "PasswordUnacceptable",
    "PluginFailed",
    "PortraitFailed",
    "PortraitsUnavailable",
    "QuotaExceeded",
    "RateLimited",
    "Refused",
    "RequestPending",
    "Resync",
    "SetupCodeWrong",
    "SetupEnded",
    "StepNeeded",
    "StorageFailed",
    "Superseded",
    "TimedOut",
    "TooLarge",
    "TooManyBlocks",
    "TooManyCodes",
    "TooManyExceptions",
    "TooManyMessageRequests",
    "TooManyOpenRequests",
    "TooManyPins",
    "Unauthenticated",
    "UnknownCommand",
    "UnknownSlashCommand",
    "UnknownType",
    "UnknownUser",
    "UpgradeRequired",
    "UploadTooSlow",
    "UserBanned",
    "UsernameInvalid",
    "UsernameTaken",
    "WrongAnswer",
    "WrongCredentials",
    "WrongPassword",
    "failures",
]


# What is caught at the edge to a plugin's code: one that calls ``sys.exit()`` must not end the
# server. Cancellation goes on.
ANYTHING = (Exception, SystemExit)


class Failure(Exception):
    """A refusal or an error that the person who asked may be told.

    Keyword arguments become ``params``: JSON values, safe to show, that fill the sentence's
    ``{names}``. Subclasses set ``code`` (stable), ``key`` (the sentence's name in translations),
    ``sentence`` (English), ``http_status`` and ``retryable`` (the same request may succeed later).
    """

    code: ClassVar[int] = -32603
    key: ClassVar[str] = "internal_error"
    sentence: ClassVar[str] = "Something went wrong on the server."
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, **params: object) -> None:
        self.params = params
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The English sentence with its parameters filled in."""
        return self.sentence.format_map(_Blanks(self.params))


class _Blanks(dict[str, object]):
    """Leaves a parameter that nobody gave visible instead of raising while reporting an error."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class ParseError(Failure):
    """The frame or body is not JSON (JSON-RPC 2.0, section 5.1)."""

    code, key, http_status = -32700, "parse_error", 400
    sentence = "This is not valid JSON."


class InvalidRequest(Failure):
    """JSON, but not a request (JSON-RPC 2.0, section 5.1)."""

    code, key, http_status = -32600, "invalid_request", 400
    sentence = "This is not a request: {reason}"


class UnknownCommand(Failure):
    """There is no command of this name (JSON-RPC 2.0, section 5.1)."""

    code, key, http_status = -32601, "unknown_command", 404
    sentence = "There is no command {command}."


class InvalidParams(Failure):
    """A parameter is missing, unknown, of the wrong type or out of range (JSON-RPC 2.0, 5.1).

    ``field`` names the parameter (dotted for nested ones, empty for the whole), ``reason`` says
    what is wrong with it.
    """

    code, key, http_status = -32602, "invalid_params", 400
    sentence = "{field}: {reason}"


class InternalError(Failure):
    """A defect of the server; the log has the details under the request id."""


class Unauthenticated(Failure):
    """No session, or one that has expired or was closed."""

    code, key, http_status = 1000, "unauthenticated", 401
    sentence = "Please log in."


class WrongCredentials(Unauthenticated):
    """The user name and password do not fit; it is not said which."""

    code, key = 1001, "wrong_credentials"
    sentence = "User name or password is wrong."


class AccountDeactivated(Unauthenticated):
    """The password was right, but an admin has deactivated the account."""

    code, key = 1045, "account_deactivated"
    sentence = "This account has been deactivated."


class StepNeeded(Unauthenticated):
    """The password was right, but something else has to be done before a session opens.

    ``login`` names this log-in in ``session.continue`` and opens nothing by itself, ``steps`` says
    what is asked (a list of StepAsked), ``expires_at_ms`` until when.
    """

    code, key = 1036, "step_needed"
    sentence = "One more step is needed to log in."


class LoginEnded(Unauthenticated):
    """The log-in that was begun expired, was used up or had too many wrong answers."""

    code, key = 1037, "login_ended"
    sentence = "This log-in has ended. Please enter your password again."


class Forbidden(Failure):
    """The session is good, but this is not for its user."""

    code, key, http_status = 1002, "forbidden", 403
    sentence = "You may not do this."


class ForeignOrigin(Forbidden):
    """The request came from another site's page."""

    code, key = 1003, "foreign_origin"
    sentence = "Requests from other sites are not accepted."


class NotFound(Failure):
    """It does not exist, or this user may not know that it does: the same answer."""

    code, key, http_status = 1004, "not_found", 404
    sentence = "Not found."


class UnknownUser(NotFound):
    """``username`` names nobody."""

    code, key = 1005, "unknown_user"
    sentence = "There is nobody called {username}."


class UnknownSlashCommand(NotFound):
    """No plugin has a slash command called ``name``."""

    code, key = 1035, "unknown_slash_command"
    sentence = "There is no command /{name}."


class Conflict(Failure):
    """``client_id`` was used before by this sender with other parameters."""

    code, key, http_status = 1006, "conflict", 409
    sentence = "This was already sent with other content."


class Superseded(Conflict):
    """A newer request of the same kind came meanwhile; this one was given up."""

    code, key = 1080, "superseded"
    sentence = "A newer request has taken the place of this one."


class UsernameTaken(Conflict):
    """Somebody has this user name, upper and lower case being the same."""

    code, key = 1007, "username_taken"
    sentence = "This user name is taken."


class Refused(Failure):
    """The server, or a plugin, understood and declined; ``reason`` says why."""

    code, key, http_status = 1008, "refused", 422
    sentence = "{reason}"


class UsernameInvalid(Refused):
    """User names have 2 to 32 ASCII letters, digits, dots, hyphens or underscores."""

    code, key = 1009, "username_invalid"
    sentence = (
        "Use 2 to 32 Latin letters, digits, dots, hyphens or underscores;"
        " begin with a letter or digit."
    )


class PasswordUnacceptable(Refused):
    """Too short, too long or well known (NIST SP 800-63B-4, 3.1.1.2); ``min_length`` is given."""

    code, key = 1010, "password_unacceptable"
    sentence = "{reason}"


class UnknownType(Refused):
    """No plugin provides message type ``type``, or it may not be sent here."""

    code, key = 1011, "unknown_type"
    sentence = "Messages of type {type} cannot be sent here."


class ContentInvalid(Refused):
    """The content does not fit its message type; ``field`` and ``reason`` say where and why."""

    code, key = 1012, "content_invalid"
    sentence = "{field}: {reason}"


class ContentTooCostly(Refused):
    """Working on this content takes more time or memory than one message may cost.

    Nothing changed. The same content is refused at once from then on.
    """

    code, key = 1050, "content_too_costly"
    sentence = "This message takes too long to process. Please simplify it."


class BlobUnusable(Refused):
    """The upload ``blob`` is gone, or is not this user's to use."""

    code, key = 1031, "blob_unusable"
    sentence = "This file is no longer there. Please upload it again."


class ActionRefused(Refused):
    """A message type's action is not possible now: ``action`` names why, ``reason`` says it.

    Where values are filled in, ``sentence`` has places for them, and they stand beside it.
    """

    code, key = 1032, "action_refused"
    sentence = "{reason}"


class PluginFailed(Refused):
    """A plugin's own code failed; nothing was done. The log has the details."""

    code, key, http_status = 1033, "plugin_failed", 500
    sentence = "Something in this kind of message went wrong."


class CheckFailed(Refused):
    """A plugin that has a say in this failed or took too long, so that the answer is no."""

    code, key, http_status = 1034, "check_failed", 503
    sentence = "This could not be checked, so it was not done. Please try again later."


class PortraitsUnavailable(Refused):
    """No plugin of this server makes photos of people and groups from uploads."""

    code, key = 1043, "portraits_unavailable"
    sentence = "This server does not take photos of people and groups."


class PortraitFailed(Refused):
    """The plugin that makes photos of people and groups failed. The log has the details."""

    code, key, http_status = 1044, "portrait_failed", 500
    sentence = "This photo could not be made ready. Please try again later."


class WrongAnswer(Refused):
    """The answer to a second factor is wrong, or was used before; ``left`` is how many more tries.

    Where ``left`` is missing, the limit of attempts alone counts. ``rule`` is ``clock_off`` where
    answers in a row were right for another time: the clock of what shows the codes is wrong.
    """

    code, key = 1038, "wrong_answer"
    sentence = "This code is wrong."


class FactorUnavailable(Refused):
    """A second factor is enrolled, but the plugin it came with is not there: nothing opens."""

    code, key, http_status = 1039, "factor_unavailable", 503
    sentence = "Your second step cannot be checked at the moment. Please ask the administrator."


class WrongPassword(Refused):
    """Somebody who is logged in was asked for the password again, and it is wrong."""

    code, key = 1040, "wrong_password"
    sentence = "The password is wrong."


class AnswerNeeded(Refused):
    """Second factors are changed with an answer to an enrolled one; ``factors`` names which."""

    code, key = 1041, "answer_needed"
    sentence = "A code of your second step is needed for this."


class SetupEnded(Refused):
    """No set-up of this factor was begun in this session, or it took too long."""

    code, key = 1042, "setup_ended"
    sentence = "This set-up has ended. Please begin again."


class SetupCodeWrong(Refused):
    """The set-up code of the first admin is another, was used, or is no longer asked for."""

    code, key = 1046, "setup_code_wrong"
    sentence = (
        "This set-up code is wrong or was used already."
        " The one that counts stands in the server's log."
    )


class TooManyOpenRequests(Refused):
    """Somebody has as many requests to become a contact as one may have unanswered: ``limit``."""

    code, key = 1090, "too_many_open_requests"
    sentence = "You have {limit} contact requests without an answer. Take one of them back first."


class TooManyCodes(Refused):
    """Somebody has as many codes that still work as one may have: ``limit``."""

    code, key = 1091, "too_many_codes"
    sentence = "You have {limit} codes that still work. Revoke one of them first."


class MessagesNotAccepted(Refused):
    """Somebody takes no messages from the one who writes, whatever the reason."""

    code, key = 1092, "messages_not_accepted"
    sentence = "This person does not accept messages from you."


class AddingNotAllowed(Refused):
    """Somebody does not let the one who asks add them to groups: ``user`` is their id."""

    code, key = 1093, "adding_not_allowed"
    sentence = "{display_name} does not let you add them to groups."


class BlockedByYou(Refused):
    """The one who asks has blocked the other one."""

    code, key = 1094, "blocked_by_you"
    sentence = "You have blocked this person. Unblock them first."


class TooManyExceptions(Refused):
    """Somebody has made as many people exceptions of their settings as one may: ``limit``."""

    code, key = 1095, "too_many_exceptions"
    sentence = "You have {limit} exceptions. Remove one of them first."


class TooManyBlocks(Refused):
    """Somebody has blocked as many people as one may: ``limit``."""

    code, key = 1096, "too_many_blocks"
    sentence = "You have blocked {limit} people. Unblock one of them first."


class RequestPending(Refused):
    """Somebody has not accepted the one message that they were sent, and takes no second."""

    code, key = 1097, "request_pending"
    sentence = "You can write more once this person accepts your first message."


class TooManyMessageRequests(Refused):
    """Somebody has written to as many people who have not accepted it as one may: ``limit``."""

    code, key = 1098, "too_many_message_requests"
    sentence = "You have written to {limit} people who have not accepted it yet."


class TooManyPins(Refused):
    """Somebody has pinned as many conversations as one may: ``limit``."""

    code, key = 1100, "too_many_pins"
    sentence = "You have pinned {limit} chats. Unpin one of them first."


class LastOwner(Refused):
    """The only owner of a group cannot become something else in it."""

    code, key = 1101, "last_owner"
    sentence = "A group needs an owner. Make somebody else an owner first."


class UserBanned(Refused):
    """Somebody who is banned from a group, ``username``, cannot be added to it."""

    code, key = 1102, "user_banned"
    sentence = "{username} is banned from this group."


class OverLimit(Refused):
    """Working on it takes more memory or time than the server allows, or crashes the decoder."""

    code, key = 1030, "over_limit"
    sentence = "This cannot be processed: it is damaged or too large."


class TooLarge(Failure):
    """Larger than ``max_bytes``."""

    code, key, http_status = 1013, "too_large", 413
    sentence = "This is larger than {max_bytes} bytes."


class RateLimited(Failure):
    """Too many requests of this kind; try again after ``retry_after_s``."""

    code, key, http_status, retryable = 1014, "rate_limited", 429, True
    sentence = "Too many attempts. Try again in {retry_after_s} seconds."


class Busy(Failure):
    """A queue is full; nothing was done."""

    code, key, http_status, retryable = 1015, "busy", 503, True
    sentence = "The server is busy. Try again in a moment."


class TimedOut(Failure):
    """It took longer than the server allows."""

    code, key, http_status, retryable = 1016, "timed_out", 504, True
    sentence = "This took too long. Try again."


class StorageFailed(Failure):
    """The disk refused; nothing was stored."""

    code, key, http_status, retryable = 1017, "storage_failed", 503, True
    sentence = "The server could not store this. Try again."


class QuotaExceeded(Refused):
    """The files of a user take ``used_bytes`` of ``quota_bytes``, and this one has no room.

    A new account may have more after ``retry_after_s``.
    """

    code, key, http_status = 1060, "quota_exceeded", 507
    sentence = "There is no room left for your files. Delete some that you no longer need."


class DiskLow(Failure):
    """The server's disk is full, or below what uploads leave free; messages go on."""

    code, key, http_status, retryable = 1061, "disk_low", 503, True
    sentence = "The server has no room for files at the moment. Try again later."


class FileDamaged(Failure):
    """A file is gone from the server's disk, or shorter than it was. The log says which."""

    code, key, http_status = 1062, "file_damaged", 500
    sentence = "This file is damaged on the server. Please ask for it to be sent again."


class UploadTooSlow(Failure):
    """A file came too slowly, or took too long in all; nothing of it was kept."""

    code, key, http_status = 1063, "upload_too_slow", 408
    sentence = "The connection was too slow for this file. Please try again on a better one."


class Resync(Failure):
    """The cursor is too far behind, below the log's floor or of another epoch: ``sync`` again."""

    code, key, http_status = 1018, "resync", 409
    sentence = "Too much has happened since; load the conversation again."


class UpgradeRequired(Failure):
    """The socket's address was asked by plain HTTP (RFC 9110, section 15.5.22)."""

    code, key, http_status = 1070, "upgrade_required", 426
    sentence = "This address takes WebSocket connections alone."


class CloseCode(IntEnum):
    """Why the server closed a socket.

    1001, 1012 and 4000 to 4099 say "come back"; 4100 to 4199 say "do not reconnect before
    something changed" (a new login, a mended client). The others are RFC 6455, section 7.4.1.
    """

    GOING_AWAY = 1001
    UNSUPPORTED_DATA = 1003
    INVALID_TEXT = 1007
    TOO_LARGE = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    SLOW_READER = 4000
    PING_TIMEOUT = 4001
    OVERLOADED = 4002
    TOO_MANY_SOCKETS = 4003
    UNAUTHENTICATED = 4100
    SESSION_CLOSED = 4101
    ACCOUNT_DEACTIVATED = 4102
    PROTOCOL_ABUSED = 4103

    @property
    def comes_back(self) -> bool:
        """Whether a client should reconnect by itself."""
        return self in (1001, 1011, 1012) or 4000 <= self < 4100


def failures() -> list[type[Failure]]:
    """Every kind of failure, by code, for the tables in the documentation."""
    found = {Failure}
    waiting = [Failure]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind.__module__ == __name__ and kind not in found:
                found.add(kind)
                waiting.append(kind)
    found.discard(Failure)
    return sorted(found, key=lambda kind: (kind.code >= 0, abs(kind.code)))
