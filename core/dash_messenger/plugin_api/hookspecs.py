"""The hooks of the server half. The name is the contract.

``register_*`` hooks are synchronous, called once at start, and return what is to be registered.
A plugin that raises in one of them is quarantined: it is named with its reason, nothing that it
registered stays, and the server starts without it.

``check_*`` hooks are async and called before something happens. They may take 5 s; one that raises
`Refused` declines with its sentence, one that fails otherwise or takes too long declines too.

``on_*`` hooks are async and called after something was stored. They may take 30 s; a failure is
logged with the plugin's name, and nobody else notices. ``on_start`` belongs to the start: failing
there quarantines, but for a plugin that checks something.

An implementation names the arguments that it wants and gets those alone; ``context`` is its
plugin's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from msgspec import Struct
    from quart import Quart

    from dash_messenger.plugin_api.avatars import Portraits
    from dash_messenger.plugin_api.checks import Login, Proposed, Upload
    from dash_messenger.plugin_api.context import (
        Context,
        Demo,
        Job,
        MemberChange,
        SlashCommand,
        Tables,
    )
    from dash_messenger.plugin_api.factors import Factor, LoginStep
    from dash_messenger.plugin_api.message_types import MessageType
    from dash_messenger.plugin_api.sources import PluginGroup, Sources
    from dash_messenger.plugin_api.themes import Theme
    from dash_messenger.plugin_api.type_registry import MessageTypes
    from dash_messenger.plugin_api.views import View
    from dash_messenger.plugin_api.web import WebContext
    from dash_messenger.protocol.commands import Command
    from dash_messenger.protocol.models import Message

__all__ = ["PROJECT", "ServerHooks", "hookimpl"]

PROJECT = "dash_messenger"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class ServerHooks(Protocol):
    """Hooks that a module named by an entry point of group ``dash_messenger`` may implement."""

    @hookspec
    def register_message_types(self, context: Context) -> Iterable[MessageType[Any]]:
        """Return the message types that this plugin provides.

        When: once, at start, before the server listens, and once in the process that children
        which work on content are made from; ``context`` has there ``name``, ``log``, ``settings``
        and ``translate`` alone. Several plugins: all are called; a name
        that another plugin has already registered quarantines the later one. If it raises: the
        plugin is quarantined. Since 0.1.
        """

    @hookspec
    def register_views(
        self, sources: Sources, types: MessageTypes, context: Context
    ) -> Iterable[View]:
        """Return the views that this plugin can draw messages in, such as ``dash``.

        ``sources`` says where plugins are found and which are left alone, for a plugin that others
        extend; see `register_plugins`. ``types`` are the message types that are drawn.

        When: once, at start, after the message types, and once in the process that children are
        made from, as `register_message_types`; there ``sources.draws_only`` holds. Several plugins:
        each view name belongs to the first that registers it; a second one is quarantined. If it
        raises: the plugin is quarantined. Since 0.1.
        """

    @hookspec
    def register_plugins(self) -> Iterable[PluginGroup]:
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

    @hookspec
    def register_settings(self) -> type[Struct]:
        """Return the struct of this plugin's settings; each field has a default.

        Admins change them in a form that is made from the struct; `setting` inside ``Annotated``
        says how a field is shown. `Context.settings` has the values. When: once, at start, before
        the hooks that get a context. Several plugins: each has its own. If it raises: the plugin is
        quarantined. Since 0.1.
        """

    @hookspec
    def register_tables(self) -> Tables:
        """Return tables of this plugin's own, which are brought up to date before `on_start`.

        When: once, at start. Several plugins: each has its own, with a version table of its own. If
        it raises, or a migration fails: the plugin is quarantined and its tables stay as they were.
        Since 0.1.
        """

    @hookspec
    def register_commands(self, context: Context) -> Iterable[Command]:
        """Return commands that clients may call; each name begins with the plugin's and a dot.

        They are called as the core's are: over the socket, by HTTP, by `Viewer.call`. Each needs a
        full session, unless it says ``access="anonymous"``. When: once, at start. Several plugins:
        all are called; a name that is taken quarantines the later one. If it raises: the plugin is
        quarantined. Since 0.1.
        """

    @hookspec
    def register_slash_commands(self, context: Context) -> Iterable[SlashCommand]:
        """Return what people may type as ``/name arguments`` in a conversation.

        When: once, at start. Several plugins: all are called; a name that is taken quarantines the
        later one. If it raises: the plugin is quarantined. Since 0.1.
        """

    @hookspec
    def register_jobs(self, context: Context) -> Iterable[Job]:
        """Return what is to be done periodically.

        When: once, at start. Several plugins: all are called. If it raises: the plugin is
        quarantined. Since 0.1.
        """

    @hookspec
    def register_themes(self) -> Iterable[Theme]:
        """Return themes that users may choose.

        When: once, at start. Several plugins: all are called; a name that is taken quarantines the
        later one. If it raises: the plugin is quarantined; who had chosen one of its themes sees
        the standard one. Since 0.1.
        """

    @hookspec
    def register_portraits(self, context: Context) -> Portraits:
        """Return what makes photos of people and groups from what they upload.

        Without one, nobody can change a photo, and the pages do not offer it. When: once, at start.
        Several plugins: the first makes them; a later one is quarantined. If it raises: the plugin
        is quarantined. Since 0.1.
        """

    @hookspec
    def register_factors(self, context: Context) -> Iterable[Factor[Any, Any]]:
        """Return second factors that users may set up; see `Factor`.

        Who has set one up is asked for it at each log-in, after the password. While its plugin is
        missing, disabled or quarantined, they cannot log in, rather than without it. A plugin with
        a factor is not quarantined for failing while the server runs.

        When: once, at start. Several plugins: all are called; a name that is taken quarantines the
        later one; of several that a user has set up, any one is enough. If it raises: the plugin is
        quarantined. Since 0.1.
        """

    @hookspec
    def register_login_steps(self, context: Context) -> Iterable[LoginStep[Any]]:
        """Return what else people may have to do before a session opens; see `LoginStep`.

        They are asked for after the password and the second factor. A plugin with a login step is
        not quarantined for failing while the server runs.

        When: once, at start. Several plugins: all are called; a name that is taken quarantines the
        later one; a person has to do the steps of all. If it raises: the plugin is quarantined.
        Since 0.1.
        """

    @hookspec
    async def check_message(self, message: Proposed, context: Context) -> Proposed | None:
        """Look at a message before it is stored, or at an edit of one.

        Return None to let it be, or another `Proposed` to have other content stored. When: after
        validation and preparation, before the commit; later messages of the same sender in the same
        conversation wait, nobody else does. Several plugins: one after another, each gets what the
        one before returned. If it raises: the message is refused, as after
        5 s. Since 0.1.
        """

    @hookspec
    async def check_login(self, login: Login, context: Context) -> None:
        """Look at a log-in before anything is opened.

        When: after the password was right, before second factors and login steps are asked for.
        Several plugins: one after another. If it raises: the log-in is refused, as after 5 s.
        Since 0.1.
        """

    @hookspec
    async def check_upload(self, upload: Upload, context: Context) -> None:
        """Look at a file before it is kept.

        When: after all of it has arrived. Several plugins: one after another. If it raises: the
        upload is refused and nothing of it stays, as after 5 s. Since 0.1.
        """

    @hookspec
    async def on_start(self, context: Context) -> None:
        """Begin: the server is about to listen.

        When: once, after all registrations and migrations. Several plugins: one after another. If
        it raises: it is logged, and the plugin goes on. Since 0.1.
        """

    @hookspec
    async def on_stop(self, context: Context) -> None:
        """End: the server listens no more.

        When: once, before the database is closed; it may take half of ``shutdown_s``. Several
        plugins: all at once. If it raises: it is logged. Since 0.1.
        """

    @hookspec
    async def on_demo(self, demo: Demo, context: Context) -> None:
        """Show what the plugin is for, in the folder that ``serve --demo`` fills.

        When: once, after `on_start`, when an empty folder has its people and their conversations.
        Several plugins: one after another, by name. If it raises: it is logged; what was said
        stays. Since 0.1.
        """

    @hookspec
    async def on_message(self, message: Message, context: Context) -> None:
        """Hear of a message that was sent; a plugin does not hear of its own bot's.

        When: after the commit, in the order of each conversation's log. Several plugins: each has a
        line of its own, of 1,000 at most; who is slower misses the oldest. If it raises: it is
        logged, and the next one comes. Since 0.1.
        """

    @hookspec
    async def on_member(self, change: MemberChange, context: Context) -> None:
        """Hear that somebody joined a conversation, or is no longer in it.

        When: after the commit, as `on_message`. Several plugins: as `on_message`. If it raises: it
        is logged. Since 0.1.
        """
