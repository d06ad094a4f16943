"""The Python client: any command, and every event once and in order, over one socket."""

from dash_messenger.client.client import RESYNC, Client, Disconnected, Event
from dash_messenger.client.http import failure_from, log_in, post

__all__ = ["RESYNC", "Client", "Disconnected", "Event", "failure_from", "log_in", "post"]
