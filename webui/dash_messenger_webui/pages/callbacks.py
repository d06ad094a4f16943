"""What the dialogs do: asynchronous callbacks that act as the viewer.

Invariant: what the browser says is only a wish; every change is a command under the viewer's
rights. Each refusal becomes a sentence in the dialog that asked, and nothing typed is lost; what
no page of ours sends is refused as a whole.
"""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash_messenger import Failure, NotFound

from dash_messenger_webui.i18n.translations import LANGUAGES
from dash_messenger_webui.pages.callback_parameters import checked
from dash_messenger_webui.pages.dialogs import PARTS, details_parts
from dash_messenger_webui.pages.failures import Sentences
from dash_messenger_webui.pages.members import (
    MEMBERS,
    listed_members,
    members_section,
    register_member_menus,
)
from dash_messenger_webui.pages.qr_codes import register_qr_codes
from dash_messenger_webui.pages.quarantine import LIST, register_retrying
from dash_messenger_webui.session import reader, viewer

__all__ = ["register_callbacks"]

# As pages.js has them.
DIALOGS = ("settings",)


def register_callbacks(app: Dash, sentences: Sentences) -> None:
    """Add every callback to the application."""
    _details(app, sentences)
    _settings(app, sentences)
    register_qr_codes(app)
    _in_browser(
        app,
        "open",
        Output("settings", "opened"),
        Input("conversations", "menu_clicks"),
    )
    in_browser: Any = app.clientside_callback
    in_browser(
        ClientsideFunction("messenger", "layers"),
        *(Input(dialog, "opened") for dialog in DIALOGS),
    )
    in_browser(ClientsideFunction("messenger", "enter"), Input("enter", "value"))
    in_browser(ClientsideFunction("messenger", "marks"), Input("marks", "value"))
    _in_browser(app, "leave", Output("left", "title"), Input("left", "data-count"))
    _in_browser(
        app,
        "show_theme",
        Output("mantine", "forceColorScheme"),
        Input("theme", "value"),
    )
    _in_browser(
        app,
        "reload",
        Output("changed", "title"),
        Input("changed", "data-language"),
    )
    register_retrying(app, sentences)
    _in_browser(
        app,
        "reload",
        Output(LIST, "title"),
        Input(LIST, "data-language"),
    )
    _in_browser(
        app,
        "log_out",
        Output("log-out-error", "children"),
        Input("log-out", "n_clicks"),
    )


def _in_browser(app: Dash, function: str, output: Output, trigger: Input) -> None:
    """Have a function of ``pages.js`` answer."""
    call: Any = app.clientside_callback
    call(ClientsideFunction("messenger", function), output, trigger)


