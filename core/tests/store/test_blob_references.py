"""Who may send a blob: its owner, and whoever may see something that refers to it."""

from __future__ import annotations

import pytest
from dash_messenger.errors import BlobUnusable
from dash_messenger.store import Transaction
from dash_messenger.store.tables import blob_references, blobs
from fixtures.filled_store import FilledStore
from sqlalchemy import insert


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


@pytest.mark.parametrize("kind", ["conversation", "user", "plugin"])
async def test_what_a_known_referrer_shows_may_be_sent(filled: FilledStore, kind: str) -> None:
    blob = await refer(filled, f"{kind}:{filled.conversation}")
    assert (await filled.store.send(filled.draft(sender=filled.bob, blobs=(blob,)))).number == 1


@pytest.mark.parametrize("referrer", ["shelf:{}", "conversations:{}", ":{}", "{}"])
async def test_a_referrer_of_an_unknown_kind_lets_nobody_read(
    filled: FilledStore, referrer: str
) -> None:
    blob = await refer(filled, referrer.format(filled.conversation))
    with pytest.raises(BlobUnusable):
        await filled.store.send(filled.draft(sender=filled.bob, blobs=(blob,)))
    await filled.store.send(filled.draft(sender=filled.ann, blobs=(blob,)))
