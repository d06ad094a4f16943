"""Editing what was written in a form: in the same form, prefilled; nothing that was typed is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import forgive_network
from tests.browser.pages.any_page import drawn
from tests.browser.pages.forms import chosen, form, sent, transfer
from tests.browser.pages.messenger import TEXT_BOX, message, open_chat, open_menu, write
from tests.browser.people import talk
from tests.browser.wire import frames_sent, sit_in_the_middle
from tests.environment import FIRST_PARTY, ROOT, serving

SAVE = ".dm-form footer button[type=submit]"
FORM = ".dm-form"
NAMES = ".dm-files .dm-file-name"
PHOTO = '.dm-body[data-plugin="photo"]'
NOTICE: dict[str, Any] = {
    "title": "Summer party",
    "body": "In the yard,\nwith music",
    "bring": ["cake", "chairs"],
    "open": True,
    "places": 40,
    "side": "south",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """What people here use: a stranger's form beside ours."""
    parts = ("plugins/photo", "plugins/files", "tests/projects/yard")
    projects = (*FIRST_PARTY.values(), *(ROOT / part for part in parts))
    with serving(tmp_path_factory.mktemp("editing"), *projects) as running:
        yield running


async def notice(person: Any, chat: str, **content: Any) -> str:
    """A notice, sent without the page; its id."""
    made = await person.post(chat, "acme.notice", {**NOTICE, **content})
    return str(made["id"])


async def content_of(person: Any, id: str) -> Any:
    found = await person.call("message.get", messages=[id])
    return found["messages"][0]["content"]


async def edit(page: Page, shown: Locator) -> Locator:
    """The form in which the message with this body is edited."""
    await open_menu(page.locator(".dm-row", has=shown))
    await page.get_by_role("menuitem", name="Edit", exact=True).click()
    dialog = page.get_by_role("dialog", name="Edit message")
    await expect(dialog).to_be_visible()
    return dialog


async def photo_of(page: Page, *names: str) -> None:
    """Send photos with the caption "Dusk"."""
    field = await form(page, "Photo")
    await field.set_input_files(chosen(*names))
    await page.get_by_label("What is in the picture").first.fill("A lake")
    await page.get_by_label("Caption").fill("Dusk")
    await sent(page)


