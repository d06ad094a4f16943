"""Views by type, their fallbacks and their composers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dash import html
from dash_messenger import Message, MessageType, MessageTypes
from dash_messenger_files.ui import FilesView
from dash_messenger_webui import Composer, Drawable, Html, MessageView, Translate, act
from dash_messenger_webui.http.assets import Assets
from dash_messenger_webui.rendering.message_views import MessageViews


class Shout(msgspec.Struct, frozen=True):
    words: str


class ShoutType(MessageType[Shout]):
    type = "acme.shout"
    Content = Shout

    def text(self, content: Shout, state: None) -> str:
        return content.words


class ShoutView(MessageView[Shout]):
    type = "acme.shout"
    drawn: Any = None

    def render(self, message: Drawable[Shout], t: Translate) -> Any:
        return message.content.words.upper() if self.drawn is None else self.drawn

    def composer(self, t: Translate) -> Composer:
        return Composer(icon="speakerphone", label=t("Message"), inline="words", rank=5)


class Broken(ShoutView):
    type = "acme.broken"

    def composer(self, t: Translate) -> Composer:
        raise RuntimeError("no")


@pytest.fixture
def view() -> ShoutView:
    return ShoutView()


@pytest.fixture
def views(view: ShoutView) -> MessageViews:
    types = MessageTypes()
    types.add(ShoutType())
    views = MessageViews()
    views.add("shout", [view])
    views.bind(types)
    return views


def message(type: str = "acme.shout", content: bytes = b'{"words":"hey"}') -> Message:
    return Message(
        id="0" * 32,
        conversation="1" * 32,
        seq=1,
        rev=1,
        number=1,
        sender="2" * 32,
        client_id="3" * 32,
        type=type,
        content=msgspec.Raw(content),
        text="hey",
        sent_at_ms=0,
    )


def test_a_string_is_drawn_as_it_is(views: MessageViews) -> None:
    assert views.draw(message(), "en") == b'"HEY"'


def test_html_says_whether_it_wants_a_bubble(views: MessageViews, view: ShoutView) -> None:
    view.drawn = Html("<b>x</b>", bubble=False)
    assert json.loads(views.draw(message(), "en") or b"") == {"html": "<b>x</b>", "bare": True}


def test_a_component_is_drawn_with_what_is_inside_it(views: MessageViews, view: ShoutView) -> None:
    view.drawn = html.Div([html.B("x"), "y"])
    drawn = json.loads(views.draw(message(), "en") or b"")
    assert drawn["type"] == "Div"
    assert drawn["namespace"] == "dash_html_components"
    assert drawn["props"]["children"][0]["type"] == "B"


def test_an_unknown_type_and_unreadable_content_are_left_to_their_text(views: MessageViews) -> None:
    assert views.draw(message("acme.other"), "en") is None
    assert views.draw(message(content=b'{"words":1}'), "en") is None


def test_a_view_whose_type_is_not_registered_is_not_used(view: ShoutView) -> None:
    views = MessageViews()
    views.add("shout", [view])
    views.bind(MessageTypes())
    assert views.draw(message(), "en") is None
    assert views.composers("en") == []


def test_composers_speak_the_readers_language(views: MessageViews) -> None:
    assert [(c["type"], c["label"]) for c in views.composers("ru")] == [("acme.shout", "Сообщение")]


def test_a_second_view_of_a_type_is_refused(views: MessageViews) -> None:
    with pytest.raises(ValueError, match="registered twice"):
        views.add("other", [ShoutView()])


@pytest.mark.parametrize("module", ["missing.js", "../server.py", "a/b.js"])
def test_a_module_that_is_not_in_the_plugin_s_assets_is_refused(module: str) -> None:
    class Scripted(ShoutView):
        pass

    Scripted.module = module
    views = MessageViews()
    with pytest.raises(ValueError, match="no module"):
        views.add("shout", [Scripted()])
    assert views.modules() == {}


def test_a_type_s_module_is_known_with_its_plugin() -> None:
    views = MessageViews()
    views.add("files", [FilesView()])
    ((type, (plugin, path)),) = views.modules().items()
    assert (type, plugin, path.name) == ("files", "files", "players.js")
    assert Assets(plugin_modules=[(plugin, path)]).has("files/players.js")


def test_what_is_no_view_is_refused(views: MessageViews) -> None:
    with pytest.raises(TypeError):
        views.add("other", [object()])  # type: ignore[list-item]


def test_refusals_that_a_catalogue_lacks_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locale" / "ru").mkdir(parents=True)
    (tmp_path / "locale" / "ru" / "messages.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "It is full."\nmsgstr "Мест нет."\n'
    )
    monkeypatch.setattr("dash_messenger_webui.api.contract.folder_of", lambda view: tmp_path)
    found = ShoutView().unknown_sentences(["It is full.", "It is closed."])
    assert found == {"ru": ["It is closed."]}


def test_what_is_pressed_for_everybody_asks_for_the_opposite() -> None:
    assert act("tick", item=1, pressed=True) == {
        "data-act": "tick",
        "data-params": '{"item": 1, "on": false}',
        "aria-pressed": "true",
    }
    assert act("tick", item=1, pressed=False)["data-params"] == '{"item": 1, "on": true}'


def test_a_body_over_the_limit_is_told_where_it_is_tried() -> None:
    view = ShoutView()
    view.drawn = "x" * 131_000
    assert view.try_out(Shout("a")) is not None
    view.drawn = "x" * 132_000
    with pytest.raises(OverflowError, match="132002 bytes"):
        view.try_out(Shout("a"))


def test_processes_that_draw_load_neither_dash_nor_quart() -> None:
    loaded = "import sys, dash_messenger_webui.server; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "dash_messenger_webui.rendering.message_views" in modules
    assert not {"dash", "quart", "sqlalchemy"} & set(modules)
