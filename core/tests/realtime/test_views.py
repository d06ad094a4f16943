"""Drawing: once per revision and view, limited, and failing for its own message alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from dash_messenger.isolation.contents import MAX_INLINE_CPU_S, Contents
from dash_messenger.isolation.jobs import JobResult
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.plugin_api.views import View
from dash_messenger.protocol.models import Message
from dash_messenger.realtime import views
from dash_messenger.realtime.views import Renderer
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
        if message.type == "laborious":
            until = time.thread_time() + 2 * MAX_INLINE_CPU_S
            while time.thread_time() < until:
                pass
        if message.type == "held up":
            self.stuck.wait(timeout=0.1)
        return b'"%s in %s"' % (message.id.encode(), language.encode())


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def impatient(painter: Painter) -> Iterator[Renderer]:
    yield from drawing(painter, Renderer(abandon_after_s=0.5))


@pytest.fixture
def renderer(painter: Painter) -> Iterator[Renderer]:
    yield from drawing(painter, Renderer())


def drawing(painter: Painter, renderer: Renderer) -> Iterator[Renderer]:
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


@pytest.mark.parametrize("type", ["bad", "huge"])
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


async def test_a_drawing_that_never_ends_is_left_behind(impatient: Renderer) -> None:
    drawn = await impatient.draw([message(1), message(2, "stuck"), message(3)], ["dash:en"])
    assert drawn["m1", 1, "dash:en"] == Raw(b'"m1 in en"')
    assert drawn["m2", 1, "dash:en"] is UNSET
    later = await impatient.draw([message(4)], ["dash:en"])
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


class SlowChildren:
    """Draws each message when it is told to."""

    def __init__(self) -> None:
        self.drawn: list[bytes] = []
        self.go = asyncio.Event()

    async def run(self, job: str, payload: bytes, *, charged_to: str, label: str = "") -> JobResult:
        self.drawn.append(payload)
        if label == "stuck":
            await self.go.wait()
        return JobResult(msgspec.msgpack.encode(b'"in a child"'), 0.001)


@pytest.fixture
def children() -> SlowChildren:
    return SlowChildren()


@pytest.fixture
def in_children(children: SlowChildren, painter: Painter) -> Iterator[Renderer]:
    renderer = Renderer(Contents(MessageTypes(), children))
    inline = {"text", "laborious"}
    renderer.add("webui", View("dash", ("en", "ru"), painter.draw, inline=inline.__contains__))
    yield renderer
    renderer.close()


async def test_what_is_not_ready_in_time_comes_late_and_the_rest_at_once(
    in_children: Renderer, children: SlowChildren
) -> None:
    late: asyncio.Queue[tuple[str, str, Raw]] = asyncio.Queue()
    drawn = await in_children.draw(
        [message(1), message(2, "stuck"), message(3, "other")],
        ["dash:en"],
        late=lambda message, view, drawing: late.put_nowait((message.id, view, drawing)),
        ready_within_s=0.05,
    )
    assert drawn == {
        ("m1", 1, "dash:en"): Raw(b'"m1 in en"'),
        ("m2", 1, "dash:en"): UNSET,
        ("m3", 1, "dash:en"): Raw(b'"in a child"'),
    }
    children.go.set()
    assert await late.get() == ("m2", "dash:en", Raw(b'"in a child"'))
    again = await in_children.draw([message(2, "stuck")], ["dash:en"])
    assert again["m2", 1, "dash:en"] == Raw(b'"in a child"')


async def test_who_wishes_the_same_shares_one_job(
    in_children: Renderer, children: SlowChildren
) -> None:
    wishes = [
        asyncio.create_task(in_children.draw([message(1, "stuck")], ["dash:en"])) for _ in range(5)
    ]
    while not children.drawn:
        await asyncio.sleep(0)
    children.go.set()
    assert {await wish == {("m1", 1, "dash:en"): Raw(b'"in a child"')} for wish in wishes} == {True}
    assert len(children.drawn) == 1


async def test_an_inline_view_that_takes_long_is_drawn_in_children_from_then_on(
    in_children: Renderer, children: SlowChildren
) -> None:
    first = await in_children.draw([message(1, "laborious")], ["dash:en"])
    assert first["m1", 1, "dash:en"] == Raw(b'"m1 in en"')
    assert not in_children.needs_children(message(2), "dash:en")
    assert in_children.needs_children(message(2, "laborious"), "dash:en")
    second = await in_children.draw([message(2, "laborious")], ["dash:en"])
    assert second["m2", 1, "dash:en"] == Raw(b'"in a child"')
