"""A server on a data folder: opened, served on its port, closed.

Owns the order in which things start and stop; what there is, `services` makes. Invariant: the
address is printed when HTTP and the socket both answer; on the way down, nothing new is taken, what
is under way is answered, clients are told to come back, and the store is closed last.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from dash_messenger.clock import Clock, now_ms
from dash_messenger.gateway.connection_limits import Connections
from dash_messenger.gateway.listen import address_of, listen
from dash_messenger.gateway.uvicorn_server import HttpServer
from dash_messenger.plugin_api.context import Demo
from dash_messenger.plugins.storage import read_values
from dash_messenger.process import most_connections
from dash_messenger.server.data_folder import DATABASE, FolderLock
from dash_messenger.server.limits import Limits
from dash_messenger.server.services import Services
from dash_messenger.settings import Settings
from dash_messenger.store import Store
from dash_messenger.supervisor.link import Link

__all__ = ["Server"]

# For plugins, when connections took all the time that there was to stop.
LEAST_TO_STOP_S = 0.4
DEFAULT_LIMITS = Limits()

log = structlog.get_logger(__name__)


class Server:
    """A server that is open: `serve` runs it until it is told to stop. Close it with `aclose`."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        lock: FolderLock,
        clock: Clock,
        plugin_settings: dict[str, dict[str, str]],
        link: Link,
        limits: Limits,
    ) -> None:
        self.settings = settings
        self.store = store
        self._lock = lock
        self._link = link
        self._http: HttpServer | None = None
        self.services = services = Services(
            settings, store, clock, link, plugin_settings, self.is_ready, limits
        )
        self.installed = services.ground.installed
        self.hub = services.ground.hub
        self.blobs = services.ground.blobs
        self.accounts = services.people.accounts
        self.setup_code = services.people.setup_code
        self.sessions = services.people.sessions
        self.commands = services.commands
        self.gateway = services.transport.gateway
        self.app = services.transport.app

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock = now_ms,
        link: Link | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Server:
        """A server on the settings' data folder, not listening yet.

        ``link`` is the way to its parent process; it is told what each plugin is loaded from.

        Raises:
            FolderInUse: another server has the folder.
            RequiredPluginMissing: a plugin that is required is not in use.
            DatabaseTooNew: a later version wrote the database.
        """
        lock = FolderLock(settings.data)
        try:
            store = await Store.open(settings.data / DATABASE, clock=clock, limits=limits.store)
        except BaseException:
            lock.close()
            raise
        try:
            kept = await store.read(lambda connection: read_values(connection, "setting"))
            server = cls(settings, store, lock, clock, kept, link or Link(), limits)
        except BaseException:
            await store.aclose()
            lock.close()
            raise
        try:
            await server.services.start()
            given_up = server._link.restart.given_up if server._link.restart else ()
            server.installed.check_required(without=given_up)
        except BaseException:
            await server.aclose()
            raise
        return server

    async def demonstrate(self, demo: Demo) -> None:
        """Let every plugin show what it is for."""
        await self.installed.calls.demo(demo)

    def is_ready(self) -> bool:
        """Whether HTTP and the socket answer, and will go on answering."""
        return self._http is not None and self._http.ready

    def stop(self) -> None:
        """Begin to stop; a later call stops at once."""
        if self._http is not None:
            self._http.stop()

    async def serve(self, on_ready: Callable[[str], None]) -> None:
        """Serve until `stop`; ``on_ready(address)`` is called once both transports answer.

        Raises:
            AddressTaken: the port is in use, or the host is not this machine's.
        """
        if self.settings.secure and not self.settings.trusted_proxies:
            log.warning(
                "no_proxy_trusted",
                public_url=self.settings.public_url,
                setting="trusted_proxies",
                advice="name the proxy that does TLS, or all people have its address",
            )
        link = self._link
        # Not waited for: it loads the plugins while the rest starts.
        self.services.ground.pool.start()
        with link.listening or listen(self.settings.host, self.settings.port) as listening:
            address = address_of(self.settings.host, listening)
            link.hand_over(listening)
            self._http = HttpServer(
                self.app,
                self.gateway.protocol_class,
                shutdown_s=self.settings.shutdown_s,
                on_ready=lambda: on_ready(address),
                # A terminal sends it to the parent too, which says so.
                interrupts=not link.supervised,
                places=Connections(
                    max_in_all=most_connections(self.settings.max_connections),
                    max_per_address=self.settings.max_connections_per_address,
                    proxies=self.settings.trusted_proxies,
                ),
            )
            await self._http.serve(sockets=[listening])
            if not self._http.started:
                raise RuntimeError("the server did not start; the log says why")

    async def aclose(self) -> None:
        """Stop everything and store what waits. Safe to call twice."""
        await self.services.aclose(self._left_to_stop_s)
        self._lock.close()

    def _left_to_stop_s(self) -> float:
        """What is left of the time to stop; a little in any case."""
        took_s = 0.0 if self._http is None else self._http.stopping_for_s()
        return max(LEAST_TO_STOP_S, self.settings.shutdown_s - took_s)
