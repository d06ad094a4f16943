"""The composition root: makes the parts of a server, joins them, runs and closes them.

Owns the order in which things start and stop. Invariant: the address is printed when HTTP and the
socket both answer; on the way down, nothing new is taken, what is under way is answered, clients
are told to come back, and the store is closed last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import select

from dash_messenger.accounts.accounts import Accounts
from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.avatars import PhotoMaker
from dash_messenger.accounts.directory import Users
from dash_messenger.accounts.passwords import Passwords
from dash_messenger.accounts.profile_updates import Introductions
from dash_messenger.accounts.security_log import Refusals
from dash_messenger.auth.factor_check import Answering
from dash_messenger.auth.factor_setup import Enrolling
from dash_messenger.auth.login import Logins
from dash_messenger.auth.password_change import PasswordChange
from dash_messenger.auth.sessions import Sessions
from dash_messenger.blobs import BlobStore
from dash_messenger.blobs.quotas import rules_of
from dash_messenger.blobs.transfers import Transfers
from dash_messenger.clock import Clock, now_ms
from dash_messenger.conversations.details import Describing
from dash_messenger.conversations.members import Conversations
from dash_messenger.conversations.read_positions import Reading, Receipts
from dash_messenger.conversations.sync import Syncing
from dash_messenger.gateway import Gateway
from dash_messenger.gateway.client_address import Addresses
from dash_messenger.gateway.connection_limits import Connections
from dash_messenger.gateway.http import OpenPaths, make_app
from dash_messenger.gateway.listen import address_of, listen
from dash_messenger.gateway.origin import Origins
from dash_messenger.gateway.uvicorn_server import HttpServer
from dash_messenger.isolation.pool import JobPool
from dash_messenger.isolation.subprocess_pool import SubprocessPool
from dash_messenger.locks import Locks
from dash_messenger.messages.actions import Acting
from dash_messenger.messages.costly_content import CostlyContent
from dash_messenger.messages.edit import Editing
from dash_messenger.messages.history import History
from dash_messenger.messages.pipeline import Preparation
from dash_messenger.messages.reactions import Reacting
from dash_messenger.messages.send import Sending
from dash_messenger.plugin_api.context import Demo, Preparing, Tables
from dash_messenger.plugins.commands import PluginCommands
from dash_messenger.plugins.content_child import ENTRY
from dash_messenger.plugins.context import Parts, without_exit
from dash_messenger.plugins.hooks import Calls
from dash_messenger.plugins.host import Installed, each
from dash_messenger.plugins.jobs import Jobs
from dash_messenger.plugins.quarantine_ends import Returning
from dash_messenger.plugins.quarantine_file import States
from dash_messenger.plugins.settings import Adjusting
from dash_messenger.plugins.slash_commands import SlashCommands
from dash_messenger.plugins.storage import migrate_tables, read_values
from dash_messenger.plugins.web_host import Pages
from dash_messenger.process import most_connections
from dash_messenger.protocol.commands import Commands
from dash_messenger.protocol.events import Event
from dash_messenger.protocol.request_rates import Rates
from dash_messenger.realtime.hub import Hub
from dash_messenger.registry import CORE
from dash_messenger.server.data_folder import DATABASE, FolderLock
from dash_messenger.settings import Settings
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import users as user_rows
from dash_messenger.supervisor.link import Link

__all__ = ["Server"]

# For plugins, when connections took all the time that there was to stop.
LEAST_TO_STOP_S = 0.4

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
    ) -> None:
        self.settings = settings
        self.store = store
        self._lock = lock
        self._http: HttpServer | None = None
        self._pool = JobPool(entry=ENTRY)
        self._costly = CostlyContent(store)
        self._states = States(settings.data, clock, in_background=True)
        self.installed = Installed(
            without=settings.plugins_without,
            states=self._states,
            folder=settings.plugins_dir,
            required=settings.plugins_required,
            serves=True,
            restarted=link.restart is not None,
            activity=link.activity,
            loading=link.loading,
            pool=self._pool,
            costly=self._costly,
        )
        self._link = link
        self.hub = Hub(self.installed.renderer)
        self._passwords = Passwords(
            memory_kib=settings.password_memory_kib, passes=settings.password_passes
        )
        attempts = Attempts(enabled=settings.rate_limits, clock_s=lambda: clock() / 1000)
        self.blobs = BlobStore(store, settings.data / "blobs", clock, rules_of(settings))
        photos = PhotoMaker(self.blobs, self.installed.portraits, rate_limits=settings.rate_limits)
        self._introductions = Introductions(self.hub)
        self.accounts = Accounts(
            store,
            self._passwords,
            attempts,
            settings,
            self.installed.themes,
            photos.make,
            self._introductions.tell,
        )
        self.sessions = Sessions(store, self.hub, settings, clock)
        steps = self.installed.steps
        answering = Answering(store, steps, attempts, clock)
        self._logins = logins = Logins(store, self.accounts, self.sessions, answering, steps, clock)
        enrolling = Enrolling(store, self.accounts, self.hub, answering, steps, attempts, clock)
        self._receipts = Receipts(self.hub)
        reading = Reading(store, self.hub, self._receipts)
        syncing = Syncing(store, self.hub, self.installed.renderer)
        limited = settings.rate_limits
        rates = Rates(enabled=limited)
        self.commands = Commands(link.activity, rates)
        installed, contexts = self.installed, self.installed.contexts
        contents = installed.contents
        # One change of a message at a time: a popular one would be decided in vain, over and over.
        locks: Locks[str] = Locks()
        preparation = Preparation(contents, self._preparing, installed.runner)
        sending = Sending(store, preparation, rate_limits=limited, backlog=lambda: self.hub.backlog)
        acting = Acting(store, contents, clock=clock, locks=locks)
        editing = Editing(store, preparation, locks=locks)
        self._limited = SubprocessPool()
        contexts.join(
            Parts(
                store, contents, sending, acting, self._limited, clock, settings.data, self.blobs
            ),
            plugin_settings,
        )
        self._jobs = Jobs(installed.runner)
        self._slash = SlashCommands(
            store,
            installed.runner,
            rate_limits=limited,
            translate=lambda plugin, language: contexts.of(plugin).translate(language),
        )
        for family in (
            self.accounts.commands(),
            logins.commands(),
            self.sessions.commands(),
            enrolling.commands(),
            PasswordChange(store, self.accounts, self._passwords, self.hub).commands(),
            Users(store, rate_limits=limited).commands(),
            Conversations(store).commands(),
            Describing(store, photos.make).commands(),
            sending.commands(),
            acting.commands(),
            editing.commands(),
            Reacting(store).commands(),
            History(store, installed.renderer, preparation, self.hub.tell_drawn).commands(),
            reading.commands(),
            syncing.commands(),
            installed.commands(self._is_admin),
            installed.themes.commands(),
            self._costly.commands(self._is_admin),
            self._slash.commands(),
            self.blobs.commands(),
            Adjusting(installed, self._is_admin).commands(),
        ):
            for command in family:
                self.commands.add(CORE, command)
        self._register_plugins()
        self._calls = Calls(
            installed.plugins,
            contexts.of,
            bot_of=contexts.bot_of,
        )
        installed.forget.append(self._calls.remove)
        installed.begin += [self._migrate, self._calls.begin]
        self._returning = Returning(installed, clock)
        preparation.checks = self._calls
        self.blobs.check = self._calls.upload
        logins.check = self._calls.login
        store.listener = _Listeners(self.hub, syncing, self._calls)
        refusals = Refusals()
        addresses, origins = Addresses(settings.trusted_proxies), Origins(settings.public_url)
        self.gateway = Gateway(
            authenticate=self.sessions.authenticate,
            commands=self.commands,
            hub=self.hub,
            origins=origins,
            addresses=addresses,
            refusals=refusals,
        )
        open_paths = OpenPaths()
        self._transfers = Transfers(store, clock)
        self.app = make_app(
            self.commands,
            self.sessions,
            settings,
            open_paths,
            addresses,
            origins,
            refusals,
            lambda: self.ready,
            self.blobs,
            self._transfers,
        )
        Pages(
            self.app,
            self.commands,
            self.sessions,
            self.installed.types,
            self.installed.themes,
            settings,
            open_paths,
            refusals,
        ).register(self.installed.plugins)

    @classmethod
    async def open(
        cls, settings: Settings, *, clock: Clock = now_ms, link: Link | None = None
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
            store = await Store.open(settings.data / DATABASE, clock=clock)
        except BaseException:
            lock.close()
            raise
        try:
            kept = await store.read(lambda connection: read_values(connection, "setting"))
            server = cls(settings, store, lock, clock, kept, link or Link())
        except BaseException:
            await store.aclose()
            lock.close()
            raise
        try:
            await server._start_plugins()
            given_up = server._link.restart.given_up if server._link.restart else ()
            server.installed.check_required(without=given_up)
        except BaseException:
            await server.aclose()
            raise
        return server

    def _register_plugins(self) -> None:
        """Take what plugins register with a context at hand."""
        installed = self.installed
        installed.plugins.register("register_settings", installed.contexts.declare_settings)

        commands = PluginCommands(self.commands, installed.runner)
        installed.register("register_commands", each(commands.add), self.commands.remove)
        installed.register("register_slash_commands", each(self._slash.add), self._slash.remove)
        installed.register("register_jobs", each(self._jobs.add), self._jobs.remove)
        portraits = installed.portraits
        installed.register("register_portraits", portraits.add, portraits.remove)

    async def _start_plugins(self) -> None:
        """Bring plugins' tables up to date, then let them begin."""
        for plugin in [*self.installed.tables.by_name]:
            await self._migrate(plugin)
        await self._costly.load(self.installed.versions())
        self._configure_children()
        self.installed.changed.append(self._configure_children)
        self.installed.contexts.changed = self._configure_children
        await self._calls.start()
        self._returning.start()
        self._jobs.start()
        self.blobs.start()
        self.sessions.start()

    async def _migrate(self, plugin: str) -> bool:
        """Bring a plugin's tables up to date; one whose migration fails is quarantined."""
        tables = self.installed.tables.by_name.get(plugin)
        if tables is None or not self.installed.plugins.loaded(plugin):
            return self.installed.plugins.loaded(plugin)
        return await self.installed.runner.start_async(
            plugin,
            lambda: self.store.write(_migrating(plugin, tables)),
            doing="migrations",
            within_s=None,
        )

    def _configure_children(self) -> None:
        """Have children load the plugins that are in use, with the settings in force."""
        self._pool.configure(self.installed.child_setup())

    async def demonstrate(self, demo: Demo) -> None:
        """Let every plugin show what it is for."""
        await self._calls.demo(demo)

    def _preparing(
        self, type: str, user: str, conversation: str, before: Struct | None
    ) -> Preparing:
        plugin = self.installed.types.plugin_of(type) or ""
        return Preparing(self.installed.contexts.of(plugin), user, conversation, before)

    @property
    def ready(self) -> bool:
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
        self._pool.start()
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
        self.gateway.close()
        self._receipts.close()
        self._introductions.close()
        await self._returning.aclose()
        await self._jobs.aclose()
        await self._transfers.aclose()
        await self.blobs.aclose()
        await self.sessions.aclose()
        await self._calls.stop(self._time_to_stop_s())
        await self.installed.runner.aclose()
        await self.installed.contexts.aclose()
        await self._limited.aclose()
        await self.hub.aclose()
        self.store.listener = None
        await self.store.aclose()
        self._passwords.close()
        await self._pool.aclose()
        await self._costly.aclose()
        await self._states.aclose()
        self.installed.renderer.close()
        self._lock.close()

    def _time_to_stop_s(self) -> float:
        """What is left of the time to stop; a little in any case."""
        took_s = 0.0 if self._http is None else self._http.stopping_for_s()
        return max(LEAST_TO_STOP_S, self.settings.shutdown_s - took_s)

    async def _is_admin(self, user: str) -> bool:
        query = select(user_rows.c.role).where(user_rows.c.id == user)
        role: Any = await self.store.read(lambda connection: connection.execute(query).scalar())
        return bool(role == "admin")


class _Listeners:
    """Who hears of committed events, in which order."""

    def __init__(self, hub: Hub, syncing: Syncing, calls: Calls) -> None:
        self._hub = hub
        self._syncing = syncing
        self._calls = calls

    def apply(self, events: list[Event]) -> None:
        """Before the answers."""
        self._syncing.hear(events)
        self._hub.apply(events)

    def announce(self, events: list[Event]) -> None:
        """After the answers."""
        self._hub.announce(events)
        self._calls.hear(events)


def _migrating(plugin: str, tables: Tables) -> Callable[[Transaction], None]:
    def work(transaction: Transaction) -> None:
        without_exit(
            lambda connection: migrate_tables(connection, plugin, tables), transaction.connection
        )

    return work
