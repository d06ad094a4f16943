"""``install`` and ``uninstall``: pip, or uv where there is no pip, on the running interpreter.

Owns what names mean and what is told. Invariant: installing a plugin never exchanges the server
itself for another version.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click

__all__ = ["install_plugins", "uninstall_plugins"]

FIRST_PARTY = ("files", "markdown", "photo", "stickers", "text", "themes", "totp", "webui")


def install_plugins(names: Sequence[str], *, upgrade: bool = False) -> int:
    """Install what is named; the exit status."""
    # What is there stays in its version: a plugin that needs another server is refused by pip.
    with tempfile.TemporaryDirectory() as place:
        constraints = Path(place) / "constraints.txt"
        constraints.write_text(f"dash-messenger=={version('dash-messenger')}\n")
        status = _run(
            "install",
            *(["--upgrade"] if upgrade else []),
            "--constraint",
            str(constraints),
            *map(_requirement, names),
        )
    if status:
        return status
    # In a process of its own: this one has looked at what is installed already.
    listed = subprocess.run([sys.executable, "-m", "dash_messenger", "plugins"])
    click.echo("Restart the server to use what was installed.")
    return listed.returncode


def uninstall_plugins(names: Sequence[str]) -> int:
    """Uninstall what is named; the exit status."""
    status = _run("uninstall", *map(_requirement, names))
    if not status:
        click.echo("Restart the server. What the plugins stored stays where it is.")
    return status


def _requirement(name: str) -> str:
    return f"dash-messenger-{name}" if name in FIRST_PARTY else name


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
