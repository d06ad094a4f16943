"""What holds for every message type: it validates, reads as text, is drawn, and is never lost.

The tests run in the process of the test, without a server: they are quick enough to run at each
save. What only shows on a server (actions of several people, files) is tested with ``people``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from dash_messenger.errors import ContentInvalid
from dash_messenger.messages import MAX_TEXT_CHARACTERS, MessageType, MessageTypes

__all__ = ["MessageTypeContract"]


class MessageTypeContract:
    """Inherit from it and say what is good and what is not::

        class TestPoll(MessageTypeContract):
            message_type = Poll()
            view = PollView()
            good = [{"question": "Tea?", "options": ["yes", "no"]}]
            bad = [{"question": ""}]

    ``good`` and ``bad`` are contents as JSON values; ``view`` is the Dash half's, where there is
    one.
    """

    message_type: ClassVar[MessageType[Any, Any, Any]]
    view: ClassVar[Any] = None
    good: ClassVar[Sequence[dict[str, Any]]]
    bad: ClassVar[Sequence[dict[str, Any]]] = ()

    @pytest.fixture
    def types(self) -> MessageTypes:
        """A registry with the type."""
        types = MessageTypes()
        types.add(self.message_type)
        return types

    def test_its_name_is_its_own(self) -> None:
        """First-party types are a word, others are dotted, so that they never meet."""
        assert self.message_type.type == self.message_type.type.lower()

    def test_good_content_is_taken_and_read_again_as_it_was(self, types: MessageTypes) -> None:
        """What is stored is what was sent, with defaults filled in."""
        for content in self.good:
            value = self._read(types, content)
            stored = types.finish(self.message_type.type, value)
            assert types.decode(self.message_type.type, stored.content, stored.version) == value
            assert types.decode_state(self.message_type.type, stored.state) == (
                None if self.message_type.State is None else self.message_type.start(value)
            )

    def test_bad_content_is_refused(self, types: MessageTypes) -> None:
        """So is what no type takes: another shape, and fields that nobody knows."""
        for content in [*self.bad, [], "text", {**self.good[0], "no such field": 1}]:
            with pytest.raises(ContentInvalid):
                self._read(types, content)

    def test_it_reads_as_text(self, types: MessageTypes) -> None:
        """The text stands for the message wherever it is not drawn, so it is never markup."""
        for content in self.good:
            prepared = types.finish(self.message_type.type, self._read(types, content))
            assert len(prepared.text) <= MAX_TEXT_CHARACTERS
            assert "<" not in prepared.text or "<" in str(content)

    def test_every_action_can_be_described(self, types: MessageTypes) -> None:
        """Clients that have no drawing offer actions by their schema."""
        for action in types.actions(self.message_type.type).values():
            assert msgspec.json.schema(action.params)

    def test_it_is_drawn(self, types: MessageTypes) -> None:
        """In each language, as something that the pages can show, within 32 KiB."""
        if self.view is None:
            pytest.skip("this type has no Dash half")
        for content in self.good:
            value = self._read(types, content)
            prepared = types.finish(self.message_type.type, value)
            state = types.decode_state(self.message_type.type, prepared.state)
            body = self.view.try_out(value, state=state, text=prepared.text)
            assert body is not None, "render() returned nothing that can be drawn"
            assert len(body) <= 32_768

    def test_its_composer_writes_what_it_takes(self) -> None:
        """Every field of the composer is a field of Content."""
        if self.view is None:
            pytest.skip("this type has no Dash half")
        composer = self.view.composer(lambda text: text)
        if composer is None:
            return
        known = {field.name for field in msgspec.structs.fields(self.message_type.Content)}
        named = {field.name for field in composer.fields}
        assert named | ({composer.inline} - {None}) <= known

    def _read(self, types: MessageTypes, content: object) -> msgspec.Struct:
        return types.read(self.message_type.type, msgspec.json.encode(content))
