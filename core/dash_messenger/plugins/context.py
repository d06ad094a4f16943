"""The server's side of `Context`: one for each plugin, over the parts that do the work.

Owns what each call comes to, and that a plugin asks for no more than its share. Must not know what
a plugin does.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog
from msgspec import Raw, Struct
from sqlalchemy import Connection, insert, select

from dash_messenger.blobs import BlobStore, PluginBlobs
from dash_messenger.charged_user import charged_user
from dash_messenger.clock import Clock
from dash_messenger.errors import InvalidParams, NotFound
from dash_messenger.ids import is_id
from dash_messenger.isolation.contents import Contents
from dash_messenger.isolation.deadlines import waiting_for
from dash_messenger.isolation.subprocess_pool import SubprocessPool
from dash_messenger.messages.actions import MessageAct, MessageActions
from dash_messenger.messages.revisions import find
from dash_messenger.messages.send import MessageSend, MessageSender
from dash_messenger.plugin_api.context import Blobs
from dash_messenger.plugins.declared_settings import decode_settings
from dash_messenger.plugins.storage import keep_value, plugin_folder, read_value, without_exit
from dash_messenger.plugins.translations import Catalogues
from dash_messenger.protocol.models import Message, User
from dash_messenger.protocol.params import explain
from dash_messenger.store import Store, Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.rows import MESSAGE_COLUMNS, USER_COLUMNS, message_of, user_of
from dash_messenger.store.tables import members, messages, users
from dash_messenger.store.user_words import put_words

if TYPE_CHECKING:
    from dash_messenger.plugins.contexts import Contexts

__all__ = ["Parts", "PluginContext"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the server that contexts work with."""

    store: Store
    contents: Contents
    sending: MessageSender
    acting: MessageActions
    limited: SubprocessPool
    clock: Clock
    folder: Path
    blobs: BlobStore


