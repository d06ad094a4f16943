"""Dash Messenger: what a plugin may import from the core."""

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
