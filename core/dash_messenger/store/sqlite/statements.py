"""The statements of the hot path, as text for SQLite's driver.

Owns how many messages become rows by a handful of statements. Must not know why. Each statement
returns at most one row where it can: every row fetched lets go of the interpreter's lock once, and
a busy loop thread would take it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, Table
from sqlalchemy.dialects.sqlite import dialect

from dash_messenger.errors import Failure, TooManyMessageRequests
from dash_messenger.protocol.events import Event, MessageCreated, RequestUpdated, row_of
from dash_messenger.protocol.models import User
from dash_messenger.store.backend import MAX_ROWS, OwnEnd
from dash_messenger.store.consent import MAX_OPEN_REQUESTS, OWN_END, SHOWS_PHOTO, refusal_of
from dash_messenger.store.drafts import Draft, NewMessage, Sent
from dash_messenger.store.read_positions import MARK, UPSERT, Positions
from dash_messenger.store.tables import events, messages

__all__ = ["IS_MEMBER", "MAY_READ", "Statements"]

# The driver looks for an adapter of every value that is no int, str or bytearray, bytes and None
# too: 1.5 µs for each of the twenty that a message has.
_raw = bytearray.fromhex
_NONE = ""  # becomes NULL in the statements

# Statements exist for these numbers of rows only, so that each is prepared once; the rest of a
# batch is padded with rows of 0, which the statement skips.
ROWS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, MAX_ROWS)

_MESSAGE_COLUMNS = (
    "id",
    "conversation_id",
    "seq",
    "number",
    "sender_id",
    "session_id",
    "client_id",
    "params_hash",
    "type",
    "type_version",
    "content",
    "text",
    "sent_at_ms",
    "thread",
    "state",
    "reply_to",
    "reply_number",
)
_MAY_BE_NONE = ("session_id", "thread", "state", "reply_to", "reply_number")
_EVENT_COLUMNS = ("log_id", "seq", "kind", "by_id", "at_ms", "message_id")

# `access.is_member`; its marks are the conversation and the user.
IS_MEMBER = (
    "EXISTS (SELECT 1 FROM members u "
    "WHERE u.conversation_id = ? AND u.user_id = ? AND u.to_seq IS NULL)"
)
# `access.may_read_message` where ``m`` is the message's row; its one mark is the user.
MAY_READ = (
    "EXISTS (SELECT 1 FROM members u JOIN conversations c ON c.id = u.conversation_id "
    "WHERE u.conversation_id = m.conversation_id AND u.user_id = ? AND u.to_seq IS NULL "
    "AND (c.history = 'all' AND u.cleared_no IS NULL OR m.number >= u.from_number))"
)
_SELECT_NUMBER = "SELECT m.number FROM messages m WHERE m.id = ? AND m.conversation_id = ?"
_SELECT_READABLE_NUMBER = f"{_SELECT_NUMBER} AND {MAY_READ}"
_SELECT_READABLE = f"SELECT 1 FROM messages m WHERE m.id = ? AND {MAY_READ}"  # noqa: S608 - marks
# Of a member ``m`` in a conversation ``c``: what they say is taken without asking the other one, as
# `OWN_END` would. In a direct conversation the first message of who began it goes by a setting.
_NOBODY_TO_ASK = (
    "m.refusal = 0 AND (c.message_no <> 0 OR c.kind <> 'direct' OR c.created_by <> m.user_id)"
)
_SELECT_MEMBER = f"SELECT 1 WHERE {IS_MEMBER}"
_COUNT_REQUESTS = (
    "SELECT count(*) FROM (SELECT 1 FROM message_requests "  # noqa: S608 - a constant
    f"WHERE from_id = ? AND withdrawn_at_ms IS NULL LIMIT {MAX_OPEN_REQUESTS})"
)
_INSERT_REQUEST = (
    "INSERT INTO message_requests (from_id, to_id, conversation_id, message_id, asked_at_ms) "
    "VALUES (?, ?, ?, ?, ?)"
)
_INSERT_EVENT = (
    "INSERT INTO events (log_id, seq, kind, by_id, at_ms, data) VALUES (?, ?, ?, ?, ?, ?)"
)
_UPSERT_POSITIONS = (
    "INSERT INTO read_positions (conversation_id, user_id, read_no, change_no) "  # noqa: S608
    f"VALUES (?, ?, ?, ?) {UPSERT}"
)
_UPSERT_MARK = (
    "INSERT INTO counters (name, value) "  # noqa: S608 - a constant
    f"SELECT '{MARK}', coalesce(max(row_id), 0) FROM messages WHERE true "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def _compiled(query: Select[Any]) -> tuple[str, list[str]]:
    """A query as SQLite's driver takes it, and the names of its values in their order."""
    compiled = query.compile(dialect=dialect(paramstyle="qmark"))
    return str(compiled), list(compiled.positiontup or ())


_SELECT_OWN_END, _OWN_END_VALUES = _compiled(OWN_END)
_SELECT_SHOWN, _SHOWN_VALUES = _compiled(SHOWS_PHOTO)


