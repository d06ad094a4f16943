"""The listening socket: made first, so that a port in use is found out before anything starts."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

__all__ = ["AddressTaken", "address_of", "listen"]


class AddressTaken(Exception):
    """The host and port cannot be listened on; the sentence says why."""


@contextlib.contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the address; port 0 takes a free one.

    Raises:
        AddressTaken: the port is in use, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise AddressTaken(f"cannot listen on {host}:{port}: {error.strerror}") from None
        yield listening


def address_of(host: str, listening: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    port = listening.getsockname()[1]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what an admin asked for
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
