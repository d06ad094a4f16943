"""The words by which people are found are those of their names as they are now."""

from __future__ import annotations

from dash_messenger.store import Transaction
from dash_messenger.store.tables import user_words
from dash_messenger.store.user_words import put_words
from fixtures.filled_store import FilledStore
from fixtures.local_server import LocalServer
from sqlalchemy import select


async def words_of(filled: FilledStore | LocalServer, user: str) -> set[str]:
    store = filled.store if isinstance(filled, FilledStore) else filled.server.store
    query = select(user_words.c.word).where(user_words.c.user_id == user)
    return set(await store.read(lambda connection: connection.execute(query).scalars().all()))


async def test_somebody_is_found_by_both_names_and_by_no_earlier_one(filled: FilledStore) -> None:
    async def put(display_name: str) -> set[str]:
        def work(transaction: Transaction) -> None:
            put_words(transaction.connection, filled.ann, "Ann.B", display_name)

        await filled.store.write(work)
        return await words_of(filled, filled.ann)

    assert await put("Ann Ёлкина") == {"@ann.b", "ann", "b", "елкина"}
    assert await put("Ann Ёлкина") == {"@ann.b", "ann", "b", "елкина"}
    assert await put("Ann Smith 🦊") == {"@ann.b", "ann", "b", "smith", "🦊"}
    assert await words_of(filled, filled.bob) == set()


async def test_an_account_is_found_from_its_first_moment_and_by_its_new_name(
    local: LocalServer,
) -> None:
    user = local.users["ann"]
    assert await words_of(local, user) == {"@ann", "ann"}
    await local.call("ann", "account.update", display_name="Anna Zoë")
    assert await words_of(local, user) == {"@ann", "ann", "anna", "zoe"}
    await local.call("ann", "account.update", theme="dark")
    assert await words_of(local, user) == {"@ann", "ann", "anna", "zoe"}
