"""Settings: where they come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash_messenger.settings import SettingsInvalid, load_settings


def test_flags_win_over_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text('port = 1\nhost = "::1"\nsession_days = 7\n')
    monkeypatch.setenv("DASH_MESSENGER_PORT", "2")
    monkeypatch.setenv("DASH_MESSENGER_HOST", "0.0.0.0")
    settings = load_settings(data=tmp_path, port=3, host=None)
    assert (settings.port, settings.host, settings.session_days) == (3, "0.0.0.0", 7)


def test_the_environment_may_name_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text("rate_limits = false\n")
    monkeypatch.setenv("DASH_MESSENGER_DATA", str(tmp_path))
    assert not load_settings().rate_limits


def test_a_list_in_the_environment_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASH_MESSENGER_PLUGINS_WITHOUT", '["webui", "totp"]')
    assert load_settings(data=tmp_path).plugins_without == ("webui", "totp")
    monkeypatch.setenv("DASH_MESSENGER_PLUGINS_WITHOUT", "webui")
    with pytest.raises(SettingsInvalid, match="plugins_without"):
        load_settings(data=tmp_path)


def test_a_path_is_absolute_and_knows_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    settings = load_settings(data="~/data", plugins_dir="plugins", security_log=Path("log"))
    assert settings.data == tmp_path / "data"
    assert (settings.plugins_dir, settings.security_log) == (tmp_path / "plugins", tmp_path / "log")


@pytest.mark.parametrize("text", ["on", "Yes", "true", "1"])
def test_on_is_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DASH_MESSENGER_RATE_LIMITS", text)
    assert load_settings(data=tmp_path).rate_limits is True


def test_off_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASH_MESSENGER_RATE_LIMITS", "off")
    assert not load_settings(data=tmp_path).rate_limits


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("prot = 1", "prot"),
        ("port = 70000", "port"),
        ('port = "many"', "port"),
        ("shutdown_s = nan", "shutdown_s"),
        ('registration = "ajar"', "registration"),
        ('trusted_proxies = "127.0.0.1"', "trusted_proxies"),
        ("plugins_without = [1]", "plugins_without"),
        ('security_log = ""', "security_log"),
        ("plugins_dir = 1", "plugins_dir"),
        ("password_min_length = 4", "password_min_length"),
        ('public_url = "chat.example.org"', "public_url"),
        ('public_url = "https://chat.example.org/chat"', "public_url"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "settings.toml").write_text(line + "\n")
    with pytest.raises(SettingsInvalid, match=name):
        load_settings(data=tmp_path)


def test_a_folder_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"public_url.*without a folder.*name or a port"):
        load_settings(data=tmp_path, public_url="https://example.org/chat/")


def test_a_file_that_is_not_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port: 1\n")
    with pytest.raises(SettingsInvalid):
        load_settings(data=tmp_path)


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, public_url="https://Chat.Example.org/")
    assert settings.public_url == "https://chat.example.org"
    assert settings.secure
