"""The frame of pages beside the messenger: the way back to the chats, a heading, and what it holds.

Which page an address is about is said here; what a page shows is others' affair.
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui import components
from dash_messenger_webui.elements.parts import attributes, icon, provider
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.session import Reader

__all__ = ["framed_page"]


def framed_page(
    who: Reader, t: Words, texts: dict[str, Any], heading: str, body: Component
) -> Component:
    """A page with its heading, for somebody who has logged in."""
    me = {"id": who.user_id, "username": who.username, "display_name": who.display_name}
    back = t("Back to the chats")
    return provider(
        who.scheme,
        [
            html.Header(
                [
                    html.A(
                        icon("arrow-left"),
                        href="/",
                        title=back,
                        className="framed-back",
                        **attributes({"aria-label": back, "data-back": ""}),
                    ),
                    html.H1(heading, dir="auto"),
                ],
                className="framed-header",
            ),
            html.Main(body, className="framed-body"),
            components.Connection(me=me, language=who.language, texts=texts),
        ],
    )
