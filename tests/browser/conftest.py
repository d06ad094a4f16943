"""A real server, a real Chromium, and people who use them.

Every page is watched: a console error, an uncaught exception, a request to another origin or a
violation of the content security policy fails the test that opened the page.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.testing import ServerProcess
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

PASSWORD = "seven quiet otters at dawn"
# What is waited for comes much sooner; a loaded machine must not decide whether a test passes.
PATIENCE_S = 30
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
# What does not depend on the size of the window is tested at one.
at_one_size = pytest.mark.parametrize("size", ["desktop"])
# Chromium talks to its maker's servers unless it is told not to.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]

_names = (f"user{number}" for number in itertools.count(1))


def chromium_path() -> str | None:
    """An installed Chromium or Chrome, or None for Playwright's own."""
    named = os.environ.get("DASH_MESSENGER_CHROMIUM")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next((path for path in found if path), None)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of this session's own, on a free port, with nobody but an admin."""
    running = ServerProcess(tmp_path_factory.mktemp("browser") / "data")
    running.run("user", "add", "root", "--admin", "--password-file", "-", typed=f"{PASSWORD}\n")
    running.start()
    yield running
    running.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; each person gets a context of their own in it."""
    expect.set_options(timeout=PATIENCE_S * 1_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        yield browser
        await browser.close()


@dataclass
class Person:
    """Somebody with an account, in a browser context of their own."""

    username: str
    id: str
    context: BrowserContext
    base_url: str
    problems: list[str]
    pages: list[Page] = field(default_factory=list)

    async def open(self, path: str = "/") -> Page:
        """A new page at ``path``, watched."""
        page = await self.context.new_page()
        self.pages.append(page)
        await page.goto(self.base_url + path)
        return page

    async def call(self, command: str, **params: Any) -> Any:
        """The result of a command, sent with this person's cookie."""
        answer = await self.context.request.post(
            f"{self.base_url}/api/{command}", data=params, headers={"Origin": self.base_url}
        )
        body = await answer.json()
        assert answer.ok, (command, answer.status, body)
        return body

    async def send(self, conversation: str, text: str) -> Any:
        """A text message, sent without the page."""
        return await self.post(conversation, "text", {"text": text})

    async def post(
        self, conversation: str, type: str, content: dict[str, Any], **params: Any
    ) -> Any:
        """A message of any type, sent without the page."""
        return await self.call(
            "message.send",
            conversation=conversation,
            client_id=os.urandom(16).hex(),
            type=type,
            content=content,
            **params,
        )

    async def upload(self, name: str, media_type: str, content: bytes) -> str:
        """The blob of a file, uploaded without the page."""
        file = FilePayload(name=name, mimeType=media_type, buffer=content)
        answer = await self.context.request.post(
            f"{self.base_url}/blobs", multipart={"file": file}, headers={"Origin": self.base_url}
        )
        body = await answer.json()
        assert answer.ok, (answer.status, body)
        return str(body["id"])


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """``desktop`` or ``phone``: a test that names it runs at both."""
    return str(request.param)


@pytest.fixture
def scheme() -> str:
    """``light`` or ``dark``; tests parametrise it."""
    return "light"


@pytest.fixture
def language() -> str:
    """The language that browsers ask for; tests parametrise it."""
    return "en-GB"


@pytest_asyncio.fixture(loop_scope="session")
async def new_context(
    browser: Browser, server: ServerProcess, size: str, scheme: str, language: str
) -> AsyncIterator[Callable[[], Awaitable[tuple[BrowserContext, list[str]]]]]:
    """Makes watched contexts of the test's size, colour scheme and language."""
    made: list[tuple[BrowserContext, list[str]]] = []
    width, height = SIZES[size]

    async def new_context() -> tuple[BrowserContext, list[str]]:
        context = await browser.new_context(
            viewport=ViewportSize(width=width, height=height),
            has_touch=size == "phone",
            is_mobile=size == "phone",
            color_scheme=scheme,  # type: ignore[arg-type]
            locale=language,
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(PATIENCE_S * 1_000)
        problems: list[str] = []
        watch(context, server.url, problems)
        made.append((context, problems))
        return context, problems

    yield new_context
    for context, _ in made:
        await context.close()
    assert [problem for _, problems in made for problem in problems] == []


@pytest_asyncio.fixture(loop_scope="session")
async def person(
    server: ServerProcess,
    new_context: Callable[[], Awaitable[tuple[BrowserContext, list[str]]]],
) -> Callable[..., Awaitable[Person]]:
    """Makes people: registered, logged in by cookie."""

    async def person(display_name: str | None = None) -> Person:
        context, problems = await new_context()
        username = next(_names)
        someone = Person(username, "", context, server.url, problems)
        registered = await someone.call(
            "account.register",
            username=username,
            password=PASSWORD,
            display_name=display_name or username.capitalize(),
        )
        someone.id = registered["user"]["id"]
        await someone.call("session.open", username=username, password=PASSWORD, **{"as": "cookie"})
        return someone

    return person


def watch(context: BrowserContext, origin: str, problems: list[str]) -> None:
    """Collect what must not happen on any page of ``context``.

    A test that provokes a failed request (offline, a restart) empties ``problems`` of the
    network's own complaints by `forgive_network`.
    """

    def on_page(page: Page) -> None:
        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
        page.on("request", lambda request: on_request(request.url))

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text} ({message.location.get('url')})")

    def on_request(url: str) -> None:
        allowed = (origin + "/", origin.replace("http", "ws", 1) + "/", "data:", "blob:")
        if not url.startswith(allowed):
            problems.append(f"foreign request: {url}")

    context.on("page", on_page)


def forgive_network(problems: list[str]) -> None:
    """Drop what Chromium itself logs about a connection that the test cut."""
    excused = ("net::ERR_", "WebSocket connection to", "Failed to load resource", "502", "503")
    problems[:] = [p for p in problems if not any(word in p for word in excused)]


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots for people to look at are put; not part of the repository."""
    folder = Path(__file__).parents[2] / "test-results" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
