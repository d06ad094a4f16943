"""``python -m dash_messenger`` is ``dash-messenger``."""

from dash_messenger.cli import main

if __name__ == "__main__":
    main(prog_name="dash-messenger")
