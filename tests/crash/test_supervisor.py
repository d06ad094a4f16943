"""A server whose loop is held, that crashes, is stopped or killed: what its parent makes of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.client.http import post
from dash_messenger.testing import People, ServerProcess

from tests.crash.processes import alive, children, command_of, roles
from tests.crash.workload import LAUNCH, launched

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="/proc tells what is looked at here"
)

PLUGINS = Path(__file__).with_name("plugins")
# A machine that does other things too may take so long for what takes a moment.
PATIENCE_S = 60.0
SHUTDOWN_S = 1.0
# Named and given up so soon, that tests need not wait as long as people do.
NAMED_S, GIVEN_UP_S = 0.5, 2.0


class Stage:
    """A server with the plugin ``stuck``, and somebody who calls its commands."""

    def __init__(self, folder: Path, **environment: str) -> None:
        plugins = folder / "plugins"
        plugins.mkdir()
        shutil.copy(PLUGINS / "stuck.py", plugins)
        self.server = launched(
            folder / "data",
            CRASH_LIMITS=f"{NAMED_S} {GIVEN_UP_S}",
            DASH_MESSENGER_PLUGINS_DIR=str(plugins),
            **{"DASH_MESSENGER_SHUTDOWN_S": str(SHUTDOWN_S), **environment},
        )
        self.user = self.token = ""

    async def open(self) -> None:
        await asyncio.to_thread(self.server.start, PATIENCE_S)
        people = People(self.server)
        _, self.token = await people.register()
        self.user = (await people.connect(self.token)).me["id"]
        await people.aclose()

    def call(self, command: str) -> asyncio.Task[Any]:
        """Call a command and wait for nothing."""
        task = asyncio.create_task(post(self.server.url, command, token=self.token))
        # Nobody answers: that is what they are for.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return task

    async def serves(self) -> None:
        """Return once it answers; who connects while no server listens waits."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                await post(self.server.url, "plugin.list", token=self.token)
            except (OSError, ValueError):
                assert time.monotonic() < deadline_s, self.server.log[-4000:]
                await asyncio.sleep(0.02)
            else:
                return

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.server.log.splitlines() if line[:1] == "{"]
        return [line for line in lines if line["event"] == event]

    def held(self) -> list[dict[str, Any]]:
        """When the plugin held the loop; something else may have, for a moment."""
        return [line for line in self.logged("loop_held") if line.get("plugin") == "stuck"]

    def logged_times(self, event: str, times: int) -> bool:
        return len(self.logged(event)) == times

    async def until(self, holds: Callable[[], object]) -> None:
        await until(holds)

    def status(self) -> str:
        """How the plugin fares."""
        said = json.loads(self.server.run("plugins", "--json"))
        (status,) = {one["status"] for one in said if one["name"] == "stuck"}
        return str(status)


@pytest_asyncio.fixture
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, **getattr(request, "param", {}))
    try:
        await stage.open()
        yield stage
    finally:
        stage.server.kill()


# Who holds the loop or the interpreter.


# Ten seconds: a busy machine takes its time over the end of a process.
@pytest.mark.parametrize("stage", [{"DASH_MESSENGER_SHUTDOWN_S": "10"}], indirect=True)
@pytest.mark.parametrize("command", ["stuck.keep", "stuck.backtrack", "stuck.sleep"])
async def test_who_holds_the_server_is_named_killed_and_quarantined(
    stage: Stage, command: str
) -> None:
    first, url = stage.server.server_pid, stage.server.url
    stage.call(command)
    await stage.until(lambda: stage.logged("server_restarting"))
    await stage.serves()
    (given_up,) = stage.logged("loop_given_up")
    for line in (stage.held()[0], given_up):
        assert line["plugin"] == "stuck"
        assert line["command"] == command
        assert line["user"] == stage.user
        assert "stuck.py" in line["stack"]
    assert stage.server.server_pid != first
    assert alive([first]) == []
    assert stage.server.url == url
    assert stage.server.running
    assert stage.status() == "quarantined"
    assert await asyncio.to_thread(stage.server.stop) == 0


