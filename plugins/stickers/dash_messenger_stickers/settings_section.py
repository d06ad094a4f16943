"""Where users make packs: a section of the settings.

Everything goes through commands, under the rights of whoever reads the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from dash_messenger import Failure, Refused
from dash_messenger_webui import (
    Callbacks,
    SettingsPanel,
    Translate,
    button,
    icon_button,
    picture_kinds,
    text_input,
    uploads,
    viewer,
)
from msgspec import Meta, Struct

__all__ = ["StickersPanel"]

LIST = {"plugin": "stickers", "name": "packs"}
TITLE = {"plugin": "stickers", "name": "title"}
MAKE = {"plugin": "stickers", "name": "make"}
CLICKED = ("before", "after", "remove", "delete", "forget")

T = TypeVar("T")


class _Asked(Struct, frozen=True):
    """The id of what was pressed or written in: a pack's, a dash, and a sticker's or nothing."""

    name: Literal["upload", "rename", "tag", "before", "after", "remove", "delete", "forget"]
    of: Annotated[str, Meta(pattern="^[0-9a-f]{32}-([0-9a-f]{32})?$")]


class _Blob(Struct, frozen=True):
    """An upload; what else is told of it is no concern."""

    id: str
    name: str = ""


class _Problem(Struct, frozen=True):
    """Why something could not be done, and which file it is about, where it is about one."""

    sentence: str
    file: str = ""


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
            html.Div(await _packs(t), id=LIST, className="packs"),
            html.Div(
                [
                    text_input(t("Name of a new pack"), TITLE, max=64),
                    button(t("Make a pack"), MAKE),
                ],
                className="field-with-button",
            ),
        ]

    def register(self, app: Callbacks) -> None:
        """Making packs, and everything that is done to one."""
        from dash import ALL, Input, Output, State, ctx, no_update

        @app.callback(
            Output(LIST, "children", allow_duplicate=True),
            Output(TITLE, "value"),
            Input(MAKE, "n_clicks"),
            Input(TITLE, "n_submit"),
            State(TITLE, "value"),
        )
        async def make(clicks: int, submits: int, title: str | None) -> Any:
            t = self.words()
            if not (clicks or submits):
                return no_update, no_update
            if not (title and title.strip()):
                unnamed = _Problem(t("Give the pack a name first."))
                return await _packs(t, problems=[unnamed]), no_update
            try:
                made = await viewer().call("stickers.make", title=title.strip())
            except Failure as failure:
                return await _packs(t, problems=[_Problem(t(failure.message))]), no_update
            return await _packs(t, opened=made["id"]), ""

        def each(name: str, property: str) -> Any:
            return Input({"plugin": "stickers", "name": name, "of": ALL}, property)

        @app.callback(
            Output(LIST, "children", allow_duplicate=True),
            each("upload", "blobs"),
            each("rename", "value"),
            each("tag", "value"),
            *(each(name, "n_clicks") for name in CLICKED),
        )
        async def change(*values: Any) -> Any:
            # Of what has just been drawn Dash tells all at once.
            if len(ctx.triggered) != 1 or ctx.triggered[0]["value"] in (None, 0):
                return no_update
            asked, t = _taken(ctx.triggered_id, _Asked), self.words()
            pack, _, sticker = asked.of.partition("-")
            problems = await _change(t, asked.name, pack, sticker, ctx.triggered[0]["value"])
            return await _packs(t, problems=problems, opened=pack)


def _taken(claim: object, kind: type[T]) -> T:
    """What the browser claims, if it could come from this section.

    Raises:
        Refused: it could not.
    """
    try:
        return msgspec.convert(claim, kind)
    except msgspec.ValidationError as error:
        raise Refused(reason=f"This is nothing of the stickers' settings: {error}") from None


async def _change(t: Translate, name: str, pack: str, sticker: str, said: Any) -> list[_Problem]:
    """Do what was pressed or written; why it could not be done."""
    call = viewer().call
    try:
        if name == "upload":
            return await _add(t, pack, _taken(said, list[_Blob]))
        if name in ("before", "after"):
            order = [item["id"] for item in (await call("stickers.pack", pack=pack))["items"]]
            at = order.index(sticker)
            to = at + (1 if name == "after" else -1)
            order.insert(max(0, to), order.pop(at))
            await call("stickers.reorder", pack=pack, stickers=order)
        elif name == "rename":
            await call("stickers.rename", pack=pack, title=said)
        elif name == "tag":
            await call("stickers.tag", sticker=sticker, emoji=said)
        elif name == "remove":
            await call("stickers.remove", sticker=sticker)
        elif name == "delete":
            await call("stickers.delete", pack=pack)
        else:
            await call("stickers.collect", pack=pack, on=False)
    except Failure as failure:
        return [_Problem(t(failure.message))]
    except ValueError:
        # It was removed in another page meanwhile: what is drawn now shows it.
        return []
    return []


async def _add(t: Translate, pack: str, blobs: list[_Blob]) -> list[_Problem]:
    """Several pictures at once, in the order in which they were chosen."""
    call = viewer().call
    there = [item["id"] for item in (await call("stickers.pack", pack=pack))["items"]]
    made = await asyncio.gather(
        *(call("stickers.add", pack=pack, blob=blob.id) for blob in blobs), return_exceptions=True
    )
    problems, added = [], []
    for blob, one in zip(blobs, made, strict=True):
        if isinstance(one, Failure):
            problems.append(_Problem(t(one.message), blob.name))
        elif isinstance(one, BaseException):
            raise one
        else:
            added.append(one["id"])
    if len(added) > 1:
        await call("stickers.reorder", pack=pack, stickers=there + added)
    return problems


async def _packs(t: Translate, *, problems: Sequence[_Problem] = (), opened: str = "") -> list[Any]:
    from dash import html

    found = (await viewer().call("stickers.packs"))["packs"]
    shown: list[Any] = [_pack(pack, t, pack["id"] == opened) for pack in found]
    if problems:
        said = []
        for one in problems:
            file: list[Any] = [html.Bdi(one.file), ": "] if one.file else []
            said.append(html.Div([*file, one.sentence]))
        shown.append(html.Div(said, className="form-error", role="alert"))
    return shown


def _id(name: str, pack: str, sticker: str = "") -> dict[str, str]:
    return {"plugin": "stickers", "name": name, "of": f"{pack}-{sticker}"}


def _pack(pack: dict[str, Any], t: Translate, opened: bool) -> Any:
    from dash import html

    items, id = pack["items"], pack["id"]
    first = [_picture(items[0], 40)] if items else [html.Span(className="icon icon-sticker")]
    heading = html.Summary(
        [
            html.Span(first, className="cover"),
            html.Span(
                [
                    html.Span(pack["title"], className="pack-title", dir="auto"),
                    html.Span(
                        t.count("{n} sticker", "{n} stickers", len(items)), className="pack-count"
                    ),
                ]
            ),
        ]
    )
    # A pack that is drawn again keeps its place, and with it the focus.
    key = {"key": id, "className": "pack", "open": opened}
    if not pack["own"]:
        grid = html.Ul([html.Li(_picture(item, 56)) for item in items], className="looked-at")
        forget = [button(t("Keep no longer"), _id("forget", id))] if pack["collected"] else []
        return html.Details([heading, html.Div([grid, *forget], className="pack-body")], **key)
    last = len(items) - 1
    grid = html.Ul(
        [_tile(item, id, t, at == 0, at == last) for at, item in enumerate(items)],
        className="tiles",
    )
    body = [
        text_input(t("Name"), _id("rename", id), value=pack["title"], max=64),
        *([grid] if items else []),
        uploads(t("Add pictures"), _id("upload", id), accept=picture_kinds(), multiple=True),
        html.Details(
            [
                html.Summary(t("Delete the pack"), className="danger-text"),
                html.P(t("It goes for everybody who keeps it. Messages keep their stickers.")),
                button(t("Delete"), _id("delete", id), danger=True),
            ],
            className="leave",
        ),
    ]
    return html.Details([heading, html.Div(body, className="pack-body")], **key)


def _tile(item: dict[str, Any], pack: str, t: Translate, first: bool, last: bool) -> Any:
    from dash import html

    id = item["id"]
    return html.Li(
        [
            _picture(item, 72),
            text_input(
                t("Emoji"), _id("tag", pack, id), value=item["emoji"], max=64, hide_label=True
            ),
            html.Span(
                [
                    icon_button(
                        "arrow-left", t("Earlier"), _id("before", pack, id), disabled=first
                    ),
                    icon_button("arrow-right", t("Later"), _id("after", pack, id), disabled=last),
                    icon_button("trash", t("Remove"), _id("remove", pack, id)),
                ],
                className="tile-buttons",
            ),
        ],
        key=id,
    )


def _picture(item: dict[str, Any], side_px: int) -> Any:
    from dash import html

    source = f"/blobs/{item['blob']}"
    return html.Img(src=source, alt=item["emoji"], width=side_px, height=side_px)
