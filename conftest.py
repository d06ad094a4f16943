"""What holds for all tests: their markers by folder, and no skips where changes are checked."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

pytest_plugins = ["dash_messenger.testing"]
ROOT = Path(__file__).parent
# The other rooms' tests start processes, hash passwords, or wait for time limits.
UNIT_ROOMS = (
    *("conversations", "messages", "plugin_api", "protocol", "realtime", "server", "store"),
    *("supervisor", "testing"),
)
# The tests of a folder or file have these markers.
MARKERS = {
    **{f"core/tests/{room}": [pytest.mark.unit] for room in UNIT_ROOMS},
    "plugins": [pytest.mark.unit],
    "webui/tests": [pytest.mark.unit],
    "tests/attacks": [pytest.mark.alone],
    # One browser serves all tests of a worker.
    "tests/browser": [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")],
    "tests/crash": [pytest.mark.crash],
    "tests/crash/test_supervisor.py": [pytest.mark.alone],
    "tests/test_costly_content.py": [pytest.mark.alone],
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let attacks be run at full size."""
    parser.addoption("--full-scale", action="store_true", help="run tests/attacks at full size")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the markers of its folder."""
    for item in items:
        for place, markers in MARKERS.items():
            if item.path.is_relative_to(ROOT / place):
                for marker in markers:
                    # Before the marker that pytest-asyncio gives by itself.
                    item.add_marker(marker, append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip inside a test or a fixture into a failure."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure."""
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure here: {report.longrepr}"
