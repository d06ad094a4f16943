"""How stickers look, are picked and are kept."""

from __future__ import annotations

from html import escape

from dash_messenger_webui import (
    Composer,
    Drawable,
    Html,
    MenuEntry,
    MessageView,
    Picker,
    SettingsPanel,
    Translate,
    hookimpl,
)

from dash_messenger_stickers.content import Sticker
from dash_messenger_stickers.settings_section import StickersPanel

__all__ = ["StickerView", "register_message_views", "register_settings_panels"]

# As large as it is shown, whatever its own size; the other side follows.
SHOWN_PX = 192


class StickerView(MessageView[Sticker]):
    """Draws messages of type ``sticker``: large, without a bubble."""

    type = "sticker"
    inline = True

    def render(self, message: Drawable[Sticker], t: Translate) -> Html:
        """The picture, in a box that has its size before it is loaded."""
        sticker = message.content
        scale = SHOWN_PX / max(sticker.width, sticker.height, 1)
        width, height = round(sticker.width * scale), round(sticker.height * scale)
        name = escape(sticker.emoji.partition(" ")[0] or t("Sticker"))
        return Html(
            f'<img class="sticker" src="/blobs/{escape(sticker.blob)}" width="{width}"'
            f' height="{height}" alt="{name}" loading="lazy" decoding="async">',
            bubble=False,
        )

    def composer(self, t: Translate) -> Composer:
        """A picker with what the reader keeps."""
        return Composer(
            icon="sticker",
            label=t("Stickers"),
            summary=t("{text} Sticker"),
            picker=Picker(command="stickers.picker"),
        )

    def menu(self, t: Translate) -> list[MenuEntry]:
        """Keep its pack, or the sticker itself, in one tap."""
        return [
            MenuEntry(
                t("Add these stickers"),
                "plus",
                command="stickers.collect",
                done=t("The stickers are in your picker now."),
            ),
            MenuEntry(
                t("Add to favourites"),
                "star",
                command="stickers.favour",
                done=t("The sticker is among your favourites now."),
            ),
        ]


@hookimpl
def register_message_views() -> list[MessageView[Sticker]]:
    """The view of type ``sticker``."""
    return [StickerView()]


@hookimpl
def register_settings_panels() -> list[SettingsPanel]:
    """Where users make packs."""
    return [StickersPanel()]
