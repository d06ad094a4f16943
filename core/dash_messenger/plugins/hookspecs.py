"""The hooks of the server half. The name is the contract.

``register_*`` hooks are synchronous, called once at start, and return what is to be registered.
A plugin that raises in one of them is quarantined: it is named with its reason, nothing that it
registered stays, and the server starts without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from quart import Quart

    from dash_messenger.messages import MessageType
    from dash_messenger.plugins.loading import Plugins
    from dash_messenger.plugins.views import View
    from dash_messenger.plugins.web import WebContext

__all__ = ["HOOK_API", "PROJECT", "ServerHooks", "hookimpl"]

# Raised when a hook changes so that plugins written for an older one would break. A plugin module
# may say ``HOOK_API = 1``; another number than ours quarantines it instead of failing later.
HOOK_API = 1
PROJECT = "dash_messenger"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class ServerHooks(Protocol):
    """Hooks that a module named by an entry point of group ``dash_messenger`` may implement."""

    @hookspec
    def register_message_types(self) -> Iterable[MessageType[Any]]:
        """Return the message types that this plugin provides.

        When: once, at start, before the server listens. Several plugins: all are called; a name
        that another plugin has already registered quarantines the later one. If it raises: the
        plugin is quarantined. Since 0.1.
        """

    @hookspec
    def register_views(self) -> Iterable[View]:
        """Return the views that this plugin can draw messages in, such as ``dash``.

        When: once, at start, after the message types. Several plugins: each view name belongs to
        the first that registers it; a second one is quarantined. If it raises: the plugin is
        quarantined. Since 0.1.
        """

    @hookspec
    def register_plugins(self) -> Iterable[Plugins]:
        """Return the groups of plugins that this plugin has loaded itself.

        A plugin that others extend, as the web UI is by the plugins' Dash halves, loads them with
        `Plugins`; what it returns here is listed by ``dash-messenger plugins`` with everything
        else, quarantined ones with their reason. When: once, at start, after the views. Several
        plugins: all are called. If it raises: the plugin is quarantined. Since 0.1.
        """

    @hookspec
    def register_http(self, app: Quart, context: WebContext) -> None:
        """Add pages and routes to ``app``; ``context`` is the way to the rest of the server.

        When: once, at start, after all other registrations; the routes under ``/api/``, ``/ws``
        and ``/healthz`` exist already. Every route added needs a full session unless
        ``context.open_paths`` names it. Several plugins: all are called, in loading order. If it
        raises: the plugin is quarantined; routes that it had added before answer 404. Since 0.1.
        """
