"""Draws the list of limits from the constants and settings that hold them.

Owns which limits a person or an admin may meet, and how they are called. Each figure is read from
where it is enforced: none is written here.
"""

from __future__ import annotations

from collections.abc import Sequence

from dash_messenger.accounts import (
    attempts,
    blocks,
    code_maker,
    contacts,
    names,
    people_search,
    presence,
    privacy,
    request_rows,
    requests,
    stranger_attempts,
)
from dash_messenger.auth import unfinished_logins
from dash_messenger.blobs import quotas, upload_places
from dash_messenger.conversations import about, members, preferences, starting, sync, typing
from dash_messenger.errors import (
    Busy,
    CheckFailed,
    CloseCode,
    ContentTooCostly,
    DiskLow,
    Failure,
    InvalidParams,
    LoginEnded,
    OverLimit,
    PasswordUnacceptable,
    PluginFailed,
    QuotaExceeded,
    RateLimited,
    Superseded,
    TimedOut,
    TooLarge,
    TooManyBlocks,
    TooManyCodes,
    TooManyExceptions,
    TooManyMessageRequests,
    TooManyOpenRequests,
    TooManyPins,
    UploadTooSlow,
)
from dash_messenger.gateway import http as http_edge
from dash_messenger.gateway import inbound, request_limits
from dash_messenger.isolation import contents, subprocess_pool, time_limits
from dash_messenger.isolation import quotas as plugin_quotas
from dash_messenger.isolation.jobs import JobLimits
from dash_messenger.messages import history, people, reactions, send
from dash_messenger.plugin_api import message_types
from dash_messenger.protocol import request_rates
from dash_messenger.protocol.jsonrpc import MAX_IN_FLIGHT, MAX_INBOUND_BYTES, MAX_PAGE_BYTES
from dash_messenger.realtime import hub, views
from dash_messenger.settings import Settings
from dash_messenger.store import logs
from dash_messenger.store.consent import MAX_OPEN_REQUESTS
from msgspec import Struct

__all__ = ["draw_limits"]

KIB = 1024
ANONYMOUS = "requests without a session of an address"
DAY_S = 86_400
DEFAULTS = Settings()


class Limit(Struct, frozen=True):
    """What is limited, to how much, by which setting, and what whoever meets it is told."""

    what: str
    default: str
    error: type[Failure] | CloseCode | str
    setting: str = ""


def draw_limits() -> str:
    """A table for each part of the server."""
    return "\n\n".join(_table(title, limits) for title, limits in _parts().items())


def _parts() -> dict[str, Sequence[Limit]]:
    return {
        "Requests": _requests(),
        "Messages": _messages(),
        "People": _people(),
        "Work on content": _work(),
        "Files": _files(),
        "Connections": _connections(),
        "Log-ins": _log_ins(),
        "Plugins": _plugins(),
    }


def _requests() -> list[Limit]:
    classes = [
        Limit(
            ANONYMOUS if rate == "anonymous" else f"{rate}s of a user",
            f"{allowed.burst:,} at once, {allowed.per_s:g} a second",
            RateLimited,
            "rate_limits",
        )
        for rate, allowed in request_rates.ALLOWANCES.items()
    ]
    return [
        *classes,
        Limit(
            "dear reads of a user under way",
            str(request_rates.DEAR_READS_AT_ONCE),
            "the rest waits",
        ),
        Limit(
            "cheap reads of a user under way",
            str(request_rates.CHEAP_READS_AT_ONCE),
            "the rest waits",
        ),
        Limit("previews of a user under way", "1, the newest", Superseded),
        Limit("any page", _bytes(MAX_PAGE_BYTES), "`more`"),
        Limit("messages of a page", str(history.MAX_PAGE), InvalidParams),
        Limit("events of a page", str(sync.MAX_EVENTS), InvalidParams),
        Limit("conversations of a page", str(sync.MAX_CONVERSATIONS), "`more`"),
        Limit("members of a page", str(members.MAX_MEMBERS_PAGE), "`more`"),
        Limit("contacts of a page", str(contacts.MAX_CONTACTS_PAGE), "`more`"),
        Limit("people of a page of exceptions", str(privacy.MAX_EXCEPTIONS_PAGE), "`more`"),
        Limit("requests of a page", str(requests.MAX_REQUESTS_PAGE), "`more`"),
        Limit("people of a page of blocked ones", str(blocks.MAX_BLOCKED_PAGE), "`more`"),
        Limit("people of a page, by what they did", str(people.MAX_PEOPLE_PAGE), "`next`"),
        Limit("events that a log is read on from", f"{logs.MAX_BEHIND:,} behind", "`resync`"),
    ]


