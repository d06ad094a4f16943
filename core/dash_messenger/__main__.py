"""``python -m dash_messenger`` is ``dash-messenger``.

``serve`` runs here as the parent of a server, which is the same command line again; see
`supervisor`. Nothing is imported here that it does not need.
"""

from __future__ import annotations

import os
import sys

from dash_messenger.supervisor.child import VARIABLE

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process."""
    # Windows has neither of what this needs: descriptors for children, nor signals.
    if sys.argv[1:2] == ["serve"] and VARIABLE not in os.environ and os.name != "nt":
        from dash_messenger.supervisor.supervisor import run_supervised

        sys.exit(run_supervised())
    from dash_messenger.cli import main as run
    from dash_messenger.supervisor.link import Link

    run(prog_name="dash-messenger", obj=Link.from_environment())


if __name__ == "__main__":
    main()
