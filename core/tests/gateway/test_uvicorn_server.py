"""uvicorn as the server runs it."""

from __future__ import annotations

import pytest
from dash_messenger.gateway.uvicorn_server import HttpServer


@pytest.mark.parametrize("shutdown_s", [0.2, 0.5, 5.0])
def test_what_is_under_way_gets_the_time_that_the_settings_give(shutdown_s: float) -> None:
    """Not a second in place of less: the parent process would kill the server for it."""
    server = HttpServer(None, object, shutdown_s=shutdown_s, on_ready=lambda: None)
    assert server.config.timeout_graceful_shutdown == shutdown_s
