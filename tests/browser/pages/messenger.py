"""The messenger's page: its list of chats, its time line and its text box.

Owns the class names by which tests find things there. Must not know what a test is about.
"""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Person
from tests.browser.pages.any_page import becomes, drawn

SETTLED = ".dm-scroll[data-settled]"
TEXT_BOX = "textarea.dm-textbox"
BANNER = ".dm-banner"
# It sends on every device, whatever Enter alone does there.
SEND_KEY = "Control+Enter"
# The number of the last message of a conversation that the page has kept for its next start.
LAST_KEPT = """([user, chat]) => new Promise((done) => {
    indexedDB.open(`dm-${user}`).onsuccess = ({ target: { result } }) => {
        const kept = result.transaction('kept').objectStore('kept').get(`page:${chat}`);
        kept.onsuccess = () => {
            result.close();
            done(kept.result?.at(-1)?.number ?? 0);
        };
    };
})"""


async def open_list(person: Person) -> Page:
    """A page at the list, when the server has sent it."""
    page = await person.open("/")
    await expect(page.locator(".dm-chats, .dm-list .dm-notice").first).to_be_visible()
    return page


async def open_chat(person: Person, conversation: str) -> Page:
    """A page at the conversation, when its messages stand where they will stay."""
    page = await person.open(f"/c/{conversation}")
    await settled(page)
    return page


async def until_kept(page: Page, person: Person, conversation: str, number: int) -> None:
    """Wait until the page would show the message with this number without a connection."""
    kept = [person.id, conversation]
    await becomes(lambda: page.evaluate(LAST_KEPT, kept), lambda last: last >= number)


async def choose_chat(page: Page, title: str) -> None:
    """Choose a conversation in the list."""
    await page.locator(".dm-chat", has_text=title).click()
    await expect(composer(page)).to_be_visible()


async def settled(page: Page) -> None:
    """Wait until the messages stand where they will stay, or it is said that there are none."""
    await expect(page.locator(f"{SETTLED}, .dm-timeline .dm-notice")).to_be_visible()
    # Where it opens is gone to once more in the frame after.
    await drawn(page)


def rows(page: Page) -> Locator:
    """The messages that are mounted."""
    return page.locator(".dm-row")


def bubbles(page: Page, text: str) -> Locator:
    """The messages whose body is ``text``."""
    return page.locator(".dm-row .dm-body").get_by_text(text, exact=True)


def message(page: Page, text: str) -> Locator:
    """The row of the message with this text."""
    return page.locator(".dm-row").filter(has=page.get_by_text(text, exact=True))


async def open_menu(row: Locator) -> Locator:
    """The menu of a message, opened by the keyboard."""
    page = row.page
    # A chat that has just opened takes the focus to its text box, unless somebody presses keys.
    await page.keyboard.press("Shift")
    await row.get_by_role("button", name="What to do with this message").press("Enter")
    menu = page.get_by_role("menu")
    await expect(menu).to_be_visible()
    return menu


def scroller(page: Page) -> Locator:
    """What scrolls the messages."""
    return page.locator(".dm-scroll")


def composer(page: Page) -> Locator:
    """The text box."""
    return page.locator(TEXT_BOX)


async def write(page: Page, *texts: str) -> None:
    """Send messages as people do."""
    box = page.locator(TEXT_BOX)
    for text in texts:
        await box.fill(text)
        await box.press(SEND_KEY)


async def round_trip(page: Page) -> None:
    """Wait until the server has answered on the page's own connection.

    The requests of a connection are begun in order: whatever the page sent before was heard.
    """
    await page.evaluate("() => window.dashMessenger.call('account.get', {})")
