"""What messages are written with beside the text box: formats, photos, files, stickers, themes."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Page, Request, expect

from tests.browser.pages.any_page import becomes, drawn
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.forms import form
from tests.browser.pages.messenger import TEXT_BOX, open_chat, open_list
from tests.browser.people import talk

NIGHT = """() => getComputedStyle(document.documentElement)
    .getPropertyValue('--surface-0').trim() === '#0b1424'"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "lake.jpg"
    Image.radial_gradient("L").resize((900, 600)).convert("RGB").save(path, "JPEG")
    return path


async def sent(page: Page) -> None:
    await page.locator(".dm-form footer button:not([disabled])").click()
    await expect(page.locator(".dm-form")).to_have_count(0)


async def test_markdown_is_written_previewed_and_drawn(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await page.get_by_role("button", name="Write as: Markdown").click()
    box = page.locator(TEXT_BOX)
    await box.fill("tea")
    await box.select_text()
    await page.get_by_role("button", name="Bold").click()
    await expect(box).to_have_value("**tea**")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator(".dm-preview strong")).to_have_text("tea")
    await page.get_by_role("button", name="Preview").click()
    await box.fill("**tea**\n\n```python\nx = 1\n```\n\nand ||a secret||")
    await page.get_by_role("button", name="Send").click()
    drawn = there.locator('.dm-body[data-plugin="markdown"]')
    await expect(drawn.locator("strong")).to_have_text("tea")
    await expect(drawn.locator("pre")).to_have_text("x = 1")
    spoiler = drawn.locator("[data-reveal]")
    await spoiler.click()
    await expect(spoiler).to_have_attribute("data-revealed", "")


