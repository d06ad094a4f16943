"""Admins change plugins' settings, and end quarantines.

Owns ``plugin.settings``, ``plugin.change_settings`` and ``plugin.retry``. Invariant: secrets are no
settings, so no command tells one.
"""

from __future__ import annotations

import typing
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from dash_messenger.accounts.admins import IsAdmin
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.errors import Forbidden, NotFound
from dash_messenger.plugin_api.context import Setting
from dash_messenger.plugins.contexts import NoSettings
from dash_messenger.plugins.host import PluginHost
from dash_messenger.plugins.listing import PluginInfo, info_of
from dash_messenger.protocol.commands import Caller, Command

__all__ = ["SettingsCommands"]

Language = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Z]{2})?$", max_length=6)]
Name = Annotated[str, Meta(max_length=64)]


class SettingsGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``plugin.settings``: ``language`` is that of labels and help, where the plugin
    has words of it."""

    language: Language = "en"


class SettingInfo(Struct, frozen=True):
    """A setting: how it is shown, what is valid (a JSON Schema), its value and its default."""

    name: str
    label: str
    help: str
    schema: dict[str, Any]
    value: Any
    default: Any


class PluginSettings(Struct, frozen=True):
    """The settings of one plugin."""

    plugin: str
    settings: list[SettingInfo]


class SettingsFound(Struct, frozen=True):
    """Result of ``plugin.settings``: the plugins that have some."""

    plugins: list[PluginSettings]


class SettingsChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``plugin.change_settings``: values by name; the others stay."""

    plugin: Name
    values: dict[Name, Raw]


class PluginRetry(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``plugin.retry``."""

    plugin: Name


class PluginRetried(Struct, frozen=True):
    """Result of ``plugin.retry``: how each half of the plugin fares now, as in ``plugin.list``.

    Its routes, and sections and pages of a half that was quarantined when the server started, come
    back at the next start.
    """

    halves: list[PluginInfo]


class SettingsCommands:
    """The commands by which admins see and change settings, and try plugins again."""

    def __init__(self, installed: PluginHost, is_admin: IsAdmin) -> None:
        self._installed = installed
        self._is_admin = is_admin

    def commands(self) -> list[Command]:
        """What an admin may ask."""
        return [
            Command(
                "plugin.settings",
                SettingsGet,
                SettingsFound,
                self.get,
                "What can be set for each plugin; for admins.",
                rate="cheap read",
            ),
            Command(
                "plugin.change_settings",
                SettingsChange,
                PluginSettings,
                self.change,
                "Change a plugin's settings; for admins.",
                rate="change",
            ),
            Command(
                "plugin.retry",
                PluginRetry,
                PluginRetried,
                self.retry,
                "Use a quarantined plugin again; for admins.",
                rate="change",
            ),
        ]

    async def get(self, caller: Caller, params: SettingsGet) -> SettingsFound:
        """All settings.

        Raises:
            Forbidden: the caller is no admin.
        """
        await self._check(caller)
        found = [self._settings(one.name, params.language) for one in self._installed.plugins]
        return SettingsFound([one for one in found if one.settings])

    async def change(self, caller: Caller, params: SettingsChange) -> PluginSettings:
        """The plugin's settings after the change.

        Raises:
            Forbidden: the caller is no admin.
            NotFound: there is no such plugin.
            InvalidParams: a value does not fit; nothing was changed.
        """
        await self._check(caller)
        if not self._installed.plugins.loaded(params.plugin):
            raise NotFound
        values = {name: msgspec.json.decode(value) for name, value in params.values.items()}
        await self._installed.contexts.of(params.plugin).change_settings(**values)
        note(SecurityEvent.SETTINGS_CHANGED, caller, plugin=params.plugin, names=sorted(values))
        return self._settings(params.plugin)

    async def retry(self, caller: Caller, params: PluginRetry) -> PluginRetried:
        """How the plugin fares, once it was loaded and registered again.

        Raises:
            Forbidden: the caller is no admin.
            NotFound: there is no such plugin.
        """
        await self._check(caller)
        if not any(one.name == params.plugin for one in self._installed):
            raise NotFound
        await self._installed.bring_back(params.plugin)
        return PluginRetried([info_of(one) for one in self._installed if one.name == params.plugin])

    async def _check(self, caller: Caller) -> None:
        if not await self._is_admin(caller.user_id):
            raise Forbidden

    def _settings(self, plugin: str, language: str = "en") -> PluginSettings:
        kept = self._installed.contexts.kept(plugin)
        if kept.settings_type is NoSettings:
            return PluginSettings(plugin, [])
        hints = typing.get_type_hints(kept.settings_type, include_extras=True)
        defaults = kept.settings_type()
        t = self._installed.contexts.of(plugin).translate(language)
        found = []
        for field in msgspec.structs.fields(kept.settings_type):
            label, help = _described(hints[field.name], field.name)
            found.append(
                SettingInfo(
                    field.name,
                    t(label),
                    t(help) if help else "",
                    msgspec.json.schema(field.type),
                    getattr(kept.settings, field.name),
                    getattr(defaults, field.name),
                )
            )
        return PluginSettings(plugin, found)


def _described(hint: Any, name: str) -> tuple[str, str]:
    for each in getattr(hint, "__metadata__", ()):
        if isinstance(each, Setting):
            return each.label, each.help
    return name.replace("_", " ").capitalize(), ""
