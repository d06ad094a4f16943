"""Where users make packs: a section of the settings.

Everything goes through commands, under the rights of whoever reads the page.
"""

from __future__ import annotations

from typing import Any

from dash_messenger import Failure
from dash_messenger_webui import (
    Callbacks,
    SettingsPanel,
    Translate,
    button,
    text_input,
    uploads,
    viewer,
)

__all__ = ["StickersPanel"]

KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif")
LIST = {"plugin": "stickers", "name": "packs"}
TITLE = {"plugin": "stickers", "name": "title"}
MAKE = {"plugin": "stickers", "name": "make"}


class StickersPanel(SettingsPanel):
    """One's own packs, and those that one keeps."""

    name = "packs"
    icon = "sticker"

    def label(self, t: Translate) -> str:
        """The heading."""
        return t("Stickers")

    async def layout(self, t: Translate) -> Any:
        """The packs, and a form for a new one."""
        from dash import html

        return [
            html.Div(await self._packs(t), id=LIST),
            html.Div(
                [
                    text_input(t("Name of a new pack"), TITLE, max=64),
                    button(t("Make a pack"), MAKE),
                ],
                className="field-with-button",
            ),
        ]

    async def _packs(self, t: Translate, problem: str = "") -> list[Any]:
        from dash import html

        found = await viewer().call("stickers.packs")
        shown: list[Any] = [_pack(pack, t) for pack in found["packs"]]
        if problem:
            shown.append(html.P(problem, className="form-error", role="alert"))
        return shown

    def register(self, app: Callbacks) -> None:
        """Making packs, and everything that is done to one."""
        from dash import ALL, Input, Output, State, ctx, no_update

        @app.callback(
            Output(LIST, "children", allow_duplicate=True),
            Output(TITLE, "value"),
            Input(MAKE, "n_clicks"),
            State(TITLE, "value"),
        )
        async def make(clicks: int, title: str | None) -> Any:
            t = self.words()
            if not clicks:
                return no_update, no_update
            if not (title and title.strip()):
                return await self._packs(t, t("Give the pack a name first.")), no_update
            return await self._done(t, "stickers.make", title=title.strip()), ""

        def each(name: str, property: str) -> Any:
            return Input({"plugin": "stickers", "name": name, "of": ALL}, property)

        @app.callback(
            Output(LIST, "children", allow_duplicate=True),
            each("upload", "blobs"),
            each("rename", "value"),
            each("tag", "value"),
            each("first", "n_clicks"),
            each("remove", "n_clicks"),
            each("delete", "n_clicks"),
            each("forget", "n_clicks"),
        )
        async def change(*values: Any) -> Any:
            said, what = ctx.triggered[0]["value"], ctx.triggered_id
            if not said:
                return no_update
            t, of = self.words(), what["of"]
            if what["name"] == "upload":
                added = [
                    await self._done(t, "stickers.add", pack=of, blob=blob["id"]) for blob in said
                ]
                return added[-1]
            if what["name"] == "first":
                pack, _, sticker = of.partition("-")
                return await self._done(t, "stickers.reorder", pack=pack, stickers=[sticker])
            command, params = {
                "rename": ("stickers.rename", {"pack": of, "title": said}),
                "tag": ("stickers.tag", {"sticker": of, "emoji": said}),
                "remove": ("stickers.remove", {"sticker": of}),
                "delete": ("stickers.delete", {"pack": of}),
                "forget": ("stickers.collect", {"pack": of, "on": False}),
            }[what["name"]]
            return await self._done(t, command, **params)

    async def _done(self, t: Translate, command: str, **params: object) -> list[Any]:
        """The packs after a command, or with why it was refused."""
        try:
            await viewer().call(command, **params)
        except Failure as failure:
            return await self._packs(t, t(failure.message))
        return await self._packs(t)


def _id(name: str, of: str) -> dict[str, str]:
    return {"plugin": "stickers", "name": name, "of": of}


def _pack(pack: dict[str, Any], t: Translate) -> Any:
    from dash import html

    items = [_item(item, pack, t) for item in pack["items"]]
    grid = html.Ul(items, className="sticker-list")
    if not pack["own"]:
        forget = [button(t("Keep no longer"), _id("forget", pack["id"]))]
        return html.Details([html.Summary(pack["title"]), grid, *forget])
    return html.Details(
        [
            html.Summary(pack["title"]),
            text_input(t("Name"), _id("rename", pack["id"]), value=pack["title"], max=64),
            grid,
            uploads(t("Add pictures"), _id("upload", pack["id"]), accept=KINDS, multiple=True),
            button(t("Delete the pack"), _id("delete", pack["id"])),
        ],
        open=True,
    )


def _item(item: dict[str, Any], pack: dict[str, Any], t: Translate) -> Any:
    from dash import html

    picture = html.Img(src=f"/blobs/{item['blob']}", alt=item["emoji"], width=56, height=56)
    if not pack["own"]:
        return html.Li(picture)
    return html.Li(
        [
            picture,
            text_input(t("Emoji"), _id("tag", item["id"]), value=item["emoji"], max=64),
            button(t("To the front"), _id("first", f"{pack['id']}-{item['id']}")),
            button(t("Remove"), _id("remove", item["id"])),
        ]
    )
