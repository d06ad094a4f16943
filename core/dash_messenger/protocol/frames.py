"""Messages of the server as WebSocket frames (RFC 6455, section 5.2)."""

from __future__ import annotations

__all__ = ["text_frame"]


def text_frame(payload: bytes) -> bytes:
    """A message of UTF-8 bytes as a frame from the server; good for any number of connections."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
