"""The forms in which files and photos are sent."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

from PIL import Image
from playwright.async_api import Locator, Page, expect

FORM = ".dm-form"
SEND = ".dm-form footer button[type=submit]"


def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(out, "PNG")
    return out.getvalue()


def chosen(*names: str) -> list[Any]:
    kinds = {"png": "image/png", "txt": "text/plain"}
    return [{"name": name, "mimeType": kinds[name[-3:]], "buffer": png()} for name in names]


async def form(page: Page, entry: str) -> Locator:
    await page.get_by_role("button", name="Attach").click()
    await page.get_by_role("menuitem", name=re.compile(rf"^{entry}\b")).click()
    await expect(page.locator(FORM)).to_be_visible()
    return page.locator(".dm-add-files input")


async def transfer(page: Page, event: str, target: str, *names: str, text: str = "") -> None:
    """Drag, drop or paste pictures, as a browser does it, with ``text`` beside them."""
    await page.locator(target).first.evaluate(
        """(target, [event, names, content, text]) => {
            const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            const moved = new DataTransfer();
            for (const name of names) {
                const type = name.endsWith('png') ? 'image/png' : 'text/plain';
                moved.items.add(new File([bytes], name, { type }));
            }
            if (text) moved.setData('text/plain', text);
            const options = { bubbles: true, cancelable: true };
            target.dispatchEvent(event === 'paste'
                ? new ClipboardEvent(event, { ...options, clipboardData: moved })
                : new DragEvent(event, { ...options, dataTransfer: moved }));
        }""",
        [event, list(names), base64.b64encode(png()).decode(), text],
    )


async def sent(page: Page) -> None:
    await page.locator(f"{SEND}:enabled").click()
    await expect(page.locator(FORM)).to_have_count(0)
    stored = re.compile("sent|read")
    row = page.locator(".dm-row.dm-own").last
    await expect(row).to_have_attribute("data-state", stored)
