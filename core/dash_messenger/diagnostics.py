"""Structured logs on standard error.

Owns how a log line looks and what may never stand in one. Invariant: bodies, texts, tokens,
passwords and cookies do not reach a log, whoever logs them: fields of those names are struck out.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

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
) -> None:
    """Set up logging for this process: structlog, and the standard library's into it."""
    form = "console" if logs_for_people(form) else "json"
    number = getattr(logging, level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        strike_secrets,
    ]
    renderer: list[structlog.typing.Processor]
    if form == "json":
        # Without locals: they hold what people wrote.
        renderer = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    else:
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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    # One line per request or connection says little and costs much.
    for name in ("uvicorn.access", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
