"""The parent's log lines: as the server's look, without what makes those.

Owns their form. Must not know what is logged; no text of anybody's gets here.
"""

from __future__ import annotations

import json
import os
import sys
import time

__all__ = ["Log"]

NAME = "dash_messenger.supervisor"


class Log:
    """Writes to standard error."""

    def __init__(self) -> None:
        # Until the server has read its settings.
        self.form = "console" if sys.stderr.isatty() else "json"

    def error(self, event: str, **fields: object) -> None:
        """One line, the fields with a value in it."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f"{now % 1:.6f}"[1:] + "Z"
        told = {name: value for name, value in fields.items() if value not in (None, "")}
        if self.form == "json":
            line = json.dumps(
                {**told, "event": event, "level": "error", "logger": NAME, "timestamp": stamp},
                default=str,
            )
        else:
            said = " ".join(f"{name}={value}" for name, value in told.items() if name != "stack")
            line = f"{stamp} [error    ] {event:<30} [{NAME}] {said}"
            if "stack" in told:
                line += f"\n{told['stack']}"
        # In one go: the server writes to the same place.
        try:
            os.write(2, f"{line}\n".encode())
        except OSError:
            # Nobody reads it any more; the server is to go on.
            return
