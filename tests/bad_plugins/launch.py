"""Runs the server with shorter time limits, so that tests need not wait as long as people do."""

from dash_messenger.__main__ import main
from dash_messenger.messages import pipeline
from dash_messenger.plugins import hooks, slash_commands
from dash_messenger.supervisor import watch

hooks.CHECK_WITHIN_S = 1.0  # type: ignore[attr-defined]
hooks.ON_WITHIN_S = 1.0
slash_commands.RUN_WITHIN_S = 1.0
pipeline.PREPARE_WITHIN_S = 1.0
watch.SERVING = watch.Limits(1.0, 3.5)

if __name__ == "__main__":
    main()
