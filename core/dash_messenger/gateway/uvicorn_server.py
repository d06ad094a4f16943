"""uvicorn, as the server runs it: HTTP by Quart and the socket by our own class, on one port.

Owns its configuration, the process's signals and the garbage collector's thresholds while it
serves. Must not know what is served.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from dash_messenger.gateway.connection_limits import ConnectionLimits
from dash_messenger.gateway.request_limits import GuardedHttp
from dash_messenger.process import give_memory_back

__all__ = ["HttpServer"]

KEEP_ALIVE_S = 30
BACKLOG = 2_048
GC_THRESHOLD = 20_000
# systemd tells all processes of a unit to end, and the parent process tells this one too.
SAME_WITHIN_S = 1.0


class HttpServer(uvicorn.Server):
    """uvicorn that says when it is ready, and leaves the process's signals to us.

    Its own handling raises the signal again at the end, which would end the process before the
    store is closed.
    """

    def __init__(
        self,
        app: Any,
        sockets: type[Any],
        *,
        shutdown_s: float,
        on_ready: Callable[[], None],
        interrupts: bool = True,
        places: ConnectionLimits | None = None,
    ) -> None:
        http = type("Http", (GuardedHttp,), {"places": places})
        super().__init__(
            uvicorn.Config(
                app,
                http=http,
                ws=sockets,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                # Without it, open sockets would hold up the end for ever. It is waited for as it
                # is: a second in place of less would have the parent process kill this one.
                timeout_graceful_shutdown=shutdown_s,  # type: ignore[arg-type]
                backlog=BACKLOG,
            )
        )
        self._on_ready = on_ready
        self._stopped_at_s: float | None = None
        self._stops = (signal.SIGINT, signal.SIGTERM) if interrupts else (signal.SIGTERM,)

    @property
    def ready(self) -> bool:
        """Whether it answers, and will go on answering."""
        return self.started and not self.should_exit

    def stop(self) -> None:
        """Begin to stop; a call that comes later than with the first stops at once."""
        now_s = time.monotonic()
        if self._stopped_at_s is None:
            self._stopped_at_s = now_s
        self.force_exit = now_s - self._stopped_at_s > SAME_WITHIN_S
        self.should_exit = True

    def stopping_for_s(self) -> float:
        """How long ago it began to stop."""
        since_s = self._stopped_at_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM while serving, and SIGINT unless the parent process does."""
        loop = asyncio.get_running_loop()
        handled = []
        for number in self._stops:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.stop)
                handled.append(number)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            # What was made so far lives as long as the process: nothing for the collector to walk,
            # not even now. It would take 70 ms to find a thousand objects of 200,000.
            give_memory_back()
            gc.freeze()
            # A batch of messages makes thousands of values that reference counts free again.
            gc.set_threshold(GC_THRESHOLD, 20, 50)
            gc.enable()
            self._on_ready()
