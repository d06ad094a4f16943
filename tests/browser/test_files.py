"""Files on their way: chosen, dropped, pasted; put in order; sent through cuts; nothing is lost."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.browser.conftest import PATIENCE_S, at_one_size, forgive_network
from tests.browser.pages.forms import FORM, SEND, chosen, form, png, sent, transfer
from tests.browser.pages.messenger import TEXT_BOX, open_chat, open_menu, round_trip
from tests.browser.people import talk

NAMES = ".dm-files .dm-file-name"


async def a_chat(person: Any) -> tuple[Any, str, Page]:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    return ann, chat, await open_chat(ann, chat)


async def names_sent(ann: Any, chat: str) -> list[str]:
    (message,) = (await ann.call("message.history", conversation=chat))["messages"]
    return [one["name"] for one in message["content"]["files"]]


async def test_a_dropped_picture_is_shown_where_it_will_land_and_becomes_a_photo(
    person: Any, size: str
) -> None:
    _, _, page = await a_chat(person)
    await transfer(page, "dragover", ".dm-timeline", "a.png")
    await expect(page.get_by_text("Drop files here")).to_be_visible()
    await transfer(page, "drop", ".dm-timeline", "a.png", "b.png")
    await expect(page.get_by_text("Drop files here")).to_have_count(0)
    await expect(page.locator(NAMES)).to_have_text(["a.png", "b.png"])
    await expect(page.get_by_role("dialog", name="Photo")).to_be_visible()
    # More of them join those that are there.
    await transfer(page, "drop", FORM, "c.png")
    await expect(page.locator(NAMES)).to_have_text(["a.png", "b.png", "c.png"])
    await sent(page)
    await expect(page.locator('.dm-body[data-plugin="photo"] img')).to_have_count(3)


async def test_a_pasted_picture_becomes_a_photo_and_mixed_files_stay_files(person: Any) -> None:
    _, _, page = await a_chat(person)
    await transfer(page, "paste", TEXT_BOX, "pasted.png")
    await expect(page.get_by_role("dialog", name="Photo")).to_be_visible()
    # In the form too, also while its caption has the focus.
    await page.get_by_label("Caption").focus()
    await transfer(page, "paste", f"{FORM} textarea", "second.png")
    await expect(page.locator(NAMES)).to_have_text(["pasted.png", "second.png"])
    await sent(page)
    await transfer(page, "drop", ".dm-timeline", "a.png", "b.txt")
    await expect(page.get_by_role("dialog", name="File")).to_be_visible()


async def test_a_file_copied_in_a_file_manager_is_pasted_and_not_its_name(person: Any) -> None:
    _, _, page = await a_chat(person)
    # What a document has beside its text is a picture of itself.
    await transfer(page, "paste", TEXT_BOX, "image.png", text="words of a document")
    await expect(page.locator(FORM)).to_have_count(0)
    await transfer(page, "paste", TEXT_BOX, "my a.png", "b.png", text="/srv/my a.png\nb.png\n")
    await expect(page.locator(NAMES)).to_have_text(["my a.png", "b.png"])
    await transfer(page, "paste", f"{FORM} textarea", "c d.png", text="file:///x/c%20d.png")
    await expect(page.locator(NAMES)).to_have_text(["my a.png", "b.png", "c d.png"])


async def test_what_a_form_cannot_take_goes_as_what_takes_it(person: Any) -> None:
    ann, chat, page = await a_chat(person)
    await transfer(page, "drop", ".dm-timeline", "a.png")
    await transfer(page, "drop", FORM, "b.txt")
    await expect(page.locator(".dm-files li").last).to_contain_text("Will be sent as: File")
    said = await page.locator(".dm-files li").last.locator(".dm-file-words").inner_text()
    assert "Will be sent as: File" in said.splitlines()
    await page.get_by_label("Caption").fill("of the first")
    await sent(page)
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(2)
    photo, files = (await ann.call("message.history", conversation=chat))["messages"]
    assert (photo["type"], photo["content"]["caption"]) == ("photo", "of the first")
    assert (files["type"], [one["name"] for one in files["content"]["files"]]) == (
        "files",
        ["b.txt"],
    )


async def test_what_an_edit_cannot_take_is_told_beside_it(person: Any) -> None:
    _, _, page = await a_chat(person)
    await (await form(page, "Photo")).set_input_files(chosen("a.png"))
    await sent(page)
    await open_menu(page.locator(".dm-row"))
    await page.get_by_role("menuitem", name="Edit", exact=True).click()
    # It stays one message.
    await transfer(page, "drop", FORM, "b.txt")
    wrong = page.locator('.dm-files li[data-state="failed"]')
    await expect(wrong).to_contain_text("This kind of file cannot be sent here (Photo).")
    await expect(wrong.get_by_role("button", name="Send as file")).to_have_count(0)
    await expect(page.locator(SEND)).to_be_disabled()
    await wrong.get_by_role("button", name="Remove: b.txt").click()
    await expect(page.locator(SEND)).to_be_enabled()


def bad(name: str) -> Any:
    return {"name": name, "mimeType": "image/png", "buffer": png()[:100]}


async def test_a_photo_that_cannot_be_shown_is_marked_and_goes_as_a_file(
    person: Any, size: str
) -> None:
    ann, chat, page = await a_chat(person)
    chooser = await form(page, "Photo")
    await chooser.set_input_files([*chosen("a.png"), bad("bad.png"), *chosen("c.png")])
    marked = page.locator('.dm-files li[data-state="failed"]')
    await expect(marked).to_have_count(1)
    await expect(marked).to_contain_text("bad.png")
    await expect(marked).to_contain_text("This picture is damaged.")
    await expect(page.locator(SEND)).to_be_disabled()
    await marked.get_by_role("button", name="Send as file").click()
    await expect(page.locator(".dm-files li").nth(1)).to_contain_text("Will be sent as: File")
    await sent(page)
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(2)
    album, file = (await ann.call("message.history", conversation=chat))["messages"]
    assert (album["type"], len(album["content"]["photos"])) == ("photo", 2)
    assert (file["type"], file["content"]["files"][0]["name"]) == ("files", "bad.png")


async def test_alone_it_goes_at_once_with_its_caption(person: Any) -> None:
    ann, chat, page = await a_chat(person)
    await (await form(page, "Photo")).set_input_files(bad("bad.png"))
    await page.get_by_label("Caption").fill("look at it")
    await page.get_by_role("button", name="Send as file").click()
    await expect(page.locator(FORM)).to_have_count(0)
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(1)
    (file,) = (await ann.call("message.history", conversation=chat))["messages"]
    assert (file["type"], file["content"]["caption"]) == ("files", "look at it")


async def test_a_photo_that_is_refused_after_send_is_marked_when_it_is_edited(
    person: Any,
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page = await ann.context.new_page()
    await refuse_checks(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await (await form(page, "Photo")).set_input_files([*chosen("a.png"), bad("bad.png")])
    await page.locator(f"{SEND}:enabled").click()
    await expect(page.locator(".dm-row[data-state=failed]")).to_have_count(1)
    await page.locator(".dm-failed").get_by_role("button", name="Edit").click()
    marked = page.locator('.dm-files li[data-state="failed"]')
    await expect(marked).to_have_count(1)
    await expect(marked).to_contain_text("bad.png")
    await expect(marked).to_contain_text("This picture is damaged.")
    await marked.get_by_role("button", name="Send as file").click()
    await sent(page)
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(2)


async def refuse_checks(page: Page) -> None:
    """Have a page's connection say of every check of a photo that it was not made."""

    async def on_socket(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def from_page(payload: str | bytes) -> None:
            frame = json.loads(payload)
            if frame["method"] != "photo.check":
                server.send(payload)
                return
            data = {"key": "busy", "retryable": True, "params": {}}
            error = {"code": 1010, "message": "Busy.", "data": data}
            socket.send(json.dumps({"jsonrpc": "2.0", "id": frame["id"], "error": error}))

        socket.on_message(from_page)

    await page.route_web_socket("**/ws", on_socket)


async def test_files_are_put_in_order_and_taken_out(person: Any, size: str) -> None:
    ann, chat, page = await a_chat(person)
    await (await form(page, "File")).set_input_files(chosen("a.txt", "b.txt", "c.txt", "d.txt"))
    await page.get_by_role("button", name="Move up: c.txt").click()
    await page.get_by_role("button", name="Move down: a.txt").click()
    await page.get_by_role("button", name="Remove: b.txt").click()
    await expect(page.get_by_role("button", name="Move up: c.txt")).to_be_disabled()
    await expect(page.get_by_role("button", name="Move down: d.txt")).to_be_disabled()
    await sent(page)
    assert await names_sent(ann, chat) == ["c.txt", "a.txt", "d.txt"]


async def test_a_file_that_is_too_large_is_not_even_begun(person: Any, tmp_path: Path) -> None:
    _, _, page = await a_chat(person)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(120_000_000)
    await (await form(page, "File")).set_input_files(large)
    await expect(page.locator(".dm-files li")).to_contain_text("This file is larger than 105 MB.")
    await expect(page.locator(SEND)).to_be_disabled()
    await page.get_by_role("button", name="Remove: large.bin").click()
    await page.locator(".dm-add-files input").set_input_files(chosen("a.txt"))
    await sent(page)
    assert len([url for url in asked if url.endswith("/blobs")]) == 1


async def test_a_few_files_are_on_their_way_at_once(person: Any) -> None:
    ann, chat, page = await a_chat(person)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/blobs", held.put_nowait)
    names = [f"{n}.txt" for n in range(8)]
    await (await form(page, "File")).set_input_files(chosen(*names))
    await expect(page.locator("progress")).to_have_count(8)
    await held.get()
    routes = [await held.get(), await held.get()]
    await round_trip(page)
    assert held.empty()
    # One that is cancelled lets the next begin, one that has not begun costs no turn.
    await page.get_by_role("button", name="Remove: 0.txt").click()
    await page.get_by_role("button", name="Remove: 7.txt").click()
    for _ in range(4):
        routes.append(await asyncio.wait_for(held.get(), PATIENCE_S))
        await routes.pop(0).continue_()
    for route in routes:
        await route.continue_()
    await sent(page)
    assert await names_sent(ann, chat) == names[1:7]
    forgive_network(ann.problems)


async def test_a_form_is_sent_before_its_files_have_arrived(person: Any, size: str) -> None:
    ann, chat, page = await a_chat(person)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/blobs", held.put_nowait)
    await (await form(page, "File")).set_input_files(chosen("a.txt"))
    begun = await asyncio.wait_for(held.get(), PATIENCE_S)
    await page.locator(SEND).click()
    await expect(page.locator(FORM)).to_have_count(0)
    row = page.locator(".dm-row.dm-own")
    await expect(row).to_have_attribute("data-state", "pending")
    await expect(row).to_contain_text("a.txt")
    await expect(page.get_by_text("% uploaded")).to_be_visible()
    # The upload that was begun in the form goes on.
    await begun.continue_()
    await expect(row).to_have_attribute("data-state", re.compile("sent|read"))
    assert held.empty()
    await (await form(page, "File")).set_input_files(chosen("b.txt"))
    await asyncio.wait_for(held.get(), PATIENCE_S)
    await page.locator(SEND).click()
    await expect(row).to_have_count(2)
    async with page.expect_event("requestfailed"):
        await page.get_by_role("button", name="Discard").click()
    await expect(row).to_have_count(1)
    assert await names_sent(ann, chat) == ["a.txt"]
    forgive_network(ann.problems)


async def test_an_upload_that_broke_off_goes_on_by_itself(person: Any, size: str) -> None:
    ann, chat, page = await a_chat(person)
    tries: list[str] = []

    async def cut(route: Route) -> None:
        tries.append(route.request.url)
        await (route.abort("connectionreset") if len(tries) < 3 else route.continue_())

    await page.route("**/blobs", cut)
    await (await form(page, "File")).set_input_files(chosen("a.txt"))
    await page.get_by_label("Caption").fill("typed meanwhile")
    await sent(page)
    assert len(tries) == 3
    (message,) = (await ann.call("message.history", conversation=chat))["messages"]
    assert message["content"]["caption"] == "typed meanwhile"
    forgive_network(ann.problems)


async def test_what_was_lost_with_the_connection_can_be_tried_again(person: Any) -> None:
    ann, chat, page = await a_chat(person)
    await page.clock.install()
    await page.route("**/blobs", lambda route: route.abort("connectionreset"))
    await (await form(page, "File")).set_input_files(chosen("a.txt"))
    await page.get_by_label("Caption").fill("kept")
    lost = page.locator('.dm-files li[data-state="failed"]')
    async with asyncio.timeout(PATIENCE_S):
        while not await lost.count():
            await page.clock.run_for(10_000)
            # Heard of just now by the page's clock: it does not take the connection for dead.
            await round_trip(page)
    await expect(lost).to_contain_text("The connection was lost.")
    await expect(page.locator(SEND)).to_be_disabled()
    await page.unroute("**/blobs")
    await lost.get_by_role("button", name="Retry").click()
    await expect(page.get_by_label("Caption")).to_have_value("kept")
    await sent(page)
    assert await names_sent(ann, chat) == ["a.txt"]
    forgive_network(ann.problems)


async def test_what_the_server_refuses_is_told_in_the_reader_s_words(person: Any) -> None:
    ann, _, page = await a_chat(person)
    refusal = '{"error": {"key": "too_large", "message": "x", "params": {"max_bytes": 5000000}}}'
    await page.route("**/blobs", lambda route: route.fulfill(status=413, body=refusal))
    await (await form(page, "File")).set_input_files(chosen("a.txt"))
    await expect(page.locator(".dm-files li")).to_contain_text("This file is larger than 5 MB.")
    forgive_network(ann.problems)


async def test_closing_a_form_asks_before_it_loses_what_was_written(person: Any, size: str) -> None:
    _, _, page = await a_chat(person)
    await form(page, "Photo")
    await page.keyboard.press("Escape")
    await expect(page.locator(FORM)).to_have_count(0)
    back = page.locator(TEXT_BOX) if size == "desktop" else page.get_by_label("Attach").first
    await expect(back).to_be_focused()
    await form(page, "Photo")
    await page.get_by_label("Caption").fill("A long story")
    for _ in range(2):
        await page.keyboard.press("Escape")
        await expect(page.get_by_text("Discard what you wrote?")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_text("Discard what you wrote?")).to_have_count(0)
    await expect(page.get_by_label("Caption")).to_have_value("A long story")
    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator(FORM)).to_have_count(0)