async def test_a_thread_that_keeps_the_lock_is_told_from_the_loop(stage: Stage) -> None:
    stage.call("stuck.in_thread")
    await stage.until(lambda: stage.logged("server_restarting"))
    await stage.serves()
    (line,) = stage.logged("loop_given_up")
    # The thread began in the standard library: nobody can say whose it is, and nobody is blamed.
    assert "plugin" not in line
    assert stage.status() == "loaded"


async def test_a_crash_in_c_code_is_named_and_the_server_goes_on(stage: Stage) -> None:
    stage.call("stuck.crash")
    await stage.until(lambda: stage.logged("server_restarting"))
    await stage.serves()
    (line,) = stage.logged("server_crashed")
    assert (line["plugin"], line["command"]) == ("stuck", "stuck.crash")
    (line,) = stage.logged("server_restarting")
    assert line["reason"] == "it ended by signal SIGSEGV"
    assert stage.status() == "quarantined"


async def test_a_plugin_that_is_required_is_given_up_at_the_third_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path, DASH_MESSENGER_PLUGINS_REQUIRED='["stuck"]')
    try:
        await stage.open()
        for time_no in (1, 2, 3):
            stage.call("stuck.keep")
            await stage.until(partial(stage.logged_times, "server_restarting", time_no))
            await stage.serves()
            kept, given_up = (
                len(stage.logged(event))
                for event in ("required_plugin_kept", "required_plugin_given_up")
            )
            assert (kept, given_up) == (min(time_no, 2), time_no // 3)
        assert stage.status() == "quarantined"
        # Whatever else befalls it, it stays so.
        os.kill(stage.server.server_pid, signal.SIGKILL)
        await stage.until(partial(stage.logged_times, "server_restarted", 4))
        await stage.serves()
        assert stage.status() == "quarantined"
    finally:
        stage.server.kill()


@pytest.mark.parametrize("which", ["server", "group"])
async def test_a_server_that_is_stopped_is_no_held_loop(stage: Stage, which: str) -> None:
    first = stage.server.server_pid
    stopped = [first] if which == "server" else [first, stage.server.pid]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(GIVEN_UP_S + 2)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    await stage.serves()
    assert stage.server.server_pid == first
    assert stage.logged("loop_given_up") == []


# Being told to end.


async def end_after(stage: Stage, *signals: int, group: bool = False) -> tuple[int, float]:
    """The status, and how long it took; a second signal is sent at once."""
    process = stage.server._process
    assert process is not None
    began_s = time.monotonic()
    for number in signals:
        if group:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
        # Two of a kind that come at once are one to the kernel.
        await asyncio.sleep(0.1)
    status = await asyncio.to_thread(process.wait, PATIENCE_S)
    return status, time.monotonic() - began_s


@pytest.mark.parametrize("command", ["stuck.keep", "stuck.sleep"])
async def test_sigterm_ends_it_in_time_whatever_it_does(stage: Stage, command: str) -> None:
    processes = [pid for pids in roles(stage.server).values() for pid in pids]
    stage.call(command)
    await stage.until(stage.held)
    began = time.time()
    status, _ = await end_after(stage, signal.SIGTERM)
    assert status == 1
    await stage.until(lambda: not alive(processes))
    # When it was killed: how long the kernel takes to clear away is no matter of ours.
    (line,) = stage.logged("server_killed")
    # 1.7 s, and what a busy machine needs; a setting that is not heeded is 5.7.
    assert datetime.fromisoformat(line["timestamp"]).timestamp() - began < SHUTDOWN_S + 3


# Ten seconds: a busy machine takes its time over the end of a process, too.
@pytest.mark.parametrize("stage", [{"DASH_MESSENGER_SHUTDOWN_S": "10"}], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_each_way_of_telling_it_to_end_ends_it_in_order(stage: Stage, number: int) -> None:
    status, _ = await end_after(stage, number, group=number != signal.SIGTERM)
    assert status == 0, stage.server.log[-3000:]
    assert stage.logged("server_killed") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_counts_once_though_all_processes_get_it(stage: Stage, number: int) -> None:
    """A terminal and systemd send it to all. A request under way gets its time: twice would have
    ended it at once."""
    waiting = stage.call("stuck.wait")
    await stage.until(lambda: "stuck.wait has begun" in stage.server.log)
    _, took_s = await end_after(stage, number, group=True)
    assert took_s > SHUTDOWN_S
    waiting.cancel()


async def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.server.environment["DASH_MESSENGER_SHUTDOWN_S"] = "30"
    try:
        await stage.open()
        stage.call("stuck.keep")
        await stage.until(stage.held)
        _, took_s = await end_after(stage, signal.SIGINT, signal.SIGINT, group=True)
        # At once is some 0.9 s; 30 is the time that it has.
        assert took_s < 10
    finally:
        stage.server.kill()


async def test_a_killed_parent_takes_everything_with_it(stage: Stage) -> None:
    stage.call("stuck.keep")
    await stage.until(stage.held)
    processes = [pid for pids in roles(stage.server).values() for pid in pids]
    assert len(processes) >= 2
    os.kill(stage.server.pid, signal.SIGKILL)
    await stage.until(lambda: not alive(processes))


def test_the_parent_is_small(tmp_path: Path) -> None:
    """A bare Python has 3 MB of its own."""
    server = ServerProcess(tmp_path / "data")
    try:
        server.start(PATIENCE_S)
        rollup = Path(f"/proc/{server.pid}/smaps_rollup").read_text().splitlines()
        own_kib = sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))
        assert own_kib < 10 * 1024
    finally:
        server.kill()


