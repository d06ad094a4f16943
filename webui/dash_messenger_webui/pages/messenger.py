"""The messenger's page: our own components, and around them the dialogs.

The components draw what is hot and talk to the server themselves; they are placed here and given
what does not change while the page stands.
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui import components
from dash_messenger_webui.elements.parts import provider
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.pages.dialogs import details, dialogs
from dash_messenger_webui.pages.plugin_parts import Offers
from dash_messenger_webui.session import Reader

__all__ = ["messenger_page"]


def messenger_page(
    who: Reader,
    t: Words,
    offered: Offers,
    texts: dict[str, Any],
    composers: list[dict[str, Any]],
    menus: dict[str, list[dict[str, Any]]],
    owners: dict[str, str],
    modules: dict[str, str],
    people_files: list[str],
    emoji_script: str,
    max_upload_bytes: int,
) -> Component:
    """The tree for somebody who has logged in."""
    me = {
        "id": who.user_id,
        "username": who.username,
        "display_name": who.display_name,
        "photo": who.photo,
    }
    return provider(
        who.scheme,
        [
            html.Div(
                [
                    html.Div(
                        # The first component that knows who is signed in starts the messenger.
                        components.ConversationList(
                            id="conversations",
                            me=me,
                            language=who.language,
                            texts=texts,
                            labels={each["type"]: each["summary"] for each in composers},
                            modules=modules,
                            people_files=people_files,
                            emoji_script=emoji_script,
                        ),
                        className="pane-list",
                    ),
                    html.Main(
                        [
                            components.Timeline(id="timeline", plugins=owners, menus=menus),
                            components.Composer(
                                id="composer",
                                composers=composers,
                                plugins=owners,
                                max_upload_bytes=max_upload_bytes,
                            ),
                        ],
                        className="pane-chat",
                    ),
                    details(t),
                ],
                className="frame",
            ),
            *dialogs(who, t, offered),
        ],
    )
