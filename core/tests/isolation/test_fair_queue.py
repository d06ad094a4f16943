from __future__ import annotations

import pytest
from dash_messenger.errors import Busy
from dash_messenger.isolation.fair_queue import EXPECTED_COST_S, MAX_REMEMBERED, FairQueue


def queue(**bounds: int) -> FairQueue[str]:
    return FairQueue(
        **{"max_items": 10_000, "max_items_a_user": 1_000, "max_bytes": 1_000_000, **bounds}
    )


def take_all(queue: FairQueue[str]) -> list[str]:
    return [queue.take() for _ in range(len(queue))]


def test_items_of_one_user_leave_in_their_order() -> None:
    line = queue()
    for item in "abc":
        line.put("ann", item, 1)
    assert take_all(line) == ["a", "b", "c"]


def test_users_take_turns() -> None:
    line = queue()
    for number in range(3):
        line.put("eve", f"eve{number}", 1)
    line.put("bob", "bob0", 1)
    line.put("dan", "dan0", 1)
    assert take_all(line) == ["eve0", "bob0", "dan0", "eve1", "eve2"]


def test_who_costs_much_waits_for_those_who_cost_little() -> None:
    line = queue()
    for number in range(5):
        line.put("eve", f"eve{number}", 1)
        line.put("bob", f"bob{number}", 1)
    assert line.take() == "eve0"
    line.charge("eve", 3.5 * EXPECTED_COST_S)
    assert [line.take() for _ in range(5)] == ["bob0", "bob1", "bob2", "bob3", "eve1"]


def test_a_new_user_is_not_before_those_who_wait_long() -> None:
    line = queue()
    for number in range(10):
        line.put("eve", f"eve{number}", 1)
    assert [line.take() for _ in range(5)] == [f"eve{number}" for number in range(5)]
    for number in range(3):
        line.put("bob", f"bob{number}", 1)
    # Were clocks not set to the time when a line begins, all of Bob's would be first.
    assert [line.take() for _ in range(4)] in (
        ["bob0", "eve5", "bob1", "eve6"],
        ["bob0", "bob1", "eve5", "bob2"],
    )


def test_what_is_put_back_is_first_in_its_line_and_costs_once() -> None:
    line = queue()
    for item in ("a", "b"):
        line.put("ann", item, 1)
    line.put("bob", "c", 1)
    first = line.take()
    line.put_back("ann", first, 1)
    assert take_all(line) == ["c", "a", "b"]


def test_items_users_and_bytes_are_bounded() -> None:
    line = queue(max_items=3, max_items_a_user=2, max_bytes=100)
    line.put("ann", "a", 40)
    line.put("ann", "b", 40)
    with pytest.raises(Busy):
        line.put("ann", "c", 1)
    with pytest.raises(Busy):
        line.put("bob", "d", 40)
    line.put("bob", "e", 20)
    with pytest.raises(Busy):
        line.put("dan", "f", 0)
    assert take_all(line) == ["a", "e", "b"]
    line.put("dan", "g", 100)


def test_users_who_left_are_forgotten() -> None:
    line = queue()
    line.put("eve", "", 0)
    for number in range(2 * MAX_REMEMBERED):
        line.put(f"user{number}", "", 0)
        line.take()
    assert len(line) == 1
    assert len(line._lines) <= MAX_REMEMBERED + 1
