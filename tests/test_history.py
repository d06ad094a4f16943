"""The checker finds each fault in a record that has just that, and none in one that has none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.history import Entry, History

LOG, ANN, BOB = "log", "ann", "bob"
FIRST = Entry(1, "conversation.created")
ONE = Entry(2, "message.created", ANN, "n1", "one")
TWO = Entry(3, "message.created", ANN, "n2", "two")


def changed(seq: int, kind: str = "message.updated") -> Entry:
    """Another revision of Ann's second message."""
    return Entry(seq, kind, ANN, "n2", "two")


def record() -> History:
    """Ann sends two messages, both are answered; Bob, who followed from the beginning, got them."""
    history = History()
    for entry in (ONE, TWO):
        history.sent(ANN, LOG, entry.client_id, entry.text)
        history.answered(ANN, entry.client_id, entry.seq)
    for entry in (FIRST, ONE, TWO):
        history.live(BOB, 1, LOG, entry.seq - 1, entry.seq)
        history.received(BOB, LOG, entry.seq - 1, entry)
    history.stored(LOG, [FIRST, ONE, TWO])
    history.followed(BOB, LOG)
    return history


def lose(history: History) -> None:
    history.sent(ANN, LOG, "n3", "three")
    history.answered(ANN, "n3", 4)


def lose_for_a_reader(history: History) -> None:
    history.received("eve", LOG, 0, FIRST)
    history.followed("eve", LOG)


def lose_the_last_revision(history: History) -> None:
    history.stored(LOG, [FIRST, ONE, TWO, changed(4), changed(5)])
    history.received(BOB, LOG, 3, changed(4))


def store_twice(history: History) -> None:
    history.stored(LOG, [FIRST, ONE, TWO, Entry(4, "message.created", ANN, "n2", "two")])


def answer_otherwise(history: History) -> None:
    history.answered(ANN, "n2", 2)


def deliver_twice(history: History) -> None:
    history.received(BOB, LOG, 1, ONE)


def store_with_a_gap(history: History) -> None:
    history.stored(LOG, [FIRST, ONE, TWO, Entry(5, "member.joined")])


def deliver_with_a_gap(history: History) -> None:
    history.live(BOB, 1, LOG, 4, 5)


def deliver_backwards(history: History) -> None:
    history.received("eve", LOG, 1, ONE)
    history.received("eve", LOG, 0, FIRST)


def answer_backwards(history: History) -> None:
    history.sent(ANN, LOG, "n0", "zero")
    history.answered(ANN, "n0", 1)


def store_what_nobody_sent(history: History) -> None:
    history.stored(LOG, [FIRST, ONE, TWO, Entry(4, "message.created", ANN, "n9", "boo")])


def deliver_what_is_not_stored(history: History) -> None:
    history.received(BOB, LOG, 3, Entry(4, "message.created", ANN, "n9", "boo"))


def deliver_after_leaving(history: History) -> None:
    history.shut_out(BOB, LOG, 2)


def test_a_good_record_has_no_fault() -> None:
    assert record().check() == []


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("lost", lose),
        ("lost", lose_for_a_reader),
        ("lost", lose_the_last_revision),
        ("duplicate", store_twice),
        ("duplicate", answer_otherwise),
        ("duplicate", deliver_twice),
        ("gap", store_with_a_gap),
        ("gap", deliver_with_a_gap),
        ("reorder", deliver_backwards),
        ("reorder", answer_backwards),
        ("phantom", store_what_nobody_sent),
        ("phantom", deliver_what_is_not_stored),
        ("leak", deliver_after_leaving),
    ],
)
def test_each_fault_is_found(kind: str, spoil: Callable[[History], None]) -> None:
    history = record()
    spoil(history)
    assert kind in {fault.kind for fault in history.check()}


def test_what_was_told_as_resync_is_not_lost() -> None:
    history = record()
    history.received("eve", LOG, 0, FIRST)
    history.resynced("eve", LOG, 1, 3)
    history.followed("eve", LOG)
    assert history.check() == []


@pytest.mark.parametrize("kind", ["message.updated", "message.deleted"])
def test_revisions_that_a_later_one_covers_are_not_lost(kind: str) -> None:
    history = record()
    last = changed(6, kind)
    history.stored(LOG, [FIRST, ONE, TWO, changed(4), changed(5), last])
    history.live(BOB, 1, LOG, 3, 6)
    history.received(BOB, LOG, 3, last)
    assert history.check() == []
