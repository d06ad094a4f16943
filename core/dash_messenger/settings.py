"""What an admin may set: flags over the environment over a TOML file over defaults.

Owns names, defaults and ranges. Every setting has a default that works. In the environment a
setting is called ``DASH_MESSENGER_NAME``; in ``settings.toml`` inside the data folder it has the
name it has here. An unknown name in the file is refused, so that a typing error shows.
"""

from __future__ import annotations

import os
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field
from platformdirs import user_data_path

__all__ = ["FILE_NAME", "Settings", "SettingsInvalid", "load_settings"]

FILE_NAME = "settings.toml"
PREFIX = "DASH_MESSENGER_"
# What admins write of a switch in the environment, beside true, false, 1 and 0.
SWITCHES = {"on": True, "yes": True, "off": False, "no": False}

# As the wire has it (`protocol/models`), which this may not import.
Audience: TypeAlias = Literal["everybody", "known", "contacts", "nobody"]


class SettingsInvalid(Exception):
    """A setting has a value that cannot be; the sentence names it."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a server. `load_settings` makes them and checks them."""

    data: Path = field(default_factory=lambda: _usual_folder())
    """The folder that holds everything: the database, the lock, ``settings.toml``."""
    host: str = "127.0.0.1"
    """The address to listen on; ``0.0.0.0`` lets other machines in."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    """The port to listen on; 0 takes a free one."""
    public_url: str | None = None
    """The address people use, such as ``https://chat.example.org``, behind a proxy. With https,
    cookies are ``Secure`` and only this origin is accepted."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")
    """Addresses or networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are
    believed. By default a proxy on this machine is."""
    max_connections: Annotated[int, Meta(ge=64, le=1_000_000)] = 20_000
    """Connections in all, sockets among them. The system may allow less (``ulimit -n``)."""
    max_connections_per_address: Annotated[int, Meta(ge=16, le=1_000_000)] = 1_000
    """Connections of plain HTTP from one address, trusted proxies aside. Beyond it the one that
    was idle for longest is closed; sockets of people who are signed in do not count."""
    registration: Literal["open", "closed"] = "open"
    """Whether strangers may make accounts; ``user add`` always can, and the first admin by the
    set-up code."""
    search_everybody: bool = True
    """Whether people find everybody when they search, or their contacts and people of their groups
    alone. By the whole user name anybody is found."""
    privacy_find: Audience = "everybody"
    """Who may find people who chose nothing else; ``known`` are contacts and people of a group
    with them. People set it for themselves, as they do those below."""
    privacy_message: Audience = "everybody"
    """Who may write to them first."""
    privacy_requests: Audience = "everybody"
    """Who may send them one message as a request, where they may not write first."""
    privacy_add: Audience = "everybody"
    """Who may add them to groups."""
    privacy_email: Audience = "nobody"
    """Who may see their e-mail address."""
    privacy_photo: Audience = "everybody"
    """Who may see their photo."""
    privacy_last_seen: Audience = "contacts"
    """Who may see whether they are there, and when they were last."""
    privacy_receipts: Audience = "everybody"
    """Who may see how far they have read. Who hides it does not see it of others."""
    privacy_typing: Audience = "everybody"
    """Who may see that they type."""
    rate_limits: bool = True
    """Off for load tests."""
    password_min_length: Annotated[int, Meta(ge=8, le=64)] = 15
    """Characters. NIST SP 800-63B-4, 3.1.1.2: 15 where the password is the only factor."""
    password_memory_kib: Annotated[int, Meta(ge=8_192, le=4_194_304)] = 19_456
    """argon2id memory. The default is OWASP's (Password Storage Cheat Sheet)."""
    password_passes: Annotated[int, Meta(ge=1, le=64)] = 2
    """argon2id passes over that memory."""
    session_days: Annotated[int, Meta(ge=1, le=400)] = 90
    """Days without use after which a session ends. 400 is the most a browser keeps a cookie."""
    max_upload_bytes: Annotated[int, Meta(ge=1, le=10 * 1024**3)] = 100 * 1024 * 1024
    """The largest file that may be uploaded, in bytes."""
    quota_bytes: Annotated[int, Meta(ge=0, le=2**62)] = 2 * 1024**3
    """What all files of one user may take, in bytes, with what the server makes of them."""
    new_account_quota_bytes: Annotated[int, Meta(ge=0, le=2**62)] = 200 * 1024**2
    """The same for accounts younger than a day."""
    min_free_disk_bytes: Annotated[int, Meta(ge=0, le=2**62)] = 1024**3
    """What files leave free on the disk, so that messages go on; a tenth of a small disk."""
    plugins_without: tuple[str, ...] = ()
    """Names of installed plugins that are not to be loaded."""
    plugins_required: tuple[str, ...] = ()
    """Names of plugins without which the server does not start; it gives one up only when it has
    been brought down by it three times within ten minutes."""
    plugins_dir: Path | None = None
    """A folder of plugins that are a single file each, such as ``dice.py`` and ``dice_ui.py``."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    """``auto`` is for people on a terminal and JSON lines elsewhere."""
    security_log: Path | None = None
    """A file for the security log, a line of JSON for each event; without one it is in the log."""
    shutdown_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """Seconds that requests under way get to finish."""

    @property
    def secure(self) -> bool:
        """Whether all browsers reach this server by TLS."""
        return self.by_tls(False)

    def by_tls(self, seen: bool) -> bool:
        """Whether a browser reaches this server by TLS: what ``public_url`` says, else ``seen``."""
        return self.public_url.startswith("https:") if self.public_url is not None else seen


def load_settings(**flags: object) -> Settings:
    """The settings in force; a flag that is None was not given.

    Raises:
        SettingsInvalid: a value is out of range, a name in the file is unknown, or the file cannot
            be read or is not TOML.
    """
    found = _in_environment() | {name: value for name, value in flags.items() if value is not None}
    # The file in the folder that these two agree on.
    file = Path(str(found.get("data") or _usual_folder())).expanduser() / FILE_NAME
    found = _in_file(file) | found
    try:
        settings = msgspec.convert(found, Settings, strict=False, dec_hook=_read_path)
    except msgspec.ValidationError as error:
        reason, _, name = str(error).partition(" - at `$.")
        raise SettingsInvalid(f"setting {name.rstrip('`')}: {reason}" if name else reason) from None
    _check_networks(settings.trusted_proxies)
    return msgspec.structs.replace(settings, public_url=_origin(settings.public_url))


def _usual_folder() -> Path:
    return user_data_path("dash-messenger", appauthor=False)


def _in_environment() -> dict[str, object]:
    found: dict[str, object] = {}
    for setting in msgspec.structs.fields(Settings):
        text = os.environ.get(PREFIX + setting.name.upper())
        if text is None:
            continue
        found[setting.name] = text
        if setting.type is bool:
            found[setting.name] = SWITCHES.get(text.lower(), text)
        elif get_origin(setting.type) is tuple:
            try:
                found[setting.name] = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                raise SettingsInvalid(f"setting {setting.name}: is not JSON: {error}") from None
    return found


def _in_file(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # TOMLDecodeError, UnicodeDecodeError
        raise SettingsInvalid(f"{file} cannot be read: {error}") from None


def _read_path(kind: type, value: object) -> Path:
    if not isinstance(value, str | Path):
        raise ValueError("must be a path")
    # An empty path is the folder that the server happens to be started in.
    if value == "":
        raise ValueError("is empty: name a path, or leave it out")
    return Path(value).expanduser().absolute()


def _check_networks(proxies: tuple[str, ...]) -> None:
    for proxy in proxies:
        try:
            ip_network(proxy, strict=False)
        except ValueError as error:
            raise SettingsInvalid(f"setting trusted_proxies: {error}") from None


def _origin(url: str | None) -> str | None:
    """The public address as browsers name it: without a slash at its end, in small letters."""
    if not url:
        return None
    parts = urlsplit(url)
    reason = None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        reason = "must look like https://chat.example.org"
    elif parts.path not in ("", "/"):
        reason = (
            "must be without a folder: the messenger needs a name or a port of its own, such as"
            " https://chat.example.org"
        )
    elif parts.query or parts.fragment or "@" in parts.netloc:
        reason = "must be an origin: no query or user name"
    if reason is not None:
        raise SettingsInvalid(f"setting public_url: {reason}")
    return f"{parts.scheme}://{parts.netloc.lower()}"
