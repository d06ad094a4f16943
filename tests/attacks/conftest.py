"""The servers that attacks share: as an admin would run them, with every limit on."""

from __future__ import annotations

import faulthandler
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from dash_messenger.testing import People, ServerProcess

from tests.attacks.processes import wait_until_at_rest
from tests.attacks.timed_pair import TimedPair
from tests.environment import ROOT


@pytest.fixture
def full_scale(pytestconfig: pytest.Config) -> bool:
    """Whether attacks run at full size; then they may take longer than a test."""
    is_full = bool(pytestconfig.getoption("--full-scale"))
    if is_full:
        faulthandler.cancel_dump_traceback_later()
    return is_full


@pytest.fixture(scope="session")
def defended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with its default limits, every first-party plugin, and the poll of the examples."""
    folder = tmp_path_factory.mktemp("defended")
    plugins = folder / "plugins"
    plugins.mkdir(mode=0o700)
    for half, name in (("server", "poll"), ("ui", "poll_ui")):
        shutil.copy(ROOT / "examples/poll/acme_poll" / f"{half}.py", plugins / f"{name}.py")
    server = ServerProcess(
        folder / "data",
        environment={
            "DASH_MESSENGER_RATE_LIMITS": "on",
            "DASH_MESSENGER_PLUGINS_DIR": str(plugins),
        },
    )
    server.start()
    # What it does after a start is not what an attack costs.
    wait_until_at_rest(server)
    yield server
    server.kill()


@pytest_asyncio.fixture
async def people(defended: ServerProcess) -> AsyncIterator[People]:
    """A maker of users and clients of the defended server."""
    makers = People(defended)
    yield makers
    await makers.aclose()


@pytest_asyncio.fixture
async def pair(people: People) -> TimedPair:
    """Two people whom no attack may disturb."""
    return await TimedPair.meet(people)
