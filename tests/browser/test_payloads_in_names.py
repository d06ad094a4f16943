"""Payloads in everything that people name: a sample of a public corpus, on the real pages.

`test_payloads` puts the whole corpus through what messages hold. Here each field beside them is
filled with a part of it, and the page that shows it is opened: it must show the words as they are,
and there must be no dialog, no request elsewhere, no violation of the content security policy and
no markup that the page does not make itself.
"""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import brs_kb
import pytest
import pytest_asyncio
from dash_messenger.testing import ServerProcess
from PIL import Image
from playwright.async_api import Dialog, Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import SEND_KEY, TEXT_BOX, open_chat, open_list
from tests.browser.people import talk
from tests.environment import FIRST_PARTY, ROOT, serving

SAMPLE = 16
# What none of our pages makes, wherever it came from.
ODD = """() => [...document.querySelectorAll("*")].filter((any) =>
  any.matches("iframe, object, embed, base, math, marquee, form[action], a[href^='data:'], body script") &&
    !any.matches("#_dash-config, #_dash-renderer, script[src^='/']") ||
  [...any.attributes].some(({ name, value }) => /^on/i.test(name) ||
    (/^(href|src|srcset|action|formaction|data)$/i.test(name) && /^\\s*((javascript|vbscript):|data:text)/i.test(value)))
).map((any) => any.outerHTML.slice(0, 200))"""


def sample(longest: int, *, skip: int = 0) -> list[str]:
    """Payloads from all over the corpus that fit and would be markup, or an address that runs."""
    known = dict.fromkeys(one["payload"].strip() for one in brs_kb.get_all_payloads().values())
    fit = [
        text
        for text in known
        if len(text) <= longest and text.isprintable() and ("<" in text or "script:" in text)
    ]
    step = len(fit) // SAMPLE
    return fit[skip::step][:SAMPLE]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With everything of ours, and strangers' polls and settings."""
    ours = [ROOT / "plugins" / name for name in ("markdown", "photo", "stickers", "files")]
    strangers = [ROOT / "examples/poll", ROOT / "tests/projects/yard"]
    projects = (*FIRST_PARTY.values(), *ours, *strangers)
    with serving(tmp_path_factory.mktemp("names"), *projects) as running:
        yield running


@pytest.fixture(params=["desktop"])
def size(request: pytest.FixtureRequest) -> str:
    """What is markup at one width is so at the other."""
    return str(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def ann(person: Any) -> AsyncIterator[Person]:
    """Somebody whose pages tell of dialogs, and are looked through at the end."""
    one: Person = await person("Ann")

    async def on_dialog(dialog: Dialog) -> None:
        one.problems.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    one.context.on("page", lambda page: page.on("dialog", on_dialog))
    yield one
    for page in one.pages:
        one.problems += await page.evaluate(ODD)


def picture() -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").convert("RGBA").resize((64, 64)).save(file, "PNG")
    return file.getvalue()


async def read(page: Page, where: str, texts: list[str]) -> None:
    """All texts stand there as they were typed."""
    place = page.locator(where)
    for text in texts:
        await expect(place.get_by_text(text, exact=True).first).to_be_attached()


async def test_names_of_people(ann: Person) -> None:
    names = sample(64)
    others = []
    for number, name in enumerate(names):
        username = f"named{number}{uuid.uuid4().hex[:6]}"
        registration = {"username": username, "password": PASSWORD, "display_name": name}
        await ann.call("account.register", **registration)
        opened = await ann.call("session.open", username=username, password=PASSWORD)
        others.append((username, opened["token"]))
    members = [username for username, _ in others]
    made = await ann.call("conversation.create", kind="group", title="Names", members=members)
    for _, token in others:
        await ann.context.request.post(
            f"{ann.base_url}/api/message.send",
            headers={"Authorization": f"Bearer {token}"},
            data={
                "conversation": made["id"],
                "client_id": uuid.uuid4().hex,
                "type": "text",
                "content": {"text": "here"},
            },
        )
    page = await open_chat(ann, made["id"])
    shown = [" ".join(name.split()) for name in names]
    await read(page, ".dm-author", shown[-3:])
    await open_dialog(page, "Details")
    await read(page, ".members", shown[:10])


async def test_what_is_no_user_name_is_refused(ann: Person) -> None:
    for name in sample(40)[:5]:
        answer = await ann.context.request.post(
            f"{ann.base_url}/api/account.register",
            data={"username": name, "password": PASSWORD, "display_name": "x"},
            headers={"Origin": ann.base_url},
        )
        assert (await answer.json())["error"]["key"] == "username_invalid"


async def test_one_s_own_name_in_the_settings(ann: Person) -> None:
    for name in sample(64, skip=1)[:4]:
        dialog = await open_dialog(await open_list(ann), "Settings")
        field = dialog.get_by_label("Name that others see")
        await field.fill(name)
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog.get_by_text("Saved.", exact=True)).to_be_visible()
        await expect(field).to_have_value(" ".join(name.split()))


