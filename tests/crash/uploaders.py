"""People who upload, send photos, change their avatars and make stickers while the server dies.

Owns the load and what was acknowledged of it. Must not know how the server dies. Whatever is
refused or broken off is tried again with other bytes, as nobody was promised anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import io
import json
import random
import uuid
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pysqlite3
from dash_messenger.errors import Failure
from dash_messenger.server.data_folder import DATABASE
from dash_messenger.testing import People, ServerProcess, post, upload
from PIL import Image

__all__ = ["KINDS", "Uploaders"]

KINDS = ("file", "photo", "avatar", "sticker")

# A disk of 512 MiB has to do for all of it.
MAX_FILE_BYTES = 120_000
# A server that was killed starts, and so does a child that draws, while the machine is busy.
ACKNOWLEDGES_WITHIN_S = 120
# What a dying server answers, or does not.
BROKEN = (OSError, Failure, http.client.HTTPException, json.JSONDecodeError)


class Uploaders:
    """One person for each kind of file: ``acknowledged`` has (kind, blob, SHA-256 if known)."""

    def __init__(self, server: ServerProcess, *, seed: int = 0) -> None:
        self.server = server
        self.acknowledged: list[tuple[str, str, str | None]] = []
        self.faults: list[str] = []
        self._chance = random.Random(seed)
        self._tokens: dict[str, str] = {}
        self._conversation = ""
        self._pack = ""
        self._working = True

    async def open(self) -> None:
        """Register, and make what is needed for each kind."""
        people = People(self.server)
        for kind in KINDS:
            _, self._tokens[kind] = await people.register()
        name, _ = await people.register()
        made = await self._post(
            "photo", "conversation.create", kind="group", title="Pictures", members=[name]
        )
        self._conversation = made["id"]
        pack = await self._post("sticker", "stickers.make", title="Faces")
        self._pack = pack["id"]

    async def work(self) -> None:
        """Everybody uploads, again and again, until `finish`."""
        async with asyncio.TaskGroup() as tasks:
            for one in (self._file, self._file, self._photo, self._avatar, self._sticker):
                tasks.create_task(self._again(one))

    async def acknowledges(self, kind: str) -> None:
        """Return when one more of a kind was acknowledged."""
        before = self.counts[kind]
        async with asyncio.timeout(ACKNOWLEDGES_WITHIN_S):
            while self.counts[kind] == before:
                await asyncio.sleep(0.01)

    def finish(self) -> None:
        """Finish what is under way, then stop."""
        self._working = False

    @property
    def counts(self) -> Counter[str]:
        """How many of each kind were acknowledged."""
        return Counter(kind for kind, _, _ in self.acknowledged)

    async def _again(self, one: Any) -> None:
        while self._working:
            try:
                await one()
            except BROKEN:
                await asyncio.sleep(0.02)

    async def _file(self) -> None:
        content = self._chance.randbytes(self._chance.randrange(1, MAX_FILE_BYTES))
        made = await self._upload("file", content)
        self.acknowledged.append(("file", made, hashlib.sha256(content).hexdigest()))

    async def _photo(self) -> None:
        photo = await self._upload("photo", self._picture())
        sent = await self._post(
            "photo",
            "message.send",
            conversation=self._conversation,
            client_id=uuid.uuid4().hex,
            type="photo",
            content={"photos": [{"blob": photo}]},
        )
        # Its variants are known to the server alone: `damaged` finds them by their message.
        self.acknowledged.append(("photo", sent["id"], None))

    async def _avatar(self) -> None:
        photo = await self._upload("avatar", self._picture())
        account = await self._post("avatar", "account.update", photo=photo)
        self.acknowledged.append(("avatar", account["user"]["photo"], None))

    async def _sticker(self) -> None:
        picture = await self._upload("sticker", self._picture())
        item = await self._post("sticker", "stickers.add", pack=self._pack, blob=picture)
        self.acknowledged.append(("sticker", item["blob"], None))
        # A pack holds only so many.
        await self._post("sticker", "stickers.remove", sticker=item["id"])

    async def _upload(self, kind: str, content: bytes) -> str:
        made = await upload(self.server.url, content, token=self._tokens[kind])
        return str(made["id"])

    async def _post(self, by: str, command: str, /, **params: Any) -> Any:
        return await post(self.server.url, command, params, token=self._tokens[by])

    def _picture(self) -> bytes:
        out = io.BytesIO()
        color = tuple(self._chance.randrange(256) for _ in range(3))
        picture = Image.new("RGB", (200, 150), color)
        picture.putpixel((3, 3), (0, 0, 0))
        picture.save(out, "PNG")
        return out.getvalue()

    def lost(self) -> list[str]:
        """What was acknowledged and is not there any more, or is another; the server may run."""
        rows = self._select("SELECT id, hash, bytes FROM blobs")
        sent = {row[0] for row in self._select("SELECT id FROM messages")}
        faults = []
        hashes = {}
        for id, digest, size in rows:
            hashes[id.hex()] = digest.hex()
            found = self._content(digest.hex())
            if len(found) != size or hashlib.sha256(found).digest() != digest:
                faults.append(f"{id.hex()} has {len(found)} of {size} bytes")
        for kind, id, digest in self.acknowledged:
            if kind == "photo":
                if bytes.fromhex(id) not in sent:
                    faults.append(f"photo {id} is gone")
            elif id not in hashes or digest not in (None, hashes[id]):
                faults.append(f"{kind} {id} is gone")
        return faults

    def strays(self) -> list[str]:
        """What lies in the folder of files and no row has."""
        rows = {row[0].hex() for row in self._select("SELECT hash FROM blobs")}
        files = (path for path in (self.server.data / "blobs").rglob("*") if path.is_file())
        return [str(path) for path in files if path.parent.name + path.name not in rows]

    def _select(self, query: str) -> list[Any]:
        db = pysqlite3.connect(f"file:{self.server.data / DATABASE}?mode=ro", uri=True)
        try:
            found: list[Any] = db.execute(query).fetchall()
            return found
        finally:
            db.close()

    def _content(self, digest: str) -> bytes:
        try:
            return (self.server.data / "blobs" / digest[:2] / digest[2:]).read_bytes()
        except FileNotFoundError:
            return b""

    async def unread(self) -> list[str]:
        """Acknowledged uploads that do not come back as they went in."""
        return await asyncio.to_thread(self._unread)

    def _unread(self) -> list[str]:
        parts = urlsplit(self.server.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        headers = {"Authorization": f"Bearer {self._tokens['file']}"}
        faults = []
        for kind, id, digest in self.acknowledged:
            if kind == "file":
                connection.request("GET", f"/blobs/{id}", headers=headers)
                answer = connection.getresponse()
                if (answer.status, hashlib.sha256(answer.read()).hexdigest()) != (200, digest):
                    faults.append(f"{id} is answered with {answer.status}")
        connection.close()
        return faults
