"""What the server asks of the operating system for its own process, before it starts.

Owns descriptors, the mask of new files and how the C library keeps memory. Standard library only:
it runs before anything is imported.
"""

from __future__ import annotations

import contextlib
import os

__all__ = ["prepare_process", "raise_descriptor_limit"]

# Nobody but the owner reads what the server writes.
UMASK = 0o077
# Where the hard limit is "unlimited", this many: some systems refuse more.
MAX_DESCRIPTORS = 1_048_576


def prepare_process() -> None:
    """Set up this process to serve: files for its owner alone, as many connections as it may."""
    os.umask(UMASK)
    raise_descriptor_limit()


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
