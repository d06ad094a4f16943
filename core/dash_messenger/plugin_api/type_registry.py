"""The registered message types: what their code makes of content, state and marks.

Pure: no asyncio, Quart or SQLAlchemy. Owns how content is validated and how its text fallback is
made. A type that is not registered is no error when reading: its stored text is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from dash_messenger.characters import cut
from dash_messenger.errors import ContentInvalid, UnknownType
from dash_messenger.plugin_api.actions import Action, actions_of
from dash_messenger.plugin_api.message_types import (
    MAX_STATE_BYTES,
    MAX_TEXT_CHARACTERS,
    MessageType,
    Prepared,
    has_usual_numbers,
)
from dash_messenger.protocol.params import explain
from dash_messenger.registry import Registry

__all__ = ["MessageTypes"]


class _Registered:
    """A type with its decoders."""

    __slots__ = (
        "actions",
        "content",
        "inline",
        "mark",
        "prepares",
        "refers",
        "starts",
        "state",
        "type",
    )

    def __init__(self, message_type: MessageType[Any, Any, Any]) -> None:
        kind = type(message_type)
        self.type = message_type
        self.content = msgspec.json.Decoder(message_type.Content)
        self.state = _decoder(message_type.State)
        self.mark = _decoder(message_type.Mark)
        self.actions = actions_of(message_type)
        self.inline = bool(message_type.inline)
        self.prepares = kind.prepare is not MessageType.prepare
        self.refers = kind.blobs is not MessageType.blobs
        self.starts = message_type.State is not None


class MessageTypes:
    """The registered types by name."""

    def __init__(self) -> None:
        self._registry: Registry[_Registered] = Registry("message type")
        self._types = self._registry.by_name
        # Grows with every change of what is registered and of what is inline.
        self.revision = 0
        # Sets have no order; what is stored must not seem changed for that.
        self._encoder = msgspec.json.Encoder(order="deterministic")

    def add(self, message_type: MessageType[Any, Any, Any], plugin: str = "") -> None:
        """Register a type that came with a plugin.

        Raises:
            ValueError: its name is taken or malformed.
            TypeError: it is no `MessageType`, its ``Content`` is no msgspec struct, or an action's
                parameters cannot be declared.
        """
        if not isinstance(message_type, MessageType):
            raise TypeError(f"{message_type!r} is not a MessageType")
        name = getattr(message_type, "type", None)
        if not isinstance(name, str) or not all(
            part.isidentifier() and part.isascii() for part in name.split(".")
        ):
            raise ValueError(f"{name!r} is not a name for a message type")
        if name in self._types:
            raise ValueError(f"message type {name} is registered twice")
        content = getattr(message_type, "Content", None)
        if not isinstance(content, type) or not issubclass(content, Struct):
            raise TypeError(f"Content of message type {name} is not a msgspec struct")
        self._registry.add(plugin, name, _Registered(message_type))
        self.revision += 1

    def __iter__(self) -> Iterator[MessageType[Any, Any, Any]]:
        return (registered.type for registered in self._registry)

    def __contains__(self, name: str) -> bool:
        return name in self._types

    def __getitem__(self, name: str) -> MessageType[Any, Any, Any]:
        return self._types[name].type

    def remove(self, name: str) -> None:
        """Forget a type."""
        self._registry.discard(name)
        self.revision += 1

    def remove_of(self, plugin: str) -> None:
        """Forget a plugin's types, as when it is quarantined."""
        self._registry.remove(plugin)
        self.revision += 1

    def plugin_of(self, name: str) -> str | None:
        """The plugin that a type came with, or None."""
        return self._registry.owners.get(name)

    def actions(self, name: str) -> Mapping[str, Action]:
        """The actions of a type, by name; none where it is not registered."""
        found = self._types.get(name)
        return {} if found is None else found.actions

    def prepares(self, name: str) -> bool:
        """Whether messages of this type are prepared before they are stored."""
        found = self._types.get(name)
        return found is not None and found.prepares

    def is_inline(self, name: str) -> bool:
        """Whether a type's code on content runs where it is asked for, not in a child process."""
        found = self._types.get(name)
        return found is not None and found.inline

    def is_quick(self, name: str) -> bool:
        """Whether a new message is taken where it is asked for; one of an unknown type is refused
        there."""
        found = self._types.get(name)
        return found is None or (found.inline and not found.prepares)

    def has_state(self, name: str) -> bool:
        """Whether messages of this type have a state, which an edit may keep."""
        found = self._types.get(name)
        return found is not None and found.starts

    def never_inline(self, name: str) -> None:
        """Have a type's code run in children from now on: it took too long."""
        found = self._types.get(name)
        if found is not None:
            found.inline = False
            self.revision += 1

    def version(self, name: str) -> int:
        """The version that a type's content is written by.

        Raises:
            UnknownType: no such type is registered.
        """
        return self._registered(name).type.version

    def read(self, name: str, content: Raw | bytes) -> Struct:
        """What an author sent, validated.

        Raises:
            UnknownType: no such type is registered.
            ContentInvalid: it does not fit the type's ``Content``.
        """
        try:
            value: Struct = self._registered(name).content.decode(content)
        except msgspec.ValidationError as error:
            raise ContentInvalid(**explain(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ContentInvalid(field="", reason="not valid JSON") from None
        if not has_usual_numbers(value):
            raise ContentInvalid(field="", reason="a number is out of range")
        return value

    def encode(self, value: object) -> bytes:
        """A content, state or mark as its JSON."""
        return self._encoder.encode(value)

    def prepare(self, name: str, content: Raw | bytes) -> Prepared:
        """What an author sent, validated and with its text, for types that need nothing else.

        Raises:
            UnknownType, ContentInvalid: as `read`.
            Exception: the type's own code failed.
        """
        return self.finish(name, self.read(name, content))

    def finish(self, name: str, value: Struct) -> Prepared:
        """A new message with this content.

        Raises:
            Exception: the type's own code failed.
        """
        found = self._registered(name)
        state = found.type.start(value) if found.starts else None
        return self._prepared(found, value, state)

    def change(self, name: str, value: Struct, state: object, new_content: Struct) -> Prepared:
        """An edited message.

        Raises:
            Exception: the type's own code failed.
        """
        found = self._registered(name)
        after = found.type.edited(value, state, new_content) if found.starts else None
        return self._prepared(found, new_content, after)

    def text(self, name: str, value: Struct, state: object) -> str:
        """The fallback text.

        Raises:
            TypeError: it is no text.
            Exception: the type's own code failed.
        """
        text = self._registered(name).type.text(value, state)
        if not isinstance(text, str):
            raise TypeError(f"text() of message type {name} returned {type(text).__name__}")
        return cut(text, MAX_TEXT_CHARACTERS)

    def _prepared(self, found: _Registered, value: Struct, state: object) -> Prepared:
        name = found.type.type
        return Prepared(
            self._encoder.encode(value),
            self.text(name, value, state),
            found.type.version,
            None if state is None else self.encode_state(name, state),
            _blob_ids(found.type.blobs(value)) if found.refers else (),
        )

    def encode_state(self, name: str, state: object) -> bytes:
        """A state as its JSON.

        Raises:
            ValueError: it is larger than `MAX_STATE_BYTES`, or nothing that could be read again.
        """
        encoded = self._encoder.encode(state)
        if len(encoded) > MAX_STATE_BYTES:
            raise ValueError(f"the state of a {name} has {len(encoded)} bytes")
        decoder = self._registered(name).state
        if decoder is not None:
            decoder.decode(encoded)
        return encoded

    def decode(self, name: str, content: bytes | Raw, version: int | None = None) -> Struct | None:
        """Stored content as its struct; ``version`` is the one it was written by.

        None where the type is unknown, newer code wrote it, or it can be read no longer.
        """
        found = self._types.get(name)
        if found is None:
            return None
        try:
            if version is None or version == found.type.version:
                value: Struct = found.content.decode(content)
            elif version < found.type.version:
                value = self._upgrade(found.type, content, version)
            else:
                return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return value

    def _upgrade(
        self, message_type: MessageType[Any, Any, Any], content: bytes | Raw, version: int
    ) -> Struct:
        value = msgspec.json.decode(content)
        for step in range(version, message_type.version):
            upgrade = message_type.upgrades.get(step)
            # Without one, what changed has a default.
            if upgrade is not None:
                value = upgrade(value)
        upgraded: Struct = msgspec.convert(value, message_type.Content)
        return upgraded

    def decode_state(self, name: str, state: bytes | Raw | None) -> Any:
        """A stored state, or None where there is none or it can be read no longer."""
        found = self._types.get(name)
        return None if found is None else _decoded(found.state, state)

    def decode_mark(self, name: str, mark: bytes | Raw | None) -> Any:
        """A stored mark, or None where there is none or it can be read no longer."""
        found = self._types.get(name)
        return None if found is None else _decoded(found.mark, mark)

    def _registered(self, name: str) -> _Registered:
        found = self._types.get(name)
        if found is None:
            raise UnknownType(type=name[:64])
        return found


def _blob_ids(found: Iterable[object]) -> tuple[str, ...]:
    ids = tuple(found)
    if not all(isinstance(id, str) for id in ids):
        raise TypeError(f"blobs() returned {ids!r}")
    return cast(tuple[str, ...], ids)


def _decoder(declared: Any) -> msgspec.json.Decoder[Any] | None:
    return None if declared is None else msgspec.json.Decoder(declared)


def _decoded(decoder: msgspec.json.Decoder[Any] | None, value: bytes | Raw | None) -> Any:
    if decoder is None or value is None:
        return None
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
