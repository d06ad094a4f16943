"""What an admin may set: flags over the environment over a TOML file over defaults.

Owns names, defaults and ranges. Every setting has a default that works. In the environment a
setting is called ``DASH_MESSENGER_NAME``; in ``settings.toml`` inside the data folder it has the
name it has here. An unknown name in the file is refused, so that a typing error shows.
"""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

__all__ = ["FILE_NAME", "Settings", "SettingsInvalid", "load_settings"]

FILE_NAME = "settings.toml"
PREFIX = "DASH_MESSENGER_"


class SettingsInvalid(Exception):
    """A setting has a value that cannot be; the sentence names it."""


class Settings(BaseSettings):
    """All settings of a server."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path = Field(default_factory=lambda: user_data_path("dash-messenger", appauthor=False))
    """The folder that holds everything: the database, the lock, ``settings.toml``."""
    host: str = "127.0.0.1"
    """The address to listen on; ``0.0.0.0`` lets other machines in."""
    port: int = Field(default=8000, ge=0, le=65_535)
    """The port to listen on; 0 takes a free one."""
    public_url: str | None = None
    """The address people use, such as ``https://chat.example.org``, behind a proxy. With https,
    cookies are ``Secure`` and only this origin is accepted."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")
    """Addresses or networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are
    believed. By default a proxy on this machine is."""
    max_connections: int = Field(default=20_000, ge=64, le=1_000_000)
    """Connections in all, sockets among them. The system may allow less (``ulimit -n``)."""
    max_connections_per_address: int = Field(default=1_000, ge=16, le=1_000_000)
    """Connections of plain HTTP from one address, trusted proxies aside. Beyond it the one that
    was idle for longest is closed; sockets of people who are signed in do not count."""
    registration: Literal["open", "closed"] = "open"
    """Whether strangers may make accounts; ``user add`` always can, and the first admin by the
    set-up code."""
    rate_limits: bool = True
    """Off for load tests."""
    password_min_length: int = Field(default=15, ge=8, le=64)
    """Characters. NIST SP 800-63B-4, 3.1.1.2: 15 where the password is the only factor."""
    password_memory_kib: int = Field(default=19_456, ge=8_192, le=4_194_304)
    """argon2id memory. The default is OWASP's (Password Storage Cheat Sheet)."""
    password_passes: int = Field(default=2, ge=1, le=64)
    """argon2id passes over that memory."""
    session_days: int = Field(default=90, ge=1, le=400)
    """Days without use after which a session ends. 400 is the most a browser keeps a cookie."""
    max_upload_bytes: int = Field(default=100 * 1024 * 1024, ge=1, le=10 * 1024**3)
    """The largest file that may be uploaded, in bytes."""
    quota_bytes: int = Field(default=2 * 1024**3, ge=0, le=2**62)
    """What all files of one user may take, in bytes, with what the server makes of them."""
    new_account_quota_bytes: int = Field(default=200 * 1024**2, ge=0, le=2**62)
    """The same for accounts younger than a day."""
    min_free_disk_bytes: int = Field(default=1024**3, ge=0, le=2**62)
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
    shutdown_s: float = Field(default=5.0, gt=0, le=60)
    """Seconds that requests under way get to finish."""

    @field_validator("public_url")
    @classmethod
    def _origin_only(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must look like https://chat.example.org")
        if parts.path not in ("", "/"):
            raise ValueError(
                "must be without a folder: the messenger needs a name or a port of its own, such as"
                " https://chat.example.org"
            )
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be an origin: no query or user name")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @field_validator("plugins_dir", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        # An empty path is the folder that the server happens to be started in.
        if value == "":
            raise ValueError("is empty: name a folder, or leave it out")
        return value

    @field_validator("data", "plugins_dir", "security_log")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            ip_network(proxy, strict=False)
        return value

    @property
    def secure(self) -> bool:
        """Whether all browsers reach this server by TLS."""
        return self.by_tls(False)

    def by_tls(self, seen: bool) -> bool:
        """Whether a browser reaches this server by TLS: what ``public_url`` says, else ``seen``."""
        return self.public_url.startswith("https:") if self.public_url is not None else seen

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file in the data folder these two agree on."""
        folder = init_settings().get("data") or env_settings().get("data")
        file = Path(folder or user_data_path("dash-messenger", appauthor=False)) / FILE_NAME
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, toml_file=file.expanduser()),
        )


def load_settings(**flags: object) -> Settings:
    """The settings in force; a flag that is None was not given.

    Raises:
        SettingsInvalid: a value is out of range, a name in the file is unknown, or the file is
            not TOML.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsInvalid(f"setting {name}: {first['msg']}") from None
    except ValueError as error:  # tomllib.TOMLDecodeError, SettingsError
        raise SettingsInvalid(f"settings cannot be read: {error}") from None
    return settings


def data_path_in_environment() -> str | None:
    """The data folder that the environment names, or None."""
    return os.environ.get(f"{PREFIX}DATA")
