"""How people write messages, and what a message's menu offers: as plugins say it.

Owns these types and their JSON for the browser. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dash_messenger_webui.api.fields import Field

__all__ = ["Also", "Composer", "Format", "MenuEntry", "Picker", "composer_json", "menu_json"]


@dataclass(frozen=True, slots=True)
class Format:
    """A button above the text box that puts marks around what is selected.

    ``icon`` is a Tabler icon's name; ``key`` is pressed with Ctrl (or Cmd); with ``line`` the mark
    goes before each line.
    """

    label: str
    icon: str
    before: str
    after: str = ""
    key: str | None = None
    line: bool = False


@dataclass(frozen=True, slots=True)
class Also:
    """Kinds of files that people look for in the same place, which another type takes.

    While there is one that takes all of ``accept``, the menu says ``label`` instead of the
    composer's own, and such files can be chosen too; they are sent as that type's messages.
    """

    label: str
    accept: Sequence[str]


@dataclass(frozen=True, slots=True)
class Picker:
    """A panel of pictures to choose from; a choice is sent at once.

    ``command`` is called with ``query`` and ``language`` and answers ``{"groups": [{"id", "label",
    "icon" or "icon_url", "items": [{"id", "label", "image", "content"}]}]}``; ``content`` is what
    is sent.
    """

    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """How people write a message of a type.

    ``icon`` is a Tabler icon's name, ``label`` what the type is called. Where only a line of a
    message is shown, that is its text, or the label if it has none; ``summary`` says both, with
    ``{text}`` for the text: "{text} Sticker". One of these says how it is written; sending,
    replying, errors and closing are the page's affair:

    - ``inline`` names the field of Content that the text box fills. The type with the lowest
      ``rank`` owns the box; people may choose between several. ``max_characters`` is the field's
      limit, ``formats`` are its buttons, ``preview`` shows it drawn before it is sent, ``guide``
      names a page of the plugin's own that explains it. ``marks`` are patterns (JavaScript's, with
      the flags ``mu``): what is typed in another type's box and holds one is sent as this type,
      unless its author switched that off, and the box has this type's ``formats`` by their keys.
      They run on each text that is sent: take none whose time grows faster than the text.
    - ``fields`` (see `field`) are asked for in a form; their names are those of Content. A field of
      files takes what is pasted or dropped, if no other type claims it more narrowly. ``also``
      offers files of other kinds beside them.
    - ``picker`` offers what to choose from.
    """

    icon: str
    label: str
    summary: str = ""
    inline: str | None = None
    max_characters: int | None = None
    rank: int = 100
    fields: Sequence[Field] = ()
    also: Also | None = None
    picker: Picker | None = None
    formats: Sequence[Format] = ()
    preview: bool = False
    guide: str | None = None
    marks: Sequence[str] = ()

    def __post_init__(self) -> None:
        ways = (self.inline is not None, bool(self.fields), self.picker is not None)
        if sum(ways) != 1:
            raise ValueError("a composer needs one of inline, fields and picker")


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """Something to do from a message's menu.

    ``act`` names an action of the type, ``command`` a command, which is called with the message's
    id as ``message``; ``params`` are given to either. ``may`` says who is offered it; the server
    decides all the same. ``done`` is a sentence that is shown for a moment once it is done, where
    the message itself does not show it.
    """

    label: str
    icon: str
    act: str | None = None
    command: str | None = None
    params: dict[str, Any] | None = None
    may: Literal["member", "author"] = "member"
    done: str = ""

    def __post_init__(self) -> None:
        if (self.act is None) == (self.command is None):
            raise ValueError("a menu entry needs one of act and command")


def composer_json(type: str, composer: Composer, guide: str | None = None) -> dict[str, Any]:
    """A composer as the browser draws it; ``guide`` is the address of the page it names."""
    shown: dict[str, Any] = {
        "type": type,
        "label": composer.label,
        "summary": composer.summary or composer.label,
        "icon": composer.icon,
        "rank": composer.rank,
    }
    if composer.inline is not None:
        shown["field"] = composer.inline
        shown["max_length"] = composer.max_characters
        shown["preview"] = composer.preview
        if guide is not None:
            shown["guide"] = guide
        if composer.marks:
            shown["marks"] = list(composer.marks)
        shown["formats"] = [
            {"label": f.label, "icon": f.icon, "before": f.before, "after": f.after}
            | ({"key": f.key} if f.key else {})
            | ({"line": True} if f.line else {})
            for f in composer.formats
        ]
    elif composer.picker is not None:
        shown["picker"] = composer.picker.command
    else:
        shown["fields"] = [one.json() for one in composer.fields]
        if composer.also is not None:
            shown["also"] = {"label": composer.also.label, "accept": list(composer.also.accept)}
    return shown


def menu_json(entry: MenuEntry) -> dict[str, Any]:
    """A menu entry as the browser draws it."""
    shown: dict[str, Any] = {"label": entry.label, "icon": entry.icon, "may": entry.may}
    if entry.act is not None:
        shown["act"] = entry.act
    else:
        shown["command"] = entry.command
    if entry.params:
        shown["params"] = entry.params
    if entry.done:
        shown["done"] = entry.done
    return shown
