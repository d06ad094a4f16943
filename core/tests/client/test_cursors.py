"""`dash_messenger.client.cursors`: continuity without a socket."""

from __future__ import annotations

from dash_messenger.client.cursors import Cursors
from hypothesis import given
from hypothesis import strategies as st


def test_a_log_never_heard_of_begins_with_its_first_frame() -> None:
    cursors = Cursors()
    assert cursors.take("log", 7, 8)
    assert cursors["log"] == 8


def test_a_frame_that_follows_is_taken_once() -> None:
    cursors = Cursors()
    cursors.begin("log", 3)
    assert cursors.take("log", 3, 5)
    assert not cursors.take("log", 3, 5)


def test_a_frame_beyond_a_gap_waits_for_reading() -> None:
    cursors = Cursors()
    cursors.begin("log", 3)
    assert not cursors.take("log", 4, 5)
    assert cursors.behind() == "log"
    # Not even what would follow: reading gives it in order.
    assert not cursors.take("log", 3, 4)
    assert cursors.advance("log", 4)
    assert cursors.behind() == "log"
    assert cursors.advance("log", 5)
    assert cursors.behind() is None
    assert cursors.take("log", 5, 6)


def test_giving_up_keeps_the_position() -> None:
    cursors = Cursors()
    cursors.begin("log", 3)
    cursors.know("log", 9)
    cursors.give_up("log")
    assert (cursors["log"], cursors.behind()) == (3, None)


def test_reset_continues_elsewhere() -> None:
    cursors = Cursors()
    cursors.begin("log", 3)
    cursors.know("log", 9)
    assert cursors.known("log") == 9
    cursors.reset("log", 9)
    assert cursors.take("log", 9, 10)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=60))
def test_whatever_arrives_what_is_taken_is_in_order_without_gap(
    frames: list[tuple[int, int]],
) -> None:
    cursors, at = Cursors(), 0
    cursors.begin("log", 0)
    for after, size in frames:
        if cursors.take("log", after, after + size):
            assert after <= at < after + size
            at = after + size
        elif cursors.behind() is not None and cursors.advance("log", at + 1):
            at += 1
    assert cursors["log"] == at
