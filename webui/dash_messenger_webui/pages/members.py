"""The members of a group in its details: who they are, and what the reader may do to each.

Owns their rows, the menu of each, and what its buttons do. Invariant: what is offered is what
``conversation.members`` says that the reader may; the command asks again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from dash import ALL, Dash, Input, Output, State, ctx, html, no_update
from dash.development.base_component import Component
from dash_messenger import Failure, Refused
from msgspec import Meta, Struct

from dash_messenger_webui import components
from dash_messenger_webui.elements.parts import attributes
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.pages.callback_parameters import checked
from dash_messenger_webui.pages.failures import Sentences
from dash_messenger_webui.session import viewer

__all__ = ["MEMBERS", "listed_members", "members_section", "register_member_menus"]

MEMBERS = "details-members"
ERROR = "details-error"
ORDER = {"owner": 0, "admin": 1, "member": 2}


class _Asked(Struct, frozen=True):
    """The id of a button in the menu of a member."""

    member: Annotated[str, Meta(max_length=64)]
    act: Literal["owner", "admin", "member", "remove", "ban", "unban"]


async def listed_members(conversation: str) -> dict[str, Any]:
    """A page of members, those who are more than that first, whatever page they are on.

    With the banned, for who may ban.
    """
    me = viewer()
    page = await me.call("conversation.members", conversation=conversation)
    listed = {member["id"]: member for member in page["members"]}
    if page["more"]:
        for role in ("owner", "admin"):
            above = await me.call("conversation.members", conversation=conversation, role=role)
            listed |= {member["id"]: member for member in above["members"]}
            page["roles"] |= above["roles"]

    if "ban" in page["rights"]["member"]:
        banned = await me.call("conversation.banned", conversation=conversation)
        page["banned"], page["more_banned"] = banned["banned"], banned["more"]

    def place(member: dict[str, Any]) -> tuple[int, str]:
        return ORDER[_role(page, member["id"])], member["display_name"].casefold()

    return {**page, "members": sorted(listed.values(), key=place)}


def members_section(page: dict[str, Any], me: str, t: Words) -> list[Component]:
    """Those whom `listed_members` found."""
    more = [html.P(t("Only the first members are listed."), className="hint")]
    return [
        html.H3(t("Members"), className="details-section"),
        html.Ul([_member(page, member, me, t) for member in page["members"]], className="members"),
        *(more if page["more"] else []),
        *_banned(page, t),
    ]


def register_member_menus(
    app: Dash,
    sentences: Sentences,
    section_of: Callable[[str], Awaitable[list[Component]]],
) -> None:
    """Add the callback of the menus' buttons; ``section_of`` draws the members again."""

    @app.callback(
        Output(MEMBERS, "children", allow_duplicate=True),
        Output(ERROR, "children", allow_duplicate=True),
        Input({"member": ALL, "act": ALL}, "n_clicks"),
        State("timeline", "conversation"),
    )
    @checked
    async def act(clicks: object, conversation: str) -> tuple[Any, Any]:
        if not (ctx.triggered_id and ctx.triggered[0]["value"]):
            return no_update, no_update
        asked = _asked(ctx.triggered_id)
        about = {"conversation": conversation, "user": asked.member}
        try:
            if asked.act in ("remove", "ban", "unban"):
                await viewer().call(f"conversation.{asked.act}", **about)
            else:
                await viewer().call("conversation.set_role", **about, role=asked.act)
            return await section_of(conversation), None
        except Failure as failure:
            return no_update, sentences.of(failure)


def _asked(claim: object) -> _Asked:
    try:
        return msgspec.convert(claim, _Asked)
    except msgspec.ValidationError as error:
        raise Refused(reason=f"This is no button of this page: {error}") from None


def _role(page: dict[str, Any], user: str) -> str:
    return str(page["roles"].get(user, "member"))


