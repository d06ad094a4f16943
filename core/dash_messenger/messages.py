"""The contract of a message type, and the registry that keeps them.

Pure: no asyncio, Quart or SQLAlchemy. Owns how content is validated and how its text fallback is
made. A type that is not registered is no error when reading: its stored text is shown.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from dash_messenger.errors import ContentInvalid, UnknownType
from dash_messenger.protocol import explain

__all__ = ["MAX_TEXT_CHARACTERS", "MessageType", "MessageTypes", "Prepared"]

# The fallback serves lists, notifications and search; content itself may be larger.
MAX_TEXT_CHARACTERS = 16_000

ContentT = TypeVar("ContentT", bound=msgspec.Struct)


class MessageType(Generic[ContentT]):
    """What a kind of message is made of. One object of a subclass is registered by a plugin.

    Class attributes: ``type`` is the name on the wire (a word for first-party types, dotted for
    others: ``acme.poll``); ``Content`` is a frozen msgspec struct that says what an author sends
    and what is valid; ``version`` is the version of ``Content``, raised when it changes.
    """

    type: ClassVar[str]
    version: ClassVar[int] = 1
    Content: builtins.type[ContentT]

    def text(self, content: ContentT) -> str:
        """The plain text that stands for a message wherever it cannot be drawn.

        Called once for each revision, on the server's loop: quick and without I/O. It holds only
        what people wrote, at most `MAX_TEXT_CHARACTERS` (more is cut). It serves the list of
        conversations, notifications, search, screen readers and clients without the plugin.
        """
        raise TypeError(f"{type(self).__name__} defines no text()")


class Prepared(msgspec.Struct, frozen=True):
    """Content that was accepted: its JSON, its text and the version it was written by."""

    content: bytes
    text: str
    version: int


class MessageTypes:
    """The registered types by name."""

    def __init__(self) -> None:
        self._types: dict[str, tuple[MessageType[Any], msgspec.json.Decoder[Any]]] = {}
        self._encoder = msgspec.json.Encoder()

    def add(self, message_type: MessageType[Any]) -> None:
        """Register a type.

        Raises:
            ValueError: its name is taken or malformed.
            TypeError: it is no `MessageType` or its ``Content`` is no msgspec struct.
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
        if not isinstance(content, type) or not issubclass(content, msgspec.Struct):
            raise TypeError(f"Content of message type {name} is not a msgspec struct")
        self._types[name] = (message_type, msgspec.json.Decoder(content))

    def __iter__(self) -> Iterator[MessageType[Any]]:
        return (message_type for message_type, _ in self._types.values())

    def __contains__(self, name: str) -> bool:
        return name in self._types

    def __getitem__(self, name: str) -> MessageType[Any]:
        return self._types[name][0]

    def remove(self, name: str) -> None:
        """Forget a type, as when the plugin that gave it is quarantined."""
        self._types.pop(name, None)

    def prepare(self, name: str, content: msgspec.Raw | bytes) -> Prepared:
        """What an author sent, validated and with its text.

        Raises:
            UnknownType: no such type is registered.
            ContentInvalid: it does not fit the type's ``Content``, or its text is not text.
        """
        found = self._types.get(name)
        if found is None:
            raise UnknownType(type=name[:64])
        message_type, decoder = found
        try:
            value = decoder.decode(content)
        except msgspec.ValidationError as error:
            raise ContentInvalid(**explain(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ContentInvalid(field="", reason="not valid JSON") from None
        text = message_type.text(value)
        if not isinstance(text, str):
            raise TypeError(f"text() of message type {name} returned {type(text).__name__}")
        return Prepared(
            self._encoder.encode(value), text[:MAX_TEXT_CHARACTERS], message_type.version
        )

    def decode(self, name: str, content: bytes | msgspec.Raw) -> msgspec.Struct | None:
        """Stored content as its struct, or None where the type is unknown or reads it no longer."""
        found = self._types.get(name)
        if found is None:
            return None
        try:
            value: msgspec.Struct = found[1].decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return value
