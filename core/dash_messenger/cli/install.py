"""``install`` and ``uninstall``: pip, or uv where there is no pip, on the running interpreter.

Owns what names mean and what is told. Must not know which plugins there are: ours are those that
this distribution's extra ``all`` names. Invariants: installing a plugin never exchanges the server
itself for another version; a package of strangers is installed only by somebody who was told that
it is one.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import entry_points, requires, version
from pathlib import Path

import click

__all__ = ["install_plugins", "uninstall_plugins"]

DISTRIBUTION = "dash-messenger"
EXTRA = "all"
GROUP = "dash_messenger"


def install_plugins(names: Sequence[str], *, upgrade: bool = False, yes: bool = False) -> int:
    """Install what is named; the exit status. Strangers' packages need a yes."""
    ours = own_packages()
    for name in names:
        if name in ours:
            click.echo(f"{name} is the package {ours[name]}, a part of Dash Messenger.")
        elif _is_of_an_index(name) and not yes:
            click.echo(
                f"{name} is no part of Dash Messenger: it is whatever somebody registered under"
                " that name with the package index, and it will run with all rights of the server."
            )
            if not sys.stdin.isatty():
                click.echo("Error: say --yes if this is the package you mean.", err=True)
                return 1
            if not click.confirm(f"Install the package {name}?"):
                return 1
    # What is there stays in its version: a plugin that needs another server is refused by pip.
    with tempfile.TemporaryDirectory() as place:
        constraints = Path(place) / "constraints.txt"
        constraints.write_text(f"dash-messenger=={version('dash-messenger')}\n")
        status = _run(
            "install",
            *(["--upgrade"] if upgrade else []),
            "--constraint",
            str(constraints),
            *(ours.get(name, name) for name in names),
        )
    if status:
        return status
    # In a process of its own: this one has looked at what is installed already.
    listed = subprocess.run([sys.executable, "-m", "dash_messenger", "plugins"])
    click.echo("Restart the server to use what was installed.")
    return listed.returncode


def uninstall_plugins(names: Sequence[str]) -> int:
    """Uninstall what is named, by the plugin's name or its package's; the exit status."""
    packages = {**own_packages(), **_installed_packages()}
    status = _run("uninstall", *(packages.get(name, name) for name in names))
    if not status:
        click.echo("Restart the server. What the plugins stored stays where it is.")
    return status


def own_packages() -> dict[str, str]:
    """Our plugins by their short names: those that this distribution's extra ``all`` brings."""
    found = {}
    for line in requires(DISTRIBUTION) or ():
        requirement, _, marker = line.partition(";")
        package = requirement.partition("==")[0].strip()
        if marker.replace("'", '"').replace(" ", "") == f'extra=="{EXTRA}"':
            found[package.removeprefix(f"{DISTRIBUTION}-")] = package
    return found


def _installed_packages() -> dict[str, str]:
    """The packages of the plugins that are installed, by the plugins' names."""
    found = entry_points(group=GROUP)
    return {entry.name: entry.dist.name for entry in found if entry.dist is not None}


def _is_of_an_index(name: str) -> bool:
    """Whether pip would look a name up, not take a file, a folder or an address."""
    is_address = "://" in name or " @ " in name
    is_file = name.endswith((".whl", ".tar.gz", ".zip")) or "/" in name or "\\" in name
    return not is_address and not is_file and name not in (".", "..")


def _run(action: str, *arguments: str) -> int:
    if importlib.util.find_spec("pip") is not None:
        yes = ["--yes"] if action == "uninstall" else []
        command = [sys.executable, "-m", "pip", action, "--quiet", *yes, *arguments]
    elif importlib.util.find_spec("uv") is not None:
        command = [sys.executable, "-m", "uv", "pip", action, "--quiet"]
        command += ["--python", sys.executable, *arguments]
    else:
        click.echo("Error: neither pip nor uv is installed beside this program.", err=True)
        return 1
    return subprocess.run(command).returncode  # noqa: S603 - what an admin typed
