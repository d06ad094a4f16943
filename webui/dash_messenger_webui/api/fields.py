"""The fields of a form: in which a message is written, or a step of the log-in is answered.

Owns their kinds and limits. Pure. A field's name is that of Content; what people typed arrives
there as the kind says: text as a string, lines as a list of strings, files as a list of objects
with ``blob``, the upload's id, and what the fields of each item hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Field", "field"]

Kind = Literal["text", "area", "lines", "switch", "number", "choice", "files", "code"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field; made by the functions of `field`."""

    kind: Kind
    name: str
    label: str
    required: bool = False
    min: int | None = None
    max: int | None = None
    options: Sequence[tuple[str, str]] = ()
    accept: Sequence[str] = ()
    item: Sequence[Field] = ()
    placeholder: str = ""
    instead: tuple[str, str] | None = None
    length: int | None = None
    check: str | None = None

    def json(self) -> dict[str, Any]:
        """The field as the browser draws it."""
        shown: dict[str, Any] = {"kind": self.kind, "name": self.name, "label": self.label}
        if self.required:
            shown["required"] = True
        for limit in ("min", "max", "length"):
            if getattr(self, limit) is not None:
                shown[limit] = getattr(self, limit)
        if self.placeholder:
            shown["placeholder"] = self.placeholder
        if self.instead:
            shown["instead"] = list(self.instead)
        if self.options:
            shown["options"] = [list(option) for option in self.options]
        if self.accept:
            shown["accept"] = list(self.accept)
        if self.check:
            shown["check"] = self.check
        if self.item:
            shown["item"] = [one.json() for one in self.item]
        return shown


class field:  # noqa: N801 - reads as a word where a composer is written
    """Makes fields: ``field.text("question", t("Question"), max=100)``."""

    @staticmethod
    def text(
        name: str,
        label: str,
        *,
        max: int | None = None,
        required: bool = False,
        placeholder: str = "",
    ) -> Field:
        """One line of at most ``max`` characters."""
        return Field("text", name, label, required, max=max, placeholder=placeholder)

    @staticmethod
    def area(
        name: str,
        label: str,
        *,
        max: int | None = None,
        required: bool = False,
        placeholder: str = "",
    ) -> Field:
        """Several lines, as one string."""
        return Field("area", name, label, required, max=max, placeholder=placeholder)

    @staticmethod
    def lines(
        name: str,
        label: str,
        *,
        min: int = 0,
        max: int = 20,
        length: int | None = None,
        placeholder: str = "",
    ) -> Field:
        """A list of ``min`` to ``max`` lines of ``length`` characters at most, each in a box of its
        own."""
        return Field(
            "lines",
            name,
            label,
            required=min > 0,
            min=min,
            max=max,
            length=length,
            placeholder=placeholder,
        )

    @staticmethod
    def switch(name: str, label: str) -> Field:
        """Yes or no."""
        return Field("switch", name, label)

    @staticmethod
    def number(
        name: str,
        label: str,
        *,
        min: int | None = None,
        max: int | None = None,
        required: bool = False,
    ) -> Field:
        """A whole number."""
        return Field("number", name, label, required, min=min, max=max)

    @staticmethod
    def choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> Field:
        """One of ``options``, pairs of a value and what it is called."""
        return Field("choice", name, label, options=tuple(options))

    @staticmethod
    def code(
        name: str, label: str, *, max: int | None = None, instead: tuple[str, str] | None = None
    ) -> Field:
        """A code of digits from elsewhere, for steps of the log-in alone.

        ``instead`` offers a code of another form: the words of the offer, and its label.
        """
        return Field("code", name, label, True, max=max, instead=instead)

    @staticmethod
    def files(
        name: str,
        label: str,
        *,
        accept: Sequence[str] = ("*/*",),
        max: int = 10,
        item: Sequence[Field] = (),
        check: str | None = None,
    ) -> Field:
        """1 to ``max`` files of the media types in ``accept``, each with the fields of ``item``.

        ``check`` is a command of the plugin, which is called with ``blob`` once a file is uploaded
        and refuses what cannot be sent: the author hears of it at once. In what a type refuses
        later, ``field="NAME[2]"`` names the third file. Where another type takes a file that this
        one does not, the author may send it as that.

        An edit shows those that the message holds: with ``name`` and ``bytes`` where the content
        has them, as a picture where ``accept`` takes nothing else or ``media_type`` says so.
        """
        return Field(
            "files",
            name,
            label,
            True,
            max=max,
            accept=tuple(accept),
            item=tuple(item),
            check=check,
        )
