"""What the tests of the store share: a store in a folder, people and a conversation in it."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dash_messenger.ids import IdMaker
from dash_messenger.protocol.events import Event
from dash_messenger.store import Draft, Store, Transaction
from dash_messenger.store.tables import conversations, members, users
from sqlalchemy import insert

__all__ = ["Gate", "Heard", "World", "one_batch", "open_world"]


class Heard:
    """A listener that notes what it hears, and calls back on each batch."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.events: list[Event] = []
        self.on_apply: Callable[[], None] = lambda: None

    def apply(self, events: list[Event]) -> None:
        self.order.append("apply")
        self.on_apply()

    def announce(self, events: list[Event]) -> None:
        self.order.append("announce")
        self.events += events


class World:
    """Ann and Bob in one conversation; Eve outside."""

    def __init__(self, store: Store) -> None:
        new_id = IdMaker()
        self.store = store
        self.heard = Heard()
        store.listener = self.heard
        self.ann, self.bob, self.eve = new_id(), new_id(), new_id()
        self.conversation = new_id()
        self.session = new_id()

    def furnish(self, transaction: Transaction) -> None:
        now_ms = transaction.now_ms
        execute = transaction.connection.execute
        for name, user in (("ann", self.ann), ("bob", self.bob), ("eve", self.eve)):
            execute(
                insert(users).values(
                    id=user,
                    username=name,
                    username_key=name,
                    display_name=name.title(),
                    created_at_ms=now_ms,
                )
            )
        self.add_conversation(transaction, self.conversation)

    def add_conversation(self, transaction: Transaction, conversation: str) -> None:
        execute = transaction.connection.execute
        execute(
            insert(conversations).values(
                id=conversation,
                kind="group",
                title="Garden",
                created_at_ms=transaction.now_ms,
                created_by=self.ann,
            )
        )
        for user in (self.ann, self.bob):
            execute(
                insert(members).values(
                    conversation_id=conversation,
                    user_id=user,
                    from_seq=1,
                    from_number=1,
                    joined_at_ms=transaction.now_ms,
                    role="owner" if user == self.ann else "member",
                )
            )

    def draft(self, text: str = "hi", **changes: Any) -> Draft:
        values: dict[str, Any] = {
            "conversation": self.conversation,
            "sender": self.ann,
            "session": self.session,
            "client_id": uuid.uuid4().hex,
            "type": "text",
            "type_version": 1,
            "content": b'{"text":"%s"}' % text.encode(),
            "text": text,
        }
        return Draft(**(values | changes))


@asynccontextmanager
async def open_world(path: Path) -> AsyncIterator[World]:
    """A world in a new store at ``path``."""
    store = await Store.open(path)
    world = World(store)
    await store.write(world.furnish)
    try:
        yield world
    finally:
        await store.aclose()


class Gate:
    """Holds the writer's thread, so that what is queued meanwhile becomes one batch."""

    def __init__(self, world: World) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()
        self._waits = asyncio.ensure_future(world.store.write(self._hold))

    async def shut(self) -> None:
        """The writer stands at the gate."""
        await asyncio.to_thread(self._reached.wait, 10)

    async def open(self) -> None:
        """The writer goes on."""
        self._open.set()
        await self._waits

    def _hold(self, transaction: Transaction) -> None:
        self._reached.set()
        self._open.wait(10)


@asynccontextmanager
async def one_batch(world: World) -> AsyncIterator[None]:
    """What is queued inside is stored as one batch."""
    gate = Gate(world)
    await gate.shut()
    try:
        yield
    finally:
        await gate.open()
