"""The test kit: a real server, clients and a clock that stands still, for tests of plugins too.

In a ``conftest.py``::

    pytest_plugins = ["dash_messenger.testing"]

Then a test asks for ``server`` (one for the whole run, on a free port, its data in a temporary
folder) and ``people`` (makes signed-in clients of new users). Needs pytest and pytest-asyncio.
"""

import pytest

# Whoever inherits from a contract is shown what differed.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module}" for module in ("factors", "growth", "message_types", "themes"))
)

from dash_messenger.client.http import post, upload  # noqa: E402
from dash_messenger.testing.factors import FactorContract  # noqa: E402
from dash_messenger.testing.fixtures import (  # noqa: E402
    PASSWORD,
    FakeClock,
    Network,
    People,
    ServerProcess,
    people,
    server,
)
from dash_messenger.testing.message_types import MessageTypeContract  # noqa: E402
from dash_messenger.testing.themes import ThemeContract  # noqa: E402
from dash_messenger.testing.trial import Trial  # noqa: E402

__all__ = [
    "PASSWORD",
    "FactorContract",
    "FakeClock",
    "MessageTypeContract",
    "Network",
    "People",
    "ServerProcess",
    "ThemeContract",
    "Trial",
    "people",
    "post",
    "server",
    "upload",
]