async def test_a_photo_is_sent_with_a_caption_and_opened_large(
    person: Any, size: str, photo: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await form(page, "Photo")
    await page.locator(".dm-add-files input").set_input_files([photo, photo])
    await page.get_by_label("What is in the picture").first.fill("A lake")
    await page.get_by_label("Caption").fill("Dusk")
    await sent(page)
    shown = there.locator('.dm-body[data-plugin="photo"]')
    await expect(shown.locator("img")).to_have_count(2)
    await expect(shown.locator("img").first).to_have_attribute("alt", "A lake")
    await expect(shown.locator(".caption")).to_have_text("Dusk")
    await shown.get_by_role("button").first.click()
    gallery = there.get_by_role("dialog", name="Picture")
    await expect(gallery.locator("img")).to_have_js_property("naturalWidth", 900)
    await there.keyboard.press("ArrowRight")
    await there.keyboard.press("Escape")
    await expect(gallery).to_have_count(0)
    await expect(shown.get_by_role("button").first).to_be_focused()


async def test_a_file_is_sent_and_downloaded_as_it_was(
    person: Any, size: str, tmp_path: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page = await open_chat(ann, chat)
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(b"no picture at all")
    await form(page, "File")
    await page.locator(".dm-add-files input").set_input_files(wrong)
    await sent(page)
    link = page.locator('.dm-body[data-plugin="files"] a')
    await expect(link).to_contain_text("wrong.png")
    address = await link.get_attribute("href")
    answer = await bob.context.request.get(f"{bob.base_url}{address}")
    assert await answer.body() == b"no picture at all"
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_a_sticker_is_picked_and_its_pack_kept(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await page.get_by_role("button", name="Stickers").click()
    picker = page.get_by_role("dialog", name="Stickers")
    await picker.get_by_role("searchbox").fill("☕")
    await expect(picker.locator(".dm-pick")).to_have_count(1)
    # The only one that was found is the one that is meant.
    await picker.get_by_role("searchbox").press("Enter")
    shown = there.locator('.dm-bare .dm-body[data-plugin="stickers"] img')
    await expect(shown).to_have_attribute("alt", "☕")
    await expect(shown).to_have_js_property("naturalWidth", 384)


async def test_a_pack_made_by_another_is_kept_in_one_tap(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    pack = await ann.call("stickers.make", title="Dots")
    out = io.BytesIO()
    Image.new("RGBA", (300, 300), (200, 30, 30, 128)).save(out, "PNG")
    blob = await ann.upload("dot.png", "image/png", out.getvalue())
    item = await ann.call("stickers.add", pack=pack["id"], blob=blob, emoji="🔴")
    await ann.post(chat, "sticker", {"sticker": item["id"]})
    there = await open_chat(bob, chat)
    titles = [one["title"] for one in (await bob.call("stickers.packs"))["packs"]]
    assert "Dots" not in titles
    await there.locator(".dm-bare img").click(button="right")
    await there.get_by_role("menuitem", name="Add these stickers").click()
    await expect(there.get_by_role("status")).to_have_text("The stickers are in your picker now.")
    titles = [one["title"] for one in (await bob.call("stickers.packs"))["packs"]]
    assert "Dots" in titles
    await expect(there.get_by_role("status")).to_have_text("")


async def test_a_pack_of_one_s_own_is_made_in_the_settings(
    person: Any, size: str, tmp_path: Path
) -> None:
    ann = await person("Ann")
    paths = []
    for n in range(3):
        out = io.BytesIO()
        Image.new("RGBA", (700, 500 - 100 * n), (200, 30, 30, 128)).save(out, "PNG")
        paths.append(tmp_path / f"dot{n}.png")
        paths[-1].write_bytes(out.getvalue())
    for name in ("wrong.png", "fake.heic"):
        (tmp_path / name).write_bytes(b"no picture")
    page = await open_list(ann)
    answered = watch_callbacks(page)
    settings = await open_dialog(page, "Settings")
    await settings.locator(".settings-panel > summary", has_text="Stickers").click()
    await settings.get_by_label("Name of a new pack").fill("Dots")
    await page.keyboard.press("Enter")
    pack = settings.locator(".pack", has_text="Dots")
    # Dash asks once more for what has just been drawn.
    await answered()
    wrong = [tmp_path / "wrong.png", tmp_path / "fake.heic"]
    await pack.locator(".dm-uploads input").set_input_files([paths[0], *wrong, *paths[1:]])
    await expect(pack.locator(".tiles > li")).to_have_count(3)
    for one in wrong:
        await expect(settings.get_by_text(f"{one.name}: This is no picture.")).to_be_visible()
    assert await heights(ann) == [366, 293, 219]
    await answered()
    await pack.get_by_role("button", name="Later").first.click()
    await becomes(lambda: heights(ann), lambda now: now == [293, 366, 219])
    await answered()
    await expect(pack.get_by_role("button", name="Earlier").first).to_be_disabled()
    await pack.get_by_label("Emoji").nth(1).fill("🔴")
    await page.keyboard.press("Enter")
    await becomes(
        lambda: ann.call("stickers.packs"), lambda found: found["packs"][0]["items"][1]["emoji"]
    )
    await answered()
    await pack.get_by_label("Name", exact=True).fill("Red dots")
    await page.keyboard.press("Enter")
    renamed = settings.locator(".pack", has_text="Red dots")
    await expect(renamed.locator(".pack-count")).to_have_text("3 stickers")
    await answered()
    await renamed.get_by_role("button", name="Remove").last.click()
    await expect(renamed.locator(".pack-count")).to_have_text("2 stickers")
    (made, *_) = (await ann.call("stickers.packs"))["packs"]
    assert (made["title"], [item["emoji"] for item in made["items"]]) == ("Red dots", ["", "🔴"])
    assert made["items"][1]["width"] == 512
    await answered()
    await renamed.get_by_text("Delete the pack").click()
    await renamed.get_by_role("button", name="Delete", exact=True).click()
    await expect(renamed).to_have_count(0)
    assert "Red dots" not in str(await ann.call("stickers.packs"))


def watch_callbacks(page: Page) -> Callable[[], Awaitable[None]]:
    """What waits until all callbacks of the page are answered, those of what they drew too."""
    running: set[Request] = set()

    def begin(request: Request) -> None:
        if "_dash-update-component" in request.url:
            running.add(request)

    def end(request: Request) -> None:
        running.discard(request)

    page.on("request", begin)
    page.on("requestfinished", end)
    page.on("requestfailed", end)

    async def answered() -> None:
        async def look() -> int:
            await drawn(page)
            return len(running)

        await becomes(look, lambda left: not left)

    return answered


async def heights(ann: Any) -> list[int]:
    (made, *_) = (await ann.call("stickers.packs"))["packs"]
    return [item["height"] for item in made["items"]]


@pytest.mark.parametrize("size", ["desktop"])
async def test_stickers_are_found_by_words_and_the_picker_is_there_at_once(
    person: Any, size: str
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    page = await open_chat(ann, await talk(ann, bob))
    button = page.locator(".dm-composer-line").get_by_role("button", name="Stickers")
    await button.click()
    picker = page.get_by_role("dialog", name="Stickers")
    await picker.get_by_role("searchbox").fill("coffee")
    await expect(picker.locator(".dm-pick")).to_have_count(1)
    await picker.get_by_role("searchbox").fill("no such thing")
    await expect(picker.get_by_text("Nothing found")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(picker).to_have_count(0)
    # What was seen last is shown before the server has answered.
    await page.evaluate("() => { window.dashMessenger.call = () => new Promise(() => undefined) }")
    await button.click()
    await expect(picker.locator(".dm-pick").first).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await expect(picker.locator(".dm-pick").first).to_be_focused()


async def test_a_theme_is_live_and_there_on_the_next_page(person: Any, size: str) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    await settings.get_by_text("Night", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "night")
    await page.wait_for_function(NIGHT)
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    await becomes(lambda: ann.call("account.get"), lambda account: account["theme"] == "night")
    other = await ann.open("/")
    await expect(other.locator("html")).to_have_attribute("data-theme", "night")
    await other.wait_for_function(NIGHT)


async def test_each_theme_shows_itself_before_it_is_chosen(person: Any) -> None:
    ann = await person("Ann")
    settings = await open_dialog(await open_list(ann), "Settings")
    # As on this device shows two.
    await expect(settings.locator(".swatch > span")).to_have_count(7)
    grounds = await settings.locator(".swatch > span").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).backgroundColor)"
    )
    # Every other its own.
    assert len({*grounds[2:]}) == 5
    box = await settings.locator(".swatch").last.bounding_box()
    assert box
    assert box["width"] > 80
