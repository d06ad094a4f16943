"""Runs the server with shorter time limits, so that tests need not wait as long as people do."""

import argparse
import os
import sys
from pathlib import Path

from dash_messenger.__main__ import main
from dash_messenger.cli.run import run
from dash_messenger.plugins.limits import PluginLimits
from dash_messenger.server.limits import Limits
from dash_messenger.server.logging import start_logging
from dash_messenger.settings import load_settings
from dash_messenger.supervisor import watch
from dash_messenger.supervisor.link import Link
from dash_messenger.supervisor.spawning import VARIABLE, spawn
from dash_messenger.supervisor.supervisor import Supervisor

LIMITS = Limits(
    plugins=PluginLimits(check_within_s=1.0, on_within_s=1.0, slash_within_s=1.0),
    prepare_within_s=1.0,
)


def supervise() -> int:
    command = [sys.executable, *sys.orig_argv[1:]]
    # That the server ends by itself is tested, not how long a busy machine takes for it.
    limits = watch.Limits(1.0, 3.5)
    return Supervisor(command, spawn(command), serving=limits, grace_s=30.0).run()


def serve() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("serve")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--port", type=int)
    asked = parser.parse_args()
    settings = load_settings(data=asked.data, port=asked.port)
    start_logging(settings.log_level, settings.log_format, security=settings.security_log)
    return run(settings, Link.from_environment(), limits=LIMITS)


if __name__ == "__main__":
    if sys.argv[1] != "serve":
        main()
    sys.exit(serve() if VARIABLE in os.environ else supervise())
