"""A conversation that has just been started: it opens, empty, and is ready to be written in."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.dialogs import choose_person, open_dialog
from tests.browser.pages.messenger import open_list

GROUPS = 20
# Started and opened as by the dialog, from the list, as soon as the answer is there. The answer comes
# by HTTP and the news of the group by the socket: either may be first, by a little. Returns the
# address of one that never got its messages.
START_GROUPS = """async ([groups, member]) => {
    const app = window.dashMessenger;
    const headers = { 'Content-Type': 'application/json' };
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
    for (let number = 0; number < groups; number++) {
        history.pushState({}, '', '/');
        dispatchEvent(new PopStateEvent('popstate'));
        const body = JSON.stringify({ kind: 'group', title: `Group ${number}`, members: [member] });
        const answer = await fetch('/api/conversation.create', { method: 'POST', headers, body });
        const { id } = await answer.json();
        await sleep(number % 5 * 2);
        app.route.open(id);
        const until = Date.now() + 30_000;
        while (!app.store.hasWindow(id) && Date.now() < until) await sleep(2);
        if (!app.store.hasWindow(id)) return location.pathname;
    }
    return '';
}"""

# The greatest difference, of 255, between a name's ground and that of the dialog it is in.
STANDS_OUT = """(name) => {
    const ground = (of) => getComputedStyle(of).backgroundColor.match(/\\d+/g);
    const dialog = ground(name.closest('dialog'));
    return Math.max(...ground(name).map((part, at) => Math.abs(part - dialog[at])));
}"""


@pytest.mark.parametrize("size", ["desktop"])
async def test_every_new_group_opens_though_no_chat_was_open(person: Any) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    page = await open_list(ann)
    assert await page.evaluate(START_GROUPS, [GROUPS, ben.username]) == ""
    await expect(page.locator(".dm-timeline .dm-notice")).to_contain_text("No messages here yet")


@pytest.mark.parametrize("size", ["desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_people_who_were_chosen_stand_out(person: Any) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    dialog = await open_dialog(await open_list(ann), "New group")
    await choose_person(dialog, ben.username)
    name = dialog.locator(".dm-people-chips button")
    await expect(name).to_contain_text("Ben")
    assert await name.evaluate(STANDS_OUT) > 10
