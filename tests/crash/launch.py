"""Starts the product with a fault built in: ``python launch.py serve …``.

The product has no switches for tests; this script patches it before its command line runs.
``CRASH_AT=NAME:N`` kills the process group when the fail point NAME is passed for the Nth time.
``CRASH_MUTANT=NAME`` breaks a promise on purpose, so that the checker can be seen to notice.
``CRASH_ORPHAN=1`` leaves a process to whoever takes orphans in.
``CRASH_LIMITS=SECONDS SECONDS`` is when a loop that is held is named, and given up.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import msgspec
from dash_messenger.__main__ import main
from dash_messenger.realtime import hub
from dash_messenger.store import message_inserts, writer
from dash_messenger.store.sqlite import backend, database, statements
from dash_messenger.supervisor import watch
from sqlalchemy import event

POINTS = ("begun", "stored", "committed", "applied", "answered", "announced")


def passing(name: str) -> None:
    """Die here if this is the place and the time."""
    point, _, count = os.environ.get("CRASH_AT", "").partition(":")
    if point == name:
        passing.left = getattr(passing, "left", int(count)) - 1  # type: ignore[attr-defined]
        if passing.left <= 0:  # type: ignore[attr-defined]
            os.killpg(os.getpgid(0), signal.SIGKILL)


def put(owner: Any, name: str, value: Any) -> None:
    """Replace a part of the product."""
    setattr(owner, name, value)


def before(owner: Any, method: str, point: str) -> None:
    """Make a method pass a fail point first."""
    original = getattr(owner, method)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        passing(point)
        return original(*args, **kwargs)

    setattr(owner, method, wrapped)


def after(owner: Any, method: str, point: str) -> None:
    """Make a method pass a fail point last."""
    original = getattr(owner, method)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        passing(point)
        return result

    setattr(owner, method, wrapped)


def add_fail_points() -> None:
    """In the order in which a batch passes them."""
    before(message_inserts.Sends, "store", "begun")
    after(message_inserts.Sends, "store", "stored")
    after(writer.Writer, "_commit", "committed")
    after(hub.Hub, "apply", "applied")
    before(hub.Hub, "announce", "answered")
    after(hub.Hub, "announce", "announced")


def acknowledge_before_commit() -> None:
    """Answers leave while the transaction is still open."""
    original = writer.Writer._send

    def send(self: Any, pieces: Any, now: int, change: int, outcome: Any) -> None:
        original(self, pieces, now, change, outcome)

        def answer() -> None:
            for future, value in list(outcome.answers):
                if not future.done():
                    future.set_result(value)

        self._loop.call_soon_threadsafe(answer)
        time.sleep(0.005)

    put(writer.Writer, "_send", send)


def synchronous_normal() -> None:
    """Commits are not flushed. A kill leaves the page cache, so only a power cut shows it."""
    original = database.open_engine

    def open_engine(*args: Any, **kwargs: Any) -> Any:
        engine = original(*args, **kwargs)
        event.listen(
            engine, "connect", lambda db, _: db.execute("PRAGMA synchronous = NORMAL").close()
        )
        return engine

    put(backend, "open_engine", open_engine)


def no_unique_key() -> None:
    """A retry is stored again: nobody looks for the name, and the table does not insist."""
    put(statements.Statements, "sent_before", lambda *args: {})
    original = backend.SqliteBackend.set_up

    def set_up_without(self: Any, work: Any) -> Any:
        done = original(self, work)
        with self._write_engine.connect() as connection:
            db: Any = connection.connection.driver_connection
            (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'messages'").fetchone()
            loose = re.sub(
                r",\s*CONSTRAINT \w+ UNIQUE \(client_id, sender_id\)", "", sql, flags=re.S
            )
            if loose != sql:
                indexes = db.execute(
                    "SELECT sql FROM sqlite_master WHERE tbl_name = 'messages'"
                    " AND type = 'index' AND sql IS NOT NULL"
                ).fetchall()
                db.execute("ALTER TABLE messages RENAME TO strict")
                db.execute(loose)
                db.execute("INSERT INTO messages SELECT * FROM strict")
                db.execute("DROP TABLE strict")
                for (index,) in indexes:
                    db.execute(index)
            elif "client_id, sender_id" in sql:
                raise SystemExit("the unique key was not found")
        return done

    put(backend.SqliteBackend, "set_up", set_up_without)


def membership_for_ever() -> None:
    """Whoever was subscribed once stays so."""
    put(hub.Hub, "_expel", lambda self, conversation, user: None)


def events_out_of_order() -> None:
    """The events of a batch are announced from the last to the first."""
    original = hub.Hub.announce
    put(hub.Hub, "announce", lambda self, events: original(self, events[::-1]))


def events_dropped() -> None:
    """Every twentieth batch is announced to nobody."""
    original = hub.Hub.announce
    batches = iter(range(10**12))

    def announce(self: Any, events: Any) -> None:
        if next(batches) % 20 != 19:
            original(self, events)

    put(hub.Hub, "announce", announce)


def numbers_skipped() -> None:
    """Sometimes a number is left out of a log."""
    original = statements.Statements.ends_for_members

    def ends(self: Any, *args: Any) -> Any:
        found = original(self, *args)
        for position in found.values():
            if position[0] % 10 == 9:
                position[0] += 1
        return found

    put(statements.Statements, "ends_for_members", ends)


def words_changed() -> None:
    """What is stored is not what was sent."""
    original = writer.Writer.send

    def send(self: Any, draft: Any) -> Any:
        return original(self, msgspec.structs.replace(draft, content=b'{"text":"?"}', text="?"))

    put(writer.Writer, "send", send)


def files_unflushed() -> None:
    """Files are written and renamed, but never flushed. Only a power cut shows it."""
    put(os, "fsync", lambda handle: None)


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (
        acknowledge_before_commit,
        synchronous_normal,
        no_unique_key,
        membership_for_ever,
        events_out_of_order,
        events_dropped,
        numbers_skipped,
        words_changed,
        files_unflushed,
    )
}


def leave_an_orphan() -> None:
    """A process whose parent has ended."""
    between = os.fork()
    if between == 0:
        if os.fork() == 0:
            # It keeps neither the output nor the input of whoever waits for the server.
            os.closerange(0, 3)
            os.execvp("sleep", ["sleep", "600"])
        os._exit(0)
    os.waitpid(between, 0)


if __name__ == "__main__":
    if os.environ.pop("CRASH_ORPHAN", None):
        leave_an_orphan()
    if os.environ.get("CRASH_MUTANT"):
        MUTANTS[os.environ["CRASH_MUTANT"]]()
    if os.environ.get("CRASH_AT"):
        add_fail_points()
    if os.environ.get("CRASH_LIMITS"):
        put(watch, "SERVING", watch.Limits(*map(float, os.environ["CRASH_LIMITS"].split())))
    main()
