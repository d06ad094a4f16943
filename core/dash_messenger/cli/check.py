"""``plugins check``: one plugin, loaded by itself, with what it registers or why it fails.

Owns the report. Nothing is served and no data folder is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dash_messenger.plugins.host import PluginHost
from dash_messenger.plugins.loader import loaders_of_halves, names_of_plugins

__all__ = ["Report", "check"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found; ``good`` if nothing is wrong."""

    lines: list[str]
    good: bool


def check(name: str, *, folder: Path | None = None) -> Report:
    """Load the plugin called ``name``, and the web UI, if it is there, for its Dash half.

    ``folder`` holds plugins of a single file each.
    """
    names = names_of_plugins(folder)
    if name not in names:
        return Report([f"There is no plugin called {name}."], good=False)
    installed = PluginHost(without=names - {name} - loaders_of_halves(), folder=folder)
    installed.load()
    try:
        found = [one for one in installed if one.name == name]
        lines = [
            f"{one.name} ({one.group}) {one.distribution} {one.version}: {one.status}"
            + (f": {one.reason}" if one.reason else "")
            for one in found
        ]
        for message_type in installed.types:
            actions = ", ".join(installed.types.actions(message_type.type))
            lines.append(f"  message type {message_type.type}" + (f": {actions}" * bool(actions)))
        lines += [f"  theme {theme.name}" for theme in installed.themes]
        lines += [f"  second factor {one.name}" for one in installed.steps]
        lines += [f"  login step {one.name}" for one in installed.steps.steps]
        tables = installed.tables.of(name)
        if tables is not None:
            lines.append(f"  tables {', '.join(tables.metadata.tables)}")
        hooks = [hook for hook in HOOKS if any(installed.plugins.implementations(hook))]
        lines += [f"  hook {hook}" for hook in hooks]
    finally:
        installed.renderer.close()
    return Report(lines, good=all(one.status == "loaded" for one in found))


HOOKS = (
    *("check_message", "check_login", "check_upload"),
    *("on_start", "on_demo", "on_stop", "on_message", "on_member"),
    *("register_commands", "register_slash_commands", "register_jobs", "register_settings"),
    "register_portraits",
)
