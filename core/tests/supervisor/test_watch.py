"""When a loop counts as held, and what does not count."""

from __future__ import annotations

from dash_messenger.supervisor.watch import SERVING, TICK_S, Watch

SECOND = round(1 / TICK_S)


def silent(watch: Watch, ticks: int, waited_s: float = 0.0) -> list[str]:
    return [watch.tick(turned=False, waited_s=waited_s) for _ in range(ticks)]


def test_a_held_loop_is_named_once_after_a_second_and_given_up_after_ten() -> None:
    steps = silent(Watch(SERVING), 10 * SECOND)
    assert steps.index("name") == SECOND - 1
    assert steps.count("name") == 1
    assert steps.index("give up") == 10 * SECOND - 1


def test_a_loop_that_turns_in_between_is_not_given_up_and_named_again() -> None:
    watch = Watch(SERVING)
    steps = silent(watch, 9 * SECOND)
    watch.tick(turned=True)
    steps += silent(watch, 9 * SECOND)
    assert (steps.count("name"), steps.count("give up")) == (2, 0)


def test_a_tick_counts_for_its_own_length_however_late_it_comes() -> None:
    """A process that was suspended for an hour sees one tick."""
    assert silent(Watch(SERVING), 1) == ["wait"]


def test_what_the_thread_waited_for_a_processor_does_not_count() -> None:
    watch = Watch(SERVING)
    assert set(silent(watch, 100 * SECOND, waited_s=TICK_S)) == {"wait"}
    assert "name" in silent(watch, SECOND)


def test_starting_takes_longer_than_serving() -> None:
    steps = silent(Watch(), 60 * SECOND)
    assert steps.index("name") == 10 * SECOND - 1
    assert steps.index("give up") == 60 * SECOND - 1
