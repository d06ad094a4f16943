"""Two-step log-in in the browser: set up, asked for, recovery codes, turned off; rules to accept."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
import pytest_asyncio
from dash_messenger.testing import ServerProcess
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import PASSWORD, Person, at_one_size
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import open_list

ROOT = Path(__file__).parents[2]
# A step that no Dash half draws, from a plugin of a single file.
QUIZ = """
from dash_messenger import LoginStep, Refused, hookimpl
from msgspec import Struct


class Answer(Struct, frozen=True):
    word: str
    times: int
    sure: bool = False


class Quiz(LoginStep[Answer]):
    name = "acme.quiz"
    Answer = Answer

    async def needed(self, user, context):
        if user.username.startswith("quiz"):
            return {"question": "<b>Which word?</b>"}

    async def done(self, user, answer, context):
        if answer != Answer("bold", 3, True):
            raise Refused(reason="No.")


@hookimpl
def register_login_steps():
    return [Quiz()]
"""


def code_of(secret: str, later_s: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + later_s)


async def panel_of(page: Page) -> Locator:
    """The section of the settings, opened."""
    dialog = await open_dialog(page, "Settings")
    panel = dialog.locator(".settings-panel").filter(has_text="Two-step log-in")
    await panel.get_by_text("Two-step log-in").click()
    return panel


async def set_up(page: Page) -> tuple[str, list[str]]:
    """Set the second step up as people do; the secret and the recovery codes."""
    panel = await panel_of(page)
    await panel.get_by_label("Your password").fill(PASSWORD)
    await panel.get_by_label("Your password").press("Enter")
    await expect(panel.get_by_alt_text("QR code")).to_be_visible()
    secret = (await panel.locator(".totp-key").inner_text()).replace(" ", "")
    assert await panel.get_by_label("The six digits").evaluate("e => e.inputMode") == "numeric"
    await panel.get_by_label("The six digits").fill(code_of(secret))
    await panel.get_by_label("The six digits").press("Enter")
    codes = (await panel.locator(".totp-codes").inner_text()).split()
    await panel.get_by_role("button", name="Done").click()
    await expect(panel.get_by_text("10 recovery codes are left.")).to_be_visible()
    return secret, codes


async def log_in_half(page: Page, url: str, username: str) -> Locator:
    """Give the password; the form of the next step."""
    await page.goto(f"{url}/login")
    form = page.locator("form:visible")
    await form.get_by_label("User name").fill(username)
    await form.locator("input[name=password]").fill(PASSWORD)
    await form.locator("input[name=password]").press("Enter")
    step = page.locator(".page-step form")
    await expect(step).to_be_visible()
    return step


async def log_out(person: Person) -> None:
    # A page that is still asking something would be refused.
    for page in person.pages:
        await page.goto("about:blank")
    await person.context.clear_cookies(name="session")


async def test_the_second_step_is_set_up_and_asked_for(
    person: Callable[..., Awaitable[Person]], new_context: Any
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    secret, codes = await set_up(page)
    assert len({*codes}) == 10
    await log_out(ann)
    step = await log_in_half(page, ann.base_url, ann.username)
    field = step.get_by_label("Code from the app")
    await expect(field).to_be_focused()
    assert page.url.endswith("/login")
    assert await field.evaluate("e => [e.autocomplete, e.inputMode]") == [
        "one-time-code",
        "numeric",
    ]
    # The one that confirmed the set-up is used.
    await field.fill("000000")
    await field.press("Enter")
    await expect(step.get_by_text("This code is wrong")).to_be_visible()
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    ann.problems.clear()  # Chromium logs each answer with an error status.
    await page.keyboard.type(code_of(secret, 30))
    await expect(step.get_by_text("This code is wrong")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No chats yet")).to_be_visible()


async def see_codes(page: Page) -> Locator:
    """The section with the new recovery codes, which nobody has kept yet."""
    panel = await panel_of(page)
    await panel.get_by_label("Your password").fill(PASSWORD)
    await panel.get_by_label("Your password").press("Enter")
    secret = (await panel.locator(".totp-key").inner_text()).replace(" ", "")
    await panel.get_by_label("The six digits").fill(code_of(secret))
    await panel.get_by_label("The six digits").press("Enter")
    await expect(panel.locator(".totp-codes")).to_be_visible()
    return panel


async def test_closing_asks_while_the_recovery_codes_are_not_kept(
    person: Callable[..., Awaitable[Person]], pictures: Path, size: str
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    panel = await see_codes(page)
    settings = page.get_by_role("dialog", name="Settings")
    question = settings.get_by_role("alert").filter(has_text="Close without keeping them?")
    # The dialog's own × comes first.
    cross = settings.get_by_role("button", name="Close").first

    async def beside() -> None:
        await page.mouse.click(5, 5)

    for leave in (lambda: page.keyboard.press("Escape"), page.go_back, cross.click, beside):
        if leave is beside and size == "phone":
            continue
        await leave()
        await expect(question).to_be_in_viewport(ratio=1)
        await page.screenshot(path=pictures / f"settings-codes-{size}.png")
        await settings.get_by_role("button", name="Go back").click()
        await expect(question).to_have_count(0)
        await expect(panel.locator(".totp-codes")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator(".dialog-question").get_by_role("button", name="Close").click()
    await expect(settings).to_have_count(0)


@at_one_size
@pytest.mark.parametrize("keeps", ["Copy", "Save as a file", "Done"])
async def test_kept_recovery_codes_are_not_asked_for(
    person: Callable[..., Awaitable[Person]], keeps: str
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    panel = await see_codes(page)
    await page.keyboard.press("Escape")
    settings = page.get_by_role("dialog", name="Settings")
    await expect(settings.get_by_text("Close without keeping them?")).to_be_visible()
    await page.keyboard.press("Escape")
    await panel.get_by_text(keeps, exact=True).click()
    if keeps == "Done":
        await expect(panel.get_by_text("10 recovery codes are left.")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(settings).to_have_count(0)


@at_one_size
async def test_a_recovery_code_lets_in_once(
    person: Callable[..., Awaitable[Person]],
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    _, codes = await set_up(page)
    for code, expected in ((codes[0], "No chats yet"), (codes[0], "This code is wrong")):
        await log_out(ann)
        step = await log_in_half(page, ann.base_url, ann.username)
        await step.get_by_role("button", name="Use a recovery code").click()
        field = step.get_by_label("Recovery code")
        await expect(field).to_be_focused()
        assert await field.evaluate("e => e.inputMode") == "text"
        await field.fill(code.lower())
        await field.press("Enter")
        await expect(page.get_by_text(expected)).to_be_visible()
    ann.problems.clear()


@at_one_size
async def test_five_wrong_codes_lead_back_to_the_password(
    person: Callable[..., Awaitable[Person]],
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    secret, _ = await set_up(page)
    await log_out(ann)
    step = await log_in_half(page, ann.base_url, ann.username)
    field = step.locator(".step-input")
    for n in range(5):
        await field.fill(f"00000{n}")
        await field.press("Enter")
        if n < 4:
            # While an answer is on its way the form takes no other.
            await expect(field).to_have_attribute("aria-invalid", "true")
    login = page.locator(".page-login form")
    await expect(login.get_by_text("This log-in has ended.")).to_be_visible()
    await expect(login.locator("input[name=password]")).to_be_focused()
    await expect(login.get_by_label("User name")).to_have_value(ann.username)
    ann.problems.clear()
    await login.locator("input[name=password]").press("Enter")
    await expect(step).to_be_visible()
    await step.locator(".step-input").fill(code_of(secret, 30))
    await step.get_by_role("button", name="Log in").click()
    await expect(page.get_by_text("No chats yet")).to_be_visible()
    ann.problems.clear()


@at_one_size
async def test_back_leads_to_the_password_with_what_was_typed(
    person: Callable[..., Awaitable[Person]],
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await set_up(page)
    await log_out(ann)
    step = await log_in_half(page, ann.base_url, ann.username)
    await step.get_by_role("link", name="Back").click()
    login = page.locator(".page-login form")
    await expect(login.get_by_label("User name")).to_have_value(ann.username)
    await expect(step).to_be_hidden()
    ann.problems.clear()


@at_one_size
async def test_changes_need_password_and_code_and_end_other_sessions(
    person: Callable[..., Awaitable[Person]], new_context: Any
) -> None:
    ann = await person("Ann")
    context, problems = await new_context()
    device = Person(ann.username, ann.id, context, ann.base_url, problems)
    await device.call("session.open", username=ann.username, password=PASSWORD, **{"as": "cookie"})
    elsewhere = await open_list(device)
    page = await open_list(ann)
    secret, codes = await set_up(page)
    # The other device is logged out, and told so.
    await expect(elsewhere.get_by_text("logged out in another tab")).to_be_visible()
    problems.clear()
    panel = page.locator(".settings-panel").filter(has_text="Two-step log-in")
    await panel.get_by_role("button", name="Turn it off").click()
    await panel.get_by_label("Your password").fill("not the password at all")
    await panel.get_by_label("Code from the app").fill(codes[1])
    await panel.get_by_role("button", name="Turn it off").click()
    await expect(panel.get_by_text("The password is wrong.")).to_be_visible()
    await panel.get_by_label("Code from the app").fill("000000")
    await panel.get_by_label("Your password").fill(PASSWORD)
    await panel.get_by_label("Your password").press("Enter")
    await expect(panel.get_by_text("This code is wrong")).to_be_visible()
    await panel.get_by_label("Your password").fill(PASSWORD)
    await panel.get_by_label("Code from the app").fill(code_of(secret, 30))
    await panel.get_by_label("Code from the app").press("Enter")
    await expect(panel.get_by_role("button", name="Set it up")).to_be_visible()
    await log_out(ann)
    opened = await ann.call(
        "session.open", username=ann.username, password=PASSWORD, **{"as": "cookie"}
    )
    assert opened["user"]["id"] == ann.id


@in_both_schemes
async def test_axe_finds_nothing_in_any_of_it(
    person: Callable[..., Awaitable[Person]], scheme: str
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await colours_are(page, scheme)
    panel = await panel_of(page)
    await panel.get_by_label("Your password").fill(PASSWORD)
    assert await axe(page) == []
    await panel.get_by_role("button", name="Set it up").click()
    secret = (await panel.locator(".totp-key").inner_text()).replace(" ", "")
    assert await axe(page) == []
    await panel.get_by_label("The six digits").fill(code_of(secret))
    await panel.get_by_role("button", name="Turn it on").click()
    await expect(panel.locator(".totp-codes")).to_be_visible()
    assert await axe(page) == []
    await panel.get_by_role("button", name="Done").click()
    await panel.get_by_role("button", name="Set it up again").click()
    await expect(panel.get_by_label("Code from the app")).to_be_visible()
    assert await axe(page) == []
    await log_out(ann)
    step = await log_in_half(page, ann.base_url, ann.username)
    assert await axe(page) == []
    await step.locator(".step-input").fill("000000")
    await step.locator(".step-input").press("Enter")
    await expect(step.get_by_text("This code is wrong")).to_be_visible()
    assert await axe(page) == []
    ann.problems.clear()


@at_one_size
async def test_a_set_up_with_a_wrong_code_stays_and_can_be_made_again(
    person: Callable[..., Awaitable[Person]],
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    panel = await panel_of(page)
    await panel.get_by_label("Your password").fill(PASSWORD)
    await panel.get_by_role("button", name="Set it up").click()
    picture = panel.get_by_alt_text("QR code")
    await expect(picture).to_be_visible()
    before = await picture.get_attribute("src")
    await panel.get_by_label("The six digits").fill("000000")
    await panel.get_by_role("button", name="Turn it on").click()
    await expect(panel.get_by_text("This code is wrong")).to_be_visible()
    assert await picture.get_attribute("src") == before
    await panel.get_by_role("button", name="Back").click()
    await expect(panel.get_by_label("Your password")).to_be_visible()


# Steps of other plugins, on a server of their own.


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the house rules and a quiz."""
    folder = tmp_path_factory.mktemp("ruled")
    info = folder / "site" / "acme_rules-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[dash_messenger]\nrules = acme_rules.server\n"
        "[dash_messenger_webui]\nrules = acme_rules.ui\n"
    )
    plugins = folder / "plugins"
    plugins.mkdir()
    (plugins / "quiz.py").write_text(QUIZ)
    path = os.pathsep.join([str(folder / "site"), str(ROOT / "examples" / "rules")])
    server = ServerProcess(
        folder / "data",
        environment={"PYTHONPATH": path, "DASH_MESSENGER_PLUGINS_DIR": str(plugins)},
    )
    server.start()
    yield server
    server.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(ruled: ServerProcess, new_context: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of the server with rules, of somebody without an account."""
    context, problems = await new_context()
    page = await context.new_page()
    yield page, problems
    # The pages of this server are of another origin than the one that is watched.
    problems[:] = [one for one in problems if not one.startswith(("console", "foreign request"))]


async def register(page: Page, url: str, name: str) -> None:
    await page.goto(f"{url}/register")
    form = page.locator("form:visible")
    await form.get_by_label("User name").fill(name)
    await form.locator("input[name=password]").fill(PASSWORD)
    await form.locator("input[name=password]").press("Enter")


async def test_rules_are_accepted_when_an_account_is_made(
    ruled: ServerProcess, visitor: tuple[Page, list[str]], size: str
) -> None:
    ruled.run("user", "add", f"root-{size}", "--admin", "--password-file", "-", typed=PASSWORD)
    page, _ = visitor
    await page.goto(f"{ruled.url}/login")
    admin = await page.request.post(
        f"{ruled.url}/api/session.open",
        data={"username": f"root-{size}", "password": PASSWORD, "as": "token"},
        headers={"Origin": ruled.url},
    )
    rules = ["Be kind.", "<img src=x onerror=alert(1)>"]
    body = await admin.json()
    if not admin.ok:
        # The other size has set them already.
        assert body["error"]["key"] == "step_needed"
    else:
        changed = await page.request.post(
            f"{ruled.url}/api/plugin.change_settings",
            data={"plugin": "rules", "values": {"rules": rules}},
            headers={"Authorization": f"Bearer {body['token']}"},
        )
        assert changed.ok
    await register(page, ruled.url, f"new-{size}")
    step = page.locator(".page-step form")
    await expect(step.get_by_role("heading", name="House rules")).to_be_focused()
    assert await step.locator("li").all_inner_texts() == rules
    await step.get_by_role("button", name="I accept them").click()
    await expect(page.get_by_text("No chats yet")).to_be_visible()


async def test_a_step_without_a_view_is_asked_for_in_a_plain_form(
    ruled: ServerProcess, visitor: tuple[Page, list[str]], size: str
) -> None:
    page, _ = visitor
    await register(page, ruled.url, f"quiz-{size}")
    step = page.locator(".page-step form")
    accept = step.get_by_role("button", name="I accept them")
    await expect(step).to_be_visible()
    if await accept.is_visible():
        await accept.click()
    await expect(step.get_by_text("“acme.quiz” asks for this")).to_be_visible()
    # What a step shows is text.
    await expect(step.get_by_text("<b>Which word?</b>")).to_be_visible()
    await step.get_by_label("word").fill("thin")
    await step.get_by_label("times").fill("3")
    await step.get_by_label("sure").check()
    await step.get_by_role("button", name="Continue").click()
    await expect(step.get_by_text("No.")).to_be_visible()
    await expect(step.get_by_label("times")).to_have_value("3")
    await step.get_by_label("word").fill("bold")
    await step.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("No chats yet")).to_be_visible()


@at_one_size
async def test_a_user_whose_plugin_is_gone_is_told_whom_to_ask(
    ruled: ServerProcess, visitor: tuple[Page, list[str]], size: str, tmp_path: Path
) -> None:
    """Their second step cannot be asked for, so nothing is."""
    data = tmp_path / "data"
    server = ServerProcess(data)
    page, _ = visitor
    try:
        server.start()
        await _enrol(page, server)
        server.stop()
        server.environment["DASH_MESSENGER_PLUGINS_WITHOUT"] = '["totp"]'
        server.start()
        await page.goto(f"{server.url}/login?next={quote('/')}")
        form = page.locator("form:visible")
        await form.get_by_label("User name").fill("ann")
        await form.locator("input[name=password]").fill(PASSWORD)
        await form.locator("input[name=password]").press("Enter")
        await expect(form.get_by_text("Please ask the administrator.")).to_be_visible()
    finally:
        server.kill()


async def _enrol(page: Page, server: ServerProcess) -> None:
    async def call(command: str, token: str | None = None, **params: Any) -> Any:
        headers = {"Origin": server.url} if token is None else {"Authorization": f"Bearer {token}"}
        answer = await page.request.post(
            f"{server.url}/api/{command}", data=params, headers=headers
        )
        assert answer.ok, await answer.text()
        return await answer.json()

    await call("account.register", username="ann", password=PASSWORD)
    token = (await call("session.open", username="ann", password=PASSWORD))["token"]
    begun = await call("factor.begin", token, factor="totp", password=PASSWORD)
    code = code_of(begun["shown"]["secret"])
    await call("factor.confirm", token, factor="totp", answer={"code": code})
