"""Other projects' test data, taken from their source distributions when a test asks for it.

Nothing of it is committed. What was fetched once stays beside the environment that runs the tests.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

CACHE = Path(sys.prefix) / "corpora"
# Python 3.11 knows no filters before 3.11.4, and Debian 12 has 3.11.2.
SAFELY: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def source_of(distribution: str) -> Path:
    """The unpacked source distribution, in the version that is installed here."""
    version = importlib.metadata.version(distribution)
    unpacked = CACHE / f"{distribution}-{version}"
    if not unpacked.is_dir():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            _download(f"{distribution}=={version}", Path(place))
            (archive,) = Path(place).glob("*.tar.gz")
            with tarfile.open(archive) as packed:
                packed.extractall(Path(place) / "content", **SAFELY)
            (content,) = (Path(place) / "content").iterdir()
            try:
                content.rename(unpacked)
            except OSError:
                # Another process was faster; what is there is whole.
                if not unpacked.is_dir():
                    raise
    return unpacked


def _download(requirement: str, into: Path) -> None:
    has_pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    if has_pip.returncode:
        subprocess.run([sys.executable, "-m", "ensurepip"], check=True, capture_output=True)
    subprocess.run(
        [
            *[sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"],
            *["--no-binary", ":all:", "--dest", str(into), requirement],
        ],
        check=True,
        capture_output=True,
        cwd=into,
    )
