"""How the crash tests make a server stand still for a power cut."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.crash.disk import Disk, standing_still, why_not

# Each start is a vfork(2), which waits for the child until that runs its program.
STARTS_PROCESSES = "import subprocess\nwhile True: subprocess.run(['true'], check=True)"


@pytest.mark.skipif(sys.platform != "linux", reason="the states of threads are Linux's")
def test_a_process_that_starts_others_can_be_made_to_stand_still() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS_PROCESSES], start_new_session=True) as busy:
        try:
            for _ in range(200):
                with standing_still(busy.pid, busy.pid):
                    pass
        finally:
            busy.kill()


@pytest.mark.skipif(why_not() is not None, reason=f"no power cuts here: {why_not()}")
def test_a_disk_is_unmounted_once_its_last_file_is_closed(tmp_path: Path) -> None:
    with Disk(tmp_path, size_mib=16) as disk:
        file = (disk.path / "open").open("w")
        threading.Timer(0.3, file.close).start()
        disk.unmount()
        assert not disk.path.is_mount()


@pytest.mark.skipif(why_not() is not None, reason=f"no power cuts here: {why_not()}")
def test_a_disk_that_is_kept_busy_is_told_and_does_not_stay_mounted(tmp_path: Path) -> None:
    disk = Disk(tmp_path, size_mib=16, ends_within_s=0)
    disk.__enter__()
    with (disk.path / "open").open("w"), pytest.raises(RuntimeError, match="busy"):
        disk.__exit__()
    assert not disk.path.is_mount()
