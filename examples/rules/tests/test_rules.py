"""Who logs in accepts the rules, once, and again when they change."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from acme_rules.server import Acceptance
from acme_rules.ui import RulesView
from dash_messenger import Refused
from dash_messenger.client import Client, post
from dash_messenger.errors import InvalidParams, StepNeeded
from dash_messenger.testing import PASSWORD, People
from msgspec.structs import fields

RULES = ["Be kind.", "No cats on Mondays."]


@pytest.fixture
async def admin(people: People) -> AsyncIterator[Client]:
    admin = await people.admin()
    yield admin
    await change(admin, [])


async def change(client: Client, rules: list[str]) -> None:
    await client.call("plugin.change_settings", plugin="rules", values={"rules": rules})


async def accept(step: dict[str, Any]) -> Mapping[str, Any]:
    return {"version": step["shown"]["version"]}


async def asked(people: People, name: str) -> dict[str, Any]:
    """What a log-in asks for."""
    with pytest.raises(StepNeeded) as needed:
        await people.log_in(name)
    (step,) = needed.value.params["steps"]
    assert (step["step"], step["kind"]) == ("acme.rules", "step")
    return {"login": needed.value.params["login"], **step}


async def test_without_rules_nobody_is_asked(people: People, admin: Client) -> None:
    name, _ = await people.register()
    assert await people.log_in(name)


async def test_the_rules_are_accepted_once(people: People, admin: Client) -> None:
    name, _ = await people.register()
    await change(admin, RULES)
    assert (await asked(people, name))["shown"]["rules"] == RULES
    token = await people.log_in(name, answer=accept)
    assert (await post(people.server.url, "account.get", token=token))["user"]["username"] == name
    assert await people.log_in(name)


async def test_other_rules_are_asked_about_again(people: People, admin: Client) -> None:
    name, _ = await people.register()
    await change(admin, RULES)
    await people.log_in(name, answer=accept)
    await change(admin, RULES[:1])
    assert (await asked(people, name))["shown"]["rules"] == RULES[:1]
    assert await people.log_in(name, answer=accept)


async def test_nobody_accepts_rules_that_were_not_shown(people: People, admin: Client) -> None:
    name, _ = await people.register()
    await change(admin, RULES)
    step = await asked(people, name)
    await change(admin, ["Other rules."])
    answer = {"login": step["login"], "step": "acme.rules", "answer": await accept(step)}
    with pytest.raises(Refused, match="The rules have changed"):
        await post(people.server.url, "session.continue", answer)
    with pytest.raises(InvalidParams):
        await post(people.server.url, "session.continue", {**answer, "answer": {"yes": True}})
    await asked(people, name)


async def test_a_new_user_is_asked_too(people: People, admin: Client) -> None:
    await change(admin, RULES)
    await post(
        people.server.url, "account.register", {"username": "newcomer", "password": PASSWORD}
    )
    await asked(people, "newcomer")
    assert await people.log_in("newcomer", answer=accept)


async def test_the_page_shows_what_is_asked_and_sends_what_is_expected(
    people: People, admin: Client
) -> None:
    name, _ = await people.register()
    await change(admin, RULES)
    shown = (await asked(people, name))["shown"]
    assert {*RulesView.shows, *RulesView.sends} <= shown.keys()
    assert {*RulesView.sends} == {field.name for field in fields(Acceptance)}
    assert RulesView().button(str) == "I accept them"
