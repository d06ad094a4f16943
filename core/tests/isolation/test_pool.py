from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from dash_messenger.errors import ActionRefused, Busy, RateLimited, Refused
from dash_messenger.isolation.child import NICENESS
from dash_messenger.isolation.pool import JobFailed, JobKilled, JobLimits, JobPool
from fixtures.bad_jobs import ENTRY, MIB

LINUX = sys.platform == "linux"
WAYS = ["fork", "spawn"] if LINUX else ["spawn"]

Start = Callable[..., Awaitable[JobPool]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Makes pools, and closes them."""
    pools = []

    async def start(setup: bytes = b"", *, way: str | None = None, **limits: object) -> JobPool:
        pool = JobPool(entry=ENTRY, limits=JobLimits(**limits), way=way)  # type: ignore[arg-type]
        pools.append(pool)
        pool.configure(setup)
        pool.start()
        return pool

    yield start
    for pool in pools:
        await pool.aclose()


async def call(pool: JobPool, job: str, payload: object = b"", user: str = "ann") -> bytes:
    data = payload if isinstance(payload, bytes) else str(payload).encode()
    return (await pool.run(job, data, charged_to=user)).value


async def ended(pid: int) -> None:
    """Return when a process is gone, or is nothing but a row in the table of processes."""
    # Less than the time limit that a job has by itself.
    async with asyncio.timeout(8):
        while True:
            try:
                status = Path(f"/proc/{pid}/stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                return
            if status.rpartition(")")[2].split()[0] in "ZX":
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("way", WAYS)
async def test_a_job_runs_in_a_process_that_is_used_again(start: Start, way: str) -> None:
    pool = await start(b"setup", way=way)
    assert await call(pool, "echo", b"x" * MIB) == b"x" * MIB
    assert await call(pool, "setup") == b"setup"
    pids = {await call(pool, "pid") for _ in range(20)}
    assert len(pids) == 1
    assert str(os.getpid()).encode() not in pids


@pytest.mark.parametrize("way", WAYS)
async def test_an_exponential_match_is_killed_and_others_answer(start: Start, way: str) -> None:
    pool = await start(way=way, cpu_s=0.3, wall_s=120.0)
    await call(pool, "echo")
    attack = asyncio.create_task(call(pool, "match", b"-" * 90 + b"a", user="eve"))
    for _ in range(50):
        assert await call(pool, "echo", b"hello", user="bob") == b"hello"
    with pytest.raises(JobKilled) as killed:
        await attack
    assert (killed.value.reason, killed.value.certain) == ("cpu", True)
    assert await call(pool, "echo", b"on") == b"on"


@pytest.mark.parametrize("job", ["burn_deaf", "burn_disarmed"])
async def test_a_job_that_stops_the_timer_is_killed_for_its_cpu(start: Start, job: str) -> None:
    # The wall clock is out of the way.
    pool = await start(cpu_s=0.3, wall_s=600.0)
    with pytest.raises(JobKilled) as killed:
        await call(pool, job, 20)
    assert killed.value.reason == "cpu"


@pytest.mark.parametrize("way", WAYS)
async def test_the_timer_is_armed_again_after_a_job_that_ignored_it(start: Start, way: str) -> None:
    # Long limits of the server's own, so that only the kernel's timer can end it.
    pool = await start(way=way, cpu_s=0.2, demote_after_cpu_s=60.0)
    assert await call(pool, "burn_deaf", 0.01)
    with pytest.raises(JobKilled) as killed:
        await call(pool, "burn", 60)
    assert killed.value.reason == "cpu"


@pytest.mark.skipif(not LINUX, reason="memory is limited on Linux")
@pytest.mark.parametrize("way", WAYS)
async def test_a_job_that_hoards_memory_is_ended(start: Start, way: str) -> None:
    pool = await start(way=way)
    assert await call(pool, "hoard", 64 * MIB) == str(64 * MIB).encode()
    with pytest.raises(JobKilled) as killed:
        await call(pool, "hoard", 300 * MIB)
    assert (killed.value.reason, killed.value.certain) == ("memory", True)
    assert await call(pool, "echo", b"still here") == b"still here"


@pytest.mark.parametrize("way", WAYS)
async def test_a_job_that_sleeps_is_killed_by_the_clock(start: Start, way: str) -> None:
    # The job after it has no more than this either.
    pool = await start(way=way, wall_s=2.0)
    with pytest.raises(JobKilled) as killed:
        await call(pool, "sleep", 3600)
    assert (killed.value.reason, killed.value.certain) == ("wall", False)
    assert await call(pool, "echo", b"on") == b"on"


@pytest.mark.parametrize("way", WAYS)
async def test_a_crash_costs_its_own_job_alone(start: Start, way: str) -> None:
    pool = await start(way=way)
    crashes = [asyncio.create_task(call(pool, "exit")) for _ in range(2)]
    crashes.append(asyncio.create_task(call(pool, "kill", int(signal.SIGABRT))))
    others = [asyncio.create_task(call(pool, "echo", b"%d" % n, user="bob")) for n in range(30)]
    assert [await other for other in others] == [b"%d" % n for n in range(30)]
    for crash, said in zip(crashes, ["status 3", "status 3", "signal 6"], strict=True):
        with pytest.raises(JobFailed, match=said):
            await crash


async def test_a_job_whose_process_somebody_kills_is_run_again(start: Start) -> None:
    pool = await start()
    pid = int(await call(pool, "pid"))
    slept = asyncio.create_task(call(pool, "sleep", 0.2))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    assert await slept == b"0.2"


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_job_raises_does_not_end_its_process(start: Start, way: str) -> None:
    pool = await start(way=way)
    pid = await call(pool, "pid")
    for job in ("system_exit", "interrupt", "fail", "text", "no such job"):
        with pytest.raises(JobFailed):
            await call(pool, job, b"x")
    assert await call(pool, "pid") == pid


async def test_a_job_is_charged_what_it_took(start: Start) -> None:
    pool = await start()
    took = [await pool.run("count", b"100000", charged_to="ann") for _ in range(50)]
    # Some milliseconds each, and half a millisecond on the fastest machine.
    assert min(result.cpu_s for result in took) > 0.0003


async def test_a_failed_job_says_what_and_where(start: Start) -> None:
    pool = await start()
    with pytest.raises(JobFailed) as failure:
        await call(pool, "fail", b"somebody's words")
    assert failure.value.error == "ValueError: cannot read somebody's words"
    assert "bad_jobs.py" in failure.value.trace
    assert failure.value.trace.endswith("ValueError")
    assert "somebody's words" not in failure.value.trace


async def test_failures_arrive_as_they_were_raised(start: Start) -> None:
    pool = await start()
    with pytest.raises(ActionRefused) as refused:
        await call(pool, "refuse")
    assert refused.value.params == {"action": "vote", "reason": "The poll is closed."}
    with pytest.raises(RateLimited) as limited:
        await call(pool, "rate")
    assert limited.value.params == {"retry_after_s": 7}
    with pytest.raises(Refused) as own:
        await call(pool, "own_refusal")
    assert own.value.message == "There is no green left."


async def test_a_result_that_is_too_large_is_the_jobs_failure(start: Start) -> None:
    pool = await start()
    assert len(await call(pool, "much", MIB)) == MIB
    with pytest.raises(JobFailed, match="OverflowError"):
        await call(pool, "much", 8 * MIB)


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_job_prints_stands_nowhere(start: Start, way: str) -> None:
    pool = await start(way=way)
    assert await call(pool, "print") == b"printed"
    assert await call(pool, "echo", b"clear") == b"clear"


@pytest.mark.skipif(not LINUX, reason="a look into /proc")
@pytest.mark.parametrize("way", WAYS)
async def test_a_child_has_nothing_of_the_server(
    start: Start, way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DASH_MESSENGER_SECRET", "hidden")
    with (tmp_path / "store.db").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        pool = await start(way=way)
        found = json.loads(await call(pool, "surroundings"))
    assert "hidden" not in found["environment"].values()
    assert set(found["environment"]) <= {
        *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
    }
    kinds = sorted(name.partition(":")[0] for name in found["files"].values())
    assert kinds in (
        ["/dev/null", "/dev/null", "/dev/null", "socket"],
        ["/dev/null", "/dev/null", "/dev/null", "pipe", "pipe"],
        # uvloop and asyncio give a socket for standard input.
        ["/dev/null", "/dev/null", "/dev/null", "pipe", "socket"],
    )
    limits = {line[:26].strip(): line[26:].split()[:2] for line in found["limits"].splitlines()}
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max open files"] == ["16", "16"]


async def test_a_child_in_which_a_thread_is_left_is_exchanged(start: Start) -> None:
    pool = await start()
    pid = await call(pool, "thread")
    assert await call(pool, "pid") != pid


async def test_a_child_is_exchanged_after_many_jobs_and_when_it_grows(start: Start) -> None:
    pool = await start(jobs_a_child=10, growth_bytes=32 * MIB)
    pids = [await call(pool, "pid") for _ in range(20)]
    assert pids[:10].count(pids[0]) == 10
    assert pids[10] != pids[0]
    first = await call(pool, "leak", MIB)
    assert await call(pool, "leak", 48 * MIB) == first
    assert await call(pool, "pid") != first


@pytest.mark.skipif(not LINUX, reason="the clock of another process")
async def test_costly_jobs_are_demoted_and_a_third_is_killed(start: Start) -> None:
    pool = await start(cpu_s=30.0, wall_s=60.0)
    await call(pool, "echo")
    slow = [asyncio.create_task(call(pool, "burn", 20, user=f"eve{n}")) for n in range(3)]
    # They are taken one after the other: two at a time, and the third once one is demoted.
    done, _ = await asyncio.wait(slow, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    (third,) = done
    with pytest.raises(JobKilled) as killed:
        await third
    assert (killed.value.reason, killed.value.certain) == ("cpu", False)
    assert killed.value.cpu_s < 5
    assert [task.done() for task in slow].count(True) == 1
    assert await call(pool, "echo", b"free") == b"free"
    nice = []
    for pid in _children_of(await _fork_server(pool)):
        # The one that was killed may be gone by now.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            nice.append(_niceness(pid))
    assert nice.count(19) == 2


@pytest.mark.skipif(not LINUX, reason="how niceness is read")
async def test_the_server_goes_before_its_children(start: Start) -> None:
    pool = await start()
    assert _niceness(int(await call(pool, "pid"))) == _niceness(os.getpid()) + NICENESS


@pytest.mark.skipif(not LINUX, reason="the clock of another process")
async def test_a_demoted_job_ends_and_its_child_with_it(start: Start) -> None:
    # Demoted, it gets hardly any of a busy processor.
    pool = await start(demote_after_cpu_s=0.05, wall_s=120.0)
    pid = int(await call(pool, "pid"))
    assert await call(pool, "burn", 0.3) == b"0.3"
    await ended(pid)


async def test_a_user_with_a_hundred_jobs_makes_nobody_wait(start: Start) -> None:
    pool = await start()
    await call(pool, "echo")
    order: list[str] = []

    async def run(user: str) -> None:
        await call(pool, "burn", 0.005, user=user)
        order.append(user)

    await asyncio.gather(*(run("eve") for _ in range(100)), run("bob"))
    assert order.index("bob") < 30


async def test_a_queue_is_bounded_for_one_and_for_all(start: Start) -> None:
    pool = await start(max_waiting_a_user=3, max_waiting=5)
    # Nothing is loaded yet, so all of them wait.
    waiting = [asyncio.create_task(call(pool, "echo", user="eve")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await call(pool, "echo", user="eve")
    waiting += [asyncio.create_task(call(pool, "echo", user=user)) for user in ("bob", "ann")]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await call(pool, "echo", user="dan")
    assert await asyncio.gather(*waiting) == [b""] * 5


async def test_waiting_counts_for_nobodys_limit(start: Start) -> None:
    pool = await start(wall_s=2.5)
    slept = [call(pool, "sleep", 0.5, user=f"user{n}") for n in range(12)]
    assert await asyncio.gather(*slept) == [b"0.5"] * 12


async def test_a_childs_idle_time_counts_for_no_job(start: Start) -> None:
    pool = await start(wall_s=2.0)
    # The spare child is idle meanwhile, and is next: what slept this long has made way.
    assert await call(pool, "sleep", 1.5) == b"1.5"
    assert await call(pool, "sleep", 1.2) == b"1.2"


async def test_a_job_nobody_waits_for_any_more_is_not_run(start: Start, tmp_path: Path) -> None:
    pool = await start()
    await call(pool, "echo")
    busy = [asyncio.create_task(call(pool, "sleep", 0.3)) for _ in range(2)]
    given_up = [asyncio.create_task(call(pool, "exit", user="bob")) for _ in range(50)]
    await asyncio.sleep(0)
    for task in given_up:
        task.cancel()
    assert await asyncio.gather(*busy) == [b"0.3"] * 2
    assert await call(pool, "echo", b"on") == b"on"


@pytest.mark.parametrize("way", WAYS)
async def test_another_setup_replaces_all_processes(start: Start, way: str) -> None:
    pool = await start(b"old", way=way)
    before = int(await call(pool, "pid"))
    running = asyncio.create_task(call(pool, "sleep", 0.5))
    await asyncio.sleep(0)
    pool.configure(b"new")
    assert await call(pool, "setup") == b"new"
    assert await running == b"0.5"
    await ended(before)
    again = await call(pool, "pid")
    pool.configure(b"new")
    assert await call(pool, "pid") == again


@pytest.mark.skipif(not LINUX, reason="there is no fork server")
async def test_the_service_is_back_after_the_fork_server_is_killed(start: Start) -> None:
    pool = await start()
    for _ in range(2):
        running = asyncio.create_task(call(pool, "sleep", 0.2))
        os.kill(await _fork_server(pool), signal.SIGKILL)
        assert await running == b"0.2"


@pytest.mark.skipif(not LINUX, reason="there is no fork server")
async def test_a_fork_server_that_was_stopped_is_replaced(start: Start) -> None:
    pool = await start(load_s=8.0)
    child, fork_server = int(await call(pool, "pid")), await _fork_server(pool)
    os.kill(fork_server, signal.SIGSTOP)
    for pid in _children_of(fork_server):
        os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(60):
        assert await call(pool, "pid") != str(child).encode()
    await ended(fork_server)


@pytest.mark.skipif(not LINUX, reason="there is no fork server")
async def test_a_source_that_dies_while_it_loads_is_told(start: Start) -> None:
    pool = await start(b"die")
    with pytest.raises(JobFailed, match="ended meanwhile"):
        await call(pool, "echo")
    with pytest.raises(JobFailed, match="ended meanwhile"):
        await call(pool, "echo")


@pytest.mark.skipif(not LINUX, reason="there is no fork server")
async def test_a_job_that_kills_the_fork_server_is_not_tried_for_ever(start: Start) -> None:
    pool = await start()
    with pytest.raises((JobFailed, JobKilled)):
        await call(pool, "kill_parent")
    assert await call(pool, "echo", b"back") == b"back"


@pytest.mark.parametrize("way", WAYS)
async def test_what_cannot_be_loaded_is_said_and_tried_again(
    start: Start, way: str, tmp_path: Path
) -> None:
    mended = tmp_path / "mended"
    pool = await start(b"until:" + str(mended).encode(), way=way)
    with pytest.raises(JobFailed, match="could not be loaded: RuntimeError: not yet"):
        await call(pool, "echo")
    mended.touch()
    async with asyncio.timeout(30):
        while True:
            try:
                assert await call(pool, "echo", b"mended") == b"mended"
                return
            except JobFailed:
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("way", WAYS)
async def test_loading_that_hangs_is_given_up(start: Start, way: str) -> None:
    pool = await start(b"hang", way=way, load_s=1.0)
    with pytest.raises(JobFailed, match="more than 1 s"):
        await call(pool, "echo")


@pytest.mark.parametrize("way", WAYS)
async def test_closing_ends_all_processes_and_jobs(start: Start, way: str) -> None:
    pool = await start(way=way)
    pid = int(await call(pool, "pid"))
    running = asyncio.create_task(call(pool, "sleep", 3600))
    await asyncio.sleep(0)
    await pool.aclose()
    with pytest.raises(JobFailed):
        await running
    with pytest.raises(JobFailed):
        await call(pool, "echo")
    if LINUX:
        await ended(pid)


@pytest.mark.parametrize("way", WAYS)
async def test_killing_from_a_thread_ends_all_processes(start: Start, way: str) -> None:
    pool = await start(way=way)
    pid = int(await call(pool, "pid"))
    running = asyncio.create_task(call(pool, "sleep", 3600))
    await asyncio.sleep(0)
    await asyncio.to_thread(pool.kill)
    with pytest.raises(JobFailed):
        await running
    if LINUX:
        await ended(pid)


def test_a_pool_that_met_no_loop_can_be_killed() -> None:
    pool = JobPool(entry=ENTRY)
    pool.configure(b"")
    pool.start()
    pool.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop")
@pytest.mark.parametrize("way", WAYS)
def test_it_works_on_the_servers_own_loop_and_leaves_nothing_open(way: str) -> None:
    import uvloop

    async def main() -> None:
        pool = JobPool(entry=ENTRY, limits=JobLimits(wall_s=2.0), way=way)  # type: ignore[arg-type]
        pool.configure(b"uvloop")
        assert await call(pool, "echo", b"x" * MIB) == b"x" * MIB
        with pytest.raises(JobFailed):
            await call(pool, "exit")
        with pytest.raises(JobKilled):
            await call(pool, "sleep", 3600)
        await pool.aclose()

    # What the first loop of a process opens for good.
    uvloop.run(asyncio.sleep(0))
    before = _open_files()
    uvloop.run(main())
    assert _open_files() <= before


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if LINUX else 0


OWNER = f"""
import asyncio, sys
sys.path[:0] = {[str(Path(__file__).parents[1])]!r}
from dash_messenger.isolation.pool import JobPool
from fixtures.bad_jobs import ENTRY

async def main():
    pool = JobPool(entry=ENTRY, way=sys.argv[1])
    pool.configure(b"")
    pids = [(await pool.run(job, b"", charged_to="ann")).value for job in ("pid", "parent")]
    task = asyncio.create_task(pool.run("sleep", b"3600", charged_to="ann"))
    await asyncio.sleep(0)
    print(*(int(pid) for pid in pids), file=sys.stderr, flush=True)
    await task

asyncio.run(main())
"""


@pytest.mark.skipif(not LINUX, reason="a look into /proc")
async def test_no_process_remains_when_the_server_is_killed() -> None:
    command = [sys.executable, "-c", OWNER, "fork"]
    owner = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with owner:
        assert owner.stderr is not None
        child, fork_server = map(int, (await asyncio.to_thread(owner.stderr.readline)).split())
        assert fork_server != owner.pid
        owner.kill()
    await ended(child)
    await ended(fork_server)


async def _fork_server(pool: JobPool) -> int:
    return int(await call(pool, "parent"))


def _niceness(pid: int) -> int:
    # proc(5), stat: the 17th field after the name.
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


def _children_of(pid: int) -> list[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
