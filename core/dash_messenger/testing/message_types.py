"""What holds for every message type: it validates, reads as text, is drawn, and is never lost.

The tests run in the process of the test, without a server: they are quick enough to run at each
save. What only shows on a server (several people, files) is tested with ``people``.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from dash_messenger.errors import ActionRefused, ContentInvalid
from dash_messenger.plugin_api.message_types import MAX_TEXT_CHARACTERS, MessageType
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.testing.growth import out_of_proportion
from dash_messenger.testing.trial import Trial

__all__ = ["MessageTypeContract"]

# As the web UI draws at most.
MAX_BODY_BYTES = 131_072
_WORD = re.compile(r"\w{3,}")
_ID = re.compile(r"[0-9a-f]{32}")


class MessageTypeContract:
    """Inherit from it and say what is good and what is not::

        class TestPoll(MessageTypeContract):
            message_type = Poll()
            view = PollView()
            good = [{"question": "Tea?", "options": ["yes", "no"]}]
            bad = [{"question": ""}]
            actions = [("vote", {"option": 1, "on": True}), ("close", {})]

    ``good`` and ``bad`` are contents as JSON values; ``view`` is the Dash half's, where there is
    one. ``actions`` are tried on each good content, one after the other, by its author (those for
    bots by one); where any is named, each is.

    ``samples`` is a folder with a file for each version of the type that was released:
    ``1.json`` is a list of ``{"content": …, "state": …, "text": …}``, the last two where they
    matter. By itself it is ``samples`` beside the test's file. What stands in it is never changed:
    it is what is stored out there.
    """

    message_type: ClassVar[MessageType[Any, Any, Any]]
    view: ClassVar[Any] = None
    good: ClassVar[Sequence[dict[str, Any]]]
    bad: ClassVar[Sequence[Any]] = ()
    actions: ClassVar[Sequence[tuple[str, dict[str, Any]]]] = ()
    samples: ClassVar[Path | None] = None

    @pytest.fixture
    def types(self) -> MessageTypes:
        """A registry with the type."""
        types = MessageTypes()
        types.add(self.message_type)
        return types

    def test_its_name_is_lower_case(self) -> None:
        """Names that differ in case alone would be taken for each other."""
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

    def test_it_is_found_by_what_was_written(self, types: MessageTypes) -> None:
        """A reader without the plugin, search and export have the text alone."""
        for content in self.good:
            words = {word for said in _strings(content) for word in _WORD.findall(said)}
            text = types.finish(self.message_type.type, self._read(types, content)).text
            assert not words or words & set(_WORD.findall(text)), f"{text!r} has none of {words}"

    def test_its_actions_change_what_can_be_stored(self, types: MessageTypes) -> None:
        """Each does something from the start, or refuses; what it leaves is read and drawn."""
        name = self.message_type.type
        if types.actions(name) and not self.actions:
            pytest.skip("`actions` names none to try")
        untried = types.actions(name).keys() - {action for action, _ in self.actions}
        assert not untried, f"`actions` tries none of {sorted(untried)}"
        done = set()
        for content in self.good:
            trial = Trial(self.message_type, content)
            for action, params in self.actions:
                who = "bot" if types.actions(name)[action].may == "bot" else "author"
                # What refuses at first may be possible on another of the contents.
                with contextlib.suppress(ActionRefused):
                    trial.act(who, action, **params)
                    done.add(action)
                assert types.decode(name, types.encode(trial.content)) == trial.content
                assert self.message_type.State is None or trial.state is not None
                self._draw(trial.content, trial.state, trial.text)
        assert done == {action for action, _ in self.actions}, "some were always refused"

    def test_every_action_can_be_described(self, types: MessageTypes) -> None:
        """Clients that have no drawing offer actions by their schema."""
        for action in types.actions(self.message_type.type).values():
            assert msgspec.json.schema(action.params)

    def test_it_is_drawn(self, types: MessageTypes) -> None:
        """As something that the pages can show, within 128 KiB, in each language of the plugin."""
        self._need_a_view()
        for content in self.good:
            value = self._read(types, content)
            prepared = types.finish(self.message_type.type, value)
            state = types.decode_state(self.message_type.type, prepared.state)
            self._draw(value, state, prepared.text)
            missing = self.view.untranslated(value, state=state, text=prepared.text)
            assert not missing, "words without a translation"

    def test_its_refusals_are_translated(self) -> None:
        """Whole sentences that its module refuses with stand in every catalogue of the plugin."""
        self._need_a_view()
        source = inspect.getsource(inspect.getmodule(type(self.message_type)) or type(self))
        missing = self.view.unknown_sentences(_refusals(source))
        assert not missing, "sentences without a translation, or without a full stop"

    def test_its_composer_writes_what_it_takes(self) -> None:
        """Every field of the composer is a field of Content."""
        self._need_a_view()
        composer = self.view.composer(_English())
        if composer is None:
            return
        known = {field.name for field in msgspec.structs.fields(self.message_type.Content)}
        named = {field.name for field in composer.fields}
        assert named | ({composer.inline} - {None}) <= known

    def test_its_menu_does_what_there_is(self, types: MessageTypes) -> None:
        """Every entry that acts names an action of the type, with parameters that it takes."""
        self._need_a_view()
        actions = types.actions(self.message_type.type)
        for entry in self.view.menu(_English()):
            if entry.act is not None:
                assert entry.act in actions
                msgspec.convert(entry.params or {}, actions[entry.act].params)

    def test_what_released_versions_stored_is_read(self, types: MessageTypes) -> None:
        """Whoever sent something with an older version still sees it: `samples` keeps some."""
        folder = self.samples or Path(inspect.getfile(type(self))).parent / "samples"
        name, version = self.message_type.type, self.message_type.version
        for older in range(1, version):
            assert (folder / f"{older}.json").is_file(), f"{folder}/{older}.json is not there"
        if not folder.is_dir():
            pytest.skip(f"no version is released yet: {folder} is not there")
        files = sorted(folder.glob("*.json"))
        assert files, f"{folder} is empty"
        for file in files:
            for sample in json.loads(file.read_bytes()):
                stored = msgspec.json.encode(sample["content"])
                value = types.decode(name, stored, int(file.stem))
                assert value is not None, f"{file.name}: {sample} is read no more"
                state = None
                if "state" in sample:
                    state = types.decode_state(name, msgspec.json.encode(sample["state"]))
                    assert state is not None, f"{file.name}: the state of {sample} is read no more"
                elif self.message_type.State is not None:
                    state = self.message_type.start(value)
                text = types.text(name, value, state)
                if int(file.stem) == version:
                    assert text == sample.get("text", text)
                self._draw(value, state, text)

    def test_inline_code_takes_time_in_proportion(self, types: MessageTypes) -> None:
        """What is ``inline`` runs where everybody waits for it: whatever people write, four times
        as much takes some four times as long. Near misses of what it looks for are tried."""
        if not self.message_type.inline:
            # It runs in processes that are killed when they take too long.
            return
        name = self.message_type.type

        def send(content: Any) -> None:
            types.finish(name, self._read(types, content))

        self._check(send, self.good)
        for action, params in self.actions:

            def act(params: Any, action: str = action) -> None:
                who = "bot" if types.actions(name)[action].may == "bot" else "author"
                Trial(self.message_type, self.good[0]).act(who, action, **params)

            self._check(act, [params])

    def test_inline_drawing_takes_time_in_proportion(self, types: MessageTypes) -> None:
        """So does a view that is ``inline``: it draws on a thread, which nobody can stop."""
        if self.view is None or not self.view.inline:
            return

        def draw(content: Any) -> None:
            value = self._read(types, content)
            prepared = types.finish(self.message_type.type, value)
            state = types.decode_state(self.message_type.type, prepared.state)
            self.view.try_out(value, state=state, text=prepared.text)

        self._check(draw, self.good)

    @staticmethod
    def _check(work: Callable[[Any], object], samples: Sequence[Any]) -> None:
        told = out_of_proportion(work, samples)
        assert told is None, f"time out of proportion with {told}"

    def _draw(self, value: Any, state: Any, text: str) -> None:
        if self.view is not None:
            body = self.view.try_out(value, state=state, text=text)
            assert body is not None, "render() returned nothing that can be drawn"
            assert len(body) <= MAX_BODY_BYTES

    def _need_a_view(self) -> None:
        if self.view is None:
            pytest.skip("this type has no Dash half")

    def _read(self, types: MessageTypes, content: object) -> msgspec.Struct:
        return types.read(self.message_type.type, msgspec.json.encode(content))


class _English:
    """Translates into the words that stand in the code."""

    def __call__(self, text: str, /) -> str:
        return text

    def count(self, one: str, other: str, n: int) -> str:
        return (one if n == 1 else other).replace("{n}", str(n))


def _refusals(source: str) -> Iterator[str]:
    """The whole sentences that a module gives to `Refuse` and `Refused`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            said = [*node.args[1:2]] if node.func.id == "Refuse" else []
            if node.func.id in ("Refuse", "Refused"):
                said += [word.value for word in node.keywords if word.arg in ("reason", "sentence")]
            for one in said:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value


def _strings(value: Any) -> Iterator[str]:
    """What people may have written in a content, ids aside."""
    if isinstance(value, str) and not _ID.fullmatch(value):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
