"""A message in memory, which tests of a message type act on.

Owns what the server does between people and a type's code, without server, log and files: reading
parameters, who may, refusing, JSON there and back. Must not know a type.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import asdict

from dash_messenger.errors import ActionRefused, Forbidden, InvalidParams
from dash_messenger.plugin_api.actions import Acted, Change, Refuse
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.protocol.params import decode_params

__all__ = ["Trial"]


class Trial:
    """A message of a type, sent by ``author``; people are called by any name::

        poll = Trial(Poll(), {"question": "Tea?", "options": ["yes", "no"]})
        poll.act("ann", "vote", option=0, on=True)
        assert poll.state.counts == [1, 0]
        assert poll.mark("ann") == {0}

    ``content`` is a JSON value, as clients send it; ``admins`` are those who own the group or are
    its admins, ``bots`` plugins. ``now_ms`` is the time that actions are told, which tests may
    move.

    Raises:
        ContentInvalid: the type does not take the content.
    """

    def __init__(
        self,
        message_type: MessageType[Any, Any, Any],
        content: Any,
        *,
        author: str = "author",
        admins: Collection[str] = (),
        bots: Collection[str] = ("bot",),
        now_ms: int = 1_790_000_000_000,
    ) -> None:
        self.now_ms = now_ms
        self._types = MessageTypes()
        self._types.add(message_type)
        self._name = message_type.type
        self._author, self._admins, self._bots = author, admins, bots
        self._stored = self._types.finish(self._name, self._read(content))
        self._marks: dict[str, bytes] = {}
        self._state = self._stored.state

    @property
    def content(self) -> Any:
        """Its content, as the type's struct."""
        return self._types.decode(self._name, self._stored.content)

    @property
    def state(self) -> Any:
        """Its state now, as all readers get it; None where the type has none."""
        return self._types.decode_state(self._name, self._state)

    @property
    def text(self) -> str:
        """What stands for it wherever it is not drawn."""
        return self._types.text(self._name, self.content, self.state)

    def mark(self, who: str) -> Any:
        """What somebody has put on it, or None."""
        return self._types.decode_mark(self._name, self._marks.get(who))

    def act(self, who: str, action: str, /, **params: Any) -> None:
        """Let somebody act on it.

        Raises:
            InvalidParams: there is no such action, or its parameters do not fit.
            Forbidden: it is for others.
            ActionRefused: it is not possible now; ``params["action"]`` is the code.
        """
        declared = self._types.actions(self._name).get(action)
        if declared is None:
            raise InvalidParams(field="action", reason=f"there is no action {action!r}")
        allowed = {
            "member": True,
            "author": who == self._author,
            "admin": who == self._author or who in self._admins,
            "bot": who in self._bots,
        }
        if not allowed[declared.may]:
            raise Forbidden
        given = decode_params(declared.decoder, msgspec.json.encode(params))
        acted = Acted(
            id="0" * 32,
            conversation="1" * 32,
            sender=self._author,
            by=who,
            content=self.content,
            state=self.state,
            mark=self.mark(who),
            now_ms=self.now_ms,
        )
        outcome = declared.run(acted, **asdict(given))
        if isinstance(outcome, Refuse):
            raise ActionRefused(**outcome.told())
        if not isinstance(outcome, Change):
            raise TypeError(f"action {action} returned {outcome!r}")
        if outcome.state is not UNSET:
            self._state = self._types.encode_state(self._name, outcome.state)
        if outcome.mark is None:
            self._marks.pop(who, None)
        elif outcome.mark is not UNSET:
            self._marks[who] = self._types.encode(outcome.mark)

    def edit(self, content: Any) -> None:
        """Let the author change it to ``content``, as `prepare` would leave it.

        Raises:
            Forbidden: the type is not ``editable``.
            ContentInvalid: the type does not take the content.
        """
        if not self._types[self._name].editable:
            raise Forbidden
        before, state = self.content, self.state
        self._stored = self._types.change(self._name, before, state, self._read(content))
        self._state = self._stored.state

    def _read(self, content: Any) -> Struct:
        return self._types.read(self._name, msgspec.json.encode(content))
