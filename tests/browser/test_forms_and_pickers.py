"""What forms and pickers send goes the way of text: at once, kept, once, with its refusals told."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import forgive_network
from tests.browser.pages.forms import FORM, SEND, form
from tests.browser.pages.messenger import open_chat
from tests.browser.people import talk
from tests.browser.wire import sit_in_the_middle

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ONLINE = "() => window.dashMessenger?.store.online"
OFFLINE = "() => window.dashMessenger?.store.online === false"
SENT = re.compile("sent|read")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "lake.jpg"
    Image.radial_gradient("L").resize((900, 600)).convert("RGB").save(path, "JPEG")
    return path


async def fill_photo(page: Page, photo: Path, caption: str) -> None:
    """The form of a photo, filled, with its file uploaded."""
    await (await form(page, "Photo")).set_input_files(photo)
    await page.get_by_label("Caption").fill(caption)
    await expect(page.locator(SEND)).to_be_enabled()


async def types_stored(person: Any, chat: str) -> list[str]:
    found = await person.call("message.history", conversation=chat)
    return [message["type"] for message in found["messages"]]


async def test_a_sticker_sent_offline_waits_survives_a_reload_and_arrives_once(
    person: Any, size: str
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    there = await open_chat(bob, chat)
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.wait_for_function(ONLINE)
    await page.get_by_role("button", name="Stickers").click()
    picker = page.get_by_role("dialog", name="Stickers")
    await expect(picker.locator(".dm-pick img").first).not_to_have_js_property("naturalWidth", 0)
    wire.refuse = True
    await wire.cut()
    await page.wait_for_function(OFFLINE)
    await picker.locator(".dm-pick").first.click()
    row = page.locator(".dm-row")
    await expect(row).to_have_attribute("data-state", "pending")
    before = await row.locator("img").bounding_box()
    await page.reload()
    await expect(row).to_have_attribute("data-state", "pending")
    await expect(row.locator("img")).to_be_visible()
    await expect(there.locator(".dm-row")).to_have_count(0)
    wire.refuse = False
    await expect(row).to_have_attribute("data-state", SENT)
    await expect(row.locator('.dm-body[data-plugin="stickers"] img')).to_be_visible()
    await expect(there.locator(".dm-row")).to_have_count(1)
    after = await row.locator("img").bounding_box()
    assert before
    assert after
    # The server's own drawing stands where the picture stood.
    assert (before["width"], before["height"]) == (after["width"], after["height"])
    assert await types_stored(ann, chat) == ["sticker"]


def black_and_white() -> bytes:
    """A picture of a black and a white half, on nothing."""
    picture = Image.new("RGBA", (400, 400))
    picture.paste("black", (50, 50, 200, 350))
    picture.paste("white", (200, 50, 350, 350))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_sticker_is_seen_where_it_has_the_colour_of_the_ground(
    person: Any, size: str, scheme: Any, pictures: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page = await ann.context.new_page()
    await page.emulate_media(color_scheme=scheme)
    await page.route("**/blobs/*", lambda route: route.fulfill(body=black_and_white()))
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.get_by_role("button", name="Stickers").click()
    await page.locator(".dm-pick img").first.click()
    sticker = page.locator('.dm-body[data-plugin="stickers"] img')
    await expect(sticker).not_to_have_js_property("naturalWidth", 0)
    await page.screenshot(path=pictures / f"sticker-on-ground-{scheme}-{size}.png")
    seen = Image.open(io.BytesIO(await sticker.screenshot())).convert("L")
    across = seen.crop((0, seen.height // 2, seen.width, seen.height // 2 + 1)).tobytes()
    ground, quarter = across[1], seen.width // 4
    for edge in (across[:quarter], across[-quarter:]):
        assert max(abs(one - ground) for one in edge) > 60


async def test_a_form_sent_offline_waits_survives_a_reload_and_arrives_once(
    person: Any, size: str, photo: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    there = await open_chat(bob, chat)
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.wait_for_function(ONLINE)
    await fill_photo(page, photo, "Dusk")
    wire.refuse = True
    await wire.cut()
    await page.wait_for_function(OFFLINE)
    await page.locator(SEND).click()
    await expect(page.locator(FORM)).to_have_count(0)
    row = page.locator(".dm-row")
    await expect(row).to_have_attribute("data-state", "pending")
    await expect(row).to_contain_text("Dusk")
    await page.reload()
    await expect(row).to_have_attribute("data-state", "pending")
    await expect(row).to_contain_text("Dusk")
    wire.refuse = False
    await expect(row).to_have_attribute("data-state", SENT)
    await expect(there.locator('.dm-body[data-plugin="photo"] img')).to_have_count(1)
    assert await types_stored(ann, chat) == ["photo"]


async def places(row: Locator, pictures: Locator) -> list[Any]:
    """Where a bubble and the pictures in it stand."""
    all = [row.locator(".dm-bubble"), *await pictures.all()]
    return [await one.bounding_box() for one in all]


@pytest.mark.parametrize("shapes", [[(900, 600)], [(600, 900), (900, 600), (700, 700)]])
async def test_photos_stand_at_their_size_while_they_are_sent(
    person: Any, size: str, tmp_path: Path, pictures: Path, shapes: list[tuple[int, int]]
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page = await open_chat(ann, chat)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/blobs", held.put_nowait)
    files = [tmp_path / f"{at}.jpg" for at in range(len(shapes))]
    for path, shape in zip(files, shapes, strict=True):
        Image.radial_gradient("L").resize(shape).convert("RGB").save(path, "JPEG")
    await (await form(page, "Photo")).set_input_files(files)
    await page.get_by_label("Caption").fill("Dusk")
    seen = page.locator(".dm-file-picture")
    for at in range(len(shapes)):
        await expect(seen.nth(at)).not_to_have_js_property("naturalWidth", 0)
    await page.locator(SEND).click()
    row = page.locator(".dm-row")
    shown = row.locator('.dm-body[data-plugin="photo"] img[src^="blob:"]')
    await expect(shown).to_have_count(len(shapes))
    await expect(shown.first).not_to_have_js_property("naturalWidth", 0)
    await expect(row).to_have_attribute("data-state", "pending")
    await expect(page.get_by_text("% uploaded")).to_be_visible()
    await page.screenshot(path=pictures / f"photo-on-its-way-{len(shapes)}-{size}.png")
    before = await places(row, shown)
    # Its own pictures are slow too: until they have come, what the browser has stays over them.
    slow: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/blobs/*", slow.put_nowait)
    for _ in shapes:
        await (await held.get()).continue_()
    await expect(row).to_have_attribute("data-state", SENT)
    late = [await slow.get() for _ in shapes]
    await expect(shown).to_have_count(len(shapes))
    for route in late:
        await route.continue_()
    await expect(shown).to_have_count(0)
    drawn = row.locator("[data-gallery] img")
    await expect(drawn).to_have_count(len(shapes))
    assert await places(row, drawn) == before
    await page.reload()
    await expect(drawn).to_have_count(len(shapes))
    assert await places(row, drawn) == before
    forgive_network(ann.problems)


async def test_a_refused_form_is_opened_again_with_the_refusal_under_its_field(
    person: Any, size: str, photo: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page = await open_chat(ann, chat)
    words = "Dusk at the lake. " * 200
    caption = page.get_by_label("Caption")
    await fill_photo(page, photo, "Dusk")
    # The server's limit is the one that counts.
    await caption.evaluate("(area) => area.removeAttribute('maxlength')")
    await caption.fill(words)
    await page.locator(SEND).click()
    await expect(page.locator(FORM)).to_have_count(0)
    row = page.locator(".dm-row")
    await expect(row).to_have_attribute("data-state", "failed")
    # What was refused is kept over a reload too.
    await page.reload()
    await expect(row).to_have_attribute("data-state", "failed")
    await page.locator(".dm-failed").get_by_role("button", name="Edit").click()
    opened = page.locator(FORM)
    await expect(caption).to_have_attribute("aria-invalid", "true")
    await expect(opened.locator(".dm-form-problem")).to_have_count(1)
    await expect(
        opened.locator(".dm-field", has=caption).locator(".dm-form-problem")
    ).to_be_visible()
    await expect(caption).to_have_value(words.strip())
    await expect(opened.locator(".dm-file-name")).to_have_text("lake.jpg")
    await page.keyboard.press("Escape")
    await expect(opened).to_have_count(0)
    await expect(row).to_have_attribute("data-state", "failed")
    await page.locator(".dm-failed").get_by_role("button", name="Edit").click()
    await caption.fill("Dusk")
    await page.locator(SEND).click()
    await expect(row).to_have_attribute("data-state", SENT)
    await expect(row.locator(".caption")).to_have_text("Dusk")
    assert await types_stored(ann, chat) == ["photo"]


async def test_an_answer_written_in_a_form_answers_and_no_longer_waits(
    person: Any, size: str, photo: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    asked = await bob.send(chat, "Where were you?")
    page = await open_chat(ann, chat)
    await page.locator(".dm-row .dm-bubble").click(button="right")
    await page.get_by_role("menuitem", name="Reply").click()
    await fill_photo(page, photo, "Here")
    await page.locator(SEND).click()
    await expect(page.locator(".dm-composing")).to_have_count(0)
    await expect(page.locator(".dm-own .dm-quote")).to_contain_text("Where were you?")
    await expect(page.locator(".dm-own")).to_have_attribute("data-state", SENT)
    found = await ann.call("message.history", conversation=chat)
    assert found["messages"][-1]["reply_to"]["id"] == asked["id"]
