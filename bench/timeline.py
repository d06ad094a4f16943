"""What the messages cost the page's main thread: showing 500, one that comes in, one key press.

Main-thread CPU of the renderer, medians. All that follows is counted: each measured step is left
alone until nothing of it can be under way (the read position, the list, the title, what is kept
for a start without connection). The page is looked at only between the steps.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from browser import SETTLED, MainThread, chromium, context_of
from dash_messenger.testing import ServerProcess, post
from playwright.sync_api import Page
from sockets import Wrong
from workload import Workload, data_folder, make_server, options, percentile, pin_load, report, seed

MESSAGES = 500
MEMBERS = 10
TEXT = "The quick brown fox jumps over the lazy dog"
OPENED = 5
INCOMING = 24
KEYS = 40
# What is kept for the next start is written a second after the first change.
QUIET_MS = 1_200
KEY_QUIET_MS = 250


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--profile", type=Path, help="write a CPU profile of the incoming here")
    asked = parser.parse_args()
    with data_folder(asked.data) as data:
        server = make_server(data)
        workload = seed(server, MEMBERS, [range(MEMBERS), range(MEMBERS)])
        pin_load()
        try:
            server.start()
            asyncio.run(fill(server, workload))
            with chromium() as browser:
                page = context_of(browser, server, workload.tokens[0]).new_page()
                measured = measure(page, server, workload, asked.profile)
        finally:
            server.kill()
    names = {"show_500_ms": "showing 500", "incoming_ms": "one incoming", "key_ms": "one key"}
    figures = {name: round(statistics.median(measured[name]), 2) for name in names}
    notes = [
        f"{words}: median {figures[name]} ms, p90 {percentile(measured[name], 0.9):.1f} ms,"
        f" {len(measured[name])} times"
        for name, words in names.items()
    ]
    notes.append("goals: 150, 10 and 5 ms")
    report(figures, notes, only_figures=asked.json)


async def fill(server: ServerProcess, workload: Workload) -> None:
    """Put the messages into the first conversation, one author after the other."""
    for n in range(MESSAGES):
        await say(server, workload, n)
    # Read, so that it opens at its end.
    params = {"conversation": workload.conversations[0], "message_no": MESSAGES}
    await post(server.url, "read.advance", params, token=workload.tokens[0])


async def say(server: ServerProcess, workload: Workload, n: int) -> None:
    """Somebody else says something, of one to three lines."""
    params = {
        "conversation": workload.conversations[0],
        "client_id": os.urandom(16).hex(),
        "type": "text",
        "content": {"text": " ".join([TEXT] * (1 + n % 3)) + f" {n}"},
    }
    author = 1 + n // 3 % (MEMBERS - 1)
    await post(server.url, "message.send", params, token=workload.tokens[author])


def measure(
    page: Page, server: ServerProcess, workload: Workload, profile: Path | None
) -> dict[str, list[float]]:
    """The figures of each step, in milliseconds."""
    talk, other = workload.conversations[:2]
    page.goto(f"{server.url}/c/{talk}")
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(QUIET_MS)
    load_all(page, talk)
    thread = MainThread(page)
    page.evaluate("id => dashMessenger.route.open(id)", other)
    page.wait_for_timeout(QUIET_MS)

    shows = []
    for _ in range(OPENED):
        thread.reset()
        page.evaluate("id => dashMessenger.route.open(id)", talk)
        page.wait_for_timeout(QUIET_MS)
        shows.append(thread.used_ms())
        expect_shown(page, talk, MESSAGES, MESSAGES)
        page.evaluate("id => dashMessenger.route.open(id)", other)
        page.wait_for_timeout(QUIET_MS)

    page.evaluate("id => dashMessenger.route.open(id)", talk)
    page.wait_for_timeout(QUIET_MS)
    incoming = []
    devtools = page.context.new_cdp_session(page)
    if profile:
        devtools.send("Profiler.enable")
        devtools.send("Profiler.start")
    elsewhere = ThreadPoolExecutor(1)
    for n in range(MESSAGES, MESSAGES + INCOMING):
        thread.reset()
        # Playwright's loop runs in this thread.
        elsewhere.submit(asyncio.run, say(server, workload, n)).result()
        page.wait_for_timeout(QUIET_MS)
        incoming.append(thread.used_ms())
    if profile:
        profile.write_text(json.dumps(devtools.send("Profiler.stop")["profile"]))
    expect_shown(page, talk, MESSAGES + INCOMING, MESSAGES + INCOMING)

    page.focus("textarea.dm-textbox")
    page.keyboard.type("One ")
    keys = []
    for n in range(KEYS):
        page.wait_for_timeout(KEY_QUIET_MS)
        thread.reset()
        page.keyboard.press("abcdefghij"[n % 10])
        page.wait_for_timeout(KEY_QUIET_MS)
        keys.append(thread.used_ms())
    if len(page.input_value("textarea.dm-textbox")) != KEYS + 4:
        raise Wrong("keys were lost")
    return {"show_500_ms": shows, "incoming_ms": incoming, "key_ms": keys}


def load_all(page: Page, talk: str) -> None:
    """Have all messages loaded, as after scrolling up for long."""
    page.evaluate(
        """async (id) => {
            const { history, store } = dashMessenger;
            while (store.window(id).moreBefore) {
                await history.load(id, "before");
                await new Promise((drawn) => requestAnimationFrame(drawn));
            }
        }""",
        talk,
    )


def expect_shown(page: Page, talk: str, loaded: int, newest: int) -> None:
    """Make sure that what was measured has happened."""
    has = page.evaluate("id => dashMessenger.store.window(id).messages.length", talk)
    read_no = page.evaluate("id => dashMessenger.store.conversation(id).read_no", talk)
    shown = page.locator(f'.dm-row[data-number="{newest}"]').is_visible()
    if has != loaded or read_no != newest or not shown:
        raise Wrong(f"{has} loaded, read up to {read_no}, the newest is shown: {shown}")


if __name__ == "__main__":
    main()
