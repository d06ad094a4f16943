"""Who may send, what a retry gets, and which numbers: decided without a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from dash_messenger.errors import (
    BlobUnusable,
    Conflict,
    Failure,
    MessagesNotAccepted,
    NotFound,
    RequestPending,
    TooManyMessageRequests,
)
from dash_messenger.ids import IdMaker
from dash_messenger.protocol.events import Event, RequestUpdated
from dash_messenger.protocol.models import Reply, User
from dash_messenger.store import Draft, Sent
from dash_messenger.store.backend import MAX_ROWS, OwnEnd
from dash_messenger.store.blob_references import may_read
from dash_messenger.store.drafts import NewMessage, params_hasher
from dash_messenger.store.message_inserts import Sends
from hypothesis import given
from hypothesis import strategies as st

NOW_MS = 1_790_000_000_000
new_id = IdMaker()
ANN, BOB, EVE, GARDEN, SHED, NOWHERE = (new_id() for _ in range(6))
hash_of = params_hasher(b"secret")


class Rows:
    """`MessageRows` in memory. Ann and Bob are in the garden and the shed, Eve in neither."""

    def __init__(self) -> None:
        self.members = {(group, user) for group in (GARDEN, SHED) for user in (ANN, BOB)}
        self.ends: dict[str, list[int]] = {GARDEN: [0, 0], SHED: [0, 0]}
        self.messages: dict[tuple[str, str], NewMessage] = {}
        self.hidden: set[tuple[str, str]] = set()  # (message, user)
        self.owners: dict[str, str] = {}
        self.references: set[tuple[str, str]] = set()
        # Of members about whom the other one is asked: what comes of it, None for nothing.
        self.asked: dict[tuple[str, str], Failure | None] = {}
        # And whom they ask by writing there; whether they may ask nobody more.
        self.requests: dict[tuple[str, str], str | None] = {}
        self.full = False
        self.hidden_photos: set[tuple[str, str]] = set()  # (user, viewer)
        self.calls: list[str] = []

    def sent_before(
        self, names: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[bytes, Sent]]:
        self._called("sent_before", names)
        found = {name: self.messages[name] for name in names if name in self.messages}
        return {name: (one.params_hash, one.sent) for name, one in found.items()}

    def ends_for_members(
        self, pairs: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], list[int]]:
        self._called("ends_for_members", pairs)
        return {
            pair: list(self.ends[pair[0]])
            for pair in pairs
            if pair in self.members and pair not in self.asked
        }

    def own_end(self, conversation: str, sender: str) -> OwnEnd | Failure | None:
        pair, end = (conversation, sender), self.end_of(conversation)
        if pair not in self.members or end is None:
            return None
        asked = self.requests.get(pair)
        return self.asked.get(pair) or OwnEnd(end, asked)

    def ask(self, draft: Draft, sent: Sent, asked: str) -> Event | Failure:
        self.requests[draft.conversation, draft.sender] = None
        self.asked[draft.conversation, draft.sender] = RequestPending()
        if self.full:
            return TooManyMessageRequests(limit=20)
        told = RequestUpdated(User(draft.sender, "ann", "Ann"), sent.sent_at_ms)
        return Event(asked, 0, 1, draft.sender, sent.sent_at_ms, told)

    def shows_photo(self, user: str, viewer: str) -> bool:
        return (user, viewer) not in self.hidden_photos

    def end_of(self, conversation: str) -> list[int] | None:
        end = self.ends.get(conversation)
        return None if end is None else list(end)

    def number_of(self, message: str, conversation: str, reader: str | None) -> int | None:
        for one in self.messages.values():
            if (one.sent.id, one.draft.conversation) == (message, conversation):
                is_hidden = reader is not None and not self.may_read_message(message, reader)
                return None if is_hidden else one.sent.number
        return None

    def insert(self, new: Sequence[NewMessage]) -> None:
        self._called("insert", new)
        for one in new:
            name = one.draft.client_id, one.draft.sender
            assert name not in self.messages
            self.messages[name] = one

    def move_ends(self, last: Mapping[str, Sent], change_no: int) -> None:
        self._called("move_ends", last)
        for conversation, sent in last.items():
            self.ends[conversation] = [sent.seq, sent.number]

    def blob_owner(self, blob: str) -> str | None:
        return self.owners.get(blob)

    def blob_referrers(self, blob: str) -> Iterable[str]:
        return sorted(referrer for one, referrer in self.references if one == blob)

    def may_read_message(self, message: str, user: str) -> bool:
        return (message, user) not in self.hidden and any(
            one.sent.id == message and (one.draft.conversation, user) in self.members
            for one in self.messages.values()
        )

    def is_member(self, conversation: str, user: str) -> bool:
        return (conversation, user) in self.members

    def refer(self, blob: str, referrer: str) -> None:
        self.references.add((blob, referrer))

    def _called(self, name: str, rows: Sequence[Any] | Mapping[str, Any]) -> None:
        assert 0 < len(rows) <= MAX_ROWS
        self.calls.append(name)


def draft(text: str = "hi", **changes: Any) -> Draft:
    values: dict[str, Any] = {
        "conversation": GARDEN,
        "sender": ANN,
        "session": None,
        "client_id": new_id(),
        "type": "text",
        "type_version": 1,
        "content": b'{"text":"%s"}' % text.encode(),
        "text": text,
    }
    return Draft(**(values | changes))


def store(rows: Rows, *drafts: Draft) -> list[Sent | Failure]:
    """What one batch comes to; its events are those of the messages stored."""
    before = len(rows.messages)
    results, events = Sends().store(rows, [(one, hash_of(one)) for one in drafts], NOW_MS, 1)
    new = list(rows.messages.values())[before:]
    assert [(event.log, event.seq, event.by) for event in events] == [
        (one.draft.conversation, one.sent.seq, one.draft.sender) for one in new
    ]
    messages = [event.data.message for event in events]
    assert [message and message.id for message in messages] == [one.sent.id for one in new]
    return results


def numbers(results: Iterable[Sent | Failure]) -> list[int | type]:
    return [one.number if isinstance(one, Sent) else type(one) for one in results]


def test_each_conversation_counts_its_own_messages() -> None:
    rows = Rows()
    rows.ends[SHED] = [40, 7]
    results = store(
        rows, draft(), draft(conversation=SHED), draft(sender=BOB), draft(conversation=SHED)
    )
    assert numbers(results) == [1, 8, 2, 9]
    assert [one.seq for one in results if isinstance(one, Sent)] == [1, 41, 2, 42]
    assert rows.ends == {GARDEN: [2, 2], SHED: [42, 9]}


def test_what_is_refused_takes_no_number() -> None:
    rows = Rows()
    refused = [draft(sender=EVE), draft(conversation=NOWHERE), draft(reply_to=new_id())]
    assert numbers(store(rows, draft(), *refused, draft())) == [1, NotFound, NotFound, NotFound, 2]


def test_who_is_asked_about_is_stored_or_refused_as_the_other_one_says() -> None:
    rows = Rows()
    rows.asked = {(GARDEN, ANN): MessagesNotAccepted(), (GARDEN, BOB): None}
    drafts = [draft(sender=one) for one in (BOB, ANN, BOB, EVE)]
    assert numbers(store(rows, *drafts)) == [1, MessagesNotAccepted, 2, NotFound]
    assert {one.draft.sender for one in rows.messages.values()} == {BOB}


def test_of_a_batch_the_first_message_is_a_request_and_its_receiver_is_told() -> None:
    rows = Rows()
    rows.asked, rows.requests = {(GARDEN, ANN): None}, {(GARDEN, ANN): BOB}
    drafts = [(one, hash_of(one)) for one in (draft("one"), draft("two"), draft(sender=BOB))]
    results, events = Sends().store(rows, drafts, NOW_MS, 1)
    assert numbers(results) == [1, RequestPending, 2]
    assert [(event.log, event.kind) for event in events] == [
        (BOB, "request.updated"),
        (GARDEN, "message.created"),
        (GARDEN, "message.created"),
    ]


def test_a_request_too_many_takes_no_number() -> None:
    rows = Rows()
    rows.asked, rows.requests, rows.full = {(GARDEN, ANN): None}, {(GARDEN, ANN): BOB}, True
    assert numbers(store(rows, draft(), draft(sender=BOB))) == [TooManyMessageRequests, 1]


def test_a_batch_of_refusals_writes_nothing() -> None:
    rows = Rows()
    assert numbers(store(rows, draft(sender=EVE))) == [NotFound]
    assert rows.calls == ["sent_before", "ends_for_members"]


@pytest.mark.parametrize("batches", [1, 2])
def test_a_retry_gets_the_first_answer_and_other_content_a_conflict(batches: int) -> None:
    rows, first = Rows(), draft("one")
    other = draft("two", client_id=first.client_id)
    drafts = [first, first, other, draft(client_id=first.client_id, sender=BOB)]
    if batches == 1:
        results = store(rows, *drafts)
    else:
        results = [result for one in drafts for result in store(rows, one)]
    assert results[0] == results[1]
    assert numbers(results) == [1, 1, Conflict, 2]
    assert len(rows.messages) == 2


def test_a_prepared_draft_is_known_by_what_was_sent() -> None:
    rows, first = Rows(), draft("raw")
    prepared = draft("done", client_id=first.client_id, sent=first.content)
    assert numbers(store(rows, prepared, first)) == [1, 1]


def test_a_bot_need_not_be_a_member_but_the_conversation_must_exist() -> None:
    rows = Rows()
    bot: dict[str, Any] = {"sender": EVE, "by_bot": True}
    drafts = [draft(**bot), draft(), draft(**bot), draft(conversation=NOWHERE, **bot)]
    assert numbers(store(rows, *drafts)) == [1, 2, 3, NotFound]


def test_only_what_its_sender_may_read_is_replied_to() -> None:
    rows = Rows()
    store(rows, draft(), draft())
    first, second = (one.sent for one in rows.messages.values())
    rows.hidden.add((second.id, BOB))
    results = store(
        rows,
        draft(sender=BOB, reply_to=first.id),
        draft(sender=BOB, reply_to=second.id),
        draft(sender=BOB, reply_to=first.id, conversation=SHED),
        draft(sender=EVE, reply_to=second.id, by_bot=True),
    )
    assert numbers(results) == [3, NotFound, NotFound, 4]
    replies = [one.reply for one in rows.messages.values()]
    assert replies == [None, None, Reply(first.id, 1), Reply(second.id, 2)]


def test_a_blob_goes_on_by_whoever_may_read_a_message_with_it() -> None:
    rows, blob = Rows(), new_id()
    rows.owners[blob] = ANN
    rows.members.add((SHED, EVE))
    (strange,) = store(rows, draft(conversation=SHED, sender=EVE, blobs=(blob,)))
    (first,) = store(rows, draft(conversation=SHED, blobs=(blob, blob)))
    (forwarded,) = store(rows, draft(conversation=SHED, sender=EVE, blobs=(blob,)))
    assert isinstance(strange, BlobUnusable)
    assert isinstance(first, Sent)
    assert isinstance(forwarded, Sent)
    assert rows.references == {(blob, f"message:{one.id}") for one in (first, forwarded)}


@pytest.mark.parametrize("blob", ["f" * 32, "no id", "é" * 80])
def test_a_blob_that_does_not_exist_is_named(blob: str) -> None:
    (refused,) = store(Rows(), draft(blobs=(blob,)))
    assert isinstance(refused, BlobUnusable)
    assert refused.params == {"blob": blob[:64]}


@pytest.mark.parametrize(
    ("referrer", "readers"),
    [
        (f"conversation:{GARDEN}", [True, False]),
        (f"plugin:stickers:{GARDEN}", [True, True]),
        (f"user:{ANN}", [True, True]),
        (f"shelf:{GARDEN}", [False, False]),
        (f"conversations:{GARDEN}", [False, False]),
        (GARDEN, [False, False]),
    ],
    ids=["conversation", "plugin", "user", "unknown", "misspelt", "no kind"],
)
def test_a_referrer_lets_read_whom_its_kind_says(referrer: str, readers: list[bool]) -> None:
    rows, blob = Rows(), new_id()
    rows.references.add((blob, referrer))
    assert [may_read(rows, user, blob) for user in (BOB, EVE)] == readers


def test_a_photo_is_read_by_whom_it_is_shown_to() -> None:
    rows, blob = Rows(), new_id()
    rows.references.add((blob, f"user:{ANN}"))
    rows.hidden_photos.add((ANN, EVE))
    assert [may_read(rows, user, blob) for user in (BOB, EVE)] == [True, False]


def test_a_long_batch_is_a_few_statements_and_stays_dense() -> None:
    rows = Rows()
    count = 2 * MAX_ROWS + 1
    assert numbers(store(rows, *[draft() for _ in range(count)])) == list(range(1, count + 1))
    assert rows.calls == ["sent_before", "ends_for_members", "insert", "move_ends"] * 3


PEOPLE = st.sampled_from([ANN, BOB, EVE])
SENT = st.tuples(st.sampled_from([GARDEN, SHED, NOWHERE]), PEOPLE, st.integers(0, 3), st.booleans())


@given(batches=st.lists(st.lists(SENT, max_size=12), max_size=4))
def test_numbers_have_no_gaps_and_names_one_message(
    batches: list[list[tuple[str, str, int, bool]]],
) -> None:
    rows, names = Rows(), [new_id() for _ in range(4)]
    for batch in batches:
        drafts = [
            draft(conversation=where, sender=who, client_id=names[name], by_bot=by_bot)
            for where, who, name, by_bot in batch
        ]
        for one, result in zip(drafts, store(rows, *drafts), strict=True):
            known = rows.messages.get((one.client_id, one.sender))
            if isinstance(result, Sent):
                assert known is not None
                assert known.sent == result
            elif isinstance(result, NotFound):
                assert one.conversation == NOWHERE or (one.sender == EVE and not one.by_bot)
            else:
                assert isinstance(result, Conflict)
                assert known is not None
                assert known.params_hash != hash_of(one)
    for log, end in rows.ends.items():
        found = [one.sent for one in rows.messages.values() if one.draft.conversation == log]
        dense = list(range(1, len(found) + 1))
        assert [one.number for one in found] == [one.seq for one in found] == dense
        assert end == [len(found)] * 2
