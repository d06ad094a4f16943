"""Who may send a blob: its owner, and whoever may see something that refers to it."""

from __future__ import annotations

import pytest
from dash_messenger.errors import BlobUnusable
from dash_messenger.store import Transaction
from dash_messenger.store.blob_references import CoreBlobRows, forget, may_read
from dash_messenger.store.tables import blob_references, blobs
from fixtures.filled_store import FilledStore
from sqlalchemy import insert, select


async def refer(filled: FilledStore, referrer: str) -> str:
    """A blob of Ann's that ``referrer`` refers to."""

    def work(transaction: Transaction) -> str:
        blob = transaction.new_id()
        transaction.connection.execute(
            insert(blobs).values(
                id=blob,
                hash=bytes(32),
                bytes=1,
                media_type="image/png",
                name="x.png",
                owner_id=filled.ann,
                made_at_ms=0,
            )
        )
        transaction.connection.execute(
            insert(blob_references).values(blob_id=blob, referrer=referrer)
        )
        return blob

    return await filled.store.write(work)


async def may_bob_read(filled: FilledStore, blob: str) -> bool:
    """As a download asks; a send asks by other statements."""
    return await filled.store.read(lambda c: may_read(CoreBlobRows(c), filled.bob, blob))


async def test_a_message_passes_its_blob_on_until_it_is_deleted(filled: FilledStore) -> None:
    blob = await refer(filled, f"user:{filled.ann}")
    first = await filled.store.send(filled.draft(blobs=(blob,)))
    await filled.store.write(lambda tx: forget(tx.connection, f"user:{filled.ann}", 1))
    assert await unneeded_since(filled, blob) is None
    assert await may_bob_read(filled, blob)
    second = await filled.store.send(filled.draft(sender=filled.bob, blobs=(blob,)))
    await filled.store.write(lambda tx: forget(tx.connection, f"message:{first.id}", 2))
    assert await unneeded_since(filled, blob) is None
    await filled.store.write(lambda tx: forget(tx.connection, f"message:{second.id}", 3))
    assert await unneeded_since(filled, blob) == 3
    assert not await may_bob_read(filled, blob)


async def unneeded_since(filled: FilledStore, blob: str) -> int | None:
    query = select(blobs.c.unreferenced_at_ms).where(blobs.c.id == blob)
    return await filled.store.read(lambda c: c.execute(query).scalar_one())


@pytest.mark.parametrize("kind", ["conversation", "user", "plugin"])
async def test_what_a_known_referrer_shows_may_be_sent(filled: FilledStore, kind: str) -> None:
    blob = await refer(filled, f"{kind}:{filled.conversation}")
    assert await may_bob_read(filled, blob)
    assert (await filled.store.send(filled.draft(sender=filled.bob, blobs=(blob,)))).number == 1


@pytest.mark.parametrize("referrer", ["shelf:{}", "conversations:{}", ":{}", "{}"])
async def test_a_referrer_of_an_unknown_kind_lets_nobody_read(
    filled: FilledStore, referrer: str
) -> None:
    blob = await refer(filled, referrer.format(filled.conversation))
    assert not await may_bob_read(filled, blob)
    with pytest.raises(BlobUnusable):
        await filled.store.send(filled.draft(sender=filled.bob, blobs=(blob,)))
    await filled.store.send(filled.draft(sender=filled.ann, blobs=(blob,)))
