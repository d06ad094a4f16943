"""The command ``dash-messenger``.

Owns what is said on a terminal. Must not know how anything is done. Imports lazily: each command
pays for what it uses, so that ``--help`` answers at once.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from dash_messenger.plugins.quarantine_file import QuarantineFile
    from dash_messenger.settings import Settings
    from dash_messenger.supervisor.link import Link

__all__ = ["main"]

DATA_HELP = "The folder that holds everything.  [default: the user's data folder]"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dash-messenger")
def main() -> None:
    """A messenger on your own server, extended with Python."""


@main.command()
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="The port; 0 takes a free one.  [default: 8000]")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
@click.option(
    "--plugins-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of plugins that are a single file each.",
)
@click.option("--demo", is_flag=True, help="Fill an empty folder with people who talk.")
@click.pass_obj
def serve(
    link: Link | None,
    host: str | None,
    port: int | None,
    data: Path | None,
    plugins_dir: Path | None,
    demo: bool,
) -> None:
    """Serve until stopped (Ctrl+C); prints the address once it is ready."""
    # Importing makes nothing but what stays: the collector would walk it in vain, over and over.
    # The server turns it on again once it is ready.
    gc.disable()
    settings = _settings(host=host, port=port, data=data, plugins_dir=plugins_dir)
    from dash_messenger.cli.run import run

    sys.exit(run(settings, link, demo=demo))


@main.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
@click.pass_context
def plugins(context: click.Context, as_json: bool, data: Path | None) -> None:
    """List the plugins, and why one of them is not in use."""
    if context.invoked_subcommand is None:
        _list_plugins(_settings(data=data), as_json)


@plugins.command("disable")
@click.argument("name")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def plugins_disable(name: str, data: Path | None) -> None:
    """Leave a plugin out from the next start on; what it stored stays."""
    _states(_settings(data=data), name).disable(name)
    _note_plugin("PLUGIN_DISABLED", name)
    click.echo(f"{name} will not be loaded. Restart the server.")


@plugins.command("enable")
@click.argument("name")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def plugins_enable(name: str, data: Path | None) -> None:
    """Load a plugin again from the next start on, whatever went wrong before."""
    _states(_settings(data=data), name).enable(name)
    _note_plugin("PLUGIN_ENABLED", name)
    click.echo(f"{name} will be loaded. Restart the server.")


@plugins.command("purge")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def plugins_purge(name: str, yes: bool, data: Path | None) -> None:
    """Remove what a plugin keeps, for good; messages keep their text."""
    settings = _settings(data=data)
    from dash_messenger.plugins.loader import names_of_plugins

    known = names_of_plugins(settings.plugins_dir)
    if name in known and not _states(settings, name).of(name).disabled:
        raise click.ClickException(
            f"{name} is in use: uninstall it, or run 'dash-messenger plugins disable {name}'."
        )
    from dash_messenger.cli.run import purge_plugin

    def agrees(lines: list[str]) -> bool:
        click.echo(f"Of {name} there will be removed:\n  " + "\n  ".join(lines))
        return yes or click.confirm("Remove it?")

    sys.exit(purge_plugin(settings, name, known, agrees))


@plugins.command("forget-costly")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def plugins_forget_costly(data: Path | None) -> None:
    """Try content again that was given up for what it cost, from the next start on."""
    settings = _settings(data=data)
    from dash_messenger.cli.run import forget_costly

    sys.exit(forget_costly(settings))


@plugins.command("check")
@click.argument("name")
@click.option(
    "--plugins-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of plugins that are a single file each.",
)
def plugins_check(name: str, plugins_dir: Path | None) -> None:
    """Load one plugin by itself, and say what it registers or why it fails."""
    from dash_messenger.cli.check import check
    from dash_messenger.plugins.folder import PluginsFolderUnsafe

    try:
        report = check(name, folder=plugins_dir)
    except PluginsFolderUnsafe as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(report.lines))
    sys.exit(0 if report.good else 1)


@main.command()
@click.argument("names", nargs=-1, required=True)
@click.option("-U", "--upgrade", is_flag=True, help="Take newer versions of what is there.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask about packages that are not ours.")
def install(names: tuple[str, ...], upgrade: bool, yes: bool) -> None:
    """Install plugins: one of ours by its short name, or whatever pip takes."""
    from dash_messenger.cli.install import install_plugins

    sys.exit(install_plugins(names, upgrade=upgrade, yes=yes))


@main.command()
@click.argument("names", nargs=-1, required=True)
def uninstall(names: tuple[str, ...]) -> None:
    """Uninstall plugins. What they stored stays; messages are shown by their text."""
    from dash_messenger.cli.install import uninstall_plugins

    sys.exit(uninstall_plugins(names))


@main.command("new-plugin")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The folder to make it in.  [default: this folder]",
)
def new_plugin(name: str, into: Path) -> None:
    """Write a plugin that works, to make your own from: acme.poll, or just poll."""
    from dash_messenger.cli.new_plugin import NameUnusable, names_of, write_plugin

    try:
        names = names_of(name)
        written = write_plugin(names, into)
    except (NameUnusable, OSError) as error:
        raise click.ClickException(str(error)) from None
    folder = into / names.distribution
    lines = [f"Wrote {folder}, a plugin that works:"]
    lines += [f"  {path.relative_to(folder)}" for path in written]
    lines += [
        f"The message type is {names.type}, the plugin and its package are {names.package}, and",
        f"pip knows it as {names.distribution}. Next:",
        f"  cd {folder}",
        '  pip install --editable ".[test]"',
        "  python -m pytest",
        "  dash-messenger serve",
    ]
    click.echo("\n".join(lines))


def _states(settings: Settings, name: str) -> QuarantineFile:
    from dash_messenger.plugins.loader import names_of_plugins
    from dash_messenger.plugins.quarantine_file import QuarantineFile, StatesUnreadable

    states = QuarantineFile(settings.data)
    if name not in names_of_plugins(settings.plugins_dir):
        raise click.ClickException(f"There is no plugin called {name}.")
    try:
        states.of(name)
    except StatesUnreadable as error:
        raise click.ClickException(str(error)) from None
    return states


def _list_plugins(settings: Settings, as_json: bool) -> None:
    from dash_messenger.plugins.folder import PluginsFolderUnsafe
    from dash_messenger.plugins.host import PluginHost
    from dash_messenger.plugins.quarantine_file import QuarantineFile, StatesUnreadable

    try:
        installed = PluginHost(
            without=settings.plugins_without,
            states=QuarantineFile(settings.data),
            folder=settings.plugins_dir,
        )
        installed.load()
    except (PluginsFolderUnsafe, StatesUnreadable) as error:
        raise click.ClickException(str(error)) from None
    installed.tell_seen()
    found = [*installed]
    installed.renderer.close()
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found).decode())
        return
    if not found:
        click.echo("No plugins are installed: nobody can send anything yet.")
    width = max((len(plugin.name) for plugin in found), default=0)
    half = max((len(plugin.group) for plugin in found), default=0)
    for plugin in found:
        line = (
            f"{plugin.name:{width}}  {plugin.group:{half}}"
            f"  {plugin.distribution} {plugin.version}  {plugin.status}"
        )
        click.echo(f"{line}: {plugin.reason}" if plugin.reason else line)


@main.command()
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def migrate(data: Path | None) -> None:
    """Bring the database to this version; ``serve`` does so by itself."""
    settings = _settings(data=data)
    from dash_messenger.cli.run import migrate_folder

    sys.exit(migrate_folder(settings))


@main.group()
def user() -> None:
    """Manage users."""


@user.command("add")
@click.argument("username")
@click.option("--display-name", help="The name that others see.  [default: the user name]")
@click.option("--admin", is_flag=True, help="Let them manage the server.")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
@click.option(
    "--password-file",
    type=click.File(),
    help="Read the password from the first line of a file; - is standard input.",
)
def user_add(
    username: str,
    display_name: str | None,
    admin: bool,
    data: Path | None,
    password_file: TextIO | None,
) -> None:
    """Make an account, whether registration is open or not; asks for the password."""
    settings = _settings(data=data)
    password = _read_password(password_file)
    from dash_messenger.cli.users import add_user

    role = "admin" if admin else "member"
    sys.exit(add_user(settings, username, password, display_name=display_name, role=role))


@user.command("set-password")
@click.argument("username")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
@click.option(
    "--password-file",
    type=click.File(),
    help="Read the password from the first line of a file; - is standard input.",
)
def user_set_password(username: str, data: Path | None, password_file: TextIO | None) -> None:
    """Give somebody a new password, and end their sessions; asks for the password."""
    settings = _settings(data=data)
    password = _read_password(password_file)
    from dash_messenger.cli.users import set_password

    sys.exit(set_password(settings, username, password))


@user.command("deactivate")
@click.argument("username")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def user_deactivate(username: str, data: Path | None) -> None:
    """Shut somebody out: end their sessions, and let them log in no longer."""
    settings = _settings(data=data)
    from dash_messenger.cli.users import deactivate_user

    sys.exit(deactivate_user(settings, username))


@user.command("activate")
@click.argument("username")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def user_activate(username: str, data: Path | None) -> None:
    """Let somebody who was deactivated log in again."""
    settings = _settings(data=data)
    from dash_messenger.cli.users import activate_user

    sys.exit(activate_user(settings, username))


@user.command("close-sessions")
@click.argument("username")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def user_close_sessions(username: str, data: Path | None) -> None:
    """Log somebody out everywhere; they may log in again."""
    settings = _settings(data=data)
    from dash_messenger.cli.users import close_sessions

    sys.exit(close_sessions(settings, username))


@user.command("reset-factors")
@click.argument("username")
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def user_reset_factors(username: str, data: Path | None) -> None:
    """Take away the second factors of somebody who has lost them, and end their sessions."""
    settings = _settings(data=data)
    from dash_messenger.cli.users import reset_factors

    sys.exit(reset_factors(settings, username))


def _note_plugin(event: str, name: str) -> None:
    from dash_messenger.accounts.security_log import SecurityEvent, note

    note(SecurityEvent[event], plugin=name)


def _read_password(file: TextIO | None) -> str:
    if file is not None:
        return file.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _settings(**flags: object) -> Settings:
    from dash_messenger.server.logging import start_logging
    from dash_messenger.settings import SettingsInvalid, load_settings

    try:
        settings = load_settings(**flags)
    except SettingsInvalid as error:
        raise click.ClickException(str(error)) from None
    start_logging(settings.log_level, settings.log_format, security=settings.security_log)
    return settings
