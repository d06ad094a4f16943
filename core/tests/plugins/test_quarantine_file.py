"""What an admin decided and what went wrong outlives a restart, and one does not undo the other."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from dash_messenger.cli.main import main
from dash_messenger.isolation.terms import FORGIVEN_AFTER_MS
from dash_messenger.plugin_api.hookspecs import ServerHooks
from dash_messenger.plugin_api.sources import Sources
from dash_messenger.plugins.loader import GROUP, Plugins
from dash_messenger.plugins.quarantine_file import QuarantineFile, StatesUnreadable


def test_decisions_are_there_at_the_next_start(tmp_path: Path) -> None:
    QuarantineFile(tmp_path / "data").disable("stickers")
    states = QuarantineFile(tmp_path / "data")
    assert (states.disabled, states.quarantined) == (frozenset({"stickers"}), {})
    states.enable("stickers")
    assert QuarantineFile(tmp_path / "data").disabled == frozenset()


def test_two_who_decide_at_once_do_not_undo_each_other(tmp_path: Path) -> None:
    server, admin = QuarantineFile(tmp_path), QuarantineFile(tmp_path)
    assert server.disabled == frozenset()
    admin.disable("stickers")
    server.quarantine("photo", "it failed")
    assert server.disabled == {"stickers"}
    assert admin.quarantined == {"photo": "it failed"}


def test_disabling_keeps_the_reason_and_enabling_clears_it(tmp_path: Path) -> None:
    states = QuarantineFile(tmp_path)
    states.quarantine("photo", "it failed")
    states.disable("photo")
    assert states.quarantined == {"photo": "it failed"}
    states.enable("photo")
    assert json.loads((tmp_path / "plugins.json").read_text()) == {}


def test_a_broken_file_is_named_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "plugins.json").write_text("{ nonsense")
    with pytest.raises(StatesUnreadable, match=r"plugins\.json"):
        _ = QuarantineFile(tmp_path).disabled
    for command in (["plugins"], ["plugins", "disable", "text"]):
        done = CliRunner().invoke(main, [*command, "--data", str(tmp_path)])
        assert done.exit_code == 1
        assert "plugins.json" in done.output
    assert (tmp_path / "plugins.json").read_text() == "{ nonsense"


def test_the_command_disables_and_enables_and_lists(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    done = CliRunner().invoke(main, ["plugins", "disable", "text", *data])
    assert (done.exit_code, "Restart" in done.output) == (0, True)
    listed = CliRunner().invoke(main, ["plugins", "--json", *data])
    status = {one["name"]: one["status"] for one in json.loads(listed.output)}
    assert status["text"] == "disabled"
    CliRunner().invoke(main, ["plugins", "enable", "text", *data])
    assert QuarantineFile(tmp_path).disabled == frozenset()
    unknown = CliRunner().invoke(main, ["plugins", "disable", "nonesuch", *data])
    assert (unknown.exit_code, "nonesuch" in unknown.output) == (1, True)


def test_a_plugin_can_be_checked_by_itself() -> None:
    done = CliRunner().invoke(main, ["plugins", "check", "text"])
    assert done.exit_code == 0
    assert "message type text" in done.output
    assert CliRunner().invoke(main, ["plugins", "check", "nonesuch"]).exit_code == 1


def test_a_folder_gives_plugins_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "solo_hello.py").write_text("")
    (tmp_path / "solo_hello_ui.py").write_text("")
    (tmp_path / "solo_bad.py").write_text("raise KeyError('x')")
    (tmp_path / "colorsys.py").write_text("")
    plugins = Plugins(group=GROUP, project="dash_messenger", hooks=ServerHooks)
    plugins.load(Sources(folder=tmp_path))
    found = {one.name: one for one in plugins if not one.distribution}
    assert found.keys() == {"solo_hello", "solo_bad", "colorsys"}
    assert found["solo_hello"].status == "loaded"
    assert "KeyError" in found["solo_bad"].reason
    assert "another module called colorsys" in found["colorsys"].reason


class Clock:
    now_ms = 1_000_000_000

    def __call__(self) -> int:
        return self.now_ms


def test_a_quarantine_ends_by_itself_and_the_next_one_soon_after_is_longer(
    tmp_path: Path,
) -> None:
    clock = Clock()
    states = QuarantineFile(tmp_path, clock)
    minutes = []
    for _ in range(4):
        until_ms = states.quarantine("photo", "it failed")
        minutes.append((until_ms - clock.now_ms) // 60_000)
        clock.now_ms = until_ms - 1
        assert states.quarantined == {"photo": "it failed"}
        clock.now_ms = until_ms
        assert states.quarantined == {}
        states.release("photo")
    assert minutes == [1, 5, 30, 30]
    clock.now_ms += FORGIVEN_AFTER_MS
    assert states.quarantine("photo", "it failed") == clock.now_ms + 60_000


def test_an_admins_start_ends_quarantines_and_a_restart_does_not(tmp_path: Path) -> None:
    states = QuarantineFile(tmp_path, Clock())
    states.quarantine("photo", "it failed")
    states.quarantine_half("webui", "text", "it failed")
    states.disable("files")
    states.begin(restarted=True)
    assert states.quarantined == {"photo": "it failed"}
    assert states.quarantined_halves == {"webui": {"text": "it failed"}}
    states.begin()
    assert (states.quarantined, states.quarantined_halves) == ({}, {})
    assert states.disabled == {"files"}


class SlowDisk:
    """An ``os.fsync`` that takes until ``ready`` is set, and fails where it is told to."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.entered = threading.Event()
        self.done = 0
        self.fails = False

    def fsync(self, handle: int) -> None:
        self.entered.set()
        # Without a thread of its own the caller waits here, and the test sees `done` grow.
        self.ready.wait(timeout=5)
        if self.fails:
            raise OSError(28, "No space left on device")
        self.done += 1


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    found = SlowDisk()
    monkeypatch.setattr("dash_messenger.plugins.quarantine_file.os.fsync", found.fsync)
    return found


