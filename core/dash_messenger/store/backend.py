"""What the store asks of a database: the interface that each kind of database implements.

Owns no statement. Ids are 32 hexadecimal characters on this side; what the driver wants instead is
the implementation's affair. `dash_messenger.store.sqlite` is the one that there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection

from dash_messenger.errors import Failure
from dash_messenger.protocol.events import Event
from dash_messenger.store.drafts import Draft, NewMessage, Sent
from dash_messenger.store.read_positions import Positions

__all__ = [
    "MAX_ROWS",
    "Backend",
    "BlobRows",
    "ChangeRows",
    "DatabaseUnusable",
    "MessageRows",
    "OwnEnd",
    "ReaderConnection",
    "Standing",
    "WriterConnection",
]

# No statement of `MessageRows` is given more rows.
MAX_ROWS = 256

T = TypeVar("T")


class DatabaseUnusable(Exception):
    """The database is damaged, or may not be written; the sentence says which one and why."""


class BlobRows(Protocol):
    """Blobs and what refers to them, inside the transaction that asks."""

    def blob_owner(self, blob: str) -> str | None:
        """Who uploaded it; None if there is no such blob."""

    def blob_referrers(self, blob: str) -> Iterable[str]:
        """Who needs it, as ``KIND:…``."""

    def may_read_message(self, message: str, user: str) -> bool:
        """Whether there is such a message that ``user`` may read now."""

    def is_member(self, conversation: str, user: str) -> bool:
        """Whether ``user`` is in the conversation now."""

    def shows_photo(self, user: str, viewer: str) -> bool:
        """Whether ``user`` shows their photo to ``viewer``."""

    def refer(self, blob: str, referrer: str) -> None:
        """Note that ``referrer`` needs a blob, if that is not noted yet."""


class OwnEnd(NamedTuple):
    """The last [seq, number] of a conversation, and whom a member asks by writing in it, if any."""

    end: list[int]
    asked: str | None = None


class MessageRows(BlobRows, Protocol):
    """The statements by which messages are stored: a handful for many messages."""

    def sent_before(
        self, names: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[bytes, Sent]]:
        """Of these (client id, sender) those known: the hash of the parameters, and the answer."""

    def ends_for_members(
        self, pairs: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], list[int]]:
        """The last [seq, number] of each conversation; pairs (conversation, member) only.

        Also left out are members about whom the other one of a direct conversation has to be asked,
        by `own_end`.
        """

    def own_end(self, conversation: str, sender: str) -> OwnEnd | Failure | None:
        """The same of one member, or why the other one does not take what they say; else None."""

    def ask(self, draft: Draft, sent: Sent, asked: str) -> Event | Failure:
        """Note that a message is a request, and tell ``asked``; or why it cannot be one."""

    def end_of(self, conversation: str) -> list[int] | None:
        """The last [seq, number] of a conversation; None if there is none."""

    def number_of(self, message: str, conversation: str, reader: str | None) -> int | None:
        """A message's number, if it is in the conversation and ``reader``, if any, may read it."""

    def insert(self, new: Sequence[NewMessage]) -> None:
        """Store messages and their events ``message.created``: two statements."""

    def move_ends(self, last: Mapping[str, Sent], change_no: int) -> None:
        """Note each conversation's last message."""


class WriterConnection(MessageRows, Protocol):
    """The one connection that writes; one thread uses it."""

    @property
    def connection(self) -> Connection:
        """For all but the hot path: SQLAlchemy's, in the same transaction once it is used."""

    def begin(self) -> None:
        """Begin a transaction that may write."""

    def commit(self) -> None:
        """Returns when all of it would survive a power cut.

        Raises:
            Exception: it may be stored or not, until `rollback` returns: then it is not.
        """

    def rollback(self) -> None:
        """Drop the transaction, if there is one."""

    def has_changes(self) -> bool:
        """Whether the transaction has changed a row."""

    def change_no(self) -> int:
        """The number of the newest batch."""

    def put_change_no(self, change_no: int) -> None:
        """Note it."""

    def put_positions(self, positions: Positions, change_no: int) -> None:
        """Store read positions where they grow; before any message of this transaction."""

    def maintain(self) -> None:
        """What the database needs between two batches; it does not raise."""

    def close(self) -> None:
        """End what runs beside it, and close it. Blocks."""


class Standing(NamedTuple):
    """Where a reader stands: the first message to be read, by conversation; the newest change."""

    first_numbers: dict[str, int]
    change_no: int


class OwnRow(NamedTuple):
    """Id, username, display name, photo, role, language, theme and ``seq`` of a user; and the
    number of the newest change of all."""

    row: tuple[Any, ...]
    newest_change_no: int


class ChangeRows(Protocol):
    """What somebody may have missed, in few and small statements."""

    def standing(self, user: str) -> Standing:
        """The conversations of ``user`` now, and the newest change in any of them."""

    def own_row(self, user: str) -> OwnRow:
        """The row of ``user``, who exists, and the newest change of all, in one statement."""


class ReaderConnection(ChangeRows, Protocol):
    """A connection that cannot write; one thread at a time uses it."""

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's, in the same transaction once it is used."""

    def begin(self) -> None:
        """Begin a transaction: all that is read in it is of one moment."""

    def end(self) -> None:
        """End the transaction, also after an error."""

    def close(self) -> None:
        """Close it."""


class Backend(Protocol):
    """A database that may not be there yet."""

    def set_up(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, committed, on a connection of its own; it makes the tables.

        Raises:
            DatabaseUnusable: the database is damaged, lost, or may not be written.
            Exception: what ``work`` raises; nothing is stored.
        """

    def open_writer(self) -> WriterConnection:
        """The connection of the writer's thread, which may be another than the caller's."""

    def open_reader(self) -> ReaderConnection:
        """A connection for one of the threads that read."""

    def storage_failed(self, error: BaseException) -> bool:
        """Whether the disk or the database failed, and not the statement that was asked for."""
