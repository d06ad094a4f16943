"""Pictures shown large: every one of the conversation, by mouse, by fingers and by keys."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.async_api import Locator, Page, expect

from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.messenger import open_chat
from tests.browser.people import talk

SCALE = "(image) => new DOMMatrix(getComputedStyle(image).transform).a"


async def upload(person: Any) -> str:
    """A picture wider than the window, with room above."""
    out = io.BytesIO()
    Image.radial_gradient("L").resize((1920, 1000)).convert("RGB").save(out, "JPEG")
    return str(await person.upload("p.jpg", "image/jpeg", out.getvalue()))


async def send_photos(person: Any, chat: str, *alts: str, caption: str = "") -> None:
    photos = [{"blob": await upload(person), "alt": alt} for alt in alts]
    await person.post(chat, "photo", {"photos": photos, "caption": caption})


ALL_DRAWN = """() => {
    const { store, route } = window.dashMessenger;
    return store.window(route.conversation).messages.every(({ view }) => view !== undefined);
}"""


async def a_chat(person: Any, *alts: str, lines: int = 0) -> Page:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await send_photos(ann, chat, "first", caption="Before it all")
    for line in range(lines):
        await ann.send(chat, f"line {line}")
    await send_photos(ann, chat, *alts)
    page = await open_chat(ann, chat)
    # A page of messages may come before all of them are drawn.
    await page.wait_for_function(ALL_DRAWN)
    return page


async def open_large(page: Page, name: str) -> Locator:
    # A page that still moves would be pressed beside the picture.
    await at_rest(page)
    await page.get_by_role("button", name=name, exact=True).click()
    gallery = page.get_by_role("dialog", name="Picture")
    await expect(gallery.locator("img")).to_have_js_property("complete", True)
    return gallery


async def swipe(page: Page, by_x: int, by_y: int) -> None:
    devtools = await page.context.new_cdp_session(page)
    x, y = 195, 400
    touch = "Input.dispatchTouchEvent"
    await devtools.send(touch, {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in range(1, 6):
        at = {"x": x + by_x * part / 5, "y": y + by_y * part / 5}
        await devtools.send(touch, {"type": "touchMove", "touchPoints": [at]})
    await devtools.send(touch, {"type": "touchEnd", "touchPoints": []})


async def test_a_link_in_a_caption_can_be_followed(person: Any, size: str, pictures: Path) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await send_photos(ann, chat, "a lake", caption="More: https://example.org/lake <b>")
    page = await open_chat(ann, chat)
    gallery = await open_large(page, "a lake")
    await expect(gallery.locator("p")).to_have_text(
        "More: https://example.org/lake <b>\na lake", use_inner_text=True
    )
    link = gallery.get_by_role("link", name="https://example.org/lake")
    await expect(link).to_have_attribute("href", "https://example.org/lake")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    # Nothing lies over it.
    await link.click(trial=True)
    await at_rest(page)
    await page.screenshot(path=pictures / f"viewer-link-{size}.png")


async def test_it_says_who_sent_the_picture_and_when(
    person: Any, size: str, pictures: Path
) -> None:
    page = await a_chat(person, "second")
    messages = "() => window.dashMessenger.store.window(window.dashMessenger.route.conversation)"
    times = await page.evaluate(
        f"() => ({messages})().messages.map((one) => window.dashMessenger.times.full(one.sent_at_ms))"
    )
    gallery = await open_large(page, "first")
    about = gallery.locator(".dm-gallery-about")
    await expect(about.locator("b")).to_have_text("Ann")
    await expect(about.locator("time")).to_have_attribute("title", times[0])
    await expect(gallery.locator("img")).to_have_attribute("alt", "first")
    await expect(gallery.locator("p")).to_have_text("Before it all\nfirst")
    save = gallery.get_by_role("link", name="Download")
    await expect(save).to_have_attribute("href", re.compile("^/blobs/"))
    await at_rest(page)
    await page.screenshot(path=pictures / f"viewer-{size}.png")
    await page.keyboard.press("ArrowRight")
    await expect(about.locator("time")).to_have_attribute("title", times[1])
    await expect(about).to_contain_text("2 / 2")
    zoom = gallery.get_by_role("button", name="Zoom")
    await zoom.focus()
    for pressed in ("true", "false"):
        await page.keyboard.press("Enter")
        await expect(zoom).to_have_attribute("aria-pressed", pressed)


async def test_keys_lead_through_all_pictures_that_are_loaded(person: Any) -> None:
    # The first has long been unmounted.
    page = await a_chat(person, "second", "third", lines=25)
    gallery = await open_large(page, "third")
    image, counter = gallery.locator("img"), gallery.get_by_role("status")
    await expect(counter).to_have_text("3 / 3")
    await expect(gallery.get_by_role("button", name="Next")).to_be_hidden()
    await page.keyboard.press("ArrowLeft")
    await expect(image).to_have_attribute("alt", "second")
    await page.keyboard.press("Home")
    await expect(image).to_have_attribute("alt", "first")
    await expect(gallery.locator("p")).to_have_text("Before it all\nfirst")
    await page.keyboard.press("ArrowLeft")
    await expect(counter).to_have_text("1 / 3")
    await page.keyboard.press("ArrowRight")
    await expect(counter).to_have_text("2 / 3")
    await page.keyboard.press("Escape")
    await expect(gallery).to_have_count(0)
    await expect(page.get_by_role("button", name="third", exact=True)).to_be_focused()


async def test_the_picture_is_saved_as_a_file(person: Any) -> None:
    page = await a_chat(person, "second")
    gallery = await open_large(page, "second")
    async with page.expect_download() as begun:
        await gallery.get_by_role("link", name="Download").click()
    assert (await begun.value).suggested_filename == "photo.webp"


async def test_the_wheel_zooms_to_where_one_points_and_a_drag_moves_what_is_large(
    person: Any,
) -> None:
    page = await a_chat(person, "second")
    gallery = await open_large(page, "second")
    image = gallery.locator("img")
    await at_rest(page)
    box = await image.bounding_box()
    assert box
    corner = (box["x"] + 200, box["y"] + 100)
    await page.mouse.move(*corner)
    for _ in range(6):
        await page.mouse.wheel(0, -120)
    await expect(gallery).to_have_attribute("data-zoomed", "")
    await at_rest(page)
    assert await image.evaluate(SCALE) > 2
    large = await image.bounding_box()
    assert large
    # What was under the pointer is there still.
    assert abs(large["x"] + 200 / box["width"] * large["width"] - corner[0]) < 3
    await page.mouse.down()
    await page.mouse.move(corner[0] - 60, corner[1] - 50, steps=4)
    await page.mouse.up()
    wanted = pytest.approx(large["x"] - 60, abs=3)
    await becomes(image.bounding_box, lambda moved: moved and moved["x"] == wanted)
    await page.keyboard.press("0")
    await expect(gallery).not_to_have_attribute("data-zoomed", "")


async def test_a_double_click_zooms_and_a_click_beside_closes(person: Any) -> None:
    page = await a_chat(person, "second")
    gallery = await open_large(page, "second")
    await gallery.locator("img").dblclick()
    await expect(gallery).to_have_attribute("data-zoomed", "")
    await gallery.locator("img").dblclick()
    await expect(gallery).not_to_have_attribute("data-zoomed", "")
    await at_rest(page)
    picture = await gallery.locator("img").bounding_box()
    assert picture
    await page.mouse.click(picture["x"] + 200, picture["y"] - 5)
    await expect(gallery).to_have_count(0)


@pytest.mark.parametrize("size", ["phone"])
async def test_fingers_swipe_between_pictures_and_down_to_close(person: Any, size: str) -> None:
    page = await a_chat(person, "second", "third")
    gallery = await open_large(page, "second")
    counter = gallery.get_by_role("status")
    await swipe(page, -150, 10)
    await expect(counter).to_have_text("3 / 3")
    await swipe(page, 150, -5)
    await swipe(page, 150, 5)
    await expect(counter).to_have_text("1 / 3")
    # Too short for anything.
    await swipe(page, 0, 60)
    await expect(counter).to_have_text("1 / 3")
    await swipe(page, 5, 220)
    await expect(gallery).to_have_count(0)


@pytest.mark.parametrize("size", ["phone"])
async def test_two_fingers_pinch(person: Any, size: str) -> None:
    page = await a_chat(person, "second")
    gallery = await open_large(page, "second")
    devtools = await page.context.new_cdp_session(page)
    for kind, spread in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120)):
        points = [{"x": 195 - spread, "y": 400, "id": 0}, {"x": 195 + spread, "y": 400, "id": 1}]
        await devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await expect(gallery).to_have_attribute("data-zoomed", "")
    image = gallery.locator("img")
    await becomes(lambda: image.evaluate(SCALE), lambda scale: scale == pytest.approx(3, abs=0.2))


async def test_nothing_moves_while_photos_come(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    for alts in (("one",), ("a", "b", "c"), ("x", "y")):
        await send_photos(ann, chat, *alts, caption="under it")
    await ann.context.route("**/blobs/*", lambda route: None)
    page = await open_chat(ann, chat)
    await page.wait_for_function(ALL_DRAWN)
    await at_rest(page)
    tops = (
        "() => [...document.querySelectorAll('.dm-row')].map((r) => r.getBoundingClientRect().top)"
    )
    before = await page.evaluate(tops)
    assert await page.locator('[data-plugin="photo"] button').first.evaluate(
        "(one) => getComputedStyle(one).backgroundImage.startsWith('url(\"data:image/png')"
    )
    await ann.context.unroute_all()
    await page.reload()
    pictures = page.locator('[data-plugin="photo"] img')
    await expect(pictures).to_have_count(6)
    await page.wait_for_function(
        "() => [...document.querySelectorAll('.dm-row img')].every((one) => one.naturalWidth)"
    )
    await becomes(lambda: page.evaluate(tops), lambda after: after == before)


def transparent(colour: str) -> bytes:
    picture = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((50, 50, 250, 250), fill=colour)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_is_transparent_can_be_seen_in_either_scheme(person: Any, scheme: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    for colour in ("black", "white", "teal"):
        blob = await ann.upload("p.png", "image/png", transparent(colour))
        await ann.post(chat, "photo", {"photos": [{"blob": blob, "alt": colour}]})
    page = await open_chat(ann, chat)
    behind = {
        colour: await page.get_by_role("button", name=colour, exact=True).evaluate(
            "(one) => getComputedStyle(one).backgroundColor"
        )
        for colour in ("black", "white", "teal")
    }
    clear = "rgba(0, 0, 0, 0)"
    assert behind["teal"] == clear
    assert (behind["black"] == clear) == (scheme == "light")
    assert (behind["white"] == clear) == (scheme == "dark")
    gallery = await open_large(page, "black")
    await expect(gallery.locator("img")).to_have_css("background-color", "rgb(242, 244, 246)")
    await page.keyboard.press("ArrowRight")
    await expect(gallery.locator("img")).to_have_css("background-color", clear)


def ruled(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(out, "PNG")
    return out.getvalue()


async def test_a_double_click_shows_a_long_screenshot_in_its_own_width(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    blob = await ann.upload("p.png", "image/png", ruled(720, 9_000))
    await ann.post(chat, "photo", {"photos": [{"blob": blob, "alt": "long"}]})
    page = await open_chat(ann, chat)
    image = (await open_large(page, "long")).locator("img")
    await image.dblclick()
    wanted = await page.evaluate("Math.min(innerWidth, 720)")
    await page.wait_for_function(
        "(wanted) => Math.abs(document.querySelector('.dm-gallery img').getBoundingClientRect().width"
        " - wanted) < 5",
        arg=wanted,
    )
    await page.keyboard.press("0")
    await page.keyboard.press("+")
    await page.wait_for_function(
        "() => document.querySelector('.dm-gallery img').getBoundingClientRect().width < 715"
    )


@pytest.mark.parametrize(
    "sizes", [((3000, 600), (600, 3000)), ((600, 3000), (3000, 600), (3000, 600))], ids=len
)
async def test_an_album_of_long_pictures_is_no_tower_and_sharp(
    person: Any, size: str, sizes: tuple[tuple[int, int], ...]
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    blobs = [await ann.upload("p.png", "image/png", ruled(*one)) for one in sizes]
    await ann.post(chat, "photo", {"photos": [{"blob": blob} for blob in blobs]})
    page = await open_chat(ann, chat)
    await expect(page.locator(".dm-body .row img")).to_have_count(len(sizes))
    await page.wait_for_function(
        "() => [...document.querySelectorAll('.dm-row img')].every((one) => one.naturalWidth)"
    )
    rows = await page.locator(".dm-body .row").evaluate_all(
        "(rows) => rows.map((one) => [one.clientWidth, one.clientHeight])"
    )
    # All of a row are of one height: its width by the sum of their shapes, 0.65 to 1.8.
    assert rows[0] == [rows[0][0], pytest.approx(rows[0][0] / 2.45, abs=2)]
    assert sum(height for _, height in rows) < rows[0][0]
    # The file that was taken has a pixel for each that is drawn.
    assert (
        await page.locator(".dm-body .row img").evaluate_all(
            """async (all) => {
          const lost = [];
          for (const one of all) {
            const file = new Image();
            file.src = one.currentSrc;
            await file.decode();
            const drawn = Math.max(one.clientWidth, one.clientHeight * file.naturalWidth / file.naturalHeight);
            if (file.naturalWidth < drawn * 0.98) lost.push([file.naturalWidth, drawn]);
          }
          return lost;
        }"""
        )
        == []
    )
