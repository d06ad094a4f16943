"""What a plugin may ask of the server: the one object that its hooks are given.

Owns the public types. Must not know how anything is done. A plugin is trusted code; the context is
there so that it needs nothing else, and so that what it does is done under its own name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from msgspec import Struct

from dash_messenger.protocol.models import Blob, Message, User

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData

__all__ = [
    "Blobs",
    "Context",
    "Demo",
    "Job",
    "MemberChange",
    "Preparing",
    "Setting",
    "SlashCall",
    "SlashCommand",
    "Tables",
    "setting",
]

T = TypeVar("T")


class Blobs(Protocol):
    """The server's files, as a plugin uses them.

    A blob that nothing refers to is collected a day after it was made. Messages refer to what
    `MessageType.blobs` names; a plugin refers to what it keeps by `refer`.
    """

    async def info(self, id: str) -> Blob | None:
        """What is known of a blob, or None where there is none."""

    async def read(self, id: str, *, max_bytes: int) -> bytes:
        """A blob's content.

        Raises:
            NotFound: there is none.
            TooLarge: it has more than ``max_bytes``.
        """

    async def put(
        self, data: bytes, *, name: str, media_type: str, owner: str | None = None
    ) -> Blob:
        """A new blob; the plugin's bot owns it where no user is named."""

    async def refer(self, id: str, *, to: str) -> None:
        """Keep a blob for as long as ``to``, a name of the plugin's own, is not released.

        Everybody who is logged in may then download it.
        """

    async def release(self, id: str, *, to: str) -> None:
        """Let go of what `refer` keeps; nothing happens where it was not kept."""


