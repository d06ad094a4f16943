"""A disk whose power can be cut: ext4 in a sparse file on a loop device. Needs root and Linux.

The cut is ext4's own shutdown: from that instant nothing more reaches the disk, not even the
journal, as when the power fails. Mounting again replays the journal. kill -9 alone would leave the
page cache, which forgives a missing flush.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# linux/fs/ext4: EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32), and its flag.
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
# A flush may take long on a busy disk.
STOPS_WITHIN_S = 2.0
# A process that was killed closes its output, by which it is known to end, before other files.
ENDS_WITHIN_S = 10.0


def why_not() -> str | None:
    """What is missing for power cuts here, or None."""
    if sys.platform != "linux":
        return "ext4 and loop devices are Linux's"
    if os.geteuid() != 0:
        return "mounting a loop device needs root"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    for tool in ("mkfs.ext4", "mount", "umount"):
        if shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            return f"{tool} is not installed"
    return None


@contextmanager
def standing_still(group: int, pid: int) -> Iterator[None]:
    """No thread of a process group runs meanwhile; what ``pid`` asked of the kernel has been
    answered.

    ext4's shutdown is no power failure to a flush that is under way: the journal it waits for is
    given up, and it reports success. A bare fdatasync did so in 4 of 60 cuts, and in none of 60
    when the cut was made between two of its system calls.
    """
    stopped = False
    while not stopped:
        os.killpg(group, signal.SIGSTOP)
        until_s = time.monotonic() + STOPS_WITHIN_S
        while not (stopped := _all_stopped(pid)) and time.monotonic() < until_s:
            os.sched_yield()
        if not stopped:
            # It starts a process: vfork(2) waits for one that is stopped too.
            os.killpg(group, signal.SIGCONT)
            time.sleep(0.01)
    yield
    os.killpg(group, signal.SIGCONT)


def _all_stopped(pid: int) -> bool:
    return all(_state(task) in "TtZX" for task in Path(f"/proc/{pid}/task").iterdir())


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


class Disk:
    """Mounted at ``path`` between entering and leaving."""

    def __init__(
        self, folder: Path, size_mib: int = 256, *, ends_within_s: float = ENDS_WITHIN_S
    ) -> None:
        self.path = folder / "disk"
        self._file = folder / "disk.img"
        self._size = size_mib * 2**20
        self._ends_within_s = ends_within_s

    def __enter__(self) -> Disk:
        self.path.mkdir()
        with self._file.open("wb") as file:
            file.truncate(self._size)
        _run("mkfs.ext4", "-q", "-F", str(self._file))
        self.mount()
        return self

    def __exit__(self, *exception: object) -> None:
        if not self.path.is_mount():
            return
        try:
            self.unmount()
        except RuntimeError:
            # Left there it would stop whoever clears the folder away.
            _run("umount", "--lazy", str(self.path))
            raise

    def mount(self) -> None:
        """Mount; replays the journal after a cut."""
        _run("mount", "-o", "loop", str(self._file), str(self.path))

    def unmount(self) -> None:
        """Unmount, when the last of those that were killed has given its files back.

        Raises:
            RuntimeError: a file is still open after ``ends_within_s``.
        """
        until_s = time.monotonic() + self._ends_within_s
        while True:
            try:
                return _run("umount", str(self.path))
            except RuntimeError:
                if time.monotonic() > until_s:
                    raise
            time.sleep(0.01)

    def cut(self) -> None:
        """The power fails now."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)


def _run(*command: str) -> None:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
