"""The gateway: sockets in, commands out, on the port that also serves HTTP.

`Gateway` is what the composition root needs; the other modules are its parts.
"""

from __future__ import annotations

import asyncio
import logging

from websockets.typing import Subprotocol

from dash_messenger.accounts.security_log import Refusals
from dash_messenger.gateway.client_address import Addresses
from dash_messenger.gateway.connection import (
    Authenticate,
    Connection,
    Dispatcher,
    Registry,
    SignedIn,
)
from dash_messenger.gateway.keepalive import Keepalive
from dash_messenger.gateway.origin import Origins, origin_allowed
from dash_messenger.gateway.request_limits import GuardedHttp
from dash_messenger.gateway.websocket import Limits
from dash_messenger.protocol.jsonrpc import SUBPROTOCOL

__all__ = [
    "Authenticate",
    "Connection",
    "Dispatcher",
    "Gateway",
    "GuardedHttp",
    "Limits",
    "Registry",
    "SignedIn",
    "origin_allowed",
]

# A phone's radio and most proxies let a silent connection live for 30 s or more.
PING_INTERVAL_S = 25
PONG_TIMEOUT_S = 20


class Gateway:
    """What all connections share.

    ``authenticate`` finds the session of a handshake's headers. ``origins`` says which pages may
    connect; ``public_url`` is the one, where it is left out, or the address they were sent to.
    ``addresses`` names who asks: behind a proxy the peer is the proxy. ``refusals`` hears of what
    was not allowed.
    """

    def __init__(
        self,
        *,
        authenticate: Authenticate,
        commands: Dispatcher,
        hub: Registry,
        public_url: str | None = None,
        path: str = "/ws",
        limits: Limits | None = None,
        ping_interval_s: int = PING_INTERVAL_S,
        pong_timeout_s: int = PONG_TIMEOUT_S,
        origins: Origins | None = None,
        addresses: Addresses | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        # The library says of every connection that it is open.
        logging.getLogger("websockets.server").setLevel(logging.WARNING)
        self._keepalive = Keepalive(ping_interval_s, pong_timeout_s)
        # Attributes of a class rather than of each connection: an idle one stays small.
        self._protocol_class = type(
            "GatewayConnection",
            (Connection,),
            {
                "__slots__": (),
                "authenticate": staticmethod(authenticate),
                "commands": commands,
                "hub": hub,
                "path": path,
                "origins": origins or Origins(public_url),
                "limits": limits or Limits(),
                "keepalive": self._keepalive,
                "subprotocols": (Subprotocol(SUBPROTOCOL),),
                "addresses": addresses or Addresses(()),
                "refusals": refusals or Refusals(),
            },
        )

    @property
    def protocol_class(self) -> type[asyncio.Protocol]:
        """For uvicorn: ``Config(app, ws=gateway.protocol_class, http=GuardedHttp)``."""
        return self._protocol_class

    def close(self) -> None:
        """Stop the timer. Connections are closed by uvicorn, each with 1012: come back."""
        self._keepalive.close()
