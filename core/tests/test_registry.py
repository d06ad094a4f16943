"""A name is taken once, and what an owner brought goes with it."""

from __future__ import annotations

import pytest
from dash_messenger.registry import Registry


@pytest.fixture
def colours() -> Registry[int]:
    registry: Registry[int] = Registry("colour")
    registry.add("dawn", "red", 1)
    registry.add("sea", "blue", 2)
    registry.add("dawn", "gold", 3)
    return registry


def test_name_is_taken_once_whoever_brings_it(colours: Registry[int]) -> None:
    for owner in ("dawn", "sea"):
        with pytest.raises(ValueError, match="colour red is registered twice"):
            colours.add(owner, "red", 9)
    assert (colours.by_name["red"], colours.owners["red"]) == (1, "dawn")


def test_owner_takes_its_things_along_and_their_names_are_free(colours: Registry[int]) -> None:
    assert colours.remove("dawn") == [1, 3]
    assert colours.remove("dawn") == []
    assert ([*colours], dict(colours.owners)) == ([2], {"blue": "sea"})
    colours.add("sea", "red", 4)
    assert dict(colours.by_name) == {"blue": 2, "red": 4}


def test_one_thing_is_forgotten_by_its_name(colours: Registry[int]) -> None:
    assert (colours.discard("red"), colours.discard("red")) == (1, None)
    assert colours.remove("dawn") == [3]


def test_what_is_looked_through_may_change_meanwhile(colours: Registry[int]) -> None:
    seen = []
    for one in colours:
        seen.append(one)
        colours.remove("dawn")
    assert seen == [1, 2, 3]


def test_views_of_it_show_what_comes_and_goes(colours: Registry[int]) -> None:
    by_name, owners = colours.by_name, colours.owners
    colours.discard("blue")
    assert ("blue" in by_name, "blue" in owners, "blue" in colours) == (False, False, False)
