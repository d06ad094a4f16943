"""How the crash tests make a server stand still for a power cut."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.crash.disk import standing_still

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
