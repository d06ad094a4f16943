"""Dash Messenger: what a plugin may import from the core."""

from dash_messenger.actions import Acted, Change, Refuse, action
from dash_messenger.errors import Failure, Refused, Unauthenticated
from dash_messenger.messages import MessageType, MessageTypes
from dash_messenger.plugins.hookspecs import HOOK_API, hookimpl
from dash_messenger.plugins.loading import Plugins
from dash_messenger.plugins.views import View
from dash_messenger.plugins.web import Viewer, WebContext
from dash_messenger.protocol import Message

__all__ = [
    "HOOK_API",
    "Acted",
    "Change",
    "Failure",
    "Message",
    "MessageType",
    "MessageTypes",
    "Plugins",
    "Refuse",
    "Refused",
    "Unauthenticated",
    "View",
    "Viewer",
    "WebContext",
    "action",
    "hookimpl",
]
