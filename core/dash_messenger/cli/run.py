"""Runs the server, or one task on its data folder, from the command line.

Owns the event loop of the process and how the errors of starting are told: one sentence on standard
error and a status, without a traceback.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click
import structlog

from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.errors import Failure
from dash_messenger.gateway.listen import AddressTaken
from dash_messenger.plugins.folder import PluginsFolderUnsafe
from dash_messenger.plugins.loader import RequiredPluginMissing, check_name
from dash_messenger.plugins.quarantine_file import QuarantineFile, StatesUnreadable
from dash_messenger.process import prepare_process
from dash_messenger.server.data_folder import DATABASE, FolderInUse, FolderLock
from dash_messenger.server.logging import logs_for_people
from dash_messenger.settings import Settings
from dash_messenger.store import Store
from dash_messenger.store.backend import DatabaseUnusable
from dash_messenger.store.migrate import DatabaseTooNew
from dash_messenger.supervisor.link import Link
from dash_messenger.supervisor.restarts import Restart

if TYPE_CHECKING:
    from dash_messenger.server.limits import Limits

__all__ = ["forget_costly", "migrate_folder", "purge_plugin", "run", "run_on_store"]

NO_TYPE = "No message type is installed, so nobody can write. Add one: dash-messenger install NAME"
NO_ADMIN = (
    "There is no admin yet. Sign up at {address}/register with this set-up code to be it: {code}"
)
SIGN_UP = "whoever signs up with this code is the admin; or: dash-messenger user add NAME --admin"
# What keeps a server from starting and is told in a sentence.
TOLD = (
    *(Failure, FolderInUse, AddressTaken, DatabaseTooNew, DatabaseUnusable, StatesUnreadable),
    *(PluginsFolderUnsafe, RequiredPluginMissing),
)

log = structlog.get_logger(__name__)


def run(
    settings: Settings,
    link: Link | None = None,
    *,
    demo: bool = False,
    limits: Limits | None = None,
) -> int:
    """Serve until stopped; the exit status. ``link`` is the way to the parent process."""
    prepare_process()
    # The writer needs the interpreter for a moment after each statement. Under load the loop would
    # keep it waiting for the default of 5 ms each time.
    sys.setswitchinterval(0.0005)
    return _run(_serve(settings, demo, link or Link(), limits), fast=True)


def migrate_folder(settings: Settings) -> int:
    """Bring the database to this version; the exit status."""

    async def work(store: Store) -> None:
        click.echo(f"The database in {settings.data} is up to date.")

    return run_on_store(settings, work)


def forget_costly(settings: Settings) -> int:
    """Have content tried again that was killed for what it cost; the exit status."""
    from dash_messenger.messages.costly_content import CostlyContent

    async def work(store: Store) -> None:
        forgotten = await CostlyContent(store).forget()
        click.echo(f"Contents to be tried again: {forgotten}. Restart the server.")

    return run_on_store(settings, work)


def run_on_store(settings: Settings, work: Callable[[Store], Awaitable[None]]) -> int:
    """Do one task on the data folder, which a server may have at the same time; the exit status."""
    return _run(_with_store(settings, work))


def purge_plugin(
    settings: Settings, plugin: str, installed: set[str], agrees: Callable[[list[str]], bool]
) -> int:
    """Remove what a plugin keeps, if ``agrees(what)``; the exit status."""
    from dash_messenger.cli.purge import find_holdings, purge_database, purge_files

    async def work(store: Store) -> None:
        found = await store.read(
            lambda connection: find_holdings(
                connection, settings.data, plugin, others=installed - {plugin}
            )
        )
        if not found:
            raise RuntimeError(f"there is nothing of a plugin called {plugin}")
        if not agrees(found.lines()):
            click.echo("Nothing was removed.")
            return
        await store.write(
            lambda transaction: purge_database(
                transaction.connection, plugin, found, transaction.now_ms
            )
        )
        purge_files(settings.data, plugin, found)
        note(SecurityEvent.PLUGIN_PURGED, plugin=plugin)
        click.echo(f"Nothing is left of {plugin}.")

    try:
        check_name(plugin)
    except ValueError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    if not (settings.data / DATABASE).exists():
        click.echo(f"Error: there is no database in {settings.data}", err=True)
        return 1
    return _run(_alone(settings, _with_store(settings, work)))


async def _alone(settings: Settings, work: Coroutine[Any, Any, None]) -> None:
    """Do ``work`` while no server has the folder."""
    try:
        lock = FolderLock(settings.data)
    except FolderInUse:
        work.close()
        raise
    try:
        await work
    finally:
        lock.close()


async def _serve(settings: Settings, demo: bool, link: Link, limits: Limits | None) -> None:
    link.start(settings.shutdown_s, "console" if logs_for_people(settings.log_format) else "json")
    try:
        if link.restart is not None:
            _note_restart(settings, link.restart)
        await _serve_linked(settings, demo, link, limits)
    finally:
        link.close()


def _note_restart(settings: Settings, restart: Restart) -> None:
    """Quarantine the plugin that brought the last server down.

    One that is required is loaded again, since going on without what an admin requires is worse;
    unless it does so over and over.
    """
    if not restart.plugin:
        return
    if restart.plugin in {*settings.plugins_required} - {*restart.given_up}:
        log.error("required_plugin_kept", plugin=restart.plugin, reason=restart.reason)
    else:
        QuarantineFile(settings.data).quarantine(restart.plugin, restart.reason)


async def _serve_linked(settings: Settings, demo: bool, link: Link, limits: Limits | None) -> None:
    from dash_messenger.cli.demo import DemoClock, fill
    from dash_messenger.clock import now_ms
    from dash_messenger.server.app import Server
    from dash_messenger.server.limits import Limits

    clock = DemoClock() if demo else None
    server = await Server.open(
        settings, clock=clock or now_ms, link=link, limits=limits or Limits()
    )
    try:
        notes: list[str] = []
        if clock is not None:
            notes = await fill(
                server.store,
                server.accounts,
                server.commands,
                server.installed.types,
                clock,
                server.demonstrate,
            )

        setup_code = await server.setup_code.current()

        def on_ready(address: str) -> None:
            link.serving()
            if setup_code is not None:
                log.warning("no_admin", setup_code=setup_code, advice=SIGN_UP)
            if link.restart is not None:
                log.warning("server_restarted", address=address, reason=link.restart.reason)
                return
            public = f" (people use {settings.public_url})" if settings.public_url else ""
            click.echo(f"Dash Messenger is ready at {address}{public}")
            if setup_code is not None:
                click.echo(NO_ADMIN.format(address=settings.public_url or address, code=setup_code))
            for note in notes:
                click.echo(note)

        if not [*server.installed.types]:
            click.echo(NO_TYPE, err=True)
        await server.serve(on_ready)
    finally:
        link.stopping()
        await server.aclose()


async def _with_store(settings: Settings, work: Callable[[Store], Awaitable[None]]) -> None:
    prepare_process()
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = await Store.open(settings.data / DATABASE)
    try:
        await work(store)
    finally:
        await store.aclose()


def _run(work: Coroutine[Any, Any, None], *, fast: bool = False) -> int:
    loop_factory = None
    if fast:
        try:
            import uvloop
        except ImportError:  # Windows has none.
            pass
        else:
            loop_factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(work)
    except KeyboardInterrupt:
        return 130
    except (*TOLD, OSError, RuntimeError) as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    return 0
