"""Refuses what admins do not want: words, log-ins from elsewhere, kinds of files."""

import re
from collections import Counter
from ipaddress import ip_address, ip_network
from typing import Annotated

from dash_messenger import Context, Job, Login, Proposed, Refused, Upload, hookimpl, setting
from msgspec import Meta, Struct

REPORT_EVERY_S = 3_600
Lines = list[Annotated[str, Meta(min_length=1, max_length=100)]]


class Settings(Struct, frozen=True):
    words: Annotated[Lines, setting("Words that cannot be sent")] = []
    networks: Annotated[
        Lines,
        setting("Networks to log in from", help="Such as 192.168.0.0/16. None: from everywhere."),
    ] = []
    endings: Annotated[
        Lines, setting("File endings that cannot be uploaded", help="Such as .exe")
    ] = []

    def __post_init__(self) -> None:
        for network in self.networks:
            ip_network(network)


class Guard:
    """A class, since it keeps something between its hooks: how often it refused what."""

    def __init__(self) -> None:
        self._refused: Counter[str] = Counter()

    @hookimpl
    def register_settings(self) -> type[Settings]:
        return Settings

    @hookimpl
    async def check_message(self, message: Proposed, context: Context) -> None:
        for word in context.settings.words:
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", message.text, re.IGNORECASE):
                self._refused["messages"] += 1
                raise Refused(reason=f"“{word}” cannot be sent here.")

    @hookimpl
    async def check_login(self, login: Login, context: Context) -> None:
        networks = context.settings.networks
        address = ip_address(login.address) if networks else None
        if networks and not any(address in ip_network(network) for network in networks):
            self._refused["logins"] += 1
            raise Refused(reason="You cannot log in from here.")

    @hookimpl
    async def check_upload(self, upload: Upload, context: Context) -> None:
        if upload.name.lower().endswith(tuple(end.lower() for end in context.settings.endings)):
            self._refused["uploads"] += 1
            raise Refused(reason=f"Files like {upload.name} cannot be uploaded.")

    @hookimpl
    def register_jobs(self, context: Context) -> list[Job]:
        async def report() -> None:
            self._report(context)

        return [Job("report", REPORT_EVERY_S, report)]

    @hookimpl
    async def on_stop(self, context: Context) -> None:
        self._report(context)

    def _report(self, context: Context) -> None:
        if self._refused:
            context.log.info("refused", **self._refused)
            self._refused.clear()
