"""The Mantine components that our own pages use, without importing all of Mantine's classes.

Importing ``dash_mantine_components`` costs 0.4 s and 13 MiB, for a hundred components with
thousands of properties; the pages use five. Their scripts are the package's own. Invariant: each
name and property here is one of the package's; a test compares them. Plugins import the package.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from dash.development.base_component import Component

__all__ = [
    "PACKAGE",
    "MantineProvider",
    "Modal",
    "PasswordInput",
    "SegmentedControl",
    "TagsInput",
    "TextInput",
    "Textarea",
    "package_folder",
]

PACKAGE = "dash_mantine_components"
_FIELD = (
    "id",
    "attributes",
    "autoComplete",
    "description",
    "error",
    "errorProps",
    "label",
    "n_submit",
    "name",
    "required",
    "size",
    "value",
    "withAsterisk",
)


class _Mantine(Component):
    # Dash imports the namespace of what it makes: until it is made, ours stands there.
    _namespace = __name__.partition(".")[0]
    properties: ClassVar[tuple[str, ...]] = ()

    def __init__(self, children: Any = None, **props: Any) -> None:
        self._type = type(self).__name__
        self._base_nodes = ["children"]
        self._children_props: list[str] = []
        self._prop_names = self.available_properties = [*self.properties]
        self._valid_wildcard_attributes = self.available_wildcard_properties = ["data-", "aria-"]
        if children is not None:
            props["children"] = children
        super().__init__(**props)  # type: ignore[no-untyped-call]
        self._namespace = PACKAGE


class MantineProvider(_Mantine):
    """Theme and colour scheme for everything inside."""

    properties = ("children", "id", "defaultColorScheme", "forceColorScheme", "theme")


class Modal(_Mantine):
    """A dialog over the page."""

    properties = (
        "children",
        "id",
        "centered",
        "closeButtonProps",
        "opened",
        "padding",
        "radius",
        "size",
        "title",
    )


class TextInput(_Mantine):
    """A labelled line of text."""

    properties = (*_FIELD, "debounce", "spellCheck")


class Textarea(_Mantine):
    """A labelled text of several lines."""

    properties = (
        *(name for name in _FIELD if name != "n_submit"),
        "autosize",
        "debounce",
        "maxRows",
        "minRows",
    )


class PasswordInput(_Mantine):
    """A labelled password that can be shown."""

    properties = (*_FIELD, "debounce", "visibilityToggleButtonProps")


class TagsInput(_Mantine):
    """A labelled list of words."""

    properties = (
        *(name for name in _FIELD if name not in ("autoComplete", "n_submit")),
        "acceptValueOnBlur",
        "maxTags",
        "openOnFocus",
        "splitChars",
    )


class SegmentedControl(_Mantine):
    """A choice of one among few."""

    properties = ("id", "data", "fullWidth", "orientation", "value")


def package_folder() -> Path:
    """Where the package keeps its scripts; nothing of it is imported."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(PACKAGE)
    return Path(found.origin).parent
