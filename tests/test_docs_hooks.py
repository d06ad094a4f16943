"""No hook exists without documentation, an example, something shipped that uses it, and a test."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.generate import draw_hooks, hook_example, hooks

ROOT = Path(__file__).parents[1]
HOOKS = [pytest.param(half, hook, id=name) for half, name, hook in hooks()]
TESTS = [
    path
    for folder in ("core/tests", "webui/tests", "tests", "plugins", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" in path.parts and path != Path(__file__)
]


@pytest.mark.parametrize(("half", "hook"), HOOKS)
def test_a_hook_says_when_for_several_plugins_if_it_raises_and_since_when(
    half: str, hook: Callable[..., Any]
) -> None:
    said = " ".join((inspect.getdoc(hook) or "").split())
    for word in (r"When: \S", r"Several plugins: \S", r"If it raises", r"Since \d+\.\d+\."):
        assert re.search(word, said), f"{hook.__name__} does not say {word!r}"
    # What it is given and what it returns is typed.
    declared = inspect.signature(hook)
    assert declared.return_annotation is not inspect.Signature.empty
    for parameter in [*declared.parameters.values()][1:]:
        assert parameter.annotation is not parameter.empty, parameter.name


@pytest.mark.parametrize(("half", "hook"), HOOKS)
def test_a_hook_is_async_unless_it_registers(half: str, hook: Callable[..., Any]) -> None:
    registers = hook.__name__.startswith("register_")
    assert inspect.iscoroutinefunction(hook) is not registers


@pytest.mark.parametrize(("half", "hook"), HOOKS)
def test_a_hook_is_used_by_something_shipped_and_shown_by_it(
    half: str, hook: Callable[..., Any]
) -> None:
    example = hook_example(hook.__name__)
    assert example is not None, f"nothing shipped uses {hook.__name__}"
    path, source = example
    assert source in draw_hooks()
    # It is an example that is tested: its distribution has tests.
    distribution = ROOT.joinpath(*path.relative_to(ROOT).parts[:2])
    if distribution.parent.name == "webui":
        distribution = distribution.parent
    assert list((distribution / "tests").glob("test_*.py")), distribution


@pytest.mark.parametrize(("half", "hook"), HOOKS)
def test_a_hook_has_a_test_that_names_it(half: str, hook: Callable[..., Any]) -> None:
    name = re.compile(rf"\b{hook.__name__}\b")
    assert any(name.search(path.read_text()) for path in TESTS)
