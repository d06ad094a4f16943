"""``python -m dash_messenger`` is ``dash-messenger``.

``serve`` runs here as the parent of a server, which is the same command line again; see
`supervisor`. The server is started first, then what its parent needs is imported, beside it.
"""

from __future__ import annotations

import os
import sys

from dash_messenger.supervisor.spawning import VARIABLE, spawn

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process."""
    # Windows has neither of what this needs: descriptors for children, nor signals.
    if sys.argv[1:2] == ["serve"] and VARIABLE not in os.environ and os.name != "nt":
        command = [sys.executable, *sys.orig_argv[1:]]
        first = spawn(command)
        from dash_messenger.supervisor.supervisor import Supervisor

        sys.exit(Supervisor(command, first).run())
    from dash_messenger.cli.main import main as run
    from dash_messenger.supervisor.link import Link

    run(prog_name="dash-messenger", obj=Link.from_environment())


if __name__ == "__main__":
    main()
