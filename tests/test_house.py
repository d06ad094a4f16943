"""What holds for the repository: one version, one shape, nothing of anybody's machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DISTRIBUTIONS = sorted(
    path.parent
    for pattern in ("core", "webui", "plugins/*")
    for path in ROOT.glob(f"{pattern}/pyproject.toml")
)
# Hosts of package registries, which a mirror or a closed network does not have, and home folders.
FOREIGN = re.compile(
    r"(?:files\.pythonhosted|pypi|registry\.npmjs|deb\.debian|security\.debian)\.org|/home/\w|/root/"
)


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_all_distributions_have_one_version_and_require_it_of_each_other() -> None:
    versions = {read(folder / "pyproject.toml")["project"]["version"] for folder in DISTRIBUTIONS}
    versions.add(read(ROOT / "pyproject.toml")["project"]["version"])
    assert len(versions) == 1
    (version,) = versions
    for folder in DISTRIBUTIONS:
        project = read(folder / "pyproject.toml")["project"]
        required = [*project["dependencies"]]
        for extra in project.get("optional-dependencies", {}).values():
            required += extra
        ours = [line for line in required if line.startswith("dash-messenger")]
        assert all(line.endswith(f"=={version}") for line in ours), folder


def test_the_checkout_installs_every_distribution() -> None:
    names = {read(folder / "pyproject.toml")["project"]["name"] for folder in DISTRIBUTIONS}
    root = read(ROOT / "pyproject.toml")["project"]["dependencies"]
    # With or without an extra: "name[extra] @ address".
    assert {line.partition(" ")[0].partition("[")[0] for line in root} == names
    listed = [
        line.partition("[")[0] for line in (ROOT / "requirements.in").read_text().splitlines()
    ]
    for folder in DISTRIBUTIONS:
        assert f"-e ./{folder.relative_to(ROOT).as_posix()}" in listed


def test_every_distribution_is_held_to_the_import_contracts() -> None:
    linter = read(ROOT / "pyproject.toml")["tool"]["importlinter"]
    packages = {folder: next(folder.glob("dash_messenger*")).name for folder in DISTRIBUTIONS}
    assert set(linter["root_packages"]) == set(packages.values())
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    plugins = {name for folder, name in packages.items() if folder.parent.name == "plugins"}
    independent = contracts["A plugin knows no other plugin"]
    assert set(independent["modules"]) == plugins
    halves = contracts["The server half of a plugin knows neither Dash nor its other half"]
    assert set(halves["source_modules"]) == {f"{plugin}.server" for plugin in plugins}


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)
def test_every_distribution_has_its_types_and_says_what_it_is(folder: Path) -> None:
    (package,) = folder.glob("dash_messenger*")
    assert (package / "py.typed").is_file()
    assert len((folder / "README.md").read_text().splitlines()) > 2


def test_the_lock_has_a_hash_for_everything() -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    assert len(entries) > 50
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_of_the_components_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "webui" / "package-lock.json").read_text()


def test_nothing_committed_names_a_registry_or_a_home_folder() -> None:
    named = []
    for path in committed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if path != Path(__file__) and FOREIGN.search(text):
            named.append(path.relative_to(ROOT).as_posix())
    assert named == []
