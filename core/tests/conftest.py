"""Lets the tests of one folder share modules, and gives the store's tests a world to act in."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from store_world import World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Ann and Bob in a conversation, Eve outside, a new store."""
    async with open_world(tmp_path / "store.db") as world:
        yield world
