"""What a plugin's Dash half is made of: views, safe HTML, actions, translations.

Owns the public types of the web UI. Imports neither Dash nor the server, so that a ``ui.py`` that
draws strings or HTML stays light.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol

import msgspec
from typing_extensions import TypeVar

from dash_messenger_webui.api.composers import Composer, MenuEntry
from dash_messenger_webui.i18n.translations import LANGUAGES, Words, folder_of, words_beside

__all__ = [
    "Callbacks",
    "Drawable",
    "Html",
    "MessageView",
    "Translate",
    "act",
    "body_json",
    "moment",
    "person",
    "reader_words",
]

ContentT = TypeVar("ContentT")
StateT = TypeVar("StateT", default=Any)
F = TypeVar("F", bound=Callable[..., Any])

_LEFT_OUT: Any = object()
# As the server draws at most.
MAX_BODY_BYTES = 131_072


class Translate(Protocol):
    """The plugin's own words in a reader's language, from ``locale/LANGUAGE/messages.po``."""

    def __call__(self, text: str, /) -> str:
        """The translation of a text, or the text itself."""

    def count(self, one: str, other: str, n: int) -> str:
        """The form for ``n``, with ``{n}`` filled in: ``t.count("{n} vote", "{n} votes", 3)``."""


class Callbacks(Protocol):
    """What a plugin adds callbacks to: Dash's application, bounded to the plugin."""

    def callback(self, *arguments: Any, **options: Any) -> Callable[[F], F]:
        """Declare an async callback, as `dash.Dash.callback`; it may take 10 s.

        Raises:
            TypeError: the function is not async; it would stop every socket while it runs.
            ValueError: an id is not the plugin's own.
        """


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is safe to insert: whoever makes it has escaped or sanitised what people wrote.

    ``bubble=False`` shows it on the bare background, as stickers and single emoji are; ``edge``
    lets it fill the bubble to its edge, as photos do, with the time upon it.

    A few data attributes have a meaning in it: ``data-gallery="URL"`` (with ``data-caption``,
    ``data-download`` and, for what is transparent, ``data-backdrop``: ``light`` for what is dark,
    ``grey`` for what is dark and light) opens a picture large; ``data-copy`` on a button copies the
    text of the nearest ``pre``; what is inside ``data-reveal`` is shown when it is pressed;
    ``data-person`` and ``data-moment`` are filled in, see `person` and `moment`. Nothing in it can
    act on the message: see `act`.
    """

    markup: str
    bubble: bool = True
    edge: bool = False


@dataclass(frozen=True, slots=True)
class Drawable(Generic[ContentT, StateT]):
    """A message as a view draws it: the same for every reader.

    ``content`` and ``state`` are the type's own structs; times are milliseconds UTC.
    """

    id: str
    rev: int
    sender: str
    content: ContentT
    text: str
    sent_at_ms: int
    state: StateT = None  # type: ignore[assignment]


def act(
    action: str,
    *,
    mark: Any = _LEFT_OUT,
    pressed: bool | None = None,
    confirm: str | None = None,
    **params: Any,
) -> Any:
    """Attributes that let a component act on its message: ``Button(**act("vote", option=0))``.

    A press sends ``message.act`` as the reader: no callback and no id is needed. Where ``mark`` is
    given, the component is shown as pressed while the reader's own mark equals it or, being a list,
    contains it; and ``on`` is added to the parameters: whether it shall be so from now on. With
    ``pressed``, which stands in the state, it is shown as pressed to everybody, and ``on`` is the
    opposite.
    ``confirm`` is a question that is asked first. Only components act, never `Html`.
    """
    if pressed is not None:
        params["on"] = not pressed
    attributes: dict[str, Any] = {"data-act": action, "data-params": json.dumps(params)}
    if pressed is not None:
        attributes["aria-pressed"] = "true" if pressed else "false"
    if mark is not _LEFT_OUT:
        attributes["data-mark"] = json.dumps(mark)
    if confirm is not None:
        attributes["data-confirm"] = confirm
    return attributes


def person(user: str) -> Any:
    """Attributes of an element that shows somebody's name: ``html.Span(**person(id))``.

    A body is drawn once for all readers, and names change: it holds the user's id, and each
    reader's page fills the name in. In `Html`: ``<span data-person="ID"></span>``. The element has
    no content of its own.
    """
    return {"data-person": user}


def moment(at_ms: int, *, show: Literal["both", "day", "time"] = "both") -> Any:
    """Attributes of an element that shows a time: ``html.Time(**moment(closes_at_ms))``.

    ``at_ms`` is milliseconds UTC; each reader's page writes it in the reader's language and time
    zone. In `Html`: ``<time data-moment="MS" data-show="day"></time>``. The element has no content
    of its own.
    """
    return {"data-moment": str(at_ms), "data-show": show}


class MessageView(Generic[ContentT, StateT]):
    """How messages of one type look and are written. One object is registered by a plugin.

    ``type`` is the message type's name. ``render`` is called once per revision and language, in a
    child process that is killed when it takes too long, and may return 128 KiB; beyond, readers are
    shown the text. With ``inline = True`` it runs on a thread of the server instead, which is
    quicker, if the message type is ``inline`` too: only for code that takes time in proportion to
    the content, and little of it, whatever stands in it. One that once takes more than 20 ms runs
    in children from then on.

    ``module`` names a JavaScript module of ``assets/``, which a page loads once when it draws the
    first body of this type or opens its form. It defines custom elements for `Html`, whose names
    begin with the plugin's and a hyphen, and may export ``describe(file)``: what is known of a file
    that was chosen in the form, by the names of the item's fields in Content, as an object or its
    promise. A ``Blob`` in it is uploaded and arrives as an object with ``blob``; one that is a
    picture is shown in the form. What takes more than 10 s, or raises, says nothing.
    ``draw(content, pictures)`` is what stands in the row of a message of pictures while they are on
    their way: elements like those of ``render`` and of their size, which fill the bubble. Each of
    ``pictures`` has ``src``, ``width`` and ``height``, in the order of the form's files.
    """

    type: ClassVar[str]
    inline: ClassVar[bool] = False
    module: ClassVar[str] = ""

    def load(self) -> None:
        """Import what is slow to import: called once, before children are made."""

    def render(self, message: Drawable[ContentT, StateT], t: Translate) -> str | Html | Any:
        """The body: a plain string, safe `Html`, or a Dash component.

        Bubble, author, time and receipts are drawn around it. ``t`` translates the plugin's own
        words into the reader's language.
        """
        raise TypeError(f"{builtins.type(self).__name__} defines no render()")

    def composer(self, t: Translate) -> Composer | None:
        """How a message of this type is written, or None where people do not write it."""
        return None

    def menu(self, t: Translate) -> list[MenuEntry]:
        """What its menu offers beside what every message's does."""
        return []

    def register(self, app: Callbacks) -> None:
        """Add callbacks: for bodies that need more than `act`.

        ``app.callback`` takes async functions alone. The ids of components are
        ``{"plugin": …, "name": …, "message": …}``, matched with ``MATCH``; what the browser says in
        an id is a claim: act by ``await viewer().call(…)``, which the reader's rights bound.
        """

    def words(self) -> Translate:
        """The plugin's words in the reader's language, for callbacks; elsewhere they are given."""
        return reader_words(self)

    def try_out(
        self,
        content: ContentT,
        *,
        state: StateT | None = None,
        text: str = "",
        language: str = "en",
    ) -> bytes | None:
        """The body of a message with this content, as the time line gets it: for tests.

        None where `render` returns what cannot be drawn.

        Raises:
            OverflowError: it has more than 128 KiB, so that readers would be shown the text.
        """
        words = words_beside(folder_of(self))[language]
        body = body_json(self.render(_tried(content, state, text), words))
        if body is not None and len(body) > MAX_BODY_BYTES:
            raise OverflowError(
                f"the body has {len(body)} bytes, at most {MAX_BODY_BYTES} are drawn"
            )
        return body

    def untranslated(
        self, content: ContentT, *, state: StateT | None = None, text: str = ""
    ) -> dict[str, list[str]]:
        """Words of a message's body, composer and menu that lack a translation: for tests.

        By language, of those that the plugin has a catalogue of.
        """
        folder, found = folder_of(self), {}
        for language in LANGUAGES:
            if (folder / "locale" / language / "messages.po").is_file():
                t = _Listening(words_beside(folder)[language])
                self.render(_tried(content, state, text), t)
                self.composer(t)
                self.menu(t)
                found[language] = sorted(t.unknown)
        return {language: unknown for language, unknown in found.items() if unknown}

    def unknown_sentences(self, sentences: Iterable[str]) -> dict[str, list[str]]:
        """Those of ``sentences`` that lack a translation, by language as `untranslated`: for tests
        of what a server half refuses with. The pages know a sentence by the mark at its end."""
        folder, wanted, found = folder_of(self), set(sentences), {}
        for language in LANGUAGES:
            if (folder / "locale" / language / "messages.po").is_file():
                found[language] = sorted(wanted - words_beside(folder)[language].sentences.keys())
        return {language: unknown for language, unknown in found.items() if unknown}


