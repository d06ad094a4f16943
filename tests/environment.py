"""Python environments as somebody has them who installed wheels, not a checkout.

The wheels are built from the folders; what they depend on is taken from the environment that runs
the tests, by links, so that nothing is downloaded. Only the named distributions of ours are there.
A wheel is built once for all the environments of a run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dash_messenger.testing import ServerProcess

ROOT = Path(__file__).parents[1]
FIRST_PARTY = {"core": ROOT / "core", "webui": ROOT / "webui", "text": ROOT / "plugins" / "text"}
# Wheels by their project.
_built: dict[Path, Path] = {}


def build_wheel(project: Path, into: Path) -> Path:
    """The wheel of the distribution in folder ``project``, which stays as it is from then on."""
    if project in _built:
        return Path(shutil.copy(_built[project], into))
    before = set(into.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)],
        cwd=project,
        check=True,
        capture_output=True,
    )
    (_built[project],) = set(into.glob("*.whl")) - before
    return _built[project]


def make_environment(folder: Path, *projects: Path) -> Path:
    """A virtual environment with the wheels of ``projects``; returns its Python."""
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )
    _link_dependencies(site)
    wheels = folder / "wheels"
    wheels.mkdir()
    built = [build_wheel(project, wheels) for project in projects]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--python",
            python,
            "--no-deps",
            "--no-index",
            "--offline",
            *built,
        ],
        check=True,
        capture_output=True,
    )
    return python


@contextmanager
def serving(folder: Path, *projects: Path) -> Iterator[ServerProcess]:
    """A running server of an environment with the wheels of ``projects``."""
    python = make_environment(folder, *projects)
    server = ServerProcess(folder / "data", command=(str(python), "-m", "dash_messenger"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _link_dependencies(site: Path) -> None:
    """Links what is installed here into ``site``, all but our own distributions."""
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            ours = (
                entry.name.lower()
                .replace("-", "_")
                .startswith(("dash_messenger", "_editable_impl_dash_messenger", "__pycache__"))
            )
            target = site / entry.name
            if not ours and not target.exists():
                target.symlink_to(entry)
