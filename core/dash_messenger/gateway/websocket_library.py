"""What the ``websockets`` library is used for: its sans-I/O protocol, and messages in pieces.

Owns where we differ from the library. Must not know a connection. Invariant: text that comes in
pieces is checked piece by piece.
"""

from __future__ import annotations

import codecs
import logging
from collections.abc import Sequence

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # The library's own fallback where its C part was not built.
    from websockets.utils import apply_mask

__all__ = ["Fragments", "Library", "apply_mask", "is_utf8", "library_log", "size_on_wire"]


class Library(ServerProtocol):
    """The library's protocol, but a close frame may come between two fragments.

    RFC 6455, section 5.4, lets control frames stand there, and nothing excepts that one; the
    library calls it a protocol error.
    """

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """One that is offered and known, or none: scripts may leave it out."""
        known = self.available_subprotocols or ()
        return next((name for name in known if name in subprotocols), None)

    def forget(self) -> None:
        """Undo the cycle of references to its parser, so that it is freed at once."""
        self.parser.close()


class Fragments:
    """A message that comes in pieces; text is checked piece by piece."""

    __slots__ = ("_decoder", "parts", "text")

    def __init__(self, text: bool) -> None:
        self.text = text
        self.parts: list[bytes] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")() if text else None

    def add(self, part: bytes, final: bool) -> None:
        """Take the next piece.

        Raises:
            UnicodeDecodeError: Text up to here is not UTF-8.
        """
        if self._decoder is not None:
            self._decoder.decode(part, final)
        self.parts.append(part)


def is_utf8(payload: bytes) -> bool:
    """Whether a whole message is UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def size_on_wire(size: int) -> int:
    """Bytes of a masked frame with a payload of this size, its length written the shortest way."""
    return size + (6 if size < 126 else 8 if size < 65_536 else 14)


def library_log() -> logging.Logger:
    """The log that the library writes to."""
    return logging.getLogger("websockets.server")
