"""Lets all rooms' tests share the modules of `fixtures`, and gives what most of them begin with."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fixtures.filled_store import FilledStore, open_filled
from fixtures.local_server import LocalServer, open_server


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[FilledStore]:
    """Ann and Bob in a conversation, Eve outside, a new store."""
    async with open_filled(tmp_path / "store.db") as filled:
        yield filled


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalServer]:
    """A server in this process, with Ann, Ben and Cleo."""
    async with open_server(tmp_path) as local:
        await local.add("ann", "ben", "cleo")
        yield local
