"""Drawing: once per revision and view, limited, and failing for its own message alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from dash_messenger.plugins import views
from dash_messenger.plugins.views import Renderer, View
from dash_messenger.protocol import Message
from msgspec import UNSET, Raw


def message(number: int, type: str = "text", rev: int = 1) -> Message:
    return Message(
        id=f"m{number}",
        conversation="c",
        seq=number,
        rev=rev,
        number=number,
        sender="u",
        client_id="k",
        type=type,
        content=Raw(b"{}"),
        text="hi",
        sent_at_ms=1,
    )


class Painter:
    def __init__(self) -> None:
        self.calls: list[tuple[str, int, str]] = []
        self.thread: int | None = None
        self.stuck = threading.Event()

    def draw(self, message: Message, language: str) -> bytes | None:
        self.calls.append((message.id, message.rev, language))
        self.thread = threading.get_ident()
        if message.type == "bad":
            raise RuntimeError("no paint left")
        if message.type == "huge":
            return b'"' + b"x" * views.MAX_VIEW_BYTES + b'"'
        if message.type == "unknown":
            return None
        if message.type == "stuck":
            self.stuck.wait(timeout=30)
        if message.type == "held up":
            self.stuck.wait(timeout=2 * views.MAX_VIEW_MS / 1000)
        if message.type == "laborious":
            until = time.thread_time() + 2 * views.MAX_VIEW_MS / 1000
            while time.thread_time() < until:
                pass
        return b'"%s in %s"' % (message.id.encode(), language.encode())


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def renderer(painter: Painter) -> Iterator[Renderer]:
    renderer = Renderer()
    renderer.add("webui", View("dash", ("en", "ru"), painter.draw))
    yield renderer
    painter.stuck.set()
    renderer.close()


async def test_each_revision_is_drawn_once_per_view_and_off_the_loop(
    renderer: Renderer, painter: Painter
) -> None:
    drawn = {}
    for _ in range(3):
        drawn = await renderer.draw([message(1), message(2)], ["dash:en", "dash:ru"])
    assert drawn["m1", 1, "dash:ru"] == Raw(b'"m1 in ru"')
    assert len(painter.calls) == 4
    assert painter.thread != threading.get_ident()
    await renderer.draw([message(1, rev=2)], ["dash:en"])
    assert painter.calls[-1] == ("m1", 2, "en")


async def test_a_drawing_that_the_machine_held_up_is_shown(renderer: Renderer) -> None:
    drawn = await renderer.draw([message(1, "held up")], ["dash:en"])
    assert drawn["m1", 1, "dash:en"] == Raw(b'"m1 in en"')
    assert renderer.fallbacks == 0


@pytest.mark.parametrize("type", ["bad", "huge", "laborious"])
async def test_a_drawing_that_fails_or_is_too_large_leaves_the_text_and_the_neighbours(
    renderer: Renderer, type: str
) -> None:
    drawn = await renderer.draw([message(1), message(2, type), message(3)], ["dash:en"])
    assert drawn["m2", 1, "dash:en"] is UNSET
    assert drawn["m1", 1, "dash:en"] == Raw(b'"m1 in en"')
    assert drawn["m3", 1, "dash:en"] == Raw(b'"m3 in en"')
    assert renderer.fallbacks == 1


async def test_a_type_without_a_drawing_is_no_failure(renderer: Renderer) -> None:
    drawn = await renderer.draw([message(1, "unknown")], ["dash:en"])
    assert drawn["m1", 1, "dash:en"] is UNSET
    assert renderer.fallbacks == 0


async def test_a_drawing_that_never_ends_is_left_behind(
    renderer: Renderer, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ABANDON_AFTER_S", 0.05)
    drawn = await renderer.draw([message(1), message(2, "stuck"), message(3)], ["dash:en"])
    assert drawn["m1", 1, "dash:en"] == Raw(b'"m1 in en"')
    assert drawn["m2", 1, "dash:en"] is UNSET
    monkeypatch.setattr(views, "ABANDON_AFTER_S", 5)
    later = await renderer.draw([message(4)], ["dash:en"])
    assert later["m4", 1, "dash:en"] == Raw(b'"m4 in en"')


def test_the_first_wanted_view_that_exists_is_chosen(renderer: Renderer) -> None:
    assert renderer.choose(["term:en", "dash:ru", "dash:en"]) == "dash:ru"
    assert renderer.choose(["dash:xx"]) is None
    renderer.remove("webui")
    assert renderer.choose(["dash:en"]) is None


def test_a_view_is_registered_once(renderer: Renderer, painter: Painter) -> None:
    with pytest.raises(ValueError, match="registered twice"):
        renderer.add("other", View("dash", ("en",), painter.draw))
    with pytest.raises(TypeError):
        renderer.add("other", "dash")  # type: ignore[arg-type]
