"""Bytes over the wire of the web UI's first load, by an empty browser, and of its next visit.

Counts what the network carried of every response, headers too, and the frames of the WebSocket.
The best copies of the files are made beforehand, as they are once a server has run for a minute.
"""

from __future__ import annotations

import time
from pathlib import Path

from browser import chromium, context_of
from playwright.sync_api import BrowserContext
from sockets import Wrong
from workload import data_folder, make_server, options, pin_load, report, seed

MEMBERS = 10
COMPRESSED_WITHIN_S = 120
SETTLED_MS = 2_500


def main() -> None:
    parser = options(__doc__)
    asked = parser.parse_args()
    with data_folder(asked.data) as data:
        server = make_server(data)
        workload = seed(server, MEMBERS, [])
        pin_load()
        try:
            server.start()
            await_compressed(data)
            with chromium() as browser:
                context = context_of(browser, server, workload.tokens[0])
                visits = [visit(context, server.url) for _ in range(2)]
        finally:
            server.kill()
    (cold, cold_parts), (warm, warm_parts) = visits
    figures = {"cold_kb": round(cold / 1000, 1), "warm_kb": round(warm / 1000, 1)}
    notes = ["goals: 450 kB cold, 20 kB warm"]
    for words, parts in (("cold", cold_parts), ("warm", warm_parts)):
        heaviest = sorted(parts.items(), key=lambda part: -part[1])[:8]
        notes += [f"{words}: {size / 1000:8.1f} kB  {name}" for name, size in heaviest if size]
    report(figures, notes, only_figures=asked.json)


def await_compressed(folder: Path) -> None:
    """Wait until the copies that are made ahead of time no longer grow in number."""
    deadline = time.monotonic() + COMPRESSED_WITHIN_S
    before, still_s = -1, 0.0
    # The largest takes eight seconds of an idle core.
    while still_s < 25:
        if time.monotonic() > deadline:
            raise Wrong("the compressed copies were not made in time")
        made = len(list(folder.rglob("*.br")))
        still_s = still_s + 0.5 if made == before and made else 0.0
        before = made
        time.sleep(0.5)


def visit(context: BrowserContext, url: str) -> tuple[float, dict[str, float]]:
    """The bytes of one visit with the context's cache, in total and by address."""
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    addresses: dict[str, str] = {}
    parts: dict[str, float] = {}

    def add(name: str, size: float) -> None:
        parts[name] = parts.get(name, 0) + size

    def on_frame(event: dict[str, dict[str, str]]) -> None:
        add("WebSocket", len(event["response"]["payloadData"].encode()))

    devtools.on(
        "Network.requestWillBeSent",
        lambda event: addresses.update({event["requestId"]: event["request"]["url"]}),
    )
    devtools.on(
        "Network.loadingFinished",
        lambda event: add(addresses[event["requestId"]], event["encodedDataLength"]),
    )
    devtools.on("Network.webSocketFrameReceived", on_frame)
    devtools.on("Network.webSocketFrameSent", on_frame)
    devtools.send("Network.enable")
    page.goto(url + "/")
    page.wait_for_selector(".dm-chats")
    page.wait_for_timeout(SETTLED_MS)
    page.close()
    named = {name.removeprefix(url).partition("?")[0]: size for name, size in parts.items()}
    return sum(parts.values()), named


if __name__ == "__main__":
    main()
