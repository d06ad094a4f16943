"""The scripts of Dash and of component libraries: which a page loads, and their files.

Owns leaving out what no page uses. Invariant: only files that a library registered are served.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from dash import Dash
from dash.fingerprint import build_fingerprint, check_fingerprint

from dash_messenger_webui.elements import mantine
from dash_messenger_webui.http.compression import Body

__all__ = ["PREFIX", "UNUSED_NAMESPACES", "Suites"]

PREFIX = "/_dash-component-suites/"
UNUSED_NAMESPACES = ("dash_core_components", "dash_table")
# 125 kB of Dash's 425.
_UNUSED = re.compile(r"/dash/(?:dcc/|dash_table/|deps/polyfill)|/plotly/")
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')


class Suites:
    """The component libraries' scripts as one application loads them."""

    def __init__(self) -> None:
        self._bodies: dict[str, Body] = {}
        folder = mantine.package_folder()
        self._mantine_script = f"{mantine.PACKAGE}.js"
        modified = int((folder / self._mantine_script).stat().st_mtime)
        # The address that Dash gives it where a plugin imports the package.
        self._mantine_url = f"{PREFIX}{mantine.PACKAGE}/" + build_fingerprint(
            self._mantine_script, version(mantine.PACKAGE.replace("_", "-")), modified
        )

    def register(self, dash: Dash) -> None:
        """Let Mantine's script be served, which nothing imported has registered."""
        dash.registered_paths[mantine.PACKAGE].add(self._mantine_script)

    def urls(self, html: str) -> list[str]:
        """The scripts to load, from the tags that Dash wrote; React comes first."""
        used = [url for url in _SCRIPT.findall(html) if not _UNUSED.search(url)]
        if self._mantine_url not in used:
            first_library = next(i for i, url in enumerate(used) if "/deps/" not in url)
            used.insert(first_library, self._mantine_url)
        return used

    def body(self, dash: Dash, url: str) -> Body | None:
        """What an address answers, or None for none."""
        body = self._bodies.get(url)
        if body is not None:
            return body
        package, _, rest = url.removeprefix(PREFIX).partition("/")
        name, _ = check_fingerprint(rest)
        if name not in dash.registered_paths.get(package, ()):
            return None
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            return None
        file = Path(spec.origin).parent / name
        if not file.is_file():
            return None
        media_type = "text/css" if file.suffix == ".css" else "text/javascript"
        body = self._bodies[url] = Body.of(file.read_bytes(), f"{media_type}; charset=utf-8")
        return body

    def bodies(self, dash: Dash, html: str) -> Iterator[Body]:
        """All that a page loads."""
        for url in self.urls(html):
            body = self.body(dash, url)
            if body is not None:
                yield body