def _messages() -> list[Limit]:
    return [
        Limit(
            "messages of a user",
            f"{send.BURST:,} at once, {send.PER_S} a second",
            RateLimited,
            "rate_limits",
        ),
        Limit("events stored and not yet sent", f"{send.MAX_BACKLOG:,}", Busy),
        Limit("a message's text", f"{message_types.MAX_TEXT_CHARACTERS:,} characters", "cut"),
        Limit("a message's state", _bytes(message_types.MAX_STATE_BYTES), PluginFailed),
        Limit("different reactions to a message", str(reactions.MAX_DISTINCT), InvalidParams),
        Limit("reactions of one user to a message", str(reactions.MAX_OWN), InvalidParams),
        Limit("a group's title", f"{starting.MAX_TITLE_CHARACTERS} characters", InvalidParams),
        Limit("pinned conversations of a user", str(preferences.MAX_PINNED), TooManyPins),
        *(
            Limit(f"a group's {name}", f"{most:,} characters", InvalidParams)
            for name, most in about.LIMITS.items()
        ),
    ]


def _people() -> list[Limit]:
    return [
        Limit("a person's name", f"{names.MAX_DISPLAY_NAME_CHARACTERS} characters", InvalidParams),
        Limit("a contact's label", f"{contacts.MAX_LABEL_CHARACTERS} characters", InvalidParams),
        Limit("a request's note", f"{contacts.MAX_NOTE_CHARACTERS} characters", InvalidParams),
        Limit(
            "contact requests of a user without an answer",
            str(contacts.MAX_OPEN_REQUESTS),
            TooManyOpenRequests,
        ),
        Limit("people whom a connection watches", str(presence.MAX_WATCHED), InvalidParams),
        Limit(
            "lists of people to watch of a user",
            f"{presence.BURST} at once, {presence.PER_S:g} a second",
            RateLimited,
            "rate_limits",
        ),
        Limit("members of a group that is told who types", str(typing.MAX_MEMBERS), "not told"),
        Limit("telling that somebody types", f"every {_s(typing.EVERY_S)}", "the next waits"),
        Limit(
            "people who have not accepted what a user wrote",
            str(MAX_OPEN_REQUESTS),
            TooManyMessageRequests,
        ),
        Limit(
            "the text of a message that waits",
            f"{request_rows.MAX_TEXT_CHARACTERS:,} characters",
            "cut",
        ),
        Limit(
            "searches for people of a user",
            f"{people_search.BURST} at once, {people_search.PER_S:g} a second",
            RateLimited,
            "rate_limits",
        ),
        Limit("people whom a user blocks", f"{blocks.MAX_BLOCKED:,}", TooManyBlocks),
        Limit(
            "people who are exceptions of a user's settings",
            f"{privacy.MAX_EXCEPTED:,}",
            TooManyExceptions,
        ),
        Limit("contact codes of a user that work", str(code_maker.MAX_LIVE_CODES), TooManyCodes),
        Limit(
            "invitations of a user to one group that work",
            str(code_maker.MAX_LIVE_CODES),
            TooManyCodes,
        ),
        Limit("people who may use a code", f"{code_maker.MAX_USES:,}", InvalidParams),
        Limit(
            "wrong codes of a user: contact codes and invitations",
            _pace(attempts.CODES_OF_USER, attempts.SECONDS_A_CODE_OF_USER),
            RateLimited,
            "rate_limits",
        ),
        Limit(
            "wrong codes of an address, over all accounts",
            _pace(attempts.CODES_AT_ADDRESS, attempts.SECONDS_A_CODE_AT_ADDRESS),
            RateLimited,
            "rate_limits",
        ),
        Limit("people whom one search finds", str(people_search.MAX_FOUND), InvalidParams),
        Limit(
            "people who fit that one search looks at",
            f"{people_search.MAX_LOOKED_AT:,}",
            "the first count",
        ),
        Limit(
            "people whom a user asks for the first time",
            f"{contacts.NEW_REQUESTS} at once, {contacts.NEW_REQUESTS_A_DAY} a day",
            RateLimited,
            "rate_limits",
        ),
    ]