class Statements:
    """`MessageRows`, and the rest of what a batch needs, on the cursor of the transaction."""

    def __init__(self) -> None:
        self._cursor: Any = None
        self._texts = [_Texts(size) for size in ROWS]

    def _use(self, cursor: Any) -> None:
        """Work on this cursor from now on."""
        self._cursor = cursor

    def sent_before(
        self, names: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[bytes, Sent]]:
        texts = self._texts_for(len(names))
        return {
            names[n]: (bytes(params_hash), Sent(bytes(id).hex(), seq, number, sent_at_ms))
            for n, params_hash, id, seq, number, sent_at_ms in self._cursor.execute(
                texts.select_known, _pairs(names, texts.size)
            ).fetchall()
        }

    def ends_for_members(
        self, pairs: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], list[int]]:
        texts = self._texts_for(len(pairs))
        (found,) = self._cursor.execute(texts.select_ends, _pairs(pairs, texts.size)).fetchone()
        return {pairs[n]: [seq, number] for n, seq, number in msgspec.json.decode(found)}

    def own_end(self, conversation: str, sender: str) -> OwnEnd | Failure | None:
        values = {"conversation": _raw(conversation), "sender": _raw(sender)}
        row = self._cursor.execute(_SELECT_OWN_END, [values[name] for name in _OWN_END_VALUES])
        found = row.fetchone()
        if found is None:
            return None
        seq, number, refusal, takes_first, has_asked, peer = found
        failure = refusal_of(refusal, takes_first, has_asked)
        if failure is not None:
            return failure
        return OwnEnd([seq, number], bytes(peer).hex() if refusal else None)

    def ask(self, draft: Draft, sent: Sent, asked: str) -> Event | Failure:
        execute, sender, receiver = self._cursor.execute, _raw(draft.sender), _raw(asked)
        (unanswered,) = execute(_COUNT_REQUESTS, (sender,)).fetchone()
        if unanswered >= MAX_OPEN_REQUESTS:
            return TooManyMessageRequests(limit=MAX_OPEN_REQUESTS)
        at_ms, conversation = sent.sent_at_ms, _raw(draft.conversation)
        execute(_INSERT_REQUEST, (sender, receiver, conversation, _raw(sent.id), at_ms))
        username, display_name = execute(
            "SELECT username, display_name FROM users WHERE id = ?", (sender,)
        ).fetchone()
        (seq,) = execute(
            "UPDATE users SET seq = seq + 1 WHERE id = ? RETURNING seq", (receiver,)
        ).fetchone()
        data = RequestUpdated(User(draft.sender, username, display_name), at_ms)
        execute(_INSERT_EVENT, (receiver, seq, data.kind, sender, at_ms, row_of(data)))
        return Event(asked, seq - 1, seq, draft.sender, at_ms, data)

    def shows_photo(self, user: str, viewer: str) -> bool:
        values = {"owner": _raw(user), "viewer": _raw(viewer)}
        shown = self._cursor.execute(_SELECT_SHOWN, [values[name] for name in _SHOWN_VALUES])
        return shown.fetchone() is not None

    def end_of(self, conversation: str) -> list[int] | None:
        row = self._cursor.execute(
            "SELECT seq, message_no FROM conversations WHERE id = ?", (_raw(conversation),)
        ).fetchone()
        return None if row is None else [row[0], row[1]]

    def number_of(self, message: str, conversation: str, reader: str | None) -> int | None:
        query, values = _SELECT_NUMBER, [_raw(message), _raw(conversation)]
        if reader is not None:
            query = _SELECT_READABLE_NUMBER
            values.append(_raw(reader))
        row = self._cursor.execute(query, values).fetchone()
        return None if row is None else row[0]

    def insert(self, new: Sequence[NewMessage]) -> None:
        raw = _raw
        message_values: list[Any] = []
        event_values: list[Any] = []
        for one in new:
            draft, sent, reply = one.draft, one.sent, one.reply
            session, thread, state = draft.session, draft.thread, draft.state
            id, conversation, sender = raw(sent.id), raw(draft.conversation), raw(draft.sender)
            seq, at_ms = sent.seq, sent.sent_at_ms
            message_values += (
                id,
                conversation,
                seq,
                sent.number,
                sender,
                _NONE if session is None else raw(session),
                raw(draft.client_id),
                bytearray(one.params_hash),
                draft.type,
                draft.type_version,
                bytearray(draft.content),
                draft.text,
                at_ms,
                _NONE if thread is None else raw(thread),
                _NONE if state is None else bytearray(state),
                _NONE if reply is None else raw(reply.id),
                _NONE if reply is None else reply.number,
            )
            event_values += (conversation, seq, MessageCreated.kind, sender, at_ms, id)
        texts, rows = self._texts_for(len(new)), len(new)
        self._cursor.execute(texts.insert_messages, _padded(message_values, texts.size, rows))
        self._cursor.execute(texts.insert_events, _padded(event_values, texts.size, rows))

    def move_ends(self, last: Mapping[str, Sent], change_no: int) -> None:
        texts = self._texts_for(len(last))
        values: list[Any] = []
        for conversation, sent in last.items():
            values += (_raw(conversation), sent.seq, sent.number, _raw(sent.id))
        _padded(values, texts.size, len(last)).append(change_no)
        self._cursor.execute(texts.update_conversations, values)

    def blob_owner(self, blob: str) -> str | None:
        row = self._cursor.execute(
            "SELECT owner_id FROM blobs WHERE id = ?", (_raw(blob),)
        ).fetchone()
        return None if row is None else bytes(row[0]).hex()

    def blob_referrers(self, blob: str) -> Iterable[str]:
        rows = self._cursor.execute(
            "SELECT referrer FROM blob_references WHERE blob_id = ?", (_raw(blob),)
        ).fetchall()
        return [referrer for (referrer,) in rows]

    def may_read_message(self, message: str, user: str) -> bool:
        found = self._cursor.execute(_SELECT_READABLE, (_raw(message), _raw(user))).fetchone()
        return found is not None

    def is_member(self, conversation: str, user: str) -> bool:
        found = self._cursor.execute(_SELECT_MEMBER, (_raw(conversation), _raw(user))).fetchone()
        return found is not None

    def refer(self, blob: str, referrer: str) -> None:
        self._cursor.execute(
            "INSERT OR IGNORE INTO blob_references (blob_id, referrer) VALUES (?, ?)",
            (_raw(blob), referrer),
        )
        self._cursor.execute(
            "UPDATE blobs SET unreferenced_at_ms = NULL WHERE id = ?", (_raw(blob),)
        )

    def change_no(self) -> int:
        row = self._cursor.execute("SELECT value FROM counters WHERE name = 'change_no'").fetchone()
        value: int = row[0]
        return value

    def put_change_no(self, change_no: int) -> None:
        self._cursor.execute("UPDATE counters SET value = ? WHERE name = 'change_no'", (change_no,))

    def put_positions(self, positions: Positions, change_no: int) -> None:
        self._cursor.executemany(
            _UPSERT_POSITIONS,
            # In the order of the key: neighbours share a page.
            [
                (_raw(conversation), _raw(user), read_no, change_no)
                for (conversation, user), read_no in sorted(positions.items())
            ],
        )
        self._cursor.execute(_UPSERT_MARK)

    def _texts_for(self, rows: int) -> _Texts:
        """The smallest that have room."""
        for texts in self._texts:
            if texts.size >= rows:
                return texts
        raise ValueError(rows)


