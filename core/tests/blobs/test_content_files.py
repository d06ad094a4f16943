"""Contents on a disk: flushed before they are answered for, and never believed unseen."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dash_messenger.blobs.content_files import Contents
from dash_messenger.errors import DiskLow, FileDamaged, StorageFailed
from fixtures.local_server import LocalServer

WORDS = b"some words"
DIGEST = hashlib.sha256(WORDS).digest()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.fixture
async def contents(tmp_path: Path) -> AsyncIterator[Contents]:
    made = Contents(tmp_path / "blobs")
    yield made
    await made.aclose()


def file_of(folder: Path, digest: bytes) -> Path:
    name = digest.hex()
    return folder / "blobs" / name[:2] / name[2:]


async def read(contents: Contents, size: int) -> bytes:
    return b"".join([part async for part in contents.stream(DIGEST, size, 0, size)])


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was flushed and renamed, in order."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(handle: int) -> None:
        fsync(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        incoming = path.parent.name == "incoming"
        done.append("flush " + ("file" if incoming else str(path.relative_to(tmp_path))))

    def note_replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    return done


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads which file a handle is")
async def test_a_file_is_flushed_then_renamed_then_each_folder_flushed(
    contents: Contents, done: list[str]
) -> None:
    await contents.keep(await contents.receive(chunks(b"some ", b"words")))
    folder = f"blobs/{DIGEST.hex()[:2]}"
    # The folders that were just made need names of their own on the disk.
    assert done == [
        *("flush blobs", "flush ."),
        *("flush file", "flush blobs", "rename", f"flush {folder}", "flush blobs/incoming"),
    ]
    done.clear()
    await contents.keep(await contents.receive(chunks(WORDS)))
    assert done == ["flush file", "rename", f"flush {folder}", "flush blobs/incoming"]
    assert await read(contents, len(WORDS)) == WORDS


async def test_a_short_file_is_replaced_when_its_content_comes_again(
    contents: Contents, tmp_path: Path
) -> None:
    await contents.keep(await contents.receive(chunks(WORDS)))
    for damaged in (b"", b"some", b"other word"):
        file_of(tmp_path, DIGEST).write_bytes(damaged)
        await contents.keep(await contents.receive(chunks(WORDS)))
        assert await read(contents, len(WORDS)) == WORDS


@pytest.mark.parametrize("left", [0, 3, None])
async def test_a_short_or_missing_file_is_an_error_before_its_first_byte(
    contents: Contents, tmp_path: Path, left: int | None
) -> None:
    await contents.keep(await contents.receive(chunks(WORDS)))
    if left is None:
        file_of(tmp_path, DIGEST).unlink()
    else:
        os.truncate(file_of(tmp_path, DIGEST), left)
    # Where what was asked for is there, too.
    for start, end in ((0, len(WORDS)), (0, 2), (2, 2)):
        with pytest.raises(FileDamaged):
            await anext(contents.stream(DIGEST, len(WORDS), start, end))


@pytest.mark.parametrize(
    ("number", "failure"),
    [(errno.EIO, StorageFailed), (errno.ENOSPC, DiskLow), (errno.EDQUOT, DiskLow)],
)
async def test_a_disk_that_refuses_leaves_nothing(
    contents: Contents,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    failure: type[Exception],
) -> None:
    # Ready, so that only what comes is refused.
    await contents.free_bytes()
    with monkeypatch.context() as broken:

        def refuse(handle: int) -> None:
            raise OSError(number, "refused")

        broken.setattr(os, "fsync", refuse)
        with pytest.raises(failure):
            await contents.receive(chunks(WORDS))
    await contents.aclose()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_a_damaged_file_is_no_download(local: LocalServer, tmp_path: Path) -> None:
    token = await local.token("ann")
    ann = local.users["ann"]
    blob = await local.server.blobs.keep(chunks(WORDS), owner=ann, name="a")
    path = f"/blobs/{blob.id}"
    assert (await local.request(path, method="GET", token=token)).body == WORDS
    os.truncate(file_of(tmp_path, DIGEST), 4)
    for method in ("GET", "HEAD"):
        answer = await local.request(path, method=method, token=token)
        assert answer.status == 500
    found = await local.request(path, method="GET", token=token, headers={"Range": "bytes=0-1"})
    assert (found.status, found.key) == (500, "file_damaged")
    # Whoever has it can mend it.
    await local.server.blobs.keep(chunks(WORDS), owner=ann, name="b")
    assert (await local.request(path, method="GET", token=token)).body == WORDS


async def test_nothing_is_answered_for_before_it_is_on_the_disk(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.EIO, "refused")

    blobs = local.server.blobs
    await blobs.keep(chunks(b"first"), owner=local.users["ann"], name="a")
    monkeypatch.setattr(
        "dash_messenger.blobs.content_files._flush_folder", lambda folder: refuse(0)
    )
    with pytest.raises(StorageFailed):
        await blobs.keep(chunks(WORDS), owner=local.users["ann"], name="b")
    assert await blobs.count() == 1


async def test_a_content_without_a_row_is_collected(local: LocalServer, tmp_path: Path) -> None:
    blobs = local.server.blobs
    kept = await blobs.keep(chunks(b"first"), owner=local.users["ann"], name="a")
    stray = file_of(tmp_path, DIGEST)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(WORDS)
    assert await blobs.collector.collect_strays() == 1
    assert not stray.exists()
    assert await blobs.read(kept.id, max_bytes=5) == b"first"
