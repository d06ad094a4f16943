"""The statements of the hot path find their rows by keys, however many there are at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.ids import IdMaker
from dash_messenger.store.drafts import Draft, NewMessage, Sent
from dash_messenger.store.migrate import migrate
from dash_messenger.store.sqlite.backend import SqliteBackend
from dash_messenger.store.sqlite.statements import ROWS
from dash_messenger.store.tables import metadata

MAKE_ID = IdMaker()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Any]:
    backend = SqliteBackend(tmp_path / "messenger.db")
    backend.set_up(migrate)
    writer = backend.open_writer()
    writer.begin()
    yield writer
    writer.rollback()
    writer.close()


def plans(writer: Any, work: Callable[[], object]) -> list[str]:
    """How SQLite runs each statement of ``work``, with the rows that it was given."""
    driver = writer.connection.connection.driver_connection
    texts: list[str] = []
    driver.set_trace_callback(texts.append)
    try:
        work()
    finally:
        driver.set_trace_callback(None)
    return [
        "\n".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {text}")) for text in texts
    ]


def new_messages(count: int) -> list[NewMessage]:
    return [
        NewMessage(
            Draft(MAKE_ID(), MAKE_ID(), None, MAKE_ID(), "text", 1, b"{}", ""),
            bytes(16),
            Sent(MAKE_ID(), 1, 1, 0),
            None,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("rows", ROWS)
def test_no_table_is_looked_through_for_a_batch_of_any_size(writer: Any, rows: int) -> None:
    new = new_messages(rows)
    pairs = [(one.draft.client_id, one.draft.sender) for one in new]

    def work() -> None:
        writer.sent_before(pairs)
        writer.ends_for_members(pairs)
        writer.insert(new)
        writer.move_ends({one.draft.conversation: one.sent for one in new}, 1)

    found = plans(writer, work)
    assert len(found) == 5, "a statement was not looked at"
    # What is gone through from end to end are the rows that came with the statement.
    scanned = re.findall(r"^SCAN (\w+)", "\n".join(found), re.MULTILINE)
    assert not metadata.tables.keys() & set(scanned), "\n\n".join(found)