def _member(page: dict[str, Any], member: dict[str, Any], me: str, t: Words) -> Component:
    name, role = member["display_name"], _role(page, member["id"])
    shown = f"{name} ({t('you')})" if member["id"] == me else name
    badge = {"owner": t("Owner"), "admin": t("Admin")}.get(role)
    return html.Li(
        [
            _person(
                member,
                *([html.Span(badge, className=f"member-role role-{role}")] if badge else []),
                shown=shown,
            ),
            *_menu(page, member, role, me, t),
        ]
    )


def _person(user: dict[str, Any], *beside: Component, shown: str | None = None) -> Component:
    """A button that opens somebody's card."""
    name = user["display_name"]
    return html.Button(
        [
            components.Avatar(
                of=user["id"], name=name, photo=user.get("photo"), size=40, presence=True
            ),
            html.Span(
                [
                    html.Span(shown or name, className="member-name", dir="auto"),
                    html.Span(f"@{user['username']}", className="heading-below"),
                ]
            ),
            *beside,
        ],
        type="button",
        **attributes({"data-user": user["id"]}),
    )


def _menu(
    page: dict[str, Any], member: dict[str, Any], role: str, me: str, t: Words
) -> list[Component]:
    """What the reader may do to a member, if anything."""
    items = (
        _to_oneself(page, member, role, t)
        if member["id"] == me
        else _to_another(page["rights"][role], member, role, t)
    )
    if not items:
        return []
    label = t("What to do with {name}").format(name=member["display_name"])
    return [
        html.Details(
            [
                html.Summary("⋮", **attributes({"aria-label": label, "title": label})),
                html.Div(items),
            ],
            className="member-menu",
        )
    ]


def _to_oneself(
    page: dict[str, Any], member: dict[str, Any], role: str, t: Words
) -> list[Component]:
    # Somebody else has to own the group.
    if role != "owner" or list(page["roles"].values()).count("owner") < 2:
        return []
    return [
        _question(
            member,
            "member",
            t("Give up ownership"),
            t("You become a member. Only another owner can make you an owner again."),
            t,
        )
    ]


def _to_another(rights: list[str], member: dict[str, Any], role: str, t: Words) -> list[Component]:
    items = []
    if "set_role" in rights:
        if role != "admin":
            items.append(_item(member, "admin", t("Make admin")))
        if role != "owner":
            items.append(
                _question(
                    member,
                    "owner",
                    t("Make owner"),
                    t("An owner may do everything here, and nobody else can take that back."),
                    t,
                )
            )
        if role != "member":
            items.append(_item(member, "member", t("Make member")))
    if "remove" in rights:
        items.append(
            _question(
                member,
                "remove",
                t("Remove"),
                t("They will no longer see what is written here. They can be added again."),
                t,
            )
        )
    if "ban" in rights:
        items.append(
            _question(
                member,
                "ban",
                t("Ban"),
                t("They are removed, and nobody can add them until the ban is lifted."),
                t,
            )
        )
    return items


def _banned(page: dict[str, Any], t: Words) -> list[Component]:
    """Those who cannot be added, behind a press."""
    found = [one["user"] for one in page.get("banned", [])]
    if not found:
        return []
    count = f"{len(found)}+" if page["more_banned"] else str(len(found))
    more = [html.P(t("Only the first of them are listed."), className="hint")]
    return [
        html.Details(
            [
                html.Summary(t("Banned ({n})").format(n=count)),
                html.Ul(
                    [
                        html.Li([_person(user), _item(user, "unban", t("Lift the ban"))])
                        for user in found
                    ],
                    className="members",
                ),
                *(more if page["more_banned"] else []),
            ],
            className="banned",
        )
    ]


def _item(member: dict[str, Any], act: str, label: str) -> Component:
    return html.Button(label, id={"member": member["id"], "act": act}, n_clicks=0, type="button")


def _question(member: dict[str, Any], act: str, label: str, question: str, t: Words) -> Component:
    """What is done once its question was read."""
    return html.Details(
        [
            html.Summary(label, className="danger-text"),
            html.P(question),
            html.Button(
                label,
                id={"member": member["id"], "act": act},
                n_clicks=0,
                type="button",
                className="button button-danger",
            ),
        ]
    )
