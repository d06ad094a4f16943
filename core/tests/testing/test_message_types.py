"""The contract of message types sees what is wrong with one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from dash_messenger import Acted, Change, Failure, MessageType, Refuse, action
from dash_messenger.errors import ActionRefused, ContentInvalid, Forbidden, InvalidParams
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.testing import MessageTypeContract, Trial
from msgspec import Meta, Struct


class Offer(Struct, frozen=True, forbid_unknown_fields=True):
    what: Annotated[str, Meta(min_length=1)]
    places: int = 1


class Taken(Struct, frozen=True):
    by: list[str] = []


class Offers(MessageType[Offer, Taken, bool]):
    type, Content, State, Mark = "acme.offer", Offer, Taken, bool
    version, editable = 2, True
    upgrades = {1: lambda content: {"what": content["title"]}}  # noqa: RUF012

    def start(self, content: Offer) -> Taken:
        return Taken()

    def text(self, content: Offer, state: Taken) -> str:
        return content.what

    @action()
    def take(self, offer: Acted[Offer, Taken, bool], *, on: bool) -> Change | Refuse:
        if on and len(offer.state.by) >= offer.content.places:
            return Refuse("full", "Everything is taken.")
        by = [who for who in offer.state.by if who != offer.by] + [offer.by] * on
        return Change(state=Taken(by), mark=on or None)

    @action(may="author")
    def clear(self, offer: Acted[Offer, Taken, bool]) -> Change:
        return Change(state=Taken())


GOOD = {"what": "apples", "places": 2}


def contract(**changed: Any) -> MessageTypeContract:
    """A contract's class with something else, ready to run its tests one by one."""
    sound = {
        "message_type": Offers(),
        "good": [GOOD],
        "actions": [("take", {"on": True}), ("clear", {})],
    }
    made: MessageTypeContract = type("Tried", (MessageTypeContract,), sound | changed)()
    return made


def registry(message_type: MessageType[Any, Any, Any]) -> MessageTypes:
    types = MessageTypes()
    types.add(message_type)
    return types


def samples(folder: Path, **versions: Any) -> Path:
    for version, content in versions.items():
        path = folder / f"{version.removeprefix('v')}.json"
        path.write_text(json.dumps([content]))
    return folder


def test_what_older_versions_stored_has_to_be_read(tmp_path: Path) -> None:
    types = registry(Offers())
    old = {"content": {"title": "apples"}, "state": {"by": ["ann"]}}
    new = {"content": GOOD, "text": "apples"}
    contract(samples=samples(tmp_path, v2=new))
    with pytest.raises(AssertionError, match=r"1.json is not there"):
        contract(samples=tmp_path).test_what_released_versions_stored_is_read(types)
    samples(tmp_path, v1=old)
    contract(samples=tmp_path).test_what_released_versions_stored_is_read(types)
    for wrong in (
        {"content": {"name": "apples"}},
        {**old, "state": {"by": "ann"}},
    ):
        samples(tmp_path, v1=wrong)
        with pytest.raises((AssertionError, KeyError)):
            contract(samples=tmp_path).test_what_released_versions_stored_is_read(types)


def test_a_changed_text_of_this_version_is_noticed(tmp_path: Path) -> None:
    found = samples(tmp_path, v1={"content": {"title": "a"}}, v2={"content": GOOD, "text": "pears"})
    with pytest.raises(AssertionError, match="pears"):
        contract(samples=found).test_what_released_versions_stored_is_read(registry(Offers()))


def test_an_action_that_nobody_tries_is_named() -> None:
    tried = contract(actions=[("take", {"on": True})])
    with pytest.raises(AssertionError, match="clear"):
        tried.test_its_actions_change_what_can_be_stored(registry(Offers()))
    contract().test_its_actions_change_what_can_be_stored(registry(Offers()))


def test_an_action_that_always_refuses_is_noticed() -> None:
    tried = contract(good=[{"what": "apples", "places": 0}])
    with pytest.raises(AssertionError, match="always refused"):
        tried.test_its_actions_change_what_can_be_stored(registry(Offers()))