async def test_titles_of_groups(ann: Person, person: Any) -> None:
    bob = await person("Bob")
    titles = sample(128, skip=2)
    for title in titles:
        await talk(ann, bob, title=title)
    page = await open_list(ann)
    await read(page, ".dm-chat-title", [" ".join(title.split()) for title in titles[-5:]])
    await page.locator(".dm-chat").first.click()
    await open_dialog(page, "Details")


async def test_names_of_files_and_what_is_said_of_photos(ann: Person, person: Any) -> None:
    chat = await talk(ann, await person("Bob"))
    alts = sample(200, skip=3)
    for name, alt in zip(sample(120, skip=4), alts, strict=True):
        file = await ann.upload(name, "application/octet-stream", b"x")
        await ann.post(chat, "files", {"files": [{"blob": file}], "caption": name})
        photo = await ann.upload(name, "image/png", picture())
        photos = [{"blob": photo, "alt": alt}]
        await ann.post(chat, "photo", {"photos": photos, "caption": alt})
    page = await open_chat(ann, chat)
    last = page.locator('.dm-body[data-plugin="photo"] img').last
    await expect(last).to_have_attribute("alt", alts[-1])
    await last.click()
    await expect(page.locator("dialog[open]")).to_contain_text(alts[-1])


async def test_titles_of_packs_and_what_stands_for_stickers(ann: Person) -> None:
    titles, emoji = sample(64, skip=5), sample(64, skip=6)
    for title, said in zip(titles, emoji, strict=True):
        pack = (await ann.call("stickers.make", title=title))["id"]
        blob = await ann.upload("sticker.png", "image/png", picture())
        added = {"pack": pack, "blob": blob, "emoji": said}
        # Some are refused, since they are no emoji; what is taken is shown.
        await ann.context.request.post(
            f"{ann.base_url}/api/stickers.add", data=added, headers={"Origin": ann.base_url}
        )
    page = await open_list(ann)
    dialog = await open_dialog(page, "Settings")
    await dialog.get_by_text("Stickers", exact=True).click()
    await read(page, "[data-plugin=stickers]", titles[:3])


async def test_questions_and_answers_of_polls(ann: Person, person: Any) -> None:
    chat = await talk(ann, await person("Bob"))
    options = sample(100, skip=7)
    for first in range(0, len(options), 4):
        some = options[first : first + 4]
        await ann.post(chat, "acme.poll", {"question": some[0], "options": some})
    page = await open_chat(ann, chat)
    buttons = page.locator(".dm-body[data-plugin=poll] button")
    await expect(buttons.last).to_have_text(f"0 %{options[-1]}")
    await buttons.last.click()
    await expect(buttons.last).to_have_text(f"100 %{options[-1]}")


async def test_settings_of_plugins(ann: Person, server: ServerProcess) -> None:
    adding = ("user", "add", "overseer", "--admin", "--password-file", "-")
    await asyncio.to_thread(server.run, *adding, typed=PASSWORD)
    await ann.call("session.open", username="overseer", password=PASSWORD, **{"as": "cookie"})
    guests = sample(60, skip=8)[:8]
    values = {"name": "<img src=x>", "notice": "\n".join(guests), "guests": guests}
    await ann.call("plugin.change_settings", plugin="yard", values=values)
    page = await ann.open("/plugins")
    yard = page.get_by_role("region", name="yard")
    await expect(yard.get_by_label("Notice")).to_have_value("\n".join(guests))
    await expect(yard.get_by_label("Guests 3", exact=True)).to_have_value(guests[2])


async def test_what_is_typed_after_a_slash(ann: Person, person: Any) -> None:
    chat = await talk(ann, await person("Bob"))
    page = await open_chat(ann, chat)
    box = page.locator(TEXT_BOX)
    for typed in sample(60, skip=9)[:5]:
        await box.fill(f"/{typed}")
        await box.fill(f"/nothing {typed}")
        await box.press(SEND_KEY)
        await expect(page.locator(".dm-composer-error")).to_be_visible()


async def test_the_watch_would_tell(ann: Person) -> None:
    """The control: the same payloads put into the page as markup."""
    page = await open_list(ann)
    async with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        await page.evaluate(
            "payloads => payloads.forEach((payload) => {"
            " const place = document.createElement('div'); place.innerHTML = payload;"
            " document.body.append(place); })",
            sample(128),
        )
    assert len(await page.evaluate(ODD)) > SAMPLE // 2
    await page.close()
    ann.pages.remove(page)
    assert ann.problems
    ann.problems.clear()
