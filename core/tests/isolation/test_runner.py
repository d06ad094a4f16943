"""Failures of plugins' code cost who asked; content alone quarantines nobody."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from dash_messenger.errors import CheckFailed, Failure, PluginFailed, Refused, TimedOut
from dash_messenger.isolation.deadlines import waiting
from dash_messenger.isolation.failures import MAX_FAILURES, MAX_GRAVE_FAILURES
from dash_messenger.isolation.runner import PROBE_EVERY_S, PluginRunner
from dash_messenger.isolation.samples import MAX_FIRST_SAMPLES, MAX_SAMPLES, Samples


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Plugins:
    def __init__(self) -> None:
        self.at_start: list[str] = []
        self.running: dict[str, str] = {}
        self.spared: set[str] = set()

    def quarantine(self, name: str, error: BaseException | str) -> None:
        self.at_start.append(name)

    def quarantine_for_a_while(self, name: str, reason: str) -> None:
        self.running[name] = reason

    def loaded(self, name: str) -> bool:
        return name not in self.running

    def spares(self, name: str) -> bool:
        return name in self.spared


class Setting:
    def __init__(self) -> None:
        self.clock = Clock()
        self.plugins = Plugins()
        self.runner = PluginRunner(self.plugins, clock_s=self.clock)
        self.broken: set[bytes] = set()
        self.tried: list[bytes] = []
        self.probed = asyncio.Event()

    def probe(self) -> None:
        async def probe(plugin: str, kind: str, sample: bytes) -> bool:
            self.tried.append(sample)
            self.probed.set()
            return sample not in self.broken

        self.runner.set_probe(probe)

    def remember(self, *samples: bytes) -> None:
        for sample in samples:
            self.clock.now_s += 1
            self.runner.content_worked("poll", sample, kind="acme.poll", by=sample.decode())

    async def fail(self, times: int = MAX_FAILURES, *, grave: bool = False) -> None:
        for _ in range(times):
            self.runner.content_failed("poll", KeyError("x"), kind="acme.poll", grave=grave)
        await asyncio.gather(*self.runner._probes.values())


@pytest.fixture
def setting() -> Setting:
    return Setting()


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), asyncio.CancelledError()])
async def test_whatever_code_raises_its_caller_gets_a_failure(
    setting: Setting, error: BaseException
) -> None:
    async def work() -> None:
        raise error

    run = setting.runner.run
    with pytest.raises(PluginFailed):
        await run("poll", work, doing="work", within_s=5)
    with pytest.raises(CheckFailed):
        await run("poll", work, doing="work", within_s=5, raises=CheckFailed)
    assert not await setting.runner.attempt("poll", work, doing="work", within_s=5)


async def test_a_refusal_goes_on_as_it_is(setting: Setting) -> None:
    async def work() -> None:
        raise Refused(reason="no")

    with pytest.raises(Refused, match="no"):
        await setting.runner.run("poll", work, doing="work", within_s=5)


async def test_cancellation_goes_on(setting: Setting) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(setting.runner.attempt("poll", work, doing="work", within_s=60))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_takes_too_long_is_given_up(setting: Setting) -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await setting.runner.run("poll", work, doing="work", within_s=0.01)


async def test_waiting_in_a_queue_counts_for_no_limit_around(setting: Setting) -> None:
    async def inner() -> None:
        with waiting():
            # Without it, both limits would be over at the first of these.
            for _ in range(5):
                await asyncio.sleep(0)

    async def outer() -> None:
        await setting.runner.run("other", inner, doing="inner", within_s=0)

    await setting.runner.run("poll", outer, doing="outer", within_s=0)


async def test_after_waiting_the_limit_goes_on(setting: Setting) -> None:
    async def work() -> None:
        with waiting():
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await setting.runner.run("poll", work, doing="work", within_s=0.01)


async def test_a_thread_counts_from_when_it_begins(setting: Setting) -> None:
    loop, others_end = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    others = loop.run_in_executor(None, others_end.wait)
    loop.call_later(0.6, others_end.set)
    done = setting.runner.run_in_thread("poll", lambda: 7, doing="work", within_s=0.5)
    assert await done == 7
    await others


def test_what_fails_at_start_is_undone_and_quarantined(setting: Setting) -> None:
    undone: list[str] = []

    def work() -> None:
        raise SystemExit

    assert not setting.runner.start("poll", work, doing="on_start", undo=lambda: undone.append("u"))
    assert setting.plugins.at_start == ["poll"]
    assert undone == ["u"]


def test_requests_that_fail_quarantine_nothing(setting: Setting) -> None:
    def work() -> None:
        raise KeyError("x")

    for _ in range(3 * MAX_FAILURES):
        with pytest.raises(Failure):
            setting.runner.call("poll", work, doing="work")
    assert not setting.plugins.at_start
    assert not setting.plugins.running


async def test_content_that_fails_quarantines_nothing_while_older_content_works(
    setting: Setting,
) -> None:
    setting.probe()
    setting.remember(b"a", b"b")
    await setting.fail()
    await setting.fail(MAX_GRAVE_FAILURES, grave=True)
    assert setting.tried == [b"a"]
    assert not setting.plugins.running


async def test_content_that_fails_quarantines_nothing_where_nothing_worked_before(
    setting: Setting,
) -> None:
    setting.probe()
    await setting.fail()
    assert not setting.plugins.running


async def test_what_fails_on_all_that_worked_before_is_quarantined(setting: Setting) -> None:
    setting.probe()
    setting.remember(b"a", b"b")
    setting.broken = {b"a", b"b"}
    await setting.fail()
    assert setting.tried == [b"a", b"b"]
    assert "KeyError" in setting.plugins.running["poll"]


async def test_what_others_are_checked_by_stays(setting: Setting) -> None:
    setting.probe()
    setting.remember(b"a")
    setting.broken = {b"a"}
    setting.plugins.spared = {"poll"}
    await setting.fail()
    assert not setting.plugins.running


async def test_samples_are_tried_once_a_minute_at_most(setting: Setting) -> None:
    setting.probe()
    setting.remember(b"a")
    await setting.fail()
    await setting.fail()
    assert setting.tried == [b"a"]
    setting.clock.now_s += PROBE_EVERY_S
    await setting.fail()
    assert setting.tried == [b"a", b"a"]


async def test_a_probe_that_cannot_be_made_now_quarantines_nothing(setting: Setting) -> None:
    async def probe(plugin: str, kind: str, sample: bytes) -> bool:
        raise TimedOut

    setting.runner.set_probe(probe)
    setting.remember(b"a")
    await setting.fail()
    assert not setting.plugins.running


def test_one_persons_contents_are_not_all_that_is_remembered() -> None:
    clock = Clock()
    samples = Samples(clock)
    for number in range(MAX_FIRST_SAMPLES + 2):
        clock.now_s += 1
        samples.note("poll", "acme.poll", b"%d" % number, by=f"user {number}")
    for _ in range(100):
        clock.now_s += 1
        samples.note("poll", "acme.poll", b"hostile", by="mallory")
    assert samples.of("poll", "acme.poll") == [b"0", b"1", b"2", b"3", b"4", b"hostile"]


def test_few_small_and_cheap_contents_are_remembered() -> None:
    clock = Clock()
    samples = Samples(clock)
    samples.note("poll", "acme.poll", b"dear", cpu_s=1.0)
    samples.note("poll", "acme.poll", bytes(20_000))
    for number in range(100):
        clock.now_s += 1
        samples.note("poll", "acme.poll", b"%d" % number, by=f"user {number}")
    assert len(samples.of("poll", "acme.poll")) == MAX_FIRST_SAMPLES + MAX_SAMPLES
    samples.forget("poll")
    assert samples.of("poll", "acme.poll") == []
