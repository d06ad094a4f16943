"""What the server asks of the operating system for its own process, before it starts.

Owns descriptors, the mask of new files and how the C library keeps memory. Standard library only:
it runs before anything is imported.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

__all__ = [
    "give_memory_back",
    "most_connections",
    "prepare_process",
    "raise_descriptor_limit",
]

# Nobody but the owner reads what the server writes.
UMASK = 0o077
# Where the hard limit is "unlimited", this many: some systems refuse more.
MAX_DESCRIPTORS = 1_048_576
# Descriptors for the database, files under way, children and logs.
KEPT_DESCRIPTORS = 256
# glibc's `mallopt` parameters, from malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Each password is hashed in 19 MiB. Once such a block was freed, glibc would take later ones from
# its heaps, one for each thread, and keep them: after 1,000 log-ins the process held 219 MiB
# instead of 114. With a threshold that is set, large blocks are mapped and given back.
LARGE_BLOCK_BYTES = 1024 * 1024
# One for the loop, one for the threads beside it, which wait more than they work.
MAX_ARENAS = 2


def prepare_process() -> None:
    """Set up this process to serve: files for its owner alone, as many connections as it may."""
    os.umask(UMASK)
    raise_descriptor_limit()
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES)
        libc.mallopt(_M_ARENA_MAX, MAX_ARENAS)


def most_connections(wanted: int) -> int:
    """As many connections as are wanted, or as the system allows beside what the server needs.

    Without a descriptor a connection is neither taken nor refused, and nobody hears why.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return wanted
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(soft - KEPT_DESCRIPTORS, soft // 2))


def give_memory_back() -> None:
    """Give the pages back to the system that nothing stands on: imports leave many."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> Any:
    """The C library, if it is glibc; others keep memory in other ways."""
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "gnu_get_libc_version") else None


def raise_descriptor_limit() -> None:
    """Raise the number of files and connections to what the administrator allows."""
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # A system may refuse its own hard limit (macOS); what there was is good.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
