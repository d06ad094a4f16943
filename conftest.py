"""On the machine that checks changes, a test that is skipped has failed: nobody would notice."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

pytest_plugins = ["dash_messenger.testing"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let attacks be run at full size."""
    parser.addoption("--full-scale", action="store_true", help="run tests/attacks at full size")


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