class _Texts:
    """The statements for one number of rows."""

    def __init__(self, size: int) -> None:
        self.size = size
        pairs = ",".join(f"({n},?,?)" for n in range(size))
        self.insert_messages = _insert(messages, _MESSAGE_COLUMNS, size)
        self.insert_events = _insert(events, _EVENT_COLUMNS, size)
        self.select_known = (
            f"WITH v(n, client_id, sender_id) AS (VALUES {pairs}) "  # noqa: S608 - marks
            "SELECT v.n, m.params_hash, m.id, m.seq, m.number, m.sent_at_ms "
            "FROM v CROSS JOIN messages m "
            "WHERE m.client_id = v.client_id AND m.sender_id = v.sender_id"
        )
        self.select_ends = (
            f"WITH v(n, conversation_id, user_id) AS (VALUES {pairs}) "  # noqa: S608 - marks
            "SELECT json_group_array(json_array(v.n, c.seq, c.message_no)) "
            "FROM v CROSS JOIN members m CROSS JOIN conversations c "
            "WHERE m.conversation_id = v.conversation_id AND m.user_id = v.user_id "
            "AND m.to_seq IS NULL AND c.id = v.conversation_id "
            f"AND {_NOBODY_TO_ASK}"
        )
        ends = ",".join(["(?,?,?,?)"] * size)
        # Without the plus SQLite makes an index of 256 rows of v, and looks at every conversation.
        self.update_conversations = (
            f"WITH v(id, seq, message_no, last_message_id) AS (VALUES {ends}) "  # noqa: S608 - marks
            "UPDATE conversations SET seq = v.seq, message_no = v.message_no, "
            "last_message_id = v.last_message_id, change_no = ? "
            "FROM v WHERE conversations.id = +v.id"
        )


def _insert(table: Table, columns: Sequence[str], size: int) -> str:
    names = ", ".join(table.c[name].name for name in columns)
    values = ", ".join(
        f"nullif(column{n}, '')" if name in _MAY_BE_NONE else f"column{n}"
        for n, name in enumerate(columns, 1)
    )
    row = "(" + ",".join("?" * len(columns)) + ")"
    rows = ",".join([row] * size)
    return (
        f"INSERT INTO {table.name} ({names}) "  # noqa: S608 - names of columns
        f"SELECT {values} FROM (VALUES {rows}) WHERE column1 <> 0"
    )


def _pairs(pairs: Sequence[tuple[str, str]], size: int) -> list[Any]:
    raw = _raw
    values: list[Any] = []
    for first, second in pairs:
        values += (raw(first), raw(second))
    return _padded(values, size, len(pairs))


def _padded(values: list[Any], size: int, rows: int) -> list[Any]:
    """The list itself, with rows of 0 up to ``size``."""
    if rows < size:
        values += [0] * ((size - rows) * (len(values) // rows))
    return values
