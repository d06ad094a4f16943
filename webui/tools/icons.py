"""Collect the Tabler icons that the web UI names into ``assets/icons.css``, as CSS masks.

    python webui/tools/icons.py NODE_MODULES

Every ``icon("NAME")`` in the Python sources is collected; a name that Tabler lacks is an error.
With ``--check`` nothing is written and a difference fails.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "dash_messenger_webui/assets/icons.css"
# 20 px with a stroke of 1.75 px, in a drawing of 24 px.
STROKE = 2.1
# What plugins are likely to name in their composers.
FOR_PLUGINS = (
    *("message", "puzzle", "markdown", "photo", "sticker", "file", "paperclip", "chart-bar"),
    *("bold", "italic", "strikethrough", "code", "link", "eye-off", "quote", "list", "heading"),
    *("lock", "plus", "star", "clock", "search", "download", "trash", "check", "calendar"),
    *("map-pin", "music", "video", "mood-smile", "dice", "flag", "heart", "bell", "shield-lock"),
    *("file-text", "file-zip", "file-music", "file-type-pdf", "key", "user", "palette", "help"),
    *("eye", "arrow-left", "arrow-right", "pencil", "x"),
)
NAMES = re.compile(r'\bicon\("([a-z0-9-]+)"\)')
HEAD = "/* Made by tools/icons.py from Tabler Icons (MIT, see icons.LICENSE). */"


def main() -> None:
    """Write the style sheet, or compare it."""
    icons = Path(sys.argv[1]) / "@tabler/icons/icons/outline"
    names = set(FOR_PLUGINS)
    for source in ROOT.glob("dash_messenger_webui/**/*.py"):
        names.update(NAMES.findall(source.read_text()))
    rules = "\n".join(_rule(name, (icons / f"{name}.svg").read_text()) for name in sorted(names))
    style = f"{HEAD}\n{rules}\n"
    if "--check" in sys.argv:
        sys.exit(TARGET.read_text() != style)
    TARGET.write_text(style)


def _rule(name: str, svg: str) -> str:
    shapes = re.findall(r"<(?:path|circle|line|rect|polyline|ellipse)\b[^>]*/>", svg)
    drawn = "".join(shape for shape in shapes if "M0 0h24v24H0z" not in shape)
    drawn = re.sub(r"\s+", " ", drawn).replace(" />", "/>").replace('"', "'")
    image = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#000'"
        f" stroke-width='{STROKE}' stroke-linecap='round' stroke-linejoin='round'>{drawn}</svg>"
    )
    escaped = image.replace("#", "%23").replace("<", "%3C").replace(">", "%3E")
    return f'.icon-{name} {{ --icon: url("data:image/svg+xml,{escaped}"); }}'


if __name__ == "__main__":
    main()