def _work() -> list[Limit]:
    job = JobLimits()
    return [
        Limit("processor time of a type's code on one content", _s(job.cpu_s), ContentTooCostly),
        Limit("its memory, over its process's", _bytes(job.memory_bytes), ContentTooCostly),
        Limit("its duration", _s(job.wall_s), TimedOut),
        Limit("reading content on the loop", _s(contents.MAX_INLINE_CPU_S), ContentTooCostly),
        Limit("jobs that wait", f"{job.max_waiting:,}", Busy),
        Limit("jobs of a user that wait", f"{job.max_waiting_a_user:,}", Busy),
        Limit("a drawing", _bytes(views.MAX_VIEW_BYTES), "the text is shown"),
        Limit("waiting for a drawing", _s(views.READY_WITHIN_S), "the text goes first"),
        Limit("processor time of work on a picture", _s(subprocess_pool.CPU_LIMIT_S), OverLimit),
        Limit("its duration", _s(subprocess_pool.TIME_LIMIT_S), OverLimit),
        Limit("its memory", _bytes(subprocess_pool.MAX_MEMORY_BYTES), OverLimit),
        Limit("a user's pictures in work", "1", "the rest waits"),
        Limit("a user's pictures that wait", f"{subprocess_pool.MAX_WAITING_A_USER}", Busy),
    ]


def _files() -> list[Limit]:
    return [
        Limit("one file", _setting_bytes("max_upload_bytes"), TooLarge, "max_upload_bytes"),
        Limit("all files of a user", _setting_bytes("quota_bytes"), QuotaExceeded, "quota_bytes"),
        Limit(
            "the same in the first day of an account",
            _setting_bytes("new_account_quota_bytes"),
            QuotaExceeded,
            "new_account_quota_bytes",
        ),
        Limit(
            "a user's uploads that no message refers to",
            _bytes(quotas.MAX_WAITING_BYTES),
            "the oldest gives way",
        ),
        Limit(
            "bytes that a user uploads",
            f"{_bytes(quotas.RATE_BURST_BYTES)} at once, "
            f"{_bytes(quotas.RATE_BYTES_PER_S)} a second",
            RateLimited,
            "rate_limits",
        ),
        Limit("free disk", _setting_bytes("min_free_disk_bytes"), DiskLow, "min_free_disk_bytes"),
        Limit("uploads under way of a user", str(upload_places.MAX_AT_ONCE_A_USER), Busy),
        Limit("uploads under way", str(upload_places.MAX_AT_ONCE), Busy),
        Limit("silence of an upload", _s(upload_places.SILENCE_S), UploadTooSlow),
        Limit(
            "pace of an upload",
            f"{_bytes(upload_places.LEAST_BYTES_PER_S)} a second at least",
            UploadTooSlow,
        ),
        Limit("duration of an upload", _s(upload_places.TOTAL_S), UploadTooSlow),
    ]


def _connections() -> list[Limit]:
    return [
        Limit("a frame from a client", _bytes(MAX_INBOUND_BYTES), CloseCode.TOO_LARGE),
        Limit("fragments of a message", str(inbound.MAX_FRAGMENTS), CloseCode.TOO_LARGE),
        Limit("requests under way on a socket", str(MAX_IN_FLIGHT), "reading pauses"),
        Limit("sockets of a user", str(hub.MAX_SOCKETS_OF_A_USER), CloseCode.TOO_MANY_SOCKETS),
        Limit(
            "connections", _setting("max_connections"), "the oldest idle ends", "max_connections"
        ),
        Limit(
            "connections of plain HTTP of an address",
            _setting("max_connections_per_address"),
            "the oldest idle ends",
            "max_connections_per_address",
        ),
        Limit("a body of a request", _bytes(http_edge.MAX_BODY_BYTES), TooLarge),
        Limit("sending a request's body", _s(http_edge.BODY_TIMEOUT_S), TimedOut),
        Limit("sending a request's head", _s(request_limits.HEAD_TIMEOUT_S), "closed"),
        Limit("a request's head", _bytes(request_limits.MAX_HEAD_BYTES), "431"),
    ]