async def test_a_server_does_not_wait_for_the_disk(tmp_path: Path, disk: SlowDisk) -> None:
    states = QuarantineFile(tmp_path, in_background=True)
    states.quarantine("photo", "it failed")
    assert disk.done == 0
    assert states.quarantined == {"photo": "it failed"}
    disk.ready.set()
    await states.aclose()
    assert disk.done == 1
    assert QuarantineFile(tmp_path).quarantined == {"photo": "it failed"}


async def test_changes_are_written_in_order_and_the_last_one_stays(
    tmp_path: Path, disk: SlowDisk
) -> None:
    states = QuarantineFile(tmp_path, in_background=True)
    states.quarantine("photo", "first")
    assert disk.entered.wait(timeout=5)
    # While the first is being written.
    until_ms = states.quarantine("photo", "second")
    states.release("photo")
    states.quarantine("text", "third")
    states.see("webui", "text", "third")
    assert (states.quarantined, QuarantineFile(tmp_path).quarantined) == ({"text": "third"}, {})
    disk.ready.set()
    await states.aclose()
    kept = QuarantineFile(tmp_path)
    assert kept.quarantined == {"text": "third"}
    assert kept.of("text").seen == {"webui": "third"}
    assert kept.of("photo").terms[""].until_ms == until_ms
    assert kept.of("photo").terms[""].step == 1


async def test_a_change_that_could_not_be_written_is_written_with_the_next(
    tmp_path: Path, disk: SlowDisk
) -> None:
    disk.ready.set()
    disk.fails = True
    states = QuarantineFile(tmp_path, in_background=True)
    with structlog.testing.capture_logs() as logs:
        states.quarantine("photo", "it failed")
        assert disk.entered.wait(timeout=5)
        while not logs:
            await asyncio.sleep(0)
    assert [line["event"] for line in logs] == ["plugin_states_not_written"]
    assert states.quarantined == {"photo": "it failed"}
    disk.fails = False
    QuarantineFile(tmp_path).disable("files")
    states.quarantine("text", "too")
    await states.aclose()
    assert QuarantineFile(tmp_path).quarantined == {"photo": "it failed", "text": "too"}
    assert QuarantineFile(tmp_path).disabled == {"files"}
