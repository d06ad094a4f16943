"""Structured logs on standard error.

Owns how a log line looks and what may never stand in one. Invariant: bodies, texts, tokens,
passwords and cookies do not reach a log, whoever logs them: fields of those names are struck out.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Literal

import structlog

from dash_messenger.accounts.security_log import SECURITY

__all__ = ["logs_for_people", "start_logging", "strike_secrets"]

# Field names that hold what people wrote or what opens a session.
SECRET_FIELDS = frozenset(
    ("authorization", "body", "content", "cookie", "password", "params", "text", "token")
)


def strike_secrets(
    logger: object, method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """``fields`` with what must not be logged replaced by a mark."""
    for name in SECRET_FIELDS.intersection(fields):
        fields[name] = "[struck out]"
    return fields


def logs_for_people(form: Literal["auto", "console", "json"]) -> bool:
    """Whether a setting means lines for people rather than JSON."""
    return sys.stderr.isatty() if form == "auto" else form == "console"


def start_logging(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["auto", "console", "json"] = "auto",
    *,
    security: Path | None = None,
) -> None:
    """Set up logging for this process: structlog, and the standard library's into it.

    With ``security``, the lines of the security log go to that file instead, whatever the level.
    """
    form = "console" if logs_for_people(form) else "json"
    number = getattr(logging, level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        strike_secrets,
    ]
    # Without locals: they hold what people wrote.
    as_json: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    renderer = as_json
    if form == "console":
        renderer = [
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, renderer))
    _log_security(security, _formatter(shared, as_json), number)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    # One line per request or connection says little and costs much.
    for name in ("uvicorn.access", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _formatter(
    shared: list[structlog.typing.Processor], renderer: list[structlog.typing.Processor]
) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    )


def _log_security(file: Path | None, formatter: logging.Formatter, level: int) -> None:
    security = logging.getLogger(SECURITY)
    for old in security.handlers[:]:
        security.removeHandler(old)
        old.close()
    security.propagate = file is None
    security.setLevel(level if file is None else logging.INFO)
    if file is not None:
        # Only the server's own user reads it. It is opened again once it was moved away.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = WatchedFileHandler(file, encoding="utf-8")
        handler.setFormatter(formatter)
        security.addHandler(handler)
