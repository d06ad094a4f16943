"""What `new-plugin` calls things, and which names it declines."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash_messenger.cli.new_plugin import Names, NameUnusable, names_of, write_plugin


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ("poll", Names("my.poll", "my-poll", "my_poll", "Poll", "Poll")),
        ("acme.poll", Names("acme.poll", "acme-poll", "acme_poll", "Poll", "Poll")),
        ("acme-poll", Names("acme.poll", "acme-poll", "acme_poll", "Poll", "Poll")),
        (
            "acme.live-poll",
            Names("acme.live_poll", "acme-live-poll", "acme_live_poll", "Live poll", "LivePoll"),
        ),
        ("acme.poll2", Names("acme.poll2", "acme-poll2", "acme_poll2", "Poll2", "Poll2")),
    ],
)
def test_one_name_gives_all_the_others(wish: str, names: Names) -> None:
    assert names_of(wish) == names


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        *((wish, "lower-case") for wish in ("", "Poll", "2048", "опрос", "a b", "a..b", "../x")),
        *((wish, "lower-case") for wish in ("poll.", ".poll", "a.2", "$type", "a\n")),
        *((wish, "own") for wish in ("dash-messenger-poll", "dash.messenger", "dash_messenger.x")),
        ("x" * 41, "40"),
    ],
)
def test_a_name_that_cannot_be_is_declined_with_what_would_do(wish: str, why: str) -> None:
    with pytest.raises(NameUnusable, match=why):
        names_of(wish)


def test_a_name_of_a_module_that_is_there_is_declined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_poll.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NameUnusable, match="acme_poll already"):
        names_of("acme.poll")


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "acme-poll").mkdir()
    names = names_of("acme.poll")
    assert write_plugin(names, tmp_path)
    readme = tmp_path / "acme-poll" / "README.md"
    readme.write_text("mine")
    with pytest.raises(FileExistsError, match="there already"):
        write_plugin(names, tmp_path)
    assert readme.read_text() == "mine"
