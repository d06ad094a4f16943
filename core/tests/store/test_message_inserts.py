"""Sends: dense numbers, one message per client id, members only."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from pathlib import Path

import pytest
from dash_messenger.errors import Conflict, NotFound
from dash_messenger.ids import IdMaker
from dash_messenger.protocol.events import ConversationUpdated, MemberRemoved
from dash_messenger.store import Draft, Sent, Transaction, read_log
from dash_messenger.store.drafts import params_hasher
from dash_messenger.store.message_inserts import Sends
from dash_messenger.store.tables import conversations, events, members, messages
from fixtures.filled_store import FilledStore, one_batch, open_filled
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, update


async def gather(filled: FilledStore, drafts: list[Draft]) -> list[Sent | BaseException]:
    """The answers to drafts that are stored in one batch."""
    async with one_batch(filled):
        futures = [filled.store.send(draft) for draft in drafts]
    return await asyncio.gather(*futures, return_exceptions=True)


def count_messages(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(messages)).scalar_one()


async def test_messages_of_one_batch_get_consecutive_numbers_in_their_order(
    filled: FilledStore,
) -> None:
    answers = await gather(filled, [filled.draft(str(n)) for n in range(20)])
    assert [(a.seq, a.number) for a in answers if isinstance(a, Sent)] == [
        (n, n) for n in range(1, 21)
    ]


async def test_a_batch_larger_than_one_statement_stays_dense(filled: FilledStore) -> None:
    answers = await gather(filled, [filled.draft(str(n)) for n in range(500)])
    assert [a.seq for a in answers if isinstance(a, Sent)] == list(range(1, 501))
    assert await filled.store.read(count_messages) == 500


async def test_what_is_stored_is_what_was_sent(filled: FilledStore) -> None:
    thread = uuid.uuid4().hex
    draft = filled.draft("größer", thread=thread)
    sent = await filled.store.send(draft)
    page = await filled.store.read(lambda c: read_log(c, filled.conversation, 0, 10))
    (event,) = page.events
    message = event.data.message
    assert message is not None
    assert (event.after, event.seq, event.kind, event.by) == (0, 1, "message.created", filled.ann)
    assert bytes(message.content or b"") == draft.content
    assert (message.id, message.number, message.rev) == (sent.id, 1, 1)
    assert (message.client_id, message.sender, message.text) == (
        draft.client_id,
        filled.ann,
        "größer",
    )


async def test_the_announced_event_equals_the_stored_one(filled: FilledStore) -> None:
    await filled.store.send(filled.draft())
    page = await filled.store.read(lambda c: read_log(c, filled.conversation, 0, 10))
    assert page.events == filled.heard.events


async def test_a_retry_in_the_same_batch_shares_the_answer(filled: FilledStore) -> None:
    draft = filled.draft()
    first, second = await gather(filled, [draft, draft])
    assert first == second
    assert len(filled.heard.events) == 1


async def test_a_retry_in_a_later_batch_gets_the_first_answer_and_no_event(
    filled: FilledStore,
) -> None:
    draft = filled.draft()
    first = await filled.store.send(draft)
    assert await filled.store.send(draft) == first
    assert len(filled.heard.events) == 1


async def test_another_session_of_the_sender_may_retry(filled: FilledStore) -> None:
    draft = filled.draft()
    again = filled.draft(client_id=draft.client_id, session=uuid.uuid4().hex)
    assert await filled.store.send(draft) == await filled.store.send(again)


async def test_the_same_client_id_with_other_content_is_a_conflict(filled: FilledStore) -> None:
    draft = filled.draft("one")
    other = filled.draft("two", client_id=draft.client_id)
    first, in_batch = await gather(filled, [draft, other])
    assert isinstance(first, Sent)
    assert isinstance(in_batch, Conflict)
    with pytest.raises(Conflict):
        await filled.store.send(other)
    assert await filled.store.read(count_messages) == 1


async def test_client_ids_of_two_senders_do_not_meet(filled: FilledStore) -> None:
    draft = filled.draft()
    first, second = await gather(
        filled, [draft, filled.draft("b", client_id=draft.client_id, sender=filled.bob)]
    )
    assert isinstance(first, Sent)
    assert isinstance(second, Sent)
    assert first.id != second.id


async def test_a_stranger_and_an_unknown_conversation_get_the_same_answer(
    filled: FilledStore,
) -> None:
    answers = await gather(
        filled,
        [
            filled.draft(sender=filled.eve),
            filled.draft(conversation=uuid.uuid4().hex),
            filled.draft(),
        ],
    )
    assert [type(answer) for answer in answers] == [NotFound, NotFound, Sent]
    assert isinstance(answers[2], Sent)
    assert answers[2].seq == 1


async def test_a_refusal_is_not_remembered(filled: FilledStore) -> None:
    draft = filled.draft(sender=filled.eve)
    with pytest.raises(NotFound):
        await filled.store.send(draft)

    def rename(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(members).where(members.c.user_id == filled.bob).values(user_id=filled.eve)
        )

    await filled.store.write(rename)
    assert (await filled.store.send(draft)).number == 1


async def test_a_removed_member_cannot_send_in_the_same_batch(filled: FilledStore) -> None:
    def remove(transaction: Transaction) -> None:
        gone = MemberRemoved(filled.bob)
        seq = transaction.append(filled.conversation, filled.ann, gone)
        transaction.connection.execute(
            update(members).where(members.c.user_id == filled.bob).values(to_seq=seq)
        )

    async with one_batch(filled):
        before = filled.store.send(filled.draft(sender=filled.bob))
        removal = asyncio.ensure_future(filled.store.write(remove))
        await asyncio.sleep(0)
        after = filled.store.send(filled.draft(sender=filled.bob))
    assert (await before).seq == 1
    await removal
    with pytest.raises(NotFound):
        await after
    assert [event.kind for event in filled.heard.events] == ["message.created", "member.removed"]


async def test_the_conversation_row_knows_its_end(filled: FilledStore) -> None:
    answers = await gather(filled, [filled.draft(), filled.draft()])

    def end(connection: Connection) -> tuple[int, int, str, int]:
        row = connection.execute(
            select(
                conversations.c.seq,
                conversations.c.message_no,
                conversations.c.last_message_id,
                conversations.c.change_no,
            )
        ).one()
        return row.seq, row.message_no, row.last_message_id, row.change_no

    last = answers[-1]
    assert isinstance(last, Sent)
    seq, number, last_id, change_no = await filled.store.read(end)
    assert (seq, number, last_id) == (2, 2, last.id)
    assert change_no > 0


def test_ids_of_batches_made_in_one_millisecond_grow_and_are_version_7() -> None:
    sends = Sends()
    made = [id for _ in range(3) for id in reversed(sends._new_ids(300, 1_790_000_000_000))]
    assert made == sorted(set(made))
    assert {uuid.UUID(id).version for id in made} == {7}
    assert {uuid.UUID(id).variant for id in made} == {uuid.RFC_4122}


def test_the_hash_depends_on_the_secret_and_on_each_parameter() -> None:
    ids = IdMaker()
    base = Draft(ids(), ids(), ids(), ids(), "text", 1, b"{}", "hi")
    digest = params_hasher(b"1" * 32)

    def changed(**values: object) -> Draft:
        fields = {name: getattr(base, name) for name in base.__struct_fields__}
        return Draft(**(fields | values))

    hashes = {
        digest(base),
        params_hasher(b"2" * 32)(base),
        digest(changed(content=b"[]")),
        digest(changed(type="note")),
        digest(changed(thread=ids())),
        digest(changed(conversation=ids())),
    }
    assert len(hashes) == 6
    assert digest(changed(session=None, text=None)) == digest(base)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # conversation; the last is unknown
        st.sampled_from(["ann", "bob", "eve"]),
        st.integers(0, 5),  # client id
        st.sampled_from(["a", "b"]),  # content
        st.sampled_from(["send", "send", "send", "append", "fail"]),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(batches=st.lists(STEPS, min_size=1, max_size=3))
def test_logs_stay_dense_whatever_fails(
    batches: list[list[tuple[int, str, int, str, str]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check_density(Path(folder), batches))


async def check_density(folder: Path, batches: list[list[tuple[int, str, int, str, str]]]) -> None:
    ids = IdMaker()
    async with open_filled(folder / "store.db") as filled:
        store = filled.store
        second, unknown = ids(), ids()
        await store.write(lambda tx: filled.add_conversation(tx, second))
        logs = [filled.conversation, second, unknown]
        client_ids = [ids() for _ in range(6)]
        people = {"ann": filled.ann, "bob": filled.bob, "eve": filled.eve}
        first: dict[tuple[str, str], tuple[tuple[str, str], str]] = {}
        for batch in batches:
            waits: list[tuple[Draft, asyncio.Future[Sent]]] = []
            writes: list[asyncio.Future[int]] = []
            async with one_batch(filled):
                for log, sender, client_id, body, what in batch:
                    if what == "send":
                        draft = filled.draft(
                            body,
                            conversation=logs[log],
                            sender=people[sender],
                            client_id=client_ids[client_id],
                        )
                        waits.append((draft, store.send(draft)))
                        continue

                    def write(tx: Transaction, log: int = log, fail: bool = what == "fail") -> int:
                        seq = tx.append(logs[log], filled.ann, ConversationUpdated())
                        if fail:
                            raise LookupError
                        return seq

                    writes.append(asyncio.ensure_future(store.write(write)))
                    await asyncio.sleep(0)
            await asyncio.gather(*writes, return_exceptions=True)
            for draft, future in waits:
                key, params = (draft.client_id, draft.sender), (draft.conversation, str(draft.text))
                error = await asyncio.wait_for(asyncio.gather(future, return_exceptions=True), 30)
                answer = error[0]
                if isinstance(answer, Sent):
                    assert first.setdefault(key, (params, answer.id)) == (params, answer.id)
                elif isinstance(answer, Conflict):
                    assert first[key][0] != params
                else:
                    assert isinstance(answer, NotFound)
                    assert draft.conversation == unknown or draft.sender == filled.eve

        def stored(connection: Connection) -> None:
            for log in logs:
                seqs = connection.execute(
                    select(events.c.seq).where(events.c.log_id == log).order_by(events.c.seq)
                ).scalars()
                assert (found := list(seqs)) == list(range(1, len(found) + 1))
                numbers = connection.execute(
                    select(messages.c.number)
                    .where(messages.c.conversation_id == log)
                    .order_by(messages.c.seq)
                ).scalars()
                assert (found := list(numbers)) == list(range(1, len(found) + 1))
                announced = [event.seq for event in filled.heard.events if event.log == log]
                assert announced == list(range(1, len(announced) + 1))
            total = connection.execute(select(func.count()).select_from(events)).scalar_one()
            assert total == len(filled.heard.events)
            assert count_messages(connection) == len(first)

        await store.read(stored)
