"""Running a group from its details: roles, with three people who all have it open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Person
from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import choose_person, open_dialog
from tests.browser.pages.messenger import message, open_chat
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]


async def row(details: Locator, one: Person) -> Locator:
    """The row of a member in the details."""
    found = details.locator(".members li").filter(
        has=details.page.locator(f"[data-user='{one.id}']")
    )
    await expect(found).to_be_visible()
    return found


async def open_menu(details: Locator, one: Person) -> Locator:
    """What may be done to a member."""
    member = await row(details, one)
    await member.locator(".member-menu > summary").click()
    menu = member.locator(".member-menu > div")
    await expect(menu).to_be_visible()
    return menu


async def ask_and(menu: Locator, action: str) -> None:
    """Press what asks first, and then its button."""
    await menu.locator("summary", has_text=action).click()
    button = menu.get_by_role("button", name=action)
    await expect(button).to_be_in_viewport(ratio=1)
    await button.click()


async def three(person: MakePerson) -> tuple[list[Person], str, list[Page]]:
    """Three people in a group of the first one's, and the page of each."""
    people = [await person(name) for name in ("Ann", "Ben", "Cem")]
    chat = await talk(*people, title="Hikers")
    await people[1].send(chat, "Where to?")
    return people, chat, [await open_chat(one, chat) for one in people]


async def test_roles_are_given_taken_and_handed_over_live(
    person: MakePerson, size: str, pictures: Path
) -> None:
    (ann, ben, cem), _, (anns, bens, cems) = await three(person)
    of_ann, of_ben = await open_dialog(anns, "Details"), await open_dialog(bens, "Details")
    await expect((await row(of_ben, ann)).locator(".member-role")).to_have_text("Owner")
    await expect(of_ben.locator(".member-menu")).to_have_count(0)
    # Nobody else owns it: Ann has nothing to give up.
    await expect((await row(of_ann, ann)).locator(".member-menu")).to_have_count(0)
    menu = await open_menu(of_ann, ben)
    await at_rest(anns)
    await anns.screenshot(path=pictures / f"members-{size}.png")
    await menu.get_by_role("button", name="Make admin").click()
    await expect(menu).to_be_hidden()
    for details in (of_ann, of_ben):
        await expect((await row(details, ben)).locator(".member-role")).to_have_text("Admin")
    # What he may do came along.
    await expect(of_ben.get_by_label("Name of the group")).to_be_visible()
    await expect((await row(of_ben, cem)).locator(".member-menu")).to_be_visible()
    await expect((await row(of_ben, ann)).locator(".member-menu")).to_have_count(0)
    await ask_and(await open_menu(of_ann, ben), "Make owner")
    for details in (of_ann, of_ben):
        await expect((await row(details, ben)).locator(".member-role")).to_have_text("Owner")
    await ask_and(await open_menu(of_ann, ann), "Give up ownership")
    await expect((await row(of_ben, ann)).locator(".member-role")).to_have_count(0)
    await expect(of_ann.get_by_label("Name of the group")).to_have_count(0)
    await expect(of_ann.locator(".member-menu")).to_have_count(0)
    await expect(cems.locator(".dm-event")).to_have_text(
        [
            "Ann created the group",
            "Ann made Ben an admin",
            "Ann made Ben an owner",
            "Ann is a member again",
        ]
    )


async def test_who_leaves_is_followed_and_their_list_forgets_the_group(
    person: MakePerson, size: str, pictures: Path
) -> None:
    (_, ben, cem), _, (anns, bens, _) = await three(person)
    details = await open_dialog(anns, "Details")
    of_ben = await open_dialog(bens, "Details")
    await expect(of_ben.get_by_text("Leave the group")).to_be_visible()
    await expect(of_ben.get_by_text("The admin who has been here longest")).to_have_count(0)
    await details.get_by_text("Leave the group").click()
    await expect(details.get_by_text("The admin who has been here longest")).to_be_visible()
    await at_rest(anns)
    await anns.screenshot(path=pictures / f"leave-{size}.png")
    await details.get_by_role("button", name="Leave").click()
    await expect(anns).to_have_url(f"{ben.base_url}/")
    await expect(anns.locator(".dm-chat", has_text="Hikers")).to_have_count(0)
    await expect((await row(of_ben, ben)).locator(".member-role")).to_have_text("Owner")
    await expect(of_ben.locator(".members li")).to_have_count(2)
    await expect((await row(of_ben, cem)).locator(".member-menu")).to_be_visible()
    await expect(bens.locator(".dm-event")).to_have_text(
        ["Ann created the group", "Ann left the group", "Ben is an owner now"]
    )