class PluginContext:
    """A `Context`."""

    def __init__(self, plugin: str, contexts: Contexts) -> None:
        self._plugin = plugin
        self._contexts = contexts
        self._log = structlog.get_logger(f"plugin.{plugin}").bind(plugin=plugin)
        self._words: Catalogues | None = None

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self._plugin

    @property
    def log(self) -> Any:
        """A logger that names the plugin."""
        return self._log

    @property
    def folder(self) -> Path:
        """The plugin's folder in the data folder."""
        folder = plugin_folder(self._contexts.parts.folder, self._plugin)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def settings(self) -> Any:
        """The settings in force."""
        return self._contexts.kept(self._plugin).settings

    @property
    def blobs(self) -> Blobs:
        """The server's files."""
        return PluginBlobs(self._contexts.parts.blobs, self._plugin, self.bot)

    def now_ms(self) -> int:
        """The time."""
        return self._contexts.parts.clock()

    def translate(self, language: str) -> Callable[[str], str]:
        """The plugin's sentences in a language."""
        if self._words is None:
            self._words = Catalogues(self._contexts.kept(self._plugin).code)
        return self._words.of(language)

    async def bot(self) -> str:
        """The id of the plugin's user."""
        kept = self._contexts.kept(self._plugin)
        if kept.bot is None:
            kept.bot = await self._contexts.parts.store.write(self._make_bot)
        return kept.bot

    def _make_bot(self, transaction: Transaction) -> str:
        connection = transaction.connection
        known = read_value(connection, self._plugin, "core", "bot")
        if known is not None:
            return known
        name = f"{self._plugin}-bot"[:32]
        taken = select(users.c.id).where(users.c.username_key == name.lower())
        id = transaction.new_id()
        if connection.execute(taken).first() is not None:
            name = f"{name[:23]}-{id[-8:]}"
        display_name = self._plugin.replace("_", " ").capitalize()
        connection.execute(
            insert(users).values(
                id=id,
                username=name,
                username_key=name.lower(),
                display_name=display_name,
                role="bot",
                seq=0,
                created_at_ms=transaction.now_ms,
            )
        )
        put_words(connection, id, name, display_name)
        keep_value(connection, self._plugin, "core", "bot", id)
        return id

    async def send(
        self,
        *,
        conversation: str,
        type: str,
        content: Struct | dict[str, Any],
        reply_to: str | None = None,
        client_id: str | None = None,
    ) -> str:
        """Send a message as the plugin's bot."""
        self._contexts.bounds.send(self._plugin)
        sent = await self._contexts.parts.sending.send_as(
            await self.bot(),
            MessageSend(
                conversation=conversation,
                client_id=client_id or uuid.uuid4().hex,
                type=type,
                content=Raw(msgspec.json.encode(content)),
                reply_to=reply_to,
            ),
        )
        return sent.id

    async def act(self, *, message: str, action: str, params: dict[str, Any] | None = None) -> None:
        """Act on a message as the plugin's bot."""
        self._contexts.bounds.act(self._plugin)
        wish = MessageAct(
            message=message,
            action=action,
            client_id=uuid.uuid4().hex,
            params=Raw(msgspec.json.encode(params or {})),
        )
        await self._contexts.parts.acting.act_as(await self.bot(), wish, by_bot=True)

    async def message(self, *, id: str, reader: str | None = None) -> Message | None:
        """A message, as far as ``reader`` may see it."""
        if not is_id(id):
            return None

        def work(connection: Connection) -> Message | None:
            if reader is not None:
                with contextlib.suppress(NotFound):
                    return find(connection, id, reader).message
                return None
            row = connection.execute(select(*MESSAGE_COLUMNS).where(messages.c.id == id)).first()
            return None if row is None else message_of(row)

        found = await self.read(work)
        return None if found is None else await self._contexts.parts.contents.renew(found)

    def content(self, message: Message) -> Any:
        """A message's content as its struct."""
        if message.content is None:
            return None
        return self._contexts.parts.contents.decode_renewed(message)

    def state(self, message: Message) -> Any:
        """A message's state as its struct."""
        state = None if message.state is msgspec.UNSET else message.state
        return self._contexts.parts.contents.types.decode_state(message.type, state)

    async def users(self, *, ids: Sequence[str]) -> list[User]:
        """The users with these ids."""
        query = select(*USER_COLUMNS).where(users.c.id.in_({id for id in ids if is_id(id)}))
        found = await self.read(
            lambda connection: [user_of(row) for row in connection.execute(query)]
        )
        by_id = {user.id: user for user in found}
        return [by_id[id] for id in dict.fromkeys(ids) if id in by_id]

    async def members(self, *, conversation: str) -> list[User]:
        """Who is in a conversation."""
        if not is_id(conversation):
            return []
        query = (
            select(*USER_COLUMNS)
            .join(members, members.c.user_id == users.c.id)
            .where(members.c.conversation_id == conversation, IS_PRESENT)
            .order_by(members.c.joined_at_ms, users.c.id)
        )
        return await self.read(
            lambda connection: [user_of(row) for row in connection.execute(query)]
        )

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads."""
        async with self._contexts.bounds.turn(self._plugin, "read"):
            with waiting_for(work) as begun:
                return await self._contexts.parts.store.read(begun)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` wrote."""
        async with self._contexts.bounds.turn(self._plugin, "write"):
            with waiting_for(work) as begun:
                return await self._contexts.parts.store.write(
                    lambda transaction: without_exit(begun, transaction.connection)
                )

    async def change_settings(self, **values: Any) -> None:
        """Change some settings."""
        kept = self._contexts.kept(self._plugin)
        declared = {f.name: f for f in msgspec.structs.fields(kept.settings_type)}
        encoded: dict[str, str] = {}
        for name, value in values.items():
            if name not in declared:
                raise InvalidParams(field=name, reason="there is no such setting")
            text = msgspec.json.encode(value)
            try:
                msgspec.json.decode(text, type=declared[name].type)
            except msgspec.ValidationError as error:
                raise InvalidParams(**{**explain(error), "field": name}) from None
            encoded[name] = text.decode()

        def changed() -> Struct:
            now = {f: msgspec.json.encode(getattr(kept.settings, f)).decode() for f in declared}
            return decode_settings(kept.settings_type, {**now, **encoded})

        try:
            # The struct may have a say of its own, by __post_init__.
            changed()
        except (TypeError, ValueError) as error:
            raise InvalidParams(field=next(iter(values), ""), reason=str(error)) from None

        def work(transaction: Transaction) -> None:
            for name, text in encoded.items():
                keep_value(transaction.connection, self._plugin, "setting", name, text)

        async with self._contexts.bounds.turn(self._plugin, "write"):
            await self._contexts.parts.store.write(work)
        kept.settings = changed()
        self._contexts.changed()

    async def secret(self, *, name: str) -> str | None:
        """A secret."""
        return await self.read(
            lambda connection: read_value(connection, self._plugin, "secret", name)
        )

    async def keep_secret(self, *, name: str, value: str | None) -> None:
        """Keep a secret."""
        await self.write(
            lambda connection: keep_value(connection, self._plugin, "secret", name, value)
        )

    async def limited(
        self,
        function: Callable[..., Any] | str,
        *arguments: Any,
        time_limit_s: float = 20.0,
    ) -> Any:
        """Run a function in a child process."""
        return await self._contexts.parts.limited.run(
            function,
            *arguments,
            # What nobody asked for is the plugin's own.
            charged_to=charged_user() or f"plugin:{self._plugin}",
            time_limit_s=time_limit_s,
        )

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background."""
        self._contexts.start(self._plugin, work)
