"""Who may send a blob: its owner, and whoever may see something that refers to it."""

from __future__ import annotations

import pytest
from dash_messenger.errors import BlobUnusable
from dash_messenger.store import Transaction
from dash_messenger.store.tables import blob_references, blobs
from sqlalchemy import insert
from store_world import World


async def refer(world: World, referrer: str) -> str:
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
                owner_id=world.ann,
                made_at_ms=0,
            )
        )
        transaction.connection.execute(
            insert(blob_references).values(blob_id=blob, referrer=referrer)
        )
        return blob

    return await world.store.write(work)


@pytest.mark.parametrize("kind", ["conversation", "user", "plugin"])
async def test_what_a_known_referrer_shows_may_be_sent(world: World, kind: str) -> None:
    blob = await refer(world, f"{kind}:{world.conversation}")
    assert (await world.store.send(world.draft(sender=world.bob, blobs=(blob,)))).number == 1


@pytest.mark.parametrize("referrer", ["shelf:{}", "conversations:{}", ":{}", "{}"])
async def test_a_referrer_of_an_unknown_kind_lets_nobody_read(world: World, referrer: str) -> None:
    blob = await refer(world, referrer.format(world.conversation))
    with pytest.raises(BlobUnusable):
        await world.store.send(world.draft(sender=world.bob, blobs=(blob,)))
    await world.store.send(world.draft(sender=world.ann, blobs=(blob,)))
