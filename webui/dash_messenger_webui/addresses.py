"""The addresses of the web UI's pages: each is written here once, and what follows from it.

Owns which addresses there are, which of them are for strangers, and where a log-in may lead. Must
not know what a page shows: of those beside the messenger's `pages/other_pages` does. Scripts that
change the address without loading a page have it written again: `assets/pages.js` for the entrance,
`src/state/route.ts` for conversations and codes, `src/pages/forms.ts` for where a log-in leads.
"""

from __future__ import annotations

import re

__all__ = [
    "ABOUT_PLUGINS",
    "ENTRANCE",
    "LANDING",
    "LOGIN",
    "OF_CODES",
    "OF_PLUGINS",
    "OPEN",
    "REGISTER",
    "is_beside",
    "is_of_messenger",
    "needs_login",
]

LANDING = "/"
LOGIN = "/login"
REGISTER = "/register"
# What a code is for: /j/CODE.
OF_CODES = "/j/"
# Pages of plugins: /p/PLUGIN/NAME.
OF_PLUGINS = "/p/"
# For admins: what plugins there are, and their settings.
ABOUT_PLUGINS = "/plugins"

# What strangers see, and what it is called in `data-page`.
ENTRANCE = {LANDING: "landing", LOGIN: "login", REGISTER: "register"}
# For who is logged in: how addresses begin, and what follows.
_MESSENGER = {
    "/c/": re.compile(r"[0-9a-f]{32}/?"),
    OF_CODES: re.compile(r"[A-Za-z0-9-]{1,64}/?"),
}
_BESIDE = {
    OF_PLUGINS: re.compile(r"[a-z0-9_.-]{1,64}/[a-z0-9-]{1,64}/?"),
    ABOUT_PLUGINS: re.compile(r"/?"),
}

# What requests without a session may reach, if only to be sent to the log-in: an address that ends
# in / stands for all that begin so.
OPEN = (*ENTRANCE, *_MESSENGER, *_BESIDE)


def is_of_messenger(path: str) -> bool:
    """Whether the messenger is shown there: with one conversation open, or with a code's card."""
    return _fits(path, _MESSENGER)


def is_beside(path: str) -> bool:
    """Whether an address is of a page beside the messenger's, if there is any page."""
    return path.startswith(tuple(_BESIDE))


def needs_login(path: str) -> bool:
    """Whether an address is of a page for who is logged in: where a log-in may lead."""
    return _fits(path, _MESSENGER | _BESIDE)


def _fits(path: str, addresses: dict[str, re.Pattern[str]]) -> bool:
    return any(
        path.startswith(begin) and rest.fullmatch(path, len(begin))
        for begin, rest in addresses.items()
    )