async def test_what_is_typed_already_goes_with_the_files(person: Any, size: str) -> None:
    ann, chat, page = await a_chat(person)
    box = page.locator(TEXT_BOX)
    await box.fill("Look at this")
    await (await form(page, "Photo")).set_input_files(chosen("a.png"))
    await expect(page.get_by_label("Caption")).to_have_value("Look at this")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator(FORM)).to_have_count(0)
    await expect(box).to_have_value("Look at this")
    await transfer(page, "drop", ".dm-timeline", "b.png")
    await page.get_by_label("Caption").fill("Look at these")
    await sent(page)
    await expect(box).to_have_value("")
    await page.reload()
    await expect(page.locator(".dm-row.dm-own")).to_have_count(1)
    await expect(box).to_have_value("")
    (message,) = (await ann.call("message.history", conversation=chat))["messages"]
    assert message["content"]["caption"] == "Look at these"


async def test_photos_are_asked_for_at_once(person: Any) -> None:
    _, _, page = await a_chat(person)
    async with page.expect_file_chooser() as asked:
        await form(page, "Photo")
    await (await asked.value).set_files(chosen("a.png"))
    await expect(page.locator(NAMES)).to_have_text(["a.png"])


def video(name: str) -> Any:
    return {"name": name, "mimeType": "video/mp4", "buffer": b"\0\0\0\x18ftypmp42"}


