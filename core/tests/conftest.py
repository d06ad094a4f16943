"""Lets all rooms' tests share the modules of `fixtures`, and gives what most of them begin with."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from dash_messenger.server.limits import Limits
from dash_messenger.store import StoreLimits
from fixtures.filled_store import FilledStore, open_filled
from fixtures.local_server import LocalServer, open_server

# How long an example takes is decided by what else the machine does.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def store_limits() -> StoreLimits:
    """Those of `filled`; a test that needs others parametrizes itself with them."""
    return StoreLimits()


@pytest.fixture
async def filled(tmp_path: Path, store_limits: StoreLimits) -> AsyncIterator[FilledStore]:
    """Ann and Bob in a conversation, Eve outside, a new store."""
    async with open_filled(tmp_path / "store.db", store_limits) as filled:
        yield filled


@pytest.fixture
def limits() -> Limits:
    """Those of `local`; a test that needs others parametrizes itself with them."""
    return Limits()


@pytest.fixture
async def local(tmp_path: Path, limits: Limits) -> AsyncIterator[LocalServer]:
    """A server in this process, with Ann, Ben and Cleo."""
    async with open_server(tmp_path, limits=limits) as local:
        await local.add("ann", "ben", "cleo")
        yield local