class Context(Protocol):
    """The server, for one plugin. Arguments are given by name; times are milliseconds UTC."""

    @property
    def name(self) -> str:
        """The plugin's name: that of its entry point."""

    @property
    def log(self) -> Any:
        """A structlog logger that names the plugin. Log no content and no secrets."""

    @property
    def folder(self) -> Path:
        """A folder of the plugin's own in the data folder, made when it is first asked for."""

    @property
    def settings(self) -> Any:
        """The plugin's settings, as the struct that `register_settings` declared."""

    @property
    def blobs(self) -> Blobs:
        """The server's files."""

    def now_ms(self) -> int:
        """The time."""

    def translate(self, language: str) -> Callable[[str], str]:
        """Turns the plugin's own sentences into a language, by ``locale/LANGUAGE/messages.po``
        beside its code; what has no translation stays as it is."""

    async def bot(self) -> str:
        """The id of the plugin's own user, ``NAME-bot``, made when it is first asked for."""

    async def send(
        self,
        *,
        conversation: str,
        type: str,
        content: Struct | dict[str, Any],
        reply_to: str | None = None,
        client_id: str | None = None,
    ) -> str:
        """Send a message as the plugin's bot, who need not be a member; the message's id.

        With a ``client_id`` (a UUID) it is sent once, however often this is called.

        Raises:
            UnknownType, ContentInvalid, Refused: the message is not acceptable.
            NotFound: there is no such conversation.
            RateLimited: the plugin sends more than 1,000 at once and 50 a second.
        """

    async def act(self, *, message: str, action: str, params: dict[str, Any] | None = None) -> None:
        """Act on a message as the plugin's bot: what is open to bots or members.

        Raises:
            NotFound, Forbidden, InvalidParams, ActionRefused: as ``message.act``.
            RateLimited: the plugin acts more than 300 times at once and 20 a second.
        """

    async def message(self, *, id: str, reader: str | None = None) -> Message | None:
        """A message as it is now, or None where there is none; with ``reader``, where that user may
        see it. A deleted one has ``deleted_at_ms`` and neither content nor text."""

    def content(self, message: Message) -> Any:
        """A message's content as its type's struct, or None where it cannot be read."""

    def state(self, message: Message) -> Any:
        """A message's state as its type's struct, or None where it has none that can be read."""

    async def members(self, *, conversation: str) -> list[User]:
        """Who is in a conversation now; nobody where there is none."""

    async def users(self, *, ids: Sequence[str]) -> list[User]:
        """The users with these ids, in that order; those that there are not are left out."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work(connection)`` returns, run on a reader's thread in one short snapshot.

        A plugin reads twice and writes 8 times at a time; more waits for its turn.

        Raises:
            Busy: 1,000 of the plugin's wait already; so do `write` and `limited`.
        """

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work(connection)`` returned, once it is committed. It may run twice: its only
        effects are on the plugin's own tables. What it raises undoes what it did."""

    async def change_settings(self, **values: Any) -> None:
        """Change some settings, as an admin does.

        Raises:
            InvalidParams: a value does not fit.
        """

    async def secret(self, *, name: str) -> str | None:
        """A secret that was kept, or None. Secrets leave the server by no command."""

    async def keep_secret(self, *, name: str, value: str | None) -> None:
        """Keep a secret, or forget it."""

    async def limited(
        self,
        function: Callable[..., Any] | str,
        *arguments: Any,
        time_limit_s: float = 20.0,
    ) -> Any:
        """What a function of the plugin returns, run in a child process with limits on memory,
        processor (5 s) and time: for decoding what strangers sent.

        The function stands at the top level of a module; named as ``"module:name"``, the server
        itself does not import it. Arguments and result are plain data. An argument may also be a
        coroutine function, which is called for it when it is the call's turn: a file that waits
        need not be in memory. One call runs at a time for each user who asked for it; the wait for
        that counts for no time limit.

        Raises:
            Refused: as the function raised it.
            OverLimit: it needed too much, or crashed.
            Busy: too many calls wait, of this user or of all.
        """

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background; it is cancelled when the server stops, and its failure
        is logged with the plugin's name.

        Raises:
            Busy: 1,000 of the plugin's run already.
        """


@dataclass(frozen=True, slots=True)
class Preparing:
    """What `MessageType.prepare` may use: the plugin's context, who sends, and where.

    ``before`` is what an edited message holds now, as the type's ``Content``: what the server made
    of it then can be taken from there, since an author claims what they like. It is None for a new
    message, and where what is stored can be read no longer.
    """

    context: Context
    user: str
    conversation: str
    before: Any = None


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables of a plugin's own; ``migrations`` is an Alembic folder with ``versions/`` in it.

    All names begin with the plugin's name and an underscore. The version stands in a table of the
    plugin's own, so that uninstalling it hinders nobody.
    """

    metadata: MetaData
    migrations: Path


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do periodically: ``run()`` every ``every_s`` seconds, one at a time.

    The first time is ``every_s`` after the start. A run that fails is logged; the next comes.
    """

    name: str
    every_s: float
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SlashCall:
    """Somebody typed a slash command: who, where, and what stood after its name.

    ``language`` is that of their pages; what a command refuses with is translated by the pages.
    """

    user: str
    conversation: str
    arguments: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command that people type: ``/name arguments``.

    ``name`` has lower-case Latin letters, digits and hyphens; ``summary`` says in a few words what
    it does, and is looked up in the plugin's catalogues. ``run(call)`` may raise `Refused` to say
    what is wrong.
    """

    name: str
    summary: str
    run: Callable[[SlashCall], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MemberChange:
    """Somebody joined a conversation, or is no longer in it; ``founding``: it began with them."""

    conversation: str
    user: str
    kind: Literal["joined", "removed"]
    by: str
    founding: bool = False


class Demo(Protocol):
    """A demonstration that is being made: a group in which people show what can be sent."""

    @property
    def conversation(self) -> str:
        """The group's id."""

    @property
    def people(self) -> Sequence[User]:
        """Who is in the group; whoever shows something is one of them."""

    async def say(
        self, by: User, type: str, content: Struct | dict[str, Any], *, reply_to: str | None = None
    ) -> str:
        """Send a message to the group as one of its people, some minutes after the last one; the
        message's id.

        Raises:
            Failure: as ``message.send``.
        """

    async def call(self, by: User, command: str, /, **params: object) -> dict[str, Any]:
        """The result of a command, called as one of the people: to vote, to react, to keep.

        Raises:
            Failure: as the command documents.
        """


@dataclass(frozen=True, slots=True)
class Setting:
    """How a setting is shown to admins. See `setting`."""

    label: str
    help: str = ""


def setting(label: str, *, help: str = "") -> Setting:
    """Describes a field of the struct that `register_settings` returns, inside ``Annotated``.

    ``label`` and ``help`` stand in the form that admins get, in the plugin's own words. Secrets are
    no settings: see `Context.secret`.
    """
    return Setting(label, help)
