"""The folder of plugins that are a single file each: whose it may be.

Invariant: nothing is imported from a folder that another account of this machine may write to: its
files run with all rights of the server.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["PluginsFolderUnsafe", "check_plugins_folder"]


class PluginsFolderUnsafe(Exception):
    """Plugins are not loaded from this folder; the sentence says why."""


def check_plugins_folder(folder: Path) -> None:
    """Return if only root and who runs the server may change what is loaded from ``folder``.

    Raises:
        PluginsFolderUnsafe: it is missing, or others may write to it, to one of its plugins or
            to a folder above them.
    """
    if not folder.is_dir():
        raise PluginsFolderUnsafe(f"plugins_dir: {folder} is not a folder")
    if os.name == "nt":  # pragma: no cover - permissions are lists there
        return
    real = folder.resolve()
    for path in (real, *sorted(folder.glob("*.py")), *real.parents):
        reason = _open_to(path, above=path in real.parents)
        if reason is not None:
            raise PluginsFolderUnsafe(
                f"plugins_dir: {path} {reason}; whoever may write there could run anything here"
            )


def _open_to(path: Path, *, above: bool) -> str | None:
    found = path.stat()
    if found.st_uid not in (0, os.getuid()):
        return f"belongs to another account ({found.st_uid})"
    # In /tmp and the like nobody can exchange what is another's.
    if above and found.st_mode & stat.S_ISVTX:
        return None
    if found.st_mode & stat.S_IWOTH:
        return "may be written to by everybody"
    if found.st_mode & stat.S_IWGRP and not _is_private_group(found):
        return f"may be written to by a group ({found.st_gid})"
    return None


def _is_private_group(found: os.stat_result) -> bool:
    """Whether a group is its owner's alone, as many systems make one for each account."""
    import grp
    import pwd

    try:
        owner, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    alone = set(group.gr_mem) <= {owner.pw_name}
    return alone and owner.pw_gid == found.st_gid and group.gr_name == owner.pw_name
