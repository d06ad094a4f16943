"""Dash Messenger: what a plugin may import from the core.

Each name is imported when it is first asked for: the parent process of ``serve`` needs none.
"""

from __future__ import annotations

from importlib import import_module

# For type checkers, who know the name. `typing` itself takes as long as the rest of a start.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from dash_messenger.characters import count_emoji, cut, is_visible, require_visible
    from dash_messenger.errors import Failure, NotFound, Refused, Unauthenticated, WrongAnswer
    from dash_messenger.plugin_api.actions import Acted, Change, Refuse, action
    from dash_messenger.plugin_api.avatars import Portrait, Portraits
    from dash_messenger.plugin_api.checks import Login, Proposed, Upload
    from dash_messenger.plugin_api.context import (
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
    from dash_messenger.plugin_api.factors import Beginning, Confirmed, Factor, LoginStep
    from dash_messenger.plugin_api.hookspecs import hookimpl
    from dash_messenger.plugin_api.message_types import MessageType
    from dash_messenger.plugin_api.sources import Sources
    from dash_messenger.plugin_api.themes import Theme
    from dash_messenger.plugin_api.type_registry import MessageTypes
    from dash_messenger.plugin_api.views import View
    from dash_messenger.plugin_api.web import Viewer, WebContext
    from dash_messenger.plugins.loader import HOOK_API, Plugins
    from dash_messenger.protocol.commands import Caller, Command
    from dash_messenger.protocol.models import Blob, Message, User
    from dash_messenger.registry import Registry

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
    "Registry",
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
    "WrongAnswer",
    "action",
    "count_emoji",
    "cut",
    "hookimpl",
    "is_visible",
    "require_visible",
    "setting",
]

# The same as above, for whoever runs this.
_HOMES = {
    "plugin_api.actions": ("Acted", "Change", "Refuse", "action"),
    "characters": ("count_emoji", "cut", "is_visible", "require_visible"),
    "protocol.commands": ("Caller", "Command"),
    "errors": ("Failure", "NotFound", "Refused", "Unauthenticated", "WrongAnswer"),
    "plugin_api.factors": ("Beginning", "Confirmed", "Factor", "LoginStep"),
    "plugin_api.message_types": ("MessageType",),
    "plugin_api.checks": ("Login", "Proposed", "Upload"),
    "plugin_api.context": (
        *("Blobs", "Context", "Demo", "Job", "MemberChange", "Preparing"),
        *("SlashCall", "SlashCommand", "Tables", "setting"),
    ),
    "plugin_api.hookspecs": ("hookimpl",),
    "plugin_api.sources": ("Sources",),
    "plugins.loader": ("HOOK_API", "Plugins"),
    "plugin_api.avatars": ("Portrait", "Portraits"),
    "plugin_api.themes": ("Theme",),
    "plugin_api.type_registry": ("MessageTypes",),
    "plugin_api.views": ("View",),
    "plugin_api.web": ("Viewer", "WebContext"),
    "protocol.models": ("Blob", "Message", "User"),
    "registry": ("Registry",),
}


if not TYPE_CHECKING:

    def __getattr__(name):
        for home, names in _HOMES.items():
            if name in names:
                value = globals()[name] = getattr(import_module(f"dash_messenger.{home}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
