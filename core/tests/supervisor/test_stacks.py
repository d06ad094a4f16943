"""Whose code stands in the stacks that faulthandler writes."""

from __future__ import annotations

import faulthandler
import tempfile
import threading
from pathlib import Path

import pytest
from dash_messenger.supervisor.stacks import Code, Frame, drawn, read_stacks


@pytest.fixture
def code() -> Code:
    code = Code()
    code.add("dice", "dice")
    code.add("dice", "dice_ui")
    code.add("poll", "acme.poll.server:Poll")
    code.add("quiz", "acme.quiz")
    code.add("webui", "pages.server:WebUi")
    code.look_in(["", "/lib/python3.11", "/lib/python3.11/site-packages", "/srv/dice/plugins/"])
    return code


@pytest.mark.parametrize(
    ("module", "plugin"),
    [
        ("dice", "dice"),
        ("dice_ui", "dice"),
        ("dicey", None),
        ("acme.poll.server", "poll"),
        ("acme.poll.counting", "poll"),
        ("acme.quiz", "quiz"),
        ("acme.shared", None),
        ("asyncio.events", None),
        ("", None),
    ],
)
def test_code_belongs_to_the_plugin_whose_module_it_is_nearest_to(
    code: Code, module: str, plugin: str | None
) -> None:
    assert code.of(module) == plugin


@pytest.mark.parametrize(
    ("files", "plugin"),
    [
        # The innermost comes first.
        (["lib/python3.11/re.py", "srv/dice/plugins/dice.py", "x/pages/server.py"], "dice"),
        (["lib/python3.11/site-packages/acme/poll/__init__.py"], "poll"),
        (["lib/python3.11/json.py", "lib/python3.11/site-packages/acme/quiz/deep/er.py"], "quiz"),
        (["lib/python3.11/asyncio/events.py"], None),
        # A folder that has a plugin's name is none of its code.
        (["home/dice/other.py", "elsewhere/dice.py"], None),
        ([], None),
    ],
)
def test_the_innermost_plugin_in_a_stack_is_named(
    code: Code, files: list[str], plugin: str | None
) -> None:
    assert code.running([Frame(f"/{file}", 1, "work") for file in files]) == plugin


def test_what_faulthandler_writes_is_read() -> None:
    begun, end = threading.Event(), threading.Event()

    def wait_elsewhere() -> None:
        begun.set()
        end.wait()

    thread = threading.Thread(target=wait_elsewhere)
    thread.start()
    begun.wait()
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        text = file.read().decode()
    end.set()
    thread.join()
    stacks = read_stacks(text)
    (main,) = [stack for stack in stacks if stack.main]
    assert main.frames[0].file == __file__
    assert main.frames[0].function == "test_what_faulthandler_writes_is_read"
    assert any(frame.function == "wait_elsewhere" for one in stacks for frame in one.frames)
    # Innermost last, with the lines of code.
    *_, place, line = drawn(main.frames).splitlines()
    assert place == f'  File "{__file__}", line {main.frames[0].line}, in {main.frames[0].function}'
    assert line.strip() == "faulthandler.dump_traceback(file, all_threads=True)"


def test_a_text_that_is_cut_or_strange_is_read_as_far_as_it_goes() -> None:
    whole = 'Current thread 0x1 (most recent call first):\n  File "/a", line 3 in f\n'
    for end in range(len(whole) + 1):
        read_stacks(whole[:end])
    assert read_stacks("") == []
    assert read_stacks('  File "/a", line 3 in f\n<no Python frame>\n') == []
    (stack,) = read_stacks(whole + '  File "/b", line ')
    assert stack.frames == [Frame("/a", 3, "f")]


def test_a_stack_whose_files_are_gone_is_drawn_without_code(tmp_path: Path) -> None:
    gone = Frame(str(tmp_path / "gone.py"), 1, "work")
    assert drawn([gone]) == f'  File "{gone.file}", line 1, in work'