def test_a_state_that_cannot_be_read_again_is_noticed() -> None:
    class Wrong(Offers):
        @action()
        def take(self, offer: Acted[Offer, Taken, bool], *, on: bool) -> Change:
            return Change(state={"by": [1]})

    with pytest.raises(msgspec.ValidationError, match="by"):
        contract(message_type=Wrong()).test_its_actions_change_what_can_be_stored(registry(Wrong()))


def test_a_text_without_any_of_the_words_is_noticed() -> None:
    class Silent(Offers):
        def text(self, content: Offer, state: Taken) -> str:
            return "An offer"

    contract().test_it_is_found_by_what_was_written(registry(Offers()))
    with pytest.raises(AssertionError, match="apples"):
        contract(message_type=Silent()).test_it_is_found_by_what_was_written(registry(Silent()))


def test_a_trial_acts_as_the_server_does() -> None:
    offer = Trial(Offers(), GOOD, author="ann")
    offer.act("bob", "take", on=True)
    offer.act("bob", "take", on=True)
    assert (offer.state, offer.mark("bob"), offer.mark("ann")) == (Taken(["bob"]), True, None)
    offer.act("eve", "take", on=True)
    with pytest.raises(ActionRefused, match="Everything is taken") as refused:
        offer.act("ann", "take", on=True)
    assert refused.value.params["action"] == "full"
    with pytest.raises(Forbidden):
        offer.act("bob", "clear")
    for wrong in ({"on": "yes"}, {}, {"on": True, "more": 1}):
        with pytest.raises(InvalidParams):
            offer.act("bob", "take", **wrong)
    with pytest.raises(InvalidParams, match="no action"):
        offer.act("bob", "steal")
    offer.act("bob", "take", on=False)
    assert (offer.state, offer.mark("bob")) == (Taken(["eve"]), None)
    offer.act("ann", "clear")
    assert (offer.state, offer.text) == (Taken(), "apples")


def test_a_trial_is_edited_as_a_message_is() -> None:
    offer = Trial(Offers(), GOOD)
    offer.act("bob", "take", on=True)
    offer.edit({"what": "pears"})
    assert (offer.content, offer.state, offer.text) == (Offer("pears"), Taken(), "pears")
    with pytest.raises(ContentInvalid):
        offer.edit({"what": ""})
    with pytest.raises(Failure):
        Trial(Offers(), {"what": 1})


def test_a_refusal_without_a_translation_is_noticed() -> None:
    class View:
        asked: ClassVar[set[str]] = set()

        def unknown_sentences(self, sentences: Iterable[str]) -> dict[str, list[str]]:
            self.asked.update(sentences)
            return {"ru": sorted(self.asked)}

    with pytest.raises(AssertionError, match="Everything is taken"):
        contract(view=View()).test_its_refusals_are_translated()
    assert "Everything is taken." in View.asked


class Trimmed(MessageType[Offer]):
    type, Content, inline = "acme.trimmed", Offer, True

    def text(self, content: Offer, state: None) -> str:
        return re.sub(r"\s+$", "", content.what)


def test_inline_code_out_of_proportion_is_noticed() -> None:
    tried = contract(message_type=Trimmed(), actions=[])
    with pytest.raises(AssertionError, match="time out of proportion with what: "):
        tried.test_inline_code_takes_time_in_proportion(registry(Trimmed()))


def test_inline_actions_are_tried_with_near_misses_too() -> None:
    class Called(Offers):
        type, inline = "acme.called", True

        @action()
        def call(self, offer: Acted[Offer, Taken, bool], *, name: str) -> Change | Refuse:
            return Change(state=Taken([re.sub(r"\s+$", "", name)]))

    actions = [("take", {"on": True}), ("clear", {}), ("call", {"name": "ann"})]
    tried = contract(message_type=Called(), actions=actions)
    with pytest.raises(AssertionError, match="time out of proportion with name: "):
        tried.test_inline_code_takes_time_in_proportion(registry(Called()))


def test_code_that_is_not_inline_may_take_its_time() -> None:
    class InChildren(Trimmed):
        type, inline = "acme.children", False

    tried = contract(message_type=InChildren(), actions=[])
    tried.test_inline_code_takes_time_in_proportion(registry(InChildren()))
