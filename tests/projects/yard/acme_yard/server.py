"""A bell that counts who rang it, a notice, and settings of every kind that there is."""

from typing import Annotated, Any, Literal

from dash_messenger import (
    Acted,
    Change,
    MessageType,
    Preparing,
    Refused,
    action,
    hookimpl,
    setting,
)
from msgspec import Meta, Struct


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    words: Annotated[str, Meta(min_length=1, max_length=200)]


class Rung(Struct, frozen=True):
    times: int = 0


class Bell(MessageType[Words, Rung, None]):
    type, Content, State = "acme.bell", Words, Rung

    def start(self, content: Words) -> Rung:
        return Rung()

    def text(self, content: Words, state: Rung) -> str:
        return content.words

    @action()
    def ring(self, bell: Acted[Words, Rung, None]) -> Change:
        return Change(state=Rung(bell.state.times + 1))


class Lines(Struct, frozen=True):
    lines: list[str] = []


class Guests(MessageType[Words, Lines, bool]):
    """A list to which everybody adds, and who has signed."""

    type, Content, State, Mark = "acme.guests", Words, Lines, bool

    def start(self, content: Words) -> Lines:
        return Lines()

    def text(self, content: Words, state: Lines) -> str:
        return "\n".join([content.words, *state.lines])

    @action()
    def add(self, guests: Acted[Words, Lines, bool], *, line: str) -> Change:
        return Change(state=Lines([*guests.state.lines, line]))

    @action()
    def sign(self, guests: Acted[Words, Lines, bool], *, on: bool) -> Change:
        return Change(state=Lines([*guests.state.lines, "signed"]), mark=on or None)


class Notice(Struct, frozen=True, forbid_unknown_fields=True):
    """One field of each kind that a form has."""

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    body: Annotated[str, Meta(max_length=500)] = ""
    bring: list[str] = []
    open: bool = False
    places: Annotated[int, Meta(ge=1, le=100)] | None = None
    side: Literal["north", "south"] = "north"


class NoticeType(MessageType[Notice]):
    """It can be edited, but not be taken back once it is open."""

    type, Content, editable = "acme.notice", Notice, True

    def text(self, content: Notice, state: None) -> str:
        return content.title

    async def prepare(self, content: Notice, preparing: Preparing) -> Notice:
        before: Notice | None = preparing.before
        if before is not None and before.open and not content.open:
            raise Refused(reason="It is open already.", field="open")
        return content


class Settings(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=20), setting("Name of the yard")] = "Yard"
    notice: Annotated[str, Meta(max_length=500), setting("Notice", help="Shown at the gate.")] = ""
    places: Annotated[int, Meta(ge=1, le=100), setting("Places")] = 10
    share: Annotated[float, Meta(ge=0, le=1), setting("Share that is kept free")] = 0.5
    open: Annotated[bool, setting("Open")] = True
    side: Annotated[Literal["north", "south"], setting("Side")] = "north"
    guests: Annotated[list[Annotated[str, Meta(min_length=2)]], setting("Guests")] = []
    limit: Annotated[
        Annotated[int, Meta(ge=1)] | None, setting("Limit", help="Empty for none.")
    ] = None
    map: Annotated[dict[str, int], setting("Map")] = {}

    def __post_init__(self) -> None:
        if self.side == "south" and self.places > 50:
            raise ValueError("The south side has 50 places.")


@hookimpl
def register_message_types() -> list[MessageType[Any, Any, Any]]:
    return [Bell(), Guests(), NoticeType()]


@hookimpl
def register_settings() -> type[Settings]:
    return Settings