async def test_a_caption_and_what_is_said_of_a_photo_are_changed_for_all(
    person: Any, size: str
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    here, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await photo_of(here, "lake.png")
    shown = there.locator(f"{PHOTO} img")
    address = await shown.get_attribute("src")
    dialog = await edit(here, here.locator(PHOTO))
    await expect(dialog.get_by_role("heading")).to_have_text("Edit message")
    await expect(dialog.locator(NAMES)).to_have_text(["Photo 1"])
    await expect(dialog.locator(".dm-file-picture")).to_have_js_property("naturalWidth", 300)
    alt = dialog.get_by_label("What is in the picture: Photo 1")
    await expect(alt).to_have_value("A lake")
    await alt.fill("A pond")
    await expect(dialog.get_by_label("Caption")).to_have_value("Dusk")
    await dialog.get_by_label("Caption").fill("Dawn")
    await dialog.get_by_role("button", name="Save").click()
    await expect(here.locator(FORM)).to_have_count(0)
    await expect(there.locator(f"{PHOTO} .caption")).to_have_text("Dawn")
    await expect(shown).to_have_attribute("alt", "A pond")
    await expect(shown).to_have_attribute("src", str(address))
    await expect(there.locator(".dm-row", has=there.locator(PHOTO))).to_contain_text("edited")


async def test_photos_are_taken_out_put_in_order_and_added(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    here, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await photo_of(here, "a.png", "b.png", "c.png")
    shown = there.locator(f"{PHOTO} img")
    await expect(shown).to_have_count(3)
    first, second, _ = [await shown.nth(at).get_attribute("src") for at in range(3)]
    dialog = await edit(here, here.locator(PHOTO))
    await dialog.get_by_role("button", name="Move up: Photo 2").click()
    await dialog.get_by_role("button", name="Remove: Photo 3").click()
    await transfer(here, "drop", FORM, "d.png")
    await expect(dialog.locator(NAMES)).to_have_text(["Photo 2", "Photo 1", "d.png"])
    await here.locator(f"{SAVE}:enabled").click()
    await expect(here.locator(FORM)).to_have_count(0)
    await expect(shown.nth(0)).to_have_attribute("src", str(second))
    await expect(shown.nth(1)).to_have_attribute("src", str(first))
    await expect(shown).to_have_count(3)


async def test_a_file_keeps_its_name_and_gets_other_words(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    here, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await (await form(here, "File")).set_input_files(chosen("a.txt", "b.txt"))
    await sent(here)
    shown = here.locator('.dm-body[data-plugin="files"]')
    dialog = await edit(here, shown)
    await expect(dialog.locator(NAMES)).to_have_text(["a.txt", "b.txt"])
    await expect(dialog.locator(".dm-file-size").first).not_to_be_empty()
    await dialog.get_by_role("button", name="Remove: a.txt").click()
    await dialog.get_by_label("Caption").fill("The one that counts")
    await dialog.get_by_role("button", name="Save").click()
    changed = there.locator('.dm-body[data-plugin="files"]')
    await expect(changed.locator(".caption")).to_have_text("The one that counts")
    await expect(changed.locator(".file")).to_have_count(1)
    # Without any file there is no message: it is said where they would be.
    dialog = await edit(here, shown)
    await dialog.get_by_role("button", name="Remove: b.txt").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Please fill this in.")


async def test_every_kind_of_field_holds_what_was_sent(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    sent_id = await notice(ann, chat)
    here, there = await open_chat(ann, chat), await open_chat(bob, chat)
    shown = here.locator('.dm-body[data-plugin="yard"]')
    dialog = await edit(here, shown)
    if size == "desktop":
        await expect(dialog.get_by_label("Title")).to_be_focused()
    await expect(dialog.get_by_label("Title")).to_have_value(NOTICE["title"])
    await expect(dialog.get_by_label("Words")).to_have_value(NOTICE["body"])
    await expect(dialog.get_by_label("To bring 1")).to_have_value("cake")
    await expect(dialog.get_by_label("To bring 2")).to_have_value("chairs")
    await expect(dialog.get_by_role("switch")).to_be_checked()
    await expect(dialog.get_by_label("Places")).to_have_value("40")
    await expect(dialog.get_by_label("Side")).to_have_value("south")
    await dialog.get_by_label("Words").fill("")
    await dialog.get_by_label("To bring 2").fill("music")
    await dialog.get_by_label("Places").fill("50")
    await dialog.get_by_label("Side").select_option("north")
    await dialog.get_by_role("button", name="Save").click()
    await expect(here.locator(FORM)).to_have_count(0)
    changed = there.locator('.dm-body[data-plugin="yard"] p')
    await expect(changed).to_have_text(["Summer party", "cake", "music", "50 north open"])
    assert await content_of(ann, sent_id) == {
        **NOTICE, "body": "", "bring": ["cake", "music"], "places": 50, "side": "north"
    }  # fmt: skip


async def test_what_is_refused_is_said_at_its_field_and_nothing_is_lost(
    person: Any, size: str
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await notice(ann, chat)
    page = await open_chat(ann, chat)
    dialog = await edit(page, page.locator('.dm-body[data-plugin="yard"]'))
    await dialog.get_by_label("Title").fill("Winter party")
    await dialog.get_by_role("switch").click()
    await dialog.get_by_role("button", name="Save").click()
    field = dialog.locator(".dm-field-switch")
    await expect(field.get_by_role("alert")).to_have_text("It is open already.")
    await expect(dialog.get_by_label("Title")).to_have_value("Winter party")
    await dialog.get_by_role("switch").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.locator(FORM)).to_have_count(0)
    await expect(page.locator('.dm-body[data-plugin="yard"] p').first).to_have_text("Winter party")


async def test_changes_are_not_thrown_away_without_asking(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await notice(ann, chat)
    page = await open_chat(ann, chat)
    edits = frames_sent(page, "message.edit")
    await page.reload()
    shown = page.locator('.dm-body[data-plugin="yard"]')
    await edit(page, shown)
    await page.keyboard.press("Escape")
    await expect(page.locator(FORM)).to_have_count(0)
    button = page.get_by_role("button", name="What to do with this message")
    await expect(button).to_be_focused()
    dialog = await edit(page, shown)
    await dialog.get_by_label("Title").fill("Winter party")
    await page.keyboard.press("Escape")
    await expect(dialog.get_by_text("Discard your changes?")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog.get_by_label("Title")).to_have_value("Winter party")
    await page.keyboard.press("Escape")
    await dialog.get_by_role("button", name="Discard").click()
    await expect(page.locator(FORM)).to_have_count(0)
    # What was not changed is not sent.
    dialog = await edit(page, shown)
    await expect(dialog.get_by_label("Title")).to_have_value("Summer party")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.locator(FORM)).to_have_count(0)
    await drawn(page)
    assert edits == []


async def test_an_edit_whose_answer_was_lost_is_saved_again_and_once(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    sent_id = await notice(ann, chat)
    page = await ann.open("/")
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    shown = page.locator('.dm-body[data-plugin="yard"]')
    dialog = await edit(page, shown)
    await dialog.get_by_label("Title").fill("Winter party")
    wire.keep_answers_to = {"message.edit"}
    await dialog.get_by_role("button", name="Save").click()
    await expect(shown.locator("p").first).to_have_text("Winter party")
    await wire.cut()
    await expect(dialog.get_by_text("The server did not answer.")).to_be_visible()
    await expect(dialog.get_by_label("Title")).to_have_value("Winter party")
    await page.wait_for_function("() => window.dashMessenger.store.online")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.locator(FORM)).to_have_count(0)
    found = await ann.call("message.get", messages=[sent_id])
    assert (found["messages"][0]["rev"], found["messages"][0]["content"]["title"]) == (
        2,
        "Winter party",
    )
    forgive_network(ann.problems)


async def test_what_was_deleted_meanwhile_is_told_in_the_form(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    sent_id = await notice(ann, chat)
    page = await open_chat(ann, chat)
    dialog = await edit(page, page.locator('.dm-body[data-plugin="yard"]'))
    await dialog.get_by_label("Title").fill("Winter party")
    await ann.call("message.delete", message=sent_id)
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Message deleted")
    await expect(dialog.get_by_label("Title")).to_have_value("Winter party")


async def test_edit_is_offered_to_the_author_where_there_is_something_to_edit(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await notice(ann, chat)
    page, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await there.locator('.dm-body[data-plugin="yard"]').click(button="right")
    await expect(there.get_by_role("menuitem", name="Reply")).to_be_visible()
    await expect(there.get_by_role("menuitem", name="Edit")).to_have_count(0)
    # The arrow that edits the last message knows forms too; the draft stays where it was.
    await page.locator(TEXT_BOX).press("ArrowUp")
    await expect(page.get_by_role("dialog", name="Edit message")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(TEXT_BOX)).to_be_focused()
    await write(page, "tea")
    # It has its number when the server's event has come.
    await expect(message(page, "tea")).to_have_attribute("data-number", re.compile("."))
    await page.locator(TEXT_BOX).press("ArrowUp")
    await expect(page.locator(TEXT_BOX)).to_have_value("tea")
    await expect(page.locator(FORM)).to_have_count(0)
