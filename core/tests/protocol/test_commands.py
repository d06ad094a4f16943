"""The registry of commands and its one rule: deny by default."""

from __future__ import annotations

import msgspec
import pytest
from dash_messenger.errors import InvalidParams, Unauthenticated, UnknownCommand
from dash_messenger.protocol.commands import Caller, Command, Commands


class Add(msgspec.Struct, forbid_unknown_fields=True):
    one: int
    two: int = 0


class Sum(msgspec.Struct):
    total: int


async def add(caller: Caller, params: Add) -> Sum:
    return Sum(params.one + params.two)


NOBODY = Caller(user=None, session=None, address="127.0.0.1")
SOMEBODY = Caller(user="u", session="s", address="127.0.0.1")


@pytest.fixture
def commands() -> Commands:
    registry = Commands()
    registry.add("core", Command("sum.add", Add, Sum, add, "Add two numbers.", rate="write"))
    registry.add(
        "core", Command("sum.open", Add, Sum, add, "The same.", access="anonymous", rate="write")
    )
    return registry


async def test_command_gets_its_parameters_as_a_struct(commands: Commands) -> None:
    assert await commands.dispatch(SOMEBODY, "sum.add", b'{"one":1,"two":2}') == Sum(3)


def test_command_without_a_session_is_refused_unless_it_says_otherwise(
    commands: Commands,
) -> None:
    with pytest.raises(Unauthenticated):
        commands.dispatch(NOBODY, "sum.add", b'{"one":1}')


async def test_anonymous_command_needs_no_session(commands: Commands) -> None:
    assert await commands.dispatch(NOBODY, "sum.open", b'{"one":1}') == Sum(1)


def test_unknown_command_and_wrong_parameters_are_refused_before_anything_runs(
    commands: Commands,
) -> None:
    with pytest.raises(UnknownCommand):
        commands.dispatch(SOMEBODY, "sum.sub", b"{}")
    with pytest.raises(InvalidParams):
        commands.dispatch(SOMEBODY, "sum.add", b"{}")


def test_access_is_checked_before_parameters_so_that_strangers_learn_nothing(
    commands: Commands,
) -> None:
    with pytest.raises(Unauthenticated):
        commands.dispatch(NOBODY, "sum.add", b"nonsense")


def test_a_name_is_registered_once_and_listed_in_order(commands: Commands) -> None:
    with pytest.raises(ValueError, match="registered twice"):
        commands.add("core", Command("sum.add", Add, Sum, add, "", rate="write"))
    with pytest.raises(ValueError, match=r"command sum.mul must be called dice\.…"):
        commands.add("dice", Command("sum.mul", Add, Sum, add, "", rate="write"))


async def test_a_plugin_takes_its_own_commands_along_and_no_others(commands: Commands) -> None:
    commands.add("dice", Command("dice.roll", Add, Sum, add, "", rate="write"))
    commands.remove("dice")
    assert [command.name for command in commands] == ["sum.add", "sum.open"]
    assert [command.name for command in commands] == ["sum.add", "sum.open"]


def test_caller_without_a_user_has_no_user_id() -> None:
    assert SOMEBODY.user_id == "u"
    with pytest.raises(Unauthenticated):
        _ = NOBODY.user_id
