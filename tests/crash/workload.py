"""People who write to one another while their server dies, and the record of it.

Owns the load and the recording. Every person is a `Client` behind a network that cuts a part of the
answers, so that sends are retried over new connections.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

import pysqlite3
from dash_messenger.client import RESYNC, Client, Event
from dash_messenger.errors import Failure, NotFound
from dash_messenger.ids import IdMaker
from dash_messenger.testing import Network, People, ServerProcess

from tests.history import Entry, History

LAUNCH = Path(__file__).with_name("launch.py")
# A server that was killed starts again within this, on a machine that does other things too.
PATIENCE_S = 120.0


def launched(data: Path, **environment: str) -> ServerProcess:
    """A server started by `launch`, not running yet."""
    return ServerProcess(data, command=(sys.executable, str(LAUNCH)), environment=environment)


class RecordingClient(Client):
    """Also notes each frame as it comes, before the client puts things in order."""

    def __init__(self, history: History, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.history = history
        self.socket_no = 0
        self._last_socket: object = None

    def _take(self, event: Event) -> None:
        if self._socket is not self._last_socket:
            self._last_socket = self._socket
            self.socket_no += 1
        if self.me:
            self.history.live(self.me["id"], self.socket_no, event.log, event.after, event.seq)
        super()._take(event)


class Workload:
    """``people`` in ``groups`` groups: each is in all of them, and writes to one after another."""

    def __init__(self, server: ServerProcess, history: History, *, seed: int = 0) -> None:
        self.history = history
        self.server = server
        self.groups: list[str] = []
        self.clients: list[RecordingClient] = []
        self._everybody: list[RecordingClient] = []
        self._network = Network(server)
        self._chance = random.Random(seed)
        self._listeners: list[asyncio.Task[None]] = []
        self._new_id = IdMaker()
        self._writing = True
        self._sends = 0

    async def open(self, people: int, groups: int, *, cut_part: float = 0.0) -> None:
        """Register, connect, make the groups, begin to listen."""
        await self._network.__aenter__()
        registry = People(self.server)
        for _ in range(people):
            _, token = await registry.register()
            client = RecordingClient(
                self.history, self._network.url, token=token, time_limit_s=PATIENCE_S
            )
            await client.__aenter__()
            self.clients.append(client)
            self._everybody.append(client)
            self._listeners.append(asyncio.create_task(self._listen(client)))
        members = [client.me["id"] for client in self.clients[1:]]
        for n in range(groups):
            made = await self.clients[0].call(
                "conversation.create", kind="group", title=f"Group {n}", members=members
            )
            self.groups.append(made["id"])
        self._network.cut_answers(part=cut_part)

    async def write(self, *, limit: int | None = None) -> None:
        """Everybody writes, one message at a time, until `hush` or so many were sent in all."""
        self._writing = True
        self._sends = 0
        async with asyncio.TaskGroup() as tasks:
            for client in self.clients:
                tasks.create_task(self._write(client, limit))

    def hush(self) -> None:
        """Finish what is being sent, then stop."""
        self._writing = False

    async def _write(self, client: RecordingClient, limit: int | None) -> None:
        sender = client.me["id"]
        while self._writing and (limit is None or self._sends < limit):
            self._sends += 1
            await self.say(client, sender, self._chance.choice(self.groups), f"words {self._sends}")

    async def say(
        self, client: RecordingClient, sender: str, conversation: str, text: str
    ) -> int | None:
        """Send until it is answered; where it stands, or None for somebody who is no member."""
        client_id = self._new_id()
        self.history.sent(sender, conversation, client_id, text)
        while True:
            try:
                answer = await client.call(
                    "message.send",
                    conversation=conversation,
                    client_id=client_id,
                    type="text",
                    content={"text": text},
                )
            except NotFound:
                return None
            except Failure as failure:
                if not failure.retryable:
                    raise
                # As long as the disk is gone there is nothing to do but try again.
                await asyncio.sleep(0.05)
                continue
            self.history.answered(sender, client_id, answer["seq"])
            seq: int = answer["seq"]
            return seq

    async def _listen(self, client: RecordingClient) -> None:
        reader = client.me["id"]
        async for event in client.events():
            if event.kind == RESYNC:
                self.history.resynced(reader, event.log, event.after, event.seq)
            else:
                self.history.received(reader, event.log, event.after, _entry_of(event))

    async def settle(self, *, time_limit_s: float = 60) -> None:
        """Let every reader reach the end of every group they are in, as far as they ever will."""
        self._network.cut_answers()
        ends = {
            group: (await self.clients[0].call("conversation.get", conversation=group))
            for group in self.groups
        }
        for group, found in ends.items():
            # Either form of the answer will do: the conversation, or an object that holds it.
            end = found.get("conversation", found)["seq"]
            try:
                async with asyncio.timeout(time_limit_s):
                    for client in self.clients:
                        while client.cursors.get(group, 0) < end:
                            await asyncio.sleep(0.02)
            except TimeoutError:
                # The checker says who got stuck.
                pass
            for client in self.clients:
                self.history.followed(client.me["id"], group)
        # One turn for what is read but not handed over yet.
        await asyncio.sleep(0.2)

    async def close(self) -> None:
        """Everybody leaves, the server stops, and what it stored is noted."""
        for client in self._everybody:
            await client.aclose()
        await asyncio.gather(*self._listeners, return_exceptions=True)
        await self._network.__aexit__()
        self.server.kill()
        note_stored(self.server.data, self.history, self.groups)

    @property
    def cuts(self) -> int:
        """How many answers the network swallowed."""
        return self._network.cuts


def _entry_of(event: Event) -> Entry:
    message = event.data.get("message")
    if message is None:
        return Entry(event.seq, event.kind)
    return Entry(
        event.seq, event.kind, message["sender"], message["client_id"], message["content"]["text"]
    )


def note_stored(data: Path, history: History, logs: list[str]) -> None:
    """Record the logs as a server's database file has them."""
    path = next(path for path in data.iterdir() if path.suffix in (".db", ".sqlite", ".sqlite3"))
    db = pysqlite3.connect(str(path))
    try:
        (sound,) = db.execute("PRAGMA integrity_check").fetchone()
        assert sound == "ok", sound
        for log in logs:
            history.stored(
                log,
                [
                    Entry(
                        seq,
                        kind,
                        sender.hex() if sender else "",
                        client_id.hex() if client_id else "",
                        text or "",
                    )
                    for seq, kind, sender, client_id, text in db.execute(
                        "SELECT e.seq, e.kind, m.sender_id, m.client_id, m.text FROM events e"
                        " LEFT JOIN messages m ON m.id = e.message_id WHERE e.log_id = ?",
                        (bytes.fromhex(log),),
                    )
                ],
            )
    finally:
        db.close()
