"""The contract of a message type: what a plugin defines to bring a kind of message.

Pure: no asyncio, Quart or SQLAlchemy. Must not know which types there are: `type_registry` does.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, cast

import msgspec
from msgspec import Struct
from typing_extensions import TypeVar

if TYPE_CHECKING:
    from dash_messenger.plugin_api.context import Preparing

__all__ = [
    "MAX_STATE_BYTES",
    "MAX_TEXT_CHARACTERS",
    "MessageType",
    "Prepared",
    "TypeFailed",
    "has_usual_numbers",
]

# The fallback serves lists, notifications and search; content itself may be larger.
MAX_TEXT_CHARACTERS = 16_000
# It travels whole with each revision.
MAX_STATE_BYTES = 262_144

ContentT = TypeVar("ContentT", bound=Struct)
StateT = TypeVar("StateT", default=None)
MarkT = TypeVar("MarkT", default=None)

# MessagePack ends where 64 bits end.
_encode_binary = msgspec.msgpack.Encoder().encode

# Hears which message type's code failed, and how.
TypeFailed: TypeAlias = Callable[[str, BaseException], None]


class MessageType(Generic[ContentT, StateT, MarkT]):
    """What a kind of message is made of. One object of a subclass is registered by a plugin.

    Class attributes: ``type`` is the name on the wire (a word for first-party types, dotted for
    others: ``acme.poll``). ``Content`` is a frozen msgspec struct that says what an author sends
    and what is valid; ``version`` is its version, raised when it changes. ``State`` is what all
    readers share and actions change, ``Mark`` what one reader has put on a message; both are
    anything that msgspec reads, or None. ``editable`` says whether authors may edit what they sent.
    ``upgrades`` turns stored content of version n, as a dict, into that of n + 1.

    All of this but `prepare` is pure code on what strangers send, so it runs in a child process
    that is killed when it takes too long. With ``inline = True`` it runs on the server's loop
    instead, which is quicker: only for types whose code takes time in proportion to the content,
    and little of it, whatever stands in it. One that once takes more than 20 ms runs in children
    from then on.

    What people may do to a message are methods declared with `dash_messenger.action`.
    """

    type: ClassVar[str]
    version: ClassVar[int] = 1
    editable: ClassVar[bool] = False
    inline: ClassVar[bool] = False
    upgrades: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
    Content: builtins.type[ContentT]
    State: Any = None
    Mark: Any = None

    def load(self) -> None:
        """Import what is slow to import: called once, before children are made."""

    def text(self, content: ContentT, state: StateT) -> str:
        """The plain text that stands for a message wherever it cannot be drawn.

        Called once for each revision, quick and without I/O. It holds only what people wrote, at
        most `MAX_TEXT_CHARACTERS` (more is cut). It serves the list of conversations,
        notifications, search, screen readers and clients without the plugin.
        """
        raise TypeError(f"{type(self).__name__} defines no text()")

    def start(self, content: ContentT) -> StateT:
        """The state that a new message has."""
        return cast(StateT, None)

    def edited(self, content: ContentT, state: StateT, new_content: ContentT) -> StateT:
        """The state after an edit; by default that of a new message."""
        return self.start(new_content)

    async def prepare(self, content: ContentT, preparing: Preparing) -> ContentT:
        """What is stored instead of what was sent: looked up, decoded, normalised.

        Called before a message is stored, new or edited (``preparing.before`` is what it holds);
        the sender's later messages in that conversation wait for it, nobody else does; it may take
        25 s. Types that do not define it are sent without it, which is quicker.

        Raises:
            Refused: the message is not acceptable; the author is told why.
        """
        return content

    def blobs(self, content: ContentT) -> Iterable[str]:
        """The ids of the blobs that ``content`` refers to; they live as long as the message."""
        return ()


class Prepared(Struct, frozen=True):
    """Content that was accepted: its JSON, its text and the version it was written by."""

    content: bytes
    text: str
    version: int
    state: bytes | None = None
    blobs: tuple[str, ...] = ()


def has_usual_numbers(value: object) -> bool:
    """Whether all whole numbers in it fit into 64 bits.

    JSON knows no limit, but what counts with them does: drawing, browsers, a database.
    """
    try:
        _encode_binary(value)
    except OverflowError:
        return False
    return True
