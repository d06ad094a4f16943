"""Plugins are loaded one by one; one that fails is named and the others go on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from dash_messenger.plugin_api.hookspecs import ServerHooks
from dash_messenger.plugin_api.sources import Sources
from dash_messenger.plugins.loader import GROUP, Plugins

Install = Callable[..., None]

GOOD = """
from dash_messenger import hookimpl
@hookimpl
def register_message_types():
    return ["{name}"]
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution with one entry point on the path, as pip leaves it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, source: str, distribution: str | None = None) -> None:
        distribution = distribution or f"dist-{name}"
        module = f"plugin_{distribution.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(source.replace("{name}", name))
        info = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        )
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


# What a checkout installs beside the plugins of these tests.
INSTALLED = frozenset(entry.name for entry in entry_points(group=GROUP))


def load(without: frozenset[str] = INSTALLED) -> tuple[Plugins, list[str]]:
    plugins = Plugins(group=GROUP, project="dash_messenger", hooks=ServerHooks)
    plugins.load(Sources(without))
    taken: list[str] = []
    plugins.register("register_message_types", lambda name, result: taken.extend(result))
    return plugins, taken


def test_plugin_is_found_by_its_entry_point_with_its_distribution(install: Install) -> None:
    install("alpha", GOOD)
    plugins, taken = load()
    assert [(p.name, p.distribution, p.version, p.status) for p in plugins] == [
        ("alpha", "dist-alpha", "1.2", "loaded")
    ]
    assert taken == ["alpha"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import there_is_no_such_module", "ModuleNotFoundError"),
        ("def (", "SyntaxError"),
        ("HOOK_API = 99", "it needs HOOK_API 99"),
        (GOOD.replace('return ["{name}"]', "raise KeyError('x')"), "KeyError: 'x'"),
        (GOOD.replace("():", "(surprise):"), "surprise"),
        (GOOD.replace("register_message_types", "register_nothing_known"), "unknown hook"),
    ],
)
def test_plugin_that_fails_is_quarantined_with_its_reason_and_others_go_on(
    install: Install, source: str, reason: str
) -> None:
    install("bad", source)
    install("good", GOOD)
    plugins, taken = load()
    fared = {plugin.name: plugin for plugin in plugins}
    assert fared["bad"].status == "quarantined"
    assert reason in fared["bad"].reason
    assert not plugins.loaded("bad")
    assert plugins.loaded("good")
    assert taken == ["good"]


@pytest.mark.parametrize("name", ["core", "two words"])
def test_a_name_that_no_plugin_may_have_quarantines_it(install: Install, name: str) -> None:
    install(name, GOOD, "dist-odd")
    plugins, taken = load()
    assert [plugin.reason for plugin in plugins] == [f"ValueError: {name!r} is no name of a plugin"]
    assert taken == []


def test_a_result_that_is_refused_quarantines_and_is_undone(install: Install) -> None:
    install("alpha", GOOD)
    install("beta", GOOD)
    plugins = Plugins(group=GROUP, project="dash_messenger", hooks=ServerHooks)
    plugins.load(Sources(INSTALLED))
    undone: list[str] = []

    def accept(name: str, result: object) -> None:
        if name == "alpha":
            raise TypeError("that is nothing I know")

    plugins.register("register_message_types", accept, undone.append)
    assert undone == ["alpha"]
    assert [plugin.name for plugin in plugins if plugin.status == "loaded"] == ["beta"]


def test_a_name_taken_twice_quarantines_the_later_one(install: Install) -> None:
    install("same", GOOD, "dist-one")
    install("same", GOOD, "dist-two")
    plugins, taken = load()
    fared = [(plugin.distribution, plugin.status) for plugin in plugins]
    assert sorted(status for _, status in fared) == ["loaded", "quarantined"]
    assert taken == ["same"]


def test_a_plugin_left_out_is_not_imported(install: Install) -> None:
    install("bad", "raise RuntimeError('imported')")
    plugins, _ = load(without=INSTALLED | {"bad"})
    assert list(plugins) == []
