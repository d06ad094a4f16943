"""The command line, as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dash_messenger.server.data_folder import DATABASE
from dash_messenger.testing import PASSWORD, ServerProcess, post


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dash_messenger", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DASH_MESSENGER_LOG_LEVEL": "warning"},
        check=False,
    )


async def test_serve_says_its_address_when_ready_and_ends_cleanly(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    url = server.start()
    try:
        second = run("serve", "--data", str(tmp_path / "data"), "--port", "0")
        assert second.returncode == 1
        assert "in use" in second.stderr
        assert "Traceback" not in second.stderr
        taken = run("serve", "--data", str(tmp_path / "other"), "--port", url.rpartition(":")[2])
        assert taken.returncode == 1
        assert "cannot listen" in taken.stderr
        await post(url, "account.register", {"username": "ann", "password": PASSWORD})
        assert server.stop() == 0
        server.start()
        opened = await post(url, "session.open", {"username": "ann", "password": PASSWORD})
        assert opened["user"]["username"] == "ann"
        assert opened["token"] not in server.log
        assert PASSWORD not in server.log
    finally:
        server.kill()


def test_user_add_makes_an_account_once(tmp_path: Path) -> None:
    arguments = ["user", "add", "Ann", "--password-file", "-", "--data", str(tmp_path)]
    first = run(*arguments, stdin=PASSWORD + "\n")
    assert (first.returncode, first.stdout) == (0, "Added Ann.\n")
    second = run(*arguments, stdin=PASSWORD + "\n")
    assert second.returncode == 1
    assert "taken" in second.stderr


def test_migrate_makes_the_tables(tmp_path: Path) -> None:
    assert run("migrate", "--data", str(tmp_path)).returncode == 0
    assert (tmp_path / "messenger.sqlite").exists()


def test_plugins_are_listed(tmp_path: Path) -> None:
    listed = run("plugins", "--json", "--data", str(tmp_path))
    assert listed.returncode == 0
    assert isinstance(json.loads(listed.stdout), list)


def test_a_plugin_of_one_file_is_checked_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "greeter.py").write_text(
        "from dash_messenger import hookimpl\n\n\n"
        "@hookimpl\nasync def on_start(context):\n    pass\n"
    )
    (tmp_path / "greeter_two.py").write_text("raise RuntimeError('broken')\n")
    good = run("plugins", "check", "greeter", "--plugins-dir", str(tmp_path))
    assert (good.returncode, good.stderr) == (0, "")
    assert "hook on_start" in good.stdout
    bad = run("plugins", "check", "greeter_two", "--plugins-dir", str(tmp_path))
    assert bad.returncode == 1
    assert "RuntimeError: broken" in bad.stdout
    assert run("plugins", "check", "greeter").returncode == 1


@pytest.mark.parametrize("what", ["empty", "no database", "cut", "overwritten"])
def test_a_damaged_database_is_one_sentence(tmp_path: Path, what: str) -> None:
    assert run("migrate", "--data", str(tmp_path)).returncode == 0
    path = tmp_path / DATABASE
    whole = path.read_bytes()
    damaged = {
        "empty": b"",
        "no database": b"no database at all" * 1_000,
        "cut": whole[: len(whole) // 2],
        "overwritten": whole[:100] + os.urandom(len(whole) - 100),
    }[what]
    path.write_bytes(damaged)
    for command in ("migrate", "serve"):
        done = run(command, "--data", str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.startswith("Error: the database ")
        assert str(path) in done.stderr
        assert done.stderr.count("\n") == 1
    assert path.read_bytes() == damaged


def test_a_bad_setting_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("prot = 1\n")
    answer = run("migrate", "--data", str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "prot" in answer.stderr


def first_words(data: Path, last: str, *arguments: str) -> tuple[list[str], str]:
    """What a server prints until a line with ``last`` in it, and its log."""
    command = [sys.executable, "-m", "dash_messenger", "serve", "--port", "0", "--data", str(data)]
    log = data.with_suffix(".log")
    with log.open("wb") as errors:
        server = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=errors)
    try:
        assert server.stdout is not None
        said: list[str] = []
        while not said or last not in said[-1]:
            line = server.stdout.readline().decode()
            assert line, log.read_text()
            said.append(line)
    finally:
        server.terminate()
        server.communicate(timeout=60)
    return said, log.read_text()


def test_a_server_without_an_admin_says_how_to_get_one(tmp_path: Path) -> None:
    said, log = first_words(tmp_path / "data", "no admin")
    address = said[0].split()[-1]
    assert f"{address}/register " in said[1]
    (told,) = (json.loads(line) for line in log.splitlines() if "no_admin" in line)
    assert said[1].endswith(f" {told['setup_code']}\n")
    again, _ = first_words(tmp_path / "data", "no admin")
    # Each start has a code of its own.
    assert told["setup_code"] not in again[1]


def test_the_demo_has_an_admin(tmp_path: Path) -> None:
    said, log = first_words(tmp_path / "data", "The admin is ben", "--demo")
    assert "no admin" not in f"{said}{log}"
