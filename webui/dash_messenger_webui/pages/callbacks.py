"""What the dialogs do: asynchronous callbacks that act as the viewer.

Invariant: what the browser says is only a wish; every change is a command under the viewer's
rights. Each refusal becomes a sentence in the dialog that asked, and nothing typed is lost; what
no page of ours sends is refused as a whole.
"""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash_messenger import Failure

from dash_messenger_webui.i18n.translations import LANGUAGES
from dash_messenger_webui.pages.callback_parameters import checked
from dash_messenger_webui.pages.dialogs import details_body
from dash_messenger_webui.pages.failures import Sentences
from dash_messenger_webui.pages.quarantine import LIST, register_retrying
from dash_messenger_webui.session import reader, viewer

__all__ = ["register_callbacks"]

# As pages.js has them.
DIALOGS = ("new-chat", "new-group", "settings")


def register_callbacks(app: Dash, sentences: Sentences) -> None:
    """Add every callback to the application."""
    _conversations(app, sentences)
    _details(app, sentences)
    _settings(app, sentences)
    for dialog, clicks in (
        ("new-chat", "new_chat_clicks"),
        ("new-group", "new_group_clicks"),
        ("settings", "menu_clicks"),
    ):
        _in_browser(
            app,
            "open",
            Output(dialog, "opened"),
            Input("conversations", clicks),
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
        Output("log-out", "disabled"),
        Input("log-out", "n_clicks"),
    )


def _in_browser(app: Dash, function: str, output: Output, trigger: Input) -> None:
    """Have a function of ``pages.js`` answer."""
    call: Any = app.clientside_callback
    call(ClientsideFunction("messenger", function), output, trigger)


def _conversations(app: Dash, sentences: Sentences) -> None:
    @app.callback(
        Output("conversations", "open_conversation", allow_duplicate=True),
        Output("new-chat", "opened", allow_duplicate=True),
        Output("new-chat-name", "error"),
        Output("new-chat-name", "value"),
        Input("new-chat-start", "n_clicks"),
        Input("new-chat-name", "n_submit"),
        State("new-chat-name", "value"),
        running=[(Output("new-chat-start", "disabled"), True, False)],
    )
    @checked
    async def start_chat(clicks: int, submits: int, name: str | None) -> tuple[Any, ...]:
        name = _user_name(name)
        if not name:
            return no_update, no_update, sentences.t("Please fill this in."), no_update
        try:
            found = await viewer().call("conversation.create", kind="direct", members=[name])
        except Failure as failure:
            return no_update, no_update, sentences.of(failure), no_update
        return found["id"], False, None, ""

    @app.callback(
        Output("conversations", "open_conversation", allow_duplicate=True),
        Output("new-group", "opened", allow_duplicate=True),
        Output("group-title", "error"),
        Output("new-group-names", "error"),
        Output("group-title", "value"),
        Output("new-group-names", "value"),
        Input("new-group-create", "n_clicks"),
        State("group-title", "value"),
        State("new-group-names", "value"),
        running=[(Output("new-group-create", "disabled"), True, False)],
    )
    @checked
    async def create_group(
        clicks: int, title: str | None, names: list[str] | None
    ) -> tuple[Any, ...]:
        refused = (no_update, no_update)
        if not (title and title.strip()):
            return *refused, sentences.t("Please fill this in."), None, no_update, no_update
        members = [name for name in map(_user_name, names or []) if name]
        try:
            found = await viewer().call(
                "conversation.create", kind="group", title=title.strip(), members=members
            )
        except Failure as failure:
            at_title = failure.params.get("field") == "title"
            errors = (sentences.of(failure), None) if at_title else (None, sentences.of(failure))
            return *refused, *errors, no_update, no_update
        return found["id"], False, None, None, "", []


def _details(app: Dash, sentences: Sentences) -> None:
    async def body_of(conversation: str) -> list[Any]:
        me = viewer()
        found = await me.call("conversation.get", conversation=conversation)
        page = await me.call("conversation.members", conversation=conversation)
        shown = found["conversation"]
        return details_body(
            shown,
            shown["title"] or "",
            page["members"],
            page["more"],
            me.user_id,
            found["rights"],
            sentences.t,
        )

    @app.callback(
        Output("details", "opened"),
        Output("details-body", "children"),
        Input("timeline", "details_clicks"),
        State("timeline", "conversation"),
    )
    @checked
    async def show_details(clicks: int, conversation: str | None) -> tuple[Any, ...]:
        try:
            return True, await body_of(conversation or "")
        except Failure as failure:
            return True, sentences.of(failure)

    @app.callback(
        Output("details-body", "children", allow_duplicate=True),
        Output("add-names", "error"),
        Input("add", "n_clicks"),
        State("add-names", "value"),
        State("timeline", "conversation"),
        running=[(Output("add", "disabled"), True, False)],
    )
    @checked
    async def add_members(
        clicks: int | None, names: list[str] | None, conversation: str
    ) -> tuple[Any, ...]:
        members = [name for name in map(_user_name, names or []) if name]
        if not clicks:
            return no_update, no_update
        if not members:
            return no_update, sentences.t("Please fill this in.")
        try:
            await viewer().call("conversation.add", conversation=conversation, members=members)
            return await body_of(conversation), no_update
        except Failure as failure:
            return no_update, sentences.of(failure)

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
        Output("details", "opened", allow_duplicate=True),
        Output("details-error", "children"),
        Output("left", "data-count"),
        Input("leave", "n_clicks"),
        State("timeline", "conversation"),
    )
    @checked
    async def leave(clicks: int | None, conversation: str) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update, no_update
        me = viewer()
        try:
            await me.call("conversation.remove", conversation=conversation, user=me.user_id)
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


def _user_name(typed: str | None) -> str:
    return (typed or "").strip().removeprefix("@")
