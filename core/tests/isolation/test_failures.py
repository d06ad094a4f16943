"""Many failures in a short time are too many; many in a long time, or of others, are not."""

from __future__ import annotations

from dash_messenger.isolation.failures import MAX_FAILURES, MAX_GRAVE_FAILURES, WITHIN_S, Failures


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_last_of_too_many_within_a_minute_is_told_and_counting_begins_again() -> None:
    failures = Failures(Clock())
    for _ in range(2):
        told = [failures.count("a") for _ in range(MAX_FAILURES)]
        assert told == [False] * (MAX_FAILURES - 1) + [True]


def test_as_many_over_a_longer_time_are_not_too_many() -> None:
    clock = Clock()
    failures = Failures(clock)
    for _ in range(3 * MAX_FAILURES):
        assert not failures.count("a")
        clock.now_s += WITHIN_S / (MAX_FAILURES - 2)


def test_each_plugin_and_grave_failures_are_counted_apart() -> None:
    failures = Failures(Clock())
    for _ in range(MAX_FAILURES - 1):
        assert not failures.count("a")
        assert not failures.count("b")
    told = [failures.count("a", limit=MAX_GRAVE_FAILURES) for _ in range(MAX_GRAVE_FAILURES)]
    assert told == [False, False, True]
    assert failures.count("b")