class _Listening:
    """Translates, and remembers what it could not."""

    def __init__(self, words: Words) -> None:
        self.unknown: set[str] = set()
        self._words = words

    def __call__(self, text: str, /) -> str:
        self._hear(text)
        return self._words(text)

    def count(self, one: str, other: str, n: int) -> str:
        self._hear(one)
        return self._words.count(one, other, n)

    def _hear(self, text: str) -> None:
        if text and not self._words.knows(text):
            self.unknown.add(text)


def reader_words(thing: object) -> Translate:
    """The words beside the code of ``thing`` in the language of this request's reader."""
    # Quart is there whenever there is a request.
    from dash_messenger_webui.session import reader

    return words_beside(folder_of(thing))[reader().language]


def _tried(content: Any, state: Any, text: str) -> Drawable[Any, Any]:
    return Drawable(
        id="0" * 32,
        rev=1,
        sender="1" * 32,
        content=content,
        text=text,
        sent_at_ms=1_790_000_000_000,
        state=state,
    )


def body_json(drawn: object) -> bytes | None:
    """What `MessageView.render` returned, as the JSON that the time line draws; None where it
    is nothing that can be drawn."""
    if isinstance(drawn, str):
        return msgspec.json.encode(drawn)
    if isinstance(drawn, Html):
        body: dict[str, object] = {"html": drawn.markup}
        if not drawn.bubble:
            body["bare"] = True
        if drawn.edge:
            body["edge"] = True
        return msgspec.json.encode(body)
    if hasattr(drawn, "to_plotly_json"):
        return msgspec.json.encode(drawn, enc_hook=_component_json)
    return None


def _component_json(value: Any) -> Any:
    """A Dash component as its JSON; anything else that JSON lacks is refused."""
    if hasattr(value, "to_plotly_json"):
        return value.to_plotly_json()
    raise TypeError(f"a body cannot hold {value!r}")
