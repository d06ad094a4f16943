"""How soon a server is started again, and who has brought it down too often."""

from __future__ import annotations

from dash_messenger.supervisor.restarts import (
    LONG_LIFE_S,
    LONGEST_PAUSE_S,
    WITHIN_S,
    Restart,
    Restarts,
)


def test_a_plugin_is_given_up_at_the_third_time_within_ten_minutes() -> None:
    restarts = Restarts()
    given_up = [restarts.count("poll", "it held", at_s).given_up for at_s in (0, 1, WITHIN_S - 1)]
    assert given_up == [(), (), ("poll",)]


def test_restarts_that_lie_further_apart_do_not_add_up() -> None:
    restarts = Restarts()
    times = [0, 1, WITHIN_S + 1, WITHIN_S + 2, 2 * WITHIN_S + 3]
    assert [restarts.count("poll", "it held", at_s).given_up for at_s in times] == [()] * 5


def test_each_plugin_is_counted_for_itself_and_stays_given_up() -> None:
    restarts = Restarts()
    for name in ("poll", "dice", "poll", "dice"):
        restarts.count(name, "it held", 0)
    assert restarts.count("poll", "it held", 0) == Restart("it held", "poll", ("poll",))
    assert restarts.count("", "it ended by signal SIGKILL", 5) == Restart(
        "it ended by signal SIGKILL", "", ("poll",)
    )


def test_who_is_nobodys_plugin_is_not_counted() -> None:
    restarts = Restarts()
    assert {restarts.count("", "it held", 0).given_up for _ in range(9)} == {()}


def test_deaths_that_follow_each_other_are_waited_between_longer_and_longer() -> None:
    restarts = Restarts()
    pauses = [restarts.pause_s(0.5) for _ in range(10)]
    assert pauses[:5] == [0, 0, 0, 0.5, 1.0]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert restarts.pause_s(LONG_LIFE_S) == 0
    assert restarts.pause_s(0.5) == 0


def test_a_restart_is_told_as_text() -> None:
    restart = Restart("it held", "poll", ("poll", "dice"))
    assert Restart.decode(restart.encode()) == restart
