"""How long plugins' code that is awaited may take, by what it is called for.

Owns these numbers; `runner` holds code to them, and whoever calls it says what the user is told
then. They end what awaits. What computes without an end is noticed elsewhere: in a child by
`workers`, on the event loop by the supervisor. What a server can be given other limits for, as
tests do, is in `plugins/limits` and `server/limits`.
"""

from __future__ import annotations

__all__ = [
    "AVATAR_WITHIN_S",
    "CHECK_WITHIN_S",
    "COMMAND_WITHIN_S",
    "JOB_WITHIN_S",
    "ON_WITHIN_S",
    "PREPARE_WITHIN_S",
    "SLASH_WITHIN_S",
]

# A `check_*` hook, a factor, a step of a log-in: somebody waits, and several plugins may be asked
# one after the other before the client gives up, which it does after 30.
CHECK_WITHIN_S = 5.0
# An `on_*` hook: nobody waits for it, but what its plugin hears next does. `on_stop` has half of
# the time in which the server ends.
ON_WITHIN_S = 30.0
# The `prepare` of a message type: an album of large photos takes seconds on a small machine; the
# client waits 30.
PREPARE_WITHIN_S = 25.0
# The `make` of a photo of somebody or of a group: the client waits 30.
AVATAR_WITHIN_S = 25.0
# A slash command: who typed it waits, as a client does for 30.
SLASH_WITHIN_S = 20.0
# A command of a plugin's own: as long as a client waits.
COMMAND_WITHIN_S = 30.0
# A run of a job: nobody waits, but it does not run again before it has ended.
JOB_WITHIN_S = 600.0
