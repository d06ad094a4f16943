"""``new-plugin``: a package that works, to be turned into one's own.

Owns what names mean and which files are written. The files stand in ``template/`` as they will be,
but for names; the tests make a plugin of them, and lint, type-check, install and test it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from string import Template

from dash_messenger.plugins.loader import HOOK_API

__all__ = ["NameUnusable", "Names", "names_of", "write_plugin"]

TEMPLATE = Path(__file__).parent / "template"
SUFFIX = ".in"
# Whose a plugin is that nobody else will see.
NOBODY_ELSE = "my"
# Tables, commands and the bot's user name begin with it.
MAX_CHARACTERS = 40
_WORDS = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z][a-z0-9]*)*")


class NameUnusable(ValueError):
    """A plugin cannot be called so; the text says why, and what would do."""


@dataclass(frozen=True, slots=True)
class Names:
    """What everything is called in the plugin ``acme.poll``: the message type.

    ``distribution`` (``acme-poll``) is what pip installs, ``package`` (``acme_poll``) what is
    imported and the plugin's own name, ``title`` (``Poll``) what people read, ``prefix``
    (``Poll``) what classes begin with.
    """

    type: str
    distribution: str
    package: str
    title: str
    prefix: str


def names_of(wish: str) -> Names:
    """The names for a plugin that is to be called ``poll``, ``acme.poll`` or ``acme-poll``.

    The first word says whose it is; a single word gets ``my`` before it.

    Raises:
        NameUnusable: it is no such name, is ours, or is taken.
    """
    if not _WORDS.fullmatch(wish):
        raise NameUnusable(
            f"{wish!r} cannot be a plugin's name: take words of lower-case Latin letters and"
            " digits, such as poll or acme.poll."
        )
    owner, *words = re.split(r"[._-]", wish)
    if not words:
        owner, words = NOBODY_ELSE, [owner]
    package = "_".join([owner, *words])
    if len(package) > MAX_CHARACTERS:
        raise NameUnusable(f"{wish} is too long: {MAX_CHARACTERS} characters are the most.")
    if package.startswith("dash_messenger"):
        raise NameUnusable(
            f"{wish} cannot be used: names that begin with dash-messenger are Dash Messenger's own."
        )
    if find_spec(package) is not None:
        raise NameUnusable(f"There is a Python module called {package} already: take another name.")
    return Names(
        type=f"{owner}.{'_'.join(words)}",
        distribution=package.replace("_", "-"),
        package=package,
        title=" ".join(words).capitalize(),
        prefix="".join(word.capitalize() for word in words),
    )


def write_plugin(names: Names, into: Path) -> list[Path]:
    """Write the package into a new folder, called as the distribution, in ``into``; its files.

    Raises:
        FileExistsError: there is such a folder, and something is in it.
        OSError: a file cannot be written.
    """
    folder = into / names.distribution
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already.")
    words = {
        "type": names.type,
        "distribution": names.distribution,
        "package": names.package,
        "title": names.title,
        "Name": names.prefix,
        "version": version("dash-messenger"),
        "hook_api": str(HOOK_API),
    }
    written = []
    for source in sorted(TEMPLATE.rglob(f"*{SUFFIX}")):
        shape = source.relative_to(TEMPLATE).as_posix().removesuffix(SUFFIX)
        path = folder / shape.replace("package", names.package)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(source.read_text("utf-8")).substitute(words), "utf-8")
        written.append(path)
    return written