async def test_who_is_banned_is_out_until_that_is_lifted(
    person: MakePerson, size: str, pictures: Path
) -> None:
    (_, ben, cem), chat, (anns, bens, cems) = await three(person)
    details, of_ben = await open_dialog(anns, "Details"), await open_dialog(bens, "Details")
    await ask_and(await open_menu(details, cem), "Ban")
    await expect(
        cems.get_by_text("This chat does not exist, or you are not in it.")
    ).to_be_visible()
    for each in (details, of_ben):
        await expect(each.locator(".members [data-user]", has_text="Cem")).to_be_hidden()
    # Cem has said nothing: Ben's page asks who it is.
    line = bens.locator(".dm-event").last
    await expect(line).to_have_text("Ann banned Cem")
    await expect(of_ben.get_by_text("Banned")).to_have_count(0)
    await of_ben.get_by_role("button", name="Add people").click()
    adding = bens.get_by_role("dialog", name="Add people")
    await choose_person(adding, cem.username)
    await adding.get_by_role("button", name="Add", exact=True).click()
    await expect(adding.get_by_text(f"{cem.username} is banned from this group.")).to_be_visible()
    await details.get_by_text("Banned (1)").click()
    await at_rest(anns)
    await anns.screenshot(path=pictures / f"banned-{size}.png")
    await details.get_by_role("button", name="Lift the ban").click()
    await expect(details.get_by_text("Banned (1)")).to_have_count(0)
    await expect(line).to_have_text("Ann lifted the ban of Cem")
    await adding.get_by_role("button", name="Add", exact=True).click()
    await expect((await row(details, cem)).locator(".member-menu")).to_be_visible()
    await ben.send(chat, "Welcome back")
    await expect(message(cems, "Welcome back")).to_be_visible()
    await expect(cems.locator(".dm-event").last).to_have_text("Ben added Cem")
    assert chat in {one["id"] for one in (await cem.call("sync"))["conversations"]}
    # Once more, which is what a page that is read again says, too.
    await ask_and(await open_menu(details, cem), "Ban")
    await bens.reload()
    await expect(bens.locator(".dm-event").last).to_have_text("Ann banned Cem")


async def test_a_group_says_what_it_is_and_its_rules(
    person: MakePerson, size: str, pictures: Path
) -> None:
    _, _, (anns, bens, _) = await three(person)
    details, of_ben = await open_dialog(anns, "Details"), await open_dialog(bens, "Details")
    await expect(of_ben.get_by_text("Description and rules")).to_have_count(0)
    await details.get_by_text("Description and rules").click()
    await details.get_by_label("Description").fill("One walk a month,\nwhatever the weather.")
    await details.get_by_label("Rules").fill("Be <b>kind</b>.\nBring something to share.")
    save = details.locator(".details-about").get_by_role("button", name="Save")
    await save.click()
    for each in (details, of_ben):
        shown = each.locator(".details-text")
        await expect(shown).to_have_count(2)
        await expect(shown.first).to_have_text("One walk a month, whatever the weather.")
        await expect(shown.last).to_contain_text("Be <b>kind</b>.")
    await expect(bens.locator(".dm-event").last).to_have_text("Ann changed the rules of the group")
    await at_rest(anns)
    await anns.screenshot(path=pictures / f"about-{size}.png")
    await at_rest(bens)
    await bens.screenshot(path=pictures / f"about-reader-{size}.png")
    await details.get_by_label("Description").fill("x" * 501)
    await save.click()
    await expect(details.get_by_text("at most 500 characters")).to_be_visible()
    await details.get_by_label("Description").fill("")
    await save.click()
    await expect(of_ben.locator(".details-text")).to_have_count(1)


async def test_a_menu_closes_by_a_press_elsewhere_and_by_escape(person: MakePerson) -> None:
    (_, ben, cem), _, (anns, _, _) = await three(person)
    details = await open_dialog(anns, "Details")
    # The one below it, which it does not cover.
    lower = await open_menu(details, cem)
    menu = await open_menu(details, ben)
    await expect(lower).to_be_hidden()
    await anns.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await expect(details).to_be_visible()
    await expect((await row(details, ben)).locator("summary").first).to_be_focused()
    await open_menu(details, ben)
    await details.get_by_role("heading", name="Members").click()
    await expect(menu).to_be_hidden()


async def test_what_is_typed_stays_while_others_come_and_go(person: MakePerson) -> None:
    (_, ben, _), chat, (anns, _, _) = await three(person)
    details = await open_dialog(anns, "Details")
    await details.get_by_label("Name of the group").fill("Climbers")
    dan = await person("Dan")
    await ben.call("conversation.add", conversation=chat, members=[dan.username])
    await row(details, dan)
    await expect(details.get_by_text("4 members")).to_be_visible()
    await expect(details.get_by_label("Name of the group")).to_have_value("Climbers")
