"""The pictures of the README and of docs/screenshots.md: the demo that the README's first command serves.

``DASH_MESSENGER_PICTURES=write`` puts them into docs. Otherwise they are drawn all the same, and what is
in docs must be of the same pages and sizes.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from dash_messenger_photo.demo_landscapes import draw_landscape
from PIL import Image
from playwright.async_api import Browser, BrowserContext, FilePayload, Page, ViewportSize, expect

from tests.browser.conftest import SIZES, watch
from tests.browser.pages.any_page import at_rest, drawn
from tests.browser.pages.dialogs import open_dialog, people_field
from tests.browser.pages.forms import FORM, form
from tests.browser.pages.messenger import SETTLED, composer
from tests.environment import ROOT
from tests.readme import served_by_readme

DOCS = ROOT / "docs"
README_PICTURE = DOCS / "images" / "messenger.png"
SCREENS = DOCS / "images" / "screens"
WRITTEN = os.environ.get("DASH_MESSENGER_PICTURES") == "write"
EVERYTHING = "Show and tell"
GETTING_IN = "Getting in"
FOR_ADMINS = "For admins"
# Whether the last of these bodies begins above the time line, or is not there yet.
HIDDEN_ABOVE = """(body) => {
    const found = [...document.querySelectorAll(body)].at(-1)?.getBoundingClientRect();
    const shown = document.querySelector('.dm-scroll').getBoundingClientRect();
    return !found || found.top < shown.top;
}"""


@dataclass
class Demo:
    """The server, and who may log in."""

    address: str
    member: str
    admin: str
    password: str


@dataclass(frozen=True)
class View:
    """What is shown, and how one comes there."""

    name: str
    title: str
    show: Callable[[Page], Awaitable[None]]
    within: str


VIEWS: list[View] = []


def view(title: str, within: str) -> Callable[[Callable[[Page], Awaitable[None]]], None]:
    """Add a picture to a section of docs/screenshots.md."""

    def add(show: Callable[[Page], Awaitable[None]]) -> None:
        VIEWS.append(View(show.__name__.replace("_", "-"), title, show, within))

    return add


# Before the log-in


@view("The first page", GETTING_IN)
async def landing(page: Page) -> None:
    await page.goto("/")


@view("Log in", GETTING_IN)
async def login(page: Page) -> None:
    await page.goto("/login")


@view("Create an account", GETTING_IN)
async def register(page: Page) -> None:
    await page.goto("/register")


@view("An address where nothing is", GETTING_IN)
async def unknown(page: Page) -> None:
    await page.goto("/nowhere")


# Messages


@view("The list of chats", "Messages")
async def chats(page: Page) -> None:
    await page.goto("/")
    await expect(page.locator(".dm-chat").first).to_be_visible()


@view("A group", "Messages")
async def group(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")


@view("Photos", "Messages")
async def photos(page: Page) -> None:
    await reach(page, ".dm-body[data-plugin=photo]")


@view("Stickers", "Messages")
async def stickers(page: Page) -> None:
    await reach(page, ".dm-body[data-plugin=stickers]")


@view("Files", "Messages")
async def files(page: Page) -> None:
    await reach(page, ".dm-body[data-plugin=files]")


@view("Markdown", "Messages")
async def markdown(page: Page) -> None:
    await reach(page, ".dm-body[data-plugin=markdown]")


@view("What can be done with a message", "Messages")
async def message_menu(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    row = page.locator(".dm-row").last
    await row.get_by_role("button", name="What to do with this message").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menu")).to_be_visible()


@view("A picture, large", "Messages")
async def viewer(page: Page) -> None:
    await reach(page, ".dm-body[data-plugin=photo]")
    await page.locator(".dm-body[data-plugin=photo] button").last.click()
    await expect(page.get_by_role("dialog", name="Picture")).to_be_visible()


# Writing


@view("What can be sent", "Writing")
async def attach(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    await page.get_by_role("button", name="Attach").click()
    await expect(page.get_by_role("menuitem").first).to_be_visible()


@view("Photos before they are sent", "Writing")
async def photo_form(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    photos = [
        FilePayload(name=name, mimeType="image/jpeg", buffer=draw_landscape(seed, 800, 500))
        for seed, name in enumerate(("hut.jpg", "lake.jpg"), 3)
    ]
    await (await form(page, "Photo")).set_input_files(photos)
    await expect(page.locator(f"{FORM} footer button[type=submit]:enabled")).to_be_visible()


@view("Choosing a sticker", "Writing")
async def sticker_picker(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    await page.locator(".dm-composer-line").get_by_role("button", name="Stickers").click()
    await expect(page.locator(".dm-pick").first).to_be_visible()


@view("Choosing an emoji", "Writing")
async def emoji_picker(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    await page.locator(".dm-composer-line").get_by_role("button", name="Emoji", exact=True).click()
    await expect(page.locator(".dm-picker-grid > .dm-pick").first).to_be_visible()


@view("Markdown, with its preview", "Writing")
async def markdown_preview(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    await page.get_by_role("button", name="Write as: Markdown").click()
    await composer(page).fill("**Bring:** water, a map\n\n- [x] tickets\n- [ ] cake")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator(".dm-preview strong")).to_be_visible()


# People and settings


@view("A chat's details", "People and settings")
async def details(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    shown = await open_dialog(page, "Details")
    await expect(shown.get_by_text("@ella").first).to_be_visible()


@view("A new chat", "People and settings")
async def new_chat(page: Page) -> None:
    await page.goto("/")
    await open_dialog(page, "New chat")


@view("A new group", "People and settings")
async def new_group(page: Page) -> None:
    await page.goto("/")
    await open_dialog(page, "New group")


@view("People who come into a group", "People and settings")
async def add_people(page: Page) -> None:
    await open_demo_chat(page, "Saturday hike")
    shown = await open_dialog(page, "Details")
    await shown.get_by_role("button", name="Add people").click()
    dialog = page.get_by_role("dialog", name="Add people")
    await people_field(dialog).fill("e")
    await expect(dialog.locator(".dm-people-row").first).to_be_visible()


@view("Contact requests", "People and settings")
async def requests(page: Page) -> None:
    await page.goto("/")
    await page.wait_for_function("() => window.dashMessenger?.store.synced")
    # Asked again for the next size: it is the same request.
    await page.evaluate(
        """() => window.dashMessenger.contacts.learn()
            .then(() => window.dashMessenger.contacts.ask('request', 'ella'))"""
    )
    dialog = await open_dialog(page, "New chat")
    await dialog.get_by_role("button", name="Requests").click()
    await expect(page.locator(".dm-people-request")).to_be_visible()


@view("A link that was just made", "People and settings")
async def code(page: Page) -> None:
    await page.goto("/")
    dialog = await open_dialog(page, "New chat")
    await dialog.get_by_role("button", name="Your links and QR codes").click()
    await page.get_by_label("What it is for").fill("Business cards")
    await page.get_by_role("button", name="Make a link").click()
    await expect(page.get_by_alt_text("QR code of the link")).to_be_visible()


@view("Privacy", "People and settings")
async def privacy(page: Page) -> None:
    await page.goto("/")
    await open_dialog(page, "Settings")
    await page.locator("[data-privacy]").click()
    dialog = page.get_by_role("dialog", name="Privacy")
    await expect(dialog.locator(".dm-people-row").first).to_be_visible()


@view("Settings", "People and settings")
async def settings(page: Page) -> None:
    await page.goto("/")
    await open_dialog(page, "Settings")


@view("One's own stickers", "People and settings")
async def sticker_settings(page: Page) -> None:
    await page.goto("/")
    panel = (await open_dialog(page, "Settings")).locator(".settings-panel", has_text="Stickers")
    await panel.locator("> summary").click()
    await panel.locator(".pack > summary").first.click()
    await panel.scroll_into_view_if_needed()


@view("The plugins of this server", FOR_ADMINS)
async def plugins(page: Page) -> None:
    await page.goto("/plugins")


async def open_demo_chat(page: Page, title: str) -> None:
    """The chat with this title, at its end."""
    await page.goto("/")
    await page.locator(".dm-chats .dm-chat", has_text=title).click()
    await expect(page.locator(SETTLED)).to_be_visible()


async def reach(page: Page, body: str) -> None:
    """Turn the wheel until the last message with such a body is in sight as far as it fits."""
    await open_demo_chat(page, EVERYTHING)
    await page.locator(".dm-scroll").hover()
    while await page.evaluate(HIDDEN_ABOVE, body):
        await page.mouse.wheel(0, -150)
        await drawn(page)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    async with served_by_readme(tmp_path_factory.mktemp("demo") / "data") as said:
        yield told_by(said)


def told_by(said: str) -> Demo:
    """What the server said."""
    found = re.search(r"(http://\S+)\s+Log in as one of (\w+),.*password of each is: (.+)", said)
    admin = re.search(r"The admin is (\w+)\.", said)
    assert found, said
    assert admin, said
    return Demo(found[1], found[2], admin[1], found[3].strip())


@asynccontextmanager
async def visitor(
    browser: Browser, demo: Demo, size: str, username: str | None, scheme: str = "light"
) -> AsyncIterator[BrowserContext]:
    """A browser in English at the demo, of this user or of nobody; nothing may go wrong in it."""
    width, height = SIZES[size]
    context = await browser.new_context(
        base_url=demo.address,
        viewport=ViewportSize(width=width, height=height),
        has_touch=size == "phone",
        is_mobile=size == "phone",
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="en-GB",
        timezone_id="UTC",
    )
    problems: list[str] = []
    watch(context, demo.address, problems)
    try:
        for command, params in (
            ("session.open", {"username": username, "password": demo.password, "as": "cookie"}),
            ("account.update", {"language": "en"}),
        ):
            if username:
                answer = await context.request.post(
                    f"/api/{command}", data=params, headers={"Origin": demo.address}
                )
                assert answer.ok, await answer.text()
        yield context
    finally:
        await context.close()
    assert [problem for problem in problems if "/nowhere" not in problem] == []


async def picture_of(page: Page) -> bytes:
    """A screenshot, when all that is in sight has come to rest."""
    await page.wait_for_function(
        "() => [...document.images].every((one) => one.complete && one.naturalWidth)"
    )
    await at_rest(page)
    return await page.screenshot(animations="disabled")


async def test_demo_is_worth_a_picture(browser: Browser, demo: Demo, pictures: Path) -> None:
    async with visitor(browser, demo, "desktop", demo.member) as context:
        page = await context.new_page()
        await open_demo_chat(page, EVERYTHING)
        # There is something of everything in sight.
        await page.locator(".dm-scroll").evaluate("list => (list.scrollTop -= 640)")
        picture = await picture_of(page)
    (pictures / README_PICTURE.name).write_bytes(picture)
    if WRITTEN:
        README_PICTURE.write_bytes(picture)
    assert shape_of(README_PICTURE.read_bytes()) == shape_of(picture) == SIZES["desktop"]


@pytest.mark.parametrize("scheme", ["light", "dark"] if WRITTEN else ["light"])
async def test_every_page_and_type_has_a_picture(
    browser: Browser, demo: Demo, size: str, scheme: str, pictures: Path
) -> None:
    users = {GETTING_IN: None, FOR_ADMINS: demo.admin}
    for section in dict.fromkeys(one.within for one in VIEWS):
        username = users.get(section, demo.member)
        async with visitor(browser, demo, size, username, scheme) as context:
            for one in VIEWS:
                if one.within != section:
                    continue
                page = await context.new_page()
                await one.show(page)
                await expect(
                    page.locator("main:visible, .dm-list:visible, .dm-timeline:visible").first
                ).to_be_visible()
                picture = await picture_of(page)
                (pictures / f"{one.name}-{size}-{scheme}.png").write_bytes(picture)
                await page.close()
                if scheme == "light":
                    kept(SCREENS / f"{one.name}-{size}.webp", picture)


def kept(place: Path, picture: bytes) -> None:
    """Write what docs show, or compare its shape."""
    if WRITTEN:
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.open(io.BytesIO(picture)).save(place, "WEBP", quality=75, method=6)
    assert place.exists(), f"no {place.name}: DASH_MESSENGER_PICTURES=write makes it"
    assert shape_of(place.read_bytes()) == shape_of(picture)


def shape_of(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


async def test_docs_show_every_picture_and_no_other() -> None:
    place = DOCS / "screenshots.md"
    if WRITTEN:
        place.write_text(screenshots_md(), encoding="utf-8")
    assert place.read_text(encoding="utf-8") == screenshots_md()
    names = {f"{one.name}-{size}.webp" for one in VIEWS for size in SIZES}
    assert {one.name for one in SCREENS.iterdir()} == names


def screenshots_md() -> str:
    """The page of all pictures, by section."""
    parts = [
        "# Screenshots\n",
        "Every page and every message type, on a desktop (1280 × 800) and on a phone (390 × 844).\n"
        "The tests draw them from the demo: "
        "`DASH_MESSENGER_PICTURES=write python3 dev.py test tests/browser/test_pictures.py`.\n",
    ]
    for section in dict.fromkeys(one.within for one in VIEWS):
        parts.append(f"## {section}\n")
        for one in VIEWS:
            if one.within == section:
                parts.append(f"### {one.title}\n")
                parts.append(
                    "\n".join(
                        f'<img src="images/screens/{one.name}-{size}.webp" '
                        f'alt="{one.title}, on a {size}" width="{width}">'
                        for size, width in (("desktop", 620), ("phone", 190))
                    )
                    + "\n"
                )
    return "\n".join(parts)
