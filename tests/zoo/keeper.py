"""Runs the server with shorter time limits, so that tests need not wait as long as people do."""

from dash_messenger.__main__ import main
from dash_messenger.messages import pipeline as preparing
from dash_messenger.plugins import hooks as calling
from dash_messenger.plugins import slash_commands as slash
from dash_messenger.supervisor import watch

calling.CHECK_WITHIN_S = 1.0  # type: ignore[attr-defined]
calling.ON_WITHIN_S = 1.0
slash.RUN_WITHIN_S = 1.0
preparing.PREPARE_WITHIN_S = 1.0
watch.SERVING = watch.Limits(1.0, 3.5)

if __name__ == "__main__":
    main()
