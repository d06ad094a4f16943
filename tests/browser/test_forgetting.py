"""What a browser keeps of somebody goes when they may no longer see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from playwright.async_api import Dialog, Locator, Page, expect

from tests.browser.conftest import PASSWORD, Person, at_one_size, forgive_network
from tests.browser.pages.any_page import becomes
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import TEXT_BOX, message, open_chat
from tests.browser.people import talk

pytestmark = at_one_size

KEPT = """async () => {
    const found = Object.keys(localStorage).filter((key) => /^dm:(outbox|draft):/.test(key));
    for (const { name } of await indexedDB.databases()) {
        if (!name.startsWith("dm-")) continue;
        const database = await new Promise((done) => {
            indexedDB.open(name).onsuccess = (event) => done(event.target.result);
        });
        for (const store of database.objectStoreNames) {
            const keys = await new Promise((done) => {
                database.transaction(store).objectStore(store).getAllKeys().onsuccess =
                    (event) => done(event.target.result);
            });
            found.push(...keys);
        }
        database.close();
    }
    return found;
}"""


async def kept(page: Page) -> list[str]:
    """The names of what the browser keeps: drafts, the outbox, pages of messages, the list."""
    found: list[str] = await page.evaluate(KEPT)
    return found


async def has_kept(page: Page, name: str) -> None:
    """Wait until the browser keeps something of that name."""
    await becomes(lambda: kept(page), lambda keys: any(name in key for key in keys))


async def keeps_nothing_of(page: Page, name: str) -> None:
    """Wait until the browser keeps nothing of that name."""
    await becomes(lambda: kept(page), lambda keys: not any(name in key for key in keys))


async def test_session_closed_elsewhere_leaves_nothing_in_the_browser(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    conversation = await talk(ann, ben)
    await ben.send(conversation, "for ann alone")
    page = await open_chat(ann, conversation)
    await page.locator(TEXT_BOX).fill("not sent yet")
    await has_kept(page, f"page:{conversation}")
    await has_kept(page, f"dm:draft:{ann.id}:{conversation}")
    await page.evaluate(f"() => localStorage.setItem('dm:wish:{ann.id}:0', '{{}}')")
    await ann.call("session.close")
    await page.wait_for_url("**/login?why=closed*")
    assert await kept(page) == []
    forgive_network(ann.problems)


async def test_page_of_strangers_forgets_what_a_closed_tab_left(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    conversation = await talk(ann, ben)
    await ben.send(conversation, "for ann alone")
    page = await open_chat(ann, conversation)
    await has_kept(page, f"page:{conversation}")
    await page.close()
    await ann.context.clear_cookies()
    page = await ann.open("/login")
    await keeps_nothing_of(page, "")


async def test_removed_member_keeps_nothing_of_the_group(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    group, other = await talk(ann, ben, title="Secret"), await talk(ann, ben)
    await ann.send(group, "among us")
    await ann.send(other, "hello")
    page = await open_chat(ben, group)
    await page.locator(TEXT_BOX).fill("half a sentence")
    await has_kept(page, f"page:{group}")
    await has_kept(page, f"dm:draft:{ben.id}:{group}")
    await ann.call("conversation.remove", conversation=group, user=ben.id)
    await expect(message(page, "among us")).to_have_count(0)
    await keeps_nothing_of(page, group)


async def test_own_log_out_asks_the_browser_to_clear_its_storage(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann = await person()
    answer = await ann.context.request.post(
        f"{ann.base_url}/api/session.close", data={}, headers={"Origin": ann.base_url}
    )
    assert answer.headers["clear-site-data"] == '"cache", "storage"'


async def test_password_is_changed_and_other_devices_are_logged_out(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann = await person()
    other = await ann.call(
        "session.open", username=ann.username, password=PASSWORD, **{"as": "token"}
    )
    page = await ann.open("/")
    dialog = await open_dialog(page, "Settings")
    await dialog.get_by_text("Password and devices").click()
    await dialog.get_by_label("Current password").fill("not my password at all")
    await dialog.get_by_label("New password").fill("nine sleepy owls at noon")
    await dialog.get_by_role("button", name="Change the password").click()
    await expect(dialog.get_by_text("The password is wrong.")).to_be_visible()
    await dialog.get_by_label("Current password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Change the password").click()
    await expect(dialog.get_by_text("Your password is changed.")).to_be_visible()
    await expect(dialog.get_by_label("New password")).to_have_value("")
    answer = await ann.context.request.post(
        f"{ann.base_url}/api/account.get",
        data={},
        headers={"Authorization": f"Bearer {other['token']}"},
    )
    assert answer.status == 401
    await dialog.get_by_role("button", name="Log out all other devices").click()
    await expect(dialog.get_by_text("All other devices are logged out.").last).to_be_visible()


async def press(button: Locator, *, accept: bool) -> str:
    """What the browser asks when a button is pressed, answered so."""
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def answer(question: Dialog) -> None:
        asked.put_nowait(question.message)
        await (question.accept() if accept else question.dismiss())

    button.page.once("dialog", answer)
    await button.click()
    return await asyncio.wait_for(asked.get(), 30)


async def test_log_out_asks_before_what_is_not_sent_is_lost(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    conversation = await talk(ann, ben)
    page = await open_chat(ann, conversation)
    await page.locator(TEXT_BOX).fill("half a sentence")
    await has_kept(page, f"dm:draft:{ann.id}:{conversation}")
    dialog = await open_dialog(page, "Settings")
    log_out = dialog.get_by_role("button", name="Log out", exact=True)
    assert "not sent yet" in await press(log_out, accept=False)
    await page.keyboard.press("Escape")
    await expect(page.locator(TEXT_BOX)).to_have_value("half a sentence")
    await ann.call("account.get")
    await open_dialog(page, "Settings")
    await press(log_out, accept=True)
    await page.wait_for_url(f"{ann.base_url}/")
    await keeps_nothing_of(page, "")


async def test_log_out_without_a_connection_says_so_and_loses_nothing(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    conversation = await talk(ann, ben)
    page = await open_chat(ann, conversation)
    dialog = await open_dialog(page, "Settings")
    await ann.context.set_offline(True)
    await expect(page.locator(".dm-banner").first).to_be_visible()
    await dialog.get_by_role("button", name="Log out", exact=True).click()
    await expect(dialog.get_by_text("There is no connection: you can log out")).to_be_visible()
    await ann.context.set_offline(False)
    await expect(page.locator(".dm-banner")).to_have_count(0)
    await ann.call("account.get")
    forgive_network(ann.problems)


async def test_log_out_that_the_server_did_not_hear_loses_nothing(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    conversation = await talk(ann, ben)
    await ben.send(conversation, "hello")
    page = await open_chat(ann, conversation)
    await has_kept(page, f"page:{conversation}")
    await page.route("**/api/session.close", lambda route: route.abort())
    dialog = await open_dialog(page, "Settings")
    await dialog.get_by_role("button", name="Log out", exact=True).click()
    await expect(dialog.get_by_text("There is no connection: you can log out")).to_be_visible()
    assert f"page:{conversation}" in await kept(page)
    forgive_network(ann.problems)