async def test_a_video_chosen_as_a_photo_goes_as_what_takes_it(person: Any) -> None:
    ann, chat, page = await a_chat(person)
    chooser = await form(page, "Photo or video")
    assert "video/*" in (await chooser.get_attribute("accept") or "")
    # Alone it is a message of that type from the beginning, else one beside the photos.
    await chooser.set_input_files(video("alone.mp4"))
    await expect(page.get_by_role("dialog", name="File", exact=True)).to_be_visible()
    await sent(page)
    chooser = await form(page, "Photo or video")
    await chooser.set_input_files([*chosen("a.png"), video("b.mp4")])
    await expect(page.locator(".dm-files li").last).to_contain_text("Will be sent as: File")
    await sent(page)
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(3)
    found = (await ann.call("message.history", conversation=chat))["messages"]
    assert [message["type"] for message in found] == ["files", "photo", "files"]


@at_one_size
async def test_what_is_no_picture_is_shown_as_a_file(person: Any) -> None:
    _, _, page = await a_chat(person)
    damaged = {"name": "a.png", "mimeType": "image/png", "buffer": b"words" * 100}
    await (await form(page, "Photo")).set_input_files([damaged, *chosen("b.png")])
    rows = page.locator(".dm-files li")
    await expect(rows.first).to_contain_text("This is no picture.")
    await expect(rows.first.locator(".dm-file-icon")).to_be_visible()
    await expect(rows.first.locator("img")).to_have_count(0)
    await expect(rows.last.locator("img")).to_have_js_property("naturalWidth", 300)
