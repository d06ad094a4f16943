"""Photos of people and groups: changed in place, seen everywhere, and never missed."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import PATIENCE_S
from tests.browser.pages.any_page import becomes
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import message, open_chat, open_list, write
from tests.browser.people import talk


@pytest.fixture
def face(tmp_path: Path) -> Path:
    path = tmp_path / "face.jpg"
    Image.radial_gradient("L").resize((900, 600)).convert("RGB").save(path, "JPEG")
    return path


def png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), colour).save(out, "PNG")
    return out.getvalue()


async def show(person: Any, colour: str) -> str:
    """Give somebody a photo without the page; its blob."""
    blob = await person.upload("a.png", "image/png", png(colour))
    account = await person.call("account.update", photo=blob)
    return str(account["user"]["photo"])


async def seen(picture: Locator) -> str:
    """The blob that a picture shows, once it has come."""
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("naturalWidth", 256)
    return str(await picture.get_attribute("src")).removeprefix("/blobs/")


async def shows(picture: Locator, blob: str) -> None:
    """Wait until a picture shows this blob, which has come."""
    await expect(picture).to_have_attribute("src", f"/blobs/{blob}")
    await seen(picture)


def in_list(page: Page, title: str) -> Locator:
    return page.locator(".dm-chat", has_text=title).locator(".dm-avatar img")


async def test_one_s_photo_is_changed_in_the_settings_and_removed(
    person: Any, size: str, face: Path
) -> None:
    ann, bob = await person("Ann Lee"), await person("Bob")
    group = await talk(ann, bob, title="We")
    await ann.send(group, "hello")
    there = await open_chat(bob, group)
    page = await open_list(ann)
    other = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    me = settings.locator(".dm-portrait")
    await expect(me.locator(".dm-avatar")).to_have_text("AL")
    await expect(me.get_by_role("button", name="Remove the photo")).to_have_count(0)
    before = await me.bounding_box()
    await me.locator("input[type=file]").set_input_files(face)
    photo = await seen(me.locator(".dm-avatar img"))
    assert (await ann.call("account.get"))["user"]["photo"] == photo
    # Its place was there before it was.
    await becomes(me.bounding_box, lambda box: box == before)
    await expect(me.locator(".dm-avatar img")).to_have_attribute("alt", "")
    await expect(me.locator("progress")).to_have_count(0)
    # Another tab of one's own hears of it, and whoever is in a chat with one.
    second = await open_dialog(other, "Settings")
    await shows(second.locator(".dm-portrait .dm-avatar img"), photo)
    await shows(message(there, "hello").locator(".dm-row-avatar img"), photo)
    await me.get_by_role("button", name="Remove the photo").click()
    await expect(me.locator(".dm-avatar img")).to_have_count(0)
    await expect(second.locator(".dm-avatar img")).to_have_count(0)
    await expect(there.locator(".dm-row-avatar img")).to_have_count(0)
    await expect(me.get_by_role("button", name="Add a photo")).to_be_enabled()
    assert "photo" not in (await ann.call("account.get"))["user"]


async def test_what_is_no_photo_is_refused_in_its_place_and_the_old_one_stays(
    person: Any, size: str, tmp_path: Path
) -> None:
    ann = await person("Ann")
    photo = await show(ann, "teal")
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(b"no picture at all")
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    me = settings.locator(".dm-portrait")
    await me.locator("input[type=file]").set_input_files(wrong)
    await expect(me.get_by_role("alert")).to_have_text("This is no picture.")
    await shows(me.locator(".dm-avatar img"), photo)
    await expect(me.get_by_role("button", name="Change the photo")).to_be_enabled()


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_a_plugin_s_refusal_is_told_in_the_reader_s_language(
    person: Any, size: str, tmp_path: Path
) -> None:
    ann = await person("Ann")
    (tmp_path / "wrong.png").write_bytes(b"no picture at all")
    page = await open_list(ann)
    await page.get_by_role("button", name="Меню").click()
    me = page.get_by_role("dialog", name="Настройки").locator(".dm-portrait")
    await me.locator("input[type=file]").set_input_files(tmp_path / "wrong.png")
    await expect(me.get_by_role("alert")).to_have_text("Это не картинка.")


async def test_the_peer_s_photo_stands_in_list_header_and_details(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob Moss")
    photo = await show(bob, "orange")
    chat = await talk(ann, bob)
    page = await open_chat(ann, chat)
    header = page.locator(".dm-header-chat .dm-avatar img")
    await shows(header, photo)
    details = await open_dialog(page, "Details")
    await shows(details.locator(".dm-portrait img"), photo)
    # It is theirs to change.
    await expect(details.get_by_role("button", name="Change the photo")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(details).to_have_count(0)
    # Bob is not connected, so nobody is told: what changed meanwhile is learned where one looks.
    new = await show(bob, "purple")
    details = await open_dialog(page, "Details")
    await shows(details.locator(".dm-portrait img"), new)
    await shows(header, new)


async def test_a_group_s_photo_and_name_change_in_every_open_page(
    person: Any, size: str, face: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    of_bob = await show(bob, "orange")
    chat = await talk(ann, bob, title="Before")
    page, there = await open_chat(ann, chat), await open_chat(bob, chat)
    details = await open_dialog(page, "Details")
    us = details.locator(".dm-portrait")
    await us.locator("input[type=file]").set_input_files(face)
    photo = await seen(us.locator("img"))
    await shows(there.locator(".dm-header-chat img"), photo)
    await shows(details.locator(".members li", has_text="Bob").locator("img"), of_bob)
    name = details.get_by_label("Name of the group")
    await name.fill("After")
    await details.get_by_role("button", name="Save").click()
    await expect(us.locator(".dm-portrait-name")).to_have_text("After")
    await expect(there.locator(".dm-header-title")).to_have_text("After")
    await name.fill("   ")
    await details.get_by_role("button", name="Save").click()
    await expect(details.get_by_text("Please fill this in.")).to_be_visible()
    # Who did not make it may look.
    of_theirs = await open_dialog(there, "Details")
    await expect(of_theirs.get_by_label("Name of the group")).to_have_count(0)
    await expect(of_theirs.get_by_role("button", name="Change the photo")).to_have_count(0)
    await us.get_by_role("button", name="Remove the photo").click()
    await expect(there.locator(".dm-header-chat .dm-avatar")).to_have_text("A")
    await expect(there.locator(".dm-header-chat img")).to_have_count(0)


async def test_until_a_photo_has_come_and_if_it_fails_there_are_initials(
    person: Any, size: str
) -> None:
    ann, bob = await person("Ann"), await person("Bob Moss")
    await show(bob, "orange")
    chat = await talk(ann, bob)
    await bob.send(chat, "hi")
    page = await ann.context.new_page()
    ann.pages.append(page)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/blobs/*", held.put_nowait)
    await page.goto(f"{ann.base_url}/")
    row = page.locator(".dm-chat", has_text="Bob Moss")
    await expect(row.locator(".dm-avatar")).to_have_text("BM")
    before = await row.bounding_box()
    await expect(row.locator("img")).to_be_attached()
    async with asyncio.timeout(PATIENCE_S):
        route = await held.get()
    await route.fulfill(status=200, content_type="image/webp", body=b"broken")
    await expect(row.locator("img")).to_have_count(0)
    await expect(row.locator(".dm-avatar")).to_have_text("BM")
    await becomes(row.bounding_box, lambda box: box == before)


async def test_photos_do_not_hold_up_what_is_written(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    await show(ann, "teal")
    chat = await talk(ann, bob, title="We")
    page, there = await open_chat(ann, chat), await open_chat(bob, chat)
    asked: list[str] = []
    there.on("request", lambda request: asked.append(request.url))
    await write(page, "one", "two", "three")
    await expect(message(there, "three")).to_be_visible()
    await seen(message(there, "three").locator(".dm-row-avatar img"))
    # One picture for all three, fetched once.
    assert len([url for url in asked if "/blobs/" in url]) <= 1