# Starting.


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dash_messenger", "serve", "--data", str(folder), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_server_that_cannot_start_says_why_once_with_its_own_status(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = start(tmp_path / "one", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("Error: cannot listen on") == 1
    done = start(tmp_path / "two", DASH_MESSENGER_SHUTDOWN_S="soon")
    assert done.returncode == 1
    assert done.stderr.count("setting shutdown_s") == 1
    done = start(tmp_path / "two", "--nonsense")
    assert done.returncode == 2
    done = start(tmp_path / "two", "--help")
    assert done.returncode == 0
    assert "Serve until stopped" in done.stdout


async def test_a_folder_in_use_is_told_and_the_server_that_has_it_goes_on(stage: Stage) -> None:
    done = await asyncio.to_thread(start, stage.server.data, "--port", "0")
    assert done.returncode == 1
    assert f"in use by another server (process {stage.server.server_pid})" in done.stderr
    await stage.serves()


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace of processes needs root")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
async def test_it_may_be_process_1_of_a_container(tmp_path: Path) -> None:
    server = ServerProcess(
        tmp_path / "data",
        command=("unshare", "--pid", "--fork", "--mount-proc", sys.executable, str(LAUNCH)),
        environment={"CRASH_ORPHAN": "1"},
    )
    try:
        await asyncio.to_thread(server.start, PATIENCE_S)
        (first,) = children(server.pid)
        assert Path(f"/proc/{first}/status").read_text().split("NSpid:")[1].split()[1] == "1"
        # What others left to process 1 does not stay a zombie.
        orphans = [pid for pid in children(first) if command_of(pid).startswith(b"sleep")]
        assert orphans
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not set(orphans).intersection(children(first)))
        (served,) = children(first)
        os.kill(served, signal.SIGKILL)
        await until(lambda: "server_restarted" in server.log)
        os.kill(first, signal.SIGTERM)
        process = server._process
        assert process is not None
        assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0, server.log[-3000:]
        assert not alive([first])
    finally:
        server.kill()


async def until(holds: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.02)
