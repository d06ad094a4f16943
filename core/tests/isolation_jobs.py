"""Jobs that behave as badly as people's content can make them, for the tests of `JobPool`."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, NoReturn

from dash_messenger.errors import ActionRefused, RateLimited, Refused

ENTRY = f"{__name__}:load"
EXPONENTIAL = re.compile(r"(-+)*$")
MIB = 1024 * 1024


class TeaIsOut(Refused):
    """A plugin's own kind of refusal."""

    sentence = "There is no {tea} left."
    code: ClassVar[int] = 90_001


def load(setup: bytes) -> Mapping[str, Callable[[bytes], bytes]]:
    if setup == b"raise":
        raise RuntimeError("no such plugin")
    if setup == b"hang":
        time.sleep(3600)
    if setup == b"die":
        os._exit(1)
    kind, _, path = setup.partition(b":")
    if kind == b"until" and not Path(path.decode()).exists():
        # Broken until somebody mends it.
        raise RuntimeError("not yet")
    return {
        "echo": lambda payload: payload,
        "setup": lambda payload: setup,
        "pid": lambda payload: str(os.getpid()).encode(),
        "parent": lambda payload: str(os.getppid()).encode(),
        "match": match,
        "burn": burn,
        "burn_deaf": burn_deaf,
        "count": count,
        "burn_disarmed": burn_disarmed,
        "sleep": sleep,
        "hoard": hoard,
        "leak": leak,
        "exit": exit_at_once,
        "system_exit": lambda payload: sys.exit(3),
        "interrupt": interrupt,
        "kill": kill,
        "kill_parent": kill_parent,
        "fail": fail,
        "refuse": refuse,
        "own_refusal": own_refusal,
        "rate": rate,
        "text": lambda payload: "no bytes",
        "much": lambda payload: bytes(int(payload)),
        "print": print_much,
        "thread": leave_thread,
        "surroundings": surroundings,
    }


def match(payload: bytes) -> bytes:
    """Takes for ever, and keeps the interpreter's lock for all of it."""
    return str(EXPONENTIAL.match(payload.decode())).encode()


def burn(payload: bytes) -> bytes:
    until = time.process_time() + float(payload)
    while time.process_time() < until:
        pass
    return payload


def count(payload: bytes) -> bytes:
    """Works without asking the system for anything."""
    for _ in range(int(payload)):
        pass
    return payload


def burn_deaf(payload: bytes) -> bytes:
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    return burn(payload)


def burn_disarmed(payload: bytes) -> bytes:
    signal.setitimer(signal.ITIMER_PROF, 0)
    return burn(payload)


def sleep(payload: bytes) -> bytes:
    time.sleep(float(payload))
    return payload


def hoard(payload: bytes) -> bytes:
    return str(len(bytearray(int(payload)))).encode()


_leaked: list[bytes] = []


def leak(payload: bytes) -> bytes:
    _leaked.append(b"x" * int(payload))
    return str(os.getpid()).encode()


def exit_at_once(payload: bytes) -> NoReturn:
    os._exit(3)


def interrupt(payload: bytes) -> NoReturn:
    raise KeyboardInterrupt


def kill(payload: bytes) -> bytes:
    os.kill(os.getpid(), int(payload))
    return b""


def kill_parent(payload: bytes) -> bytes:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(3600)
    return b""


def fail(payload: bytes) -> bytes:
    secret = payload.decode()
    raise ValueError(f"cannot read {secret}")


def refuse(payload: bytes) -> bytes:
    raise ActionRefused(action="vote", reason="The poll is closed.")


def own_refusal(payload: bytes) -> bytes:
    raise TeaIsOut(tea="green")


def rate(payload: bytes) -> bytes:
    raise RateLimited(retry_after_s=7)


def print_much(payload: bytes) -> bytes:
    for _ in range(1000):
        print("x" * 100)
    os.write(1, b"\xff\xff\xff\xff")
    return b"printed"


def leave_thread(payload: bytes) -> bytes:
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    return str(os.getpid()).encode()


def surroundings(payload: bytes) -> bytes:
    """What a child could find of the server."""
    files = {}
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            files[descriptor] = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            # The listing itself.
            continue
    limits = Path("/proc/self/limits").read_text()
    return json.dumps({"environment": dict(os.environ), "files": files, "limits": limits}).encode()
