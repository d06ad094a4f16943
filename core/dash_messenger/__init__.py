"""Dash Messenger: what a plugin may import from the core.

Each name is imported when it is first asked for: the parent process of ``serve`` needs none.
"""

from __future__ import annotations

from importlib import import_module

# For type checkers, who know the name. `typing` itself takes as long as the rest of a start.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from dash_messenger.actions import Acted, Change, Refuse, action
    from dash_messenger.commands import Caller, Command
    from dash_messenger.errors import Failure, NotFound, Refused, Unauthenticated
    from dash_messenger.factors import Beginning, Confirmed, Factor, LoginStep
    from dash_messenger.messages import MessageType, MessageTypes
    from dash_messenger.plugins.checks import Login, Proposed, Upload
    from dash_messenger.plugins.context import (
        Blob,
        Blobs,
        Context,
        Demo,
        Job,
        MemberChange,
        Preparing,
        SlashCall,
        SlashCommand,
        Tables,
        setting,
    )
    from dash_messenger.plugins.hookspecs import hookimpl
    from dash_messenger.plugins.loading import HOOK_API, Plugins, Sources
    from dash_messenger.plugins.portraits import Portrait, Portraits
    from dash_messenger.plugins.themes import Theme
    from dash_messenger.plugins.views import View
    from dash_messenger.plugins.web import Viewer, WebContext
    from dash_messenger.protocol import Message, User

__all__ = [
    "HOOK_API",
    "Acted",
    "Beginning",
    "Blob",
    "Blobs",
    "Caller",
    "Change",
    "Command",
    "Confirmed",
    "Context",
    "Demo",
    "Factor",
    "Failure",
    "Job",
    "Login",
    "LoginStep",
    "MemberChange",
    "Message",
    "MessageType",
    "MessageTypes",
    "NotFound",
    "Plugins",
    "Portrait",
    "Portraits",
    "Preparing",
    "Proposed",
    "Refuse",
    "Refused",
    "SlashCall",
    "SlashCommand",
    "Sources",
    "Tables",
    "Theme",
    "Unauthenticated",
    "Upload",
    "User",
    "View",
    "Viewer",
    "WebContext",
    "action",
    "hookimpl",
    "setting",
]

# The same as above, for whoever runs this.
_HOMES = {
    "actions": ("Acted", "Change", "Refuse", "action"),
    "commands": ("Caller", "Command"),
    "errors": ("Failure", "NotFound", "Refused", "Unauthenticated"),
    "factors": ("Beginning", "Confirmed", "Factor", "LoginStep"),
    "messages": ("MessageType", "MessageTypes"),
    "plugins.checks": ("Login", "Proposed", "Upload"),
    "plugins.context": (
        *("Blob", "Blobs", "Context", "Demo", "Job", "MemberChange", "Preparing"),
        *("SlashCall", "SlashCommand", "Tables", "setting"),
    ),
    "plugins.hookspecs": ("hookimpl",),
    "plugins.loading": ("HOOK_API", "Plugins", "Sources"),
    "plugins.portraits": ("Portrait", "Portraits"),
    "plugins.themes": ("Theme",),
    "plugins.views": ("View",),
    "plugins.web": ("Viewer", "WebContext"),
    "protocol": ("Message", "User"),
}


if not TYPE_CHECKING:

    def __getattr__(name):
        for home, names in _HOMES.items():
            if name in names:
                value = globals()[name] = getattr(import_module(f"dash_messenger.{home}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