def _details(app: Dash, sentences: Sentences) -> None:
    async def parts_of(conversation: str) -> tuple[list[Any], str]:
        """What the details show, and what of the reader they go by."""
        me = viewer()
        found = await me.call("conversation.get", conversation=conversation)
        page = await listed_members(conversation)
        shown, rights = found["conversation"], found["rights"]
        others = [member for member in page["members"] if member["id"] != me.user_id]
        peer = (others or page["members"])[0] if shown["kind"] == "direct" else None
        members = members_section(page, me.user_id, sentences.t)
        owners = [user for user, role in page["roles"].items() if role == "owner"]
        heir = owners == [me.user_id] and shown["member_count"] > 1
        asking = (
            await me.call("conversation.join_requests", conversation=conversation)
            if "invite" in rights
            else None
        )
        parts = details_parts(found, members, peer, heir, sentences.t, asking)
        return parts, " ".join([*rights, *(["heir"] if heir else [])])

    async def members_of(conversation: str) -> list[Any]:
        page = await listed_members(conversation)
        return members_section(page, viewer().user_id, sentences.t)

    @app.callback(
        Output("details", "opened"),
        *(Output(part, "children") for part in PARTS),
        Output(MEMBERS, "data-rights"),
        Output("details-error", "children"),
        Input("timeline", "details_clicks"),
        State("timeline", "conversation"),
    )
    @checked
    async def show_details(clicks: int, conversation: str | None) -> tuple[Any, ...]:
        try:
            parts, rights = await parts_of(conversation or "")
        except Failure as failure:
            return True, sentences.of(failure), *(None for _ in PARTS[1:]), "", None
        return True, *parts, rights, None

    @app.callback(
        *(Output(part, "children", allow_duplicate=True) for part in PARTS),
        Output(MEMBERS, "data-rights", allow_duplicate=True),
        Output("details-error", "children", allow_duplicate=True),
        Input("details", "changes"),
        State("timeline", "conversation"),
        State(MEMBERS, "data-rights"),
    )
    @checked
    async def follow_changes(
        changes: int, conversation: str | None, rights_before: str | None
    ) -> tuple[Any, ...]:
        unchanged = tuple(no_update for _ in (*PARTS, MEMBERS))
        if not conversation:
            return *unchanged, None
        try:
            parts, rights = await parts_of(conversation)
        except NotFound:
            # One was removed: the chat itself says so.
            return *unchanged, None
        except Failure as failure:
            return *unchanged, sentences.of(failure)
        body, form, invites, members, rest = parts
        if rights == rights_before:
            # What is typed stays, unless one may not do it any more.
            form = rest = no_update
        return body, form, invites, members, rest, rights, None

    register_member_menus(app, sentences, members_of)

    @app.callback(
        Output("group-name", "error"),
        Input("group-name-save", "n_clicks"),
        Input("group-name", "n_submit"),
        State("group-name", "value"),
        State("timeline", "conversation"),
        running=[(Output("group-name-save", "disabled"), True, False)],
    )
    @checked
    async def rename_group(
        clicks: int | None, submits: int | None, title: str | None, conversation: str
    ) -> Any:
        if not (clicks or submits):
            return no_update
        if not (title and title.strip()):
            return sentences.t("Please fill this in.")
        try:
            await viewer().call(
                "conversation.update", conversation=conversation, title=title.strip()
            )
        except Failure as failure:
            return sentences.of(failure)
        return None

    @app.callback(
        Output("group-description", "error"),
        Output("group-rules", "error"),
        Output("details-error", "children", allow_duplicate=True),
        Input("group-about-save", "n_clicks"),
        State("group-description", "value"),
        State("group-rules", "value"),
        State("timeline", "conversation"),
        running=[(Output("group-about-save", "disabled"), True, False)],
    )
    @checked
    async def describe_group(
        clicks: int | None, description: str | None, rules: str | None, conversation: str
    ) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update, no_update
        about = {"description": description or None, "rules": rules or None}
        try:
            await viewer().call("conversation.update", conversation=conversation, **about)
        except Failure as failure:
            sentence, field = sentences.of(failure), failure.params.get("field")
            errors = [sentence if field == name else None for name in about]
            return *errors, None if any(errors) else sentence
        return None, None, None

    @app.callback(
        Output("details", "opened", allow_duplicate=True),
        Output("details-error", "children", allow_duplicate=True),
        Output("left", "data-count"),
        Input("leave", "n_clicks"),
        State("timeline", "conversation"),
    )
    @checked
    async def leave(clicks: int | None, conversation: str) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update, no_update
        try:
            await viewer().call("conversation.leave", conversation=conversation)
        except Failure as failure:
            return no_update, sentences.of(failure), no_update
        return False, None, clicks


def _settings(app: Dash, sentences: Sentences) -> None:
    @app.callback(
        Output("display-name", "error"),
        Output("display-name", "value"),
        Output("display-name-done", "children"),
        Input("display-name-save", "n_clicks"),
        Input("display-name", "n_submit"),
        State("display-name", "value"),
        running=[(Output("display-name-save", "disabled"), True, False)],
    )
    @checked
    async def rename(clicks: int, submits: int, name: str | None) -> tuple[Any, ...]:
        if not (name and name.strip()):
            return sentences.t("Please fill this in."), no_update, None
        try:
            account = await viewer().call("account.update", display_name=name.strip())
        except Failure as failure:
            return sentences.of(failure), no_update, None
        return None, account["user"]["display_name"], sentences.t("Saved.")

    @app.callback(
        Output("settings-error", "children"),
        Input("theme", "value"),
    )
    @checked
    async def choose_theme(theme: str) -> Any:
        # Another tab of the browser has said so already.
        if theme == reader().theme:
            return None
        return await _update(sentences, theme=theme)

    @app.callback(
        Output("settings-error", "children", allow_duplicate=True),
        Output("changed", "data-language", allow_duplicate=True),
        Input("language", "value"),
    )
    @checked
    async def choose_language(language: str) -> tuple[Any, ...]:
        if language not in LANGUAGES or language == reader().language:
            return no_update, no_update
        error = await _update(sentences, language=language)
        return error, no_update if error else language


async def _update(sentences: Sentences, **choices: object) -> str | None:
    try:
        await viewer().call("account.update", **choices)
    except Failure as failure:
        return sentences.of(failure)
    return None