def _log_ins() -> list[Limit]:
    return [
        Limit(
            "tries at an account from where it is known",
            _pace(attempts.TRIES_WHERE_KNOWN, attempts.SECONDS_A_TRY_WHERE_KNOWN),
            RateLimited,
            "rate_limits",
        ),
        Limit(
            "tries at an account from all other places together",
            _pace(stranger_attempts.BURST, stranger_attempts.SECONDS_A_TRY),
            RateLimited,
            "rate_limits",
        ),
        Limit(
            "wrong passwords of an address, over all accounts",
            _pace(attempts.FAILURES_AT_ADDRESS, attempts.SECONDS_A_FAILURE),
            RateLimited,
            "rate_limits",
        ),
        Limit(
            "new accounts of an address",
            _pace(attempts.REGISTRATIONS_AT_ADDRESS, attempts.SECONDS_A_REGISTRATION),
            RateLimited,
            "rate_limits",
        ),
        Limit(
            "answers to second factors of an account",
            _pace(attempts.ANSWERS_A_DAY, attempts.SECONDS_AN_ANSWER),
            RateLimited,
            "rate_limits",
        ),
        Limit("wrong answers in one log-in", str(unfinished_logins.MAX_WRONG_ANSWERS), LoginEnded),
        Limit(
            "a password",
            f"{DEFAULTS.password_min_length} characters at least",
            PasswordUnacceptable,
            "password_min_length",
        ),
    ]


def _plugins() -> list[Limit]:
    return [
        *_plugin_times(),
        Limit(
            "messages of a plugin's bot",
            f"{plugin_quotas.SENDS_AT_ONCE:,} at once, {plugin_quotas.SENDS_PER_S} a second",
            RateLimited,
        ),
        Limit(
            "actions of a plugin's bot",
            f"{plugin_quotas.ACTS_AT_ONCE} at once, {plugin_quotas.ACTS_PER_S} a second",
            RateLimited,
        ),
        Limit(
            "reads, writes and jobs of a plugin that wait", f"{plugin_quotas.MAX_WAITING:,}", Busy
        ),
        Limit("background tasks of a plugin", f"{plugin_quotas.MAX_TASKS:,}", Busy),
    ]


def _plugin_times() -> list[Limit]:
    return [
        Limit(
            "a `check_*` hook, a factor, a step of a log-in",
            _s(time_limits.CHECK_WITHIN_S),
            CheckFailed,
        ),
        Limit("an `on_*` hook", _s(time_limits.ON_WITHIN_S), "logged"),
        Limit("the `prepare` of a message type", _s(time_limits.PREPARE_WITHIN_S), TimedOut),
        Limit("making a photo of a person or group", _s(time_limits.AVATAR_WITHIN_S), TimedOut),
        Limit("a slash command", _s(time_limits.SLASH_WITHIN_S), TimedOut),
        Limit("a command of a plugin", _s(time_limits.COMMAND_WITHIN_S), TimedOut),
        Limit("a run of a job", _s(time_limits.JOB_WITHIN_S), "logged"),
    ]


def _table(title: str, limits: Sequence[Limit]) -> str:
    rows = ["| what | default | setting | error |", "| --- | --- | --- | --- |"]
    for limit in limits:
        setting = f"`{limit.setting}`" if limit.setting else ""
        rows.append(f"| {limit.what} | {limit.default} | {setting} | {_error(limit.error)} |")
    return f"## {title}\n\n" + "\n".join(rows)


def _error(error: type[Failure] | CloseCode | str) -> str:
    if isinstance(error, CloseCode):
        return f"close {error.value}, `{error.name.lower()}`"
    if isinstance(error, str):
        return error
    return f"{error.code}, `{error.key}`"


def _setting(name: str) -> str:
    return f"{getattr(DEFAULTS, name):,}"


def _setting_bytes(name: str) -> str:
    return _bytes(getattr(DEFAULTS, name))


def _bytes(count: int) -> str:
    for unit, size in (("GiB", KIB**3), ("MiB", KIB**2), ("KiB", KIB)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"


def _s(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1_000:g} ms"


def _pace(burst: int, seconds_each: float) -> str:
    """``burst`` at once, then one each so many seconds."""
    return f"{burst} at once, {DAY_S / seconds_each:,.0f} a day"
