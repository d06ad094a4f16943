"""A browser for benchmarks: Chromium beside the load generator, signed in as one of its people.

Owns how it is started and how the renderer's main thread is read: its CPU time, not the time that
passes, so that other processes on the machine spoil little.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dash_messenger.testing import ServerProcess
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Page,
    ViewportSize,
    sync_playwright,
)

# Chromium talks to its maker's servers unless it is told not to.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
SETTLED = ".dm-scroll[data-settled]"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, headless."""
    path = os.environ.get("DASH_MESSENGER_CHROMIUM")
    if path is None:
        sys.exit("no browser: python3 dev.py bench NAME finds or installs one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path or None, args=list(QUIET))
        yield browser
        browser.close()


def context_of(browser: Browser, server: ServerProcess, token: str) -> BrowserContext:
    """An empty profile that has nothing but the session's cookie."""
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    context.add_cookies([{"name": "session", "value": token, "url": server.url}])
    context.set_default_timeout(30_000)
    return context


class MainThread:
    """The CPU time that the page's main thread has used for tasks."""

    def __init__(self, page: Page) -> None:
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._last_ms = self._now_ms()

    def _now_ms(self) -> float:
        metrics = self._devtools.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))

    def reset(self) -> None:
        """Count from here."""
        self._last_ms = self._now_ms()

    def used_ms(self) -> float:
        """Since the last call or `reset`."""
        before, self._last_ms = self._last_ms, self._now_ms()
        return self._last_ms - before
