from __future__ import annotations

import json
import re
from typing import Any

import pytest
from dash_messenger_files.server import Files, OneFile, Poster
from dash_messenger_files.ui import FilesView


def draw(name: str, media_type: str = "", count: int = 7, language: str = "en") -> str:
    files = Files([OneFile("a" * 32, name, media_type, count)])
    markup: str = json.loads(FilesView().try_out(files, language=language) or b"{}")["html"]
    return markup


def words(markup: str, kind: str) -> str:
    found = re.search(rf'<span class="{kind}[^"]*"[^>]*>(.*?)</span>', markup)
    assert found
    return found[1]


def test_a_long_name_keeps_its_end_and_its_ending() -> None:
    drawn = draw("a-report-that-somebody-exported-from-a-system-final-v3.pdf")
    assert words(drawn, "tail") == "nal-v3.pdf"
    assert re.search(r'dir="auto"><span>(a-report.*-fi)</span>', drawn)
    assert words(draw("a.pdf"), "tail") == ""


def test_a_name_is_not_parted_within_a_character() -> None:
    family = "👨\u200d👩\u200d👧\u200d👦"
    drawn = draw("a" * 30 + family + "bcde.png")
    assert words(drawn, "tail") == f"{family}bcde.png"


@pytest.mark.parametrize(
    ("name", "media_type", "kind", "label"),
    [
        # What an office writes is a zip inside.
        ("letter.docx", "application/zip", "text", "DOCX"),
        ("numbers.csv", "text/plain", "table", "CSV"),
        ("song.ogg", "audio/ogg", "audio", "OGG"),
        ("main.py", "text/plain", "code", "PY"),
        ("report", "application/pdf", "pdf", "•••"),
        (".profile", "text/plain", "text", "•••"),
        ("what.<b>", "application/octet-stream", "application", "•••"),
    ],
)
def test_a_file_shows_what_it_is(name: str, media_type: str, kind: str, label: str) -> None:
    drawn = draw(name, media_type)
    assert f'"kind kind-{kind}"' in drawn
    assert words(drawn, "kind") == label


def test_sizes_are_written_as_the_language_writes_them() -> None:
    def size(count: int) -> str:
        return words(draw("a", count=count, language="ru"), "size")

    assert [size(5_400), size(1_234_567), size(123_456)] == ["5,4 кБ", "1,2 МБ", "123 кБ"]
    assert words(draw("a", count=5_400), "size") == "5.4 kB"
    # As the form says them.
    assert words(draw("a", count=2_000), "size") == "2 kB"
    assert words(draw("a", count=2_250), "size") == "2.3 kB"
    assert words(draw("a", count=9_960), "size") == "10 kB"
    assert words(draw("a", count=12_500), "size") == "13 kB"
    assert words(draw("a", count=999), "size") == "999 B"


def test_the_download_has_the_file_s_own_name() -> None:
    drawn = draw('пример "1" <b>.txt')
    assert 'download="пример &quot;1&quot; &lt;b&gt;.txt"' in drawn
    assert "<b>" not in drawn


def test_addresses_in_a_caption_are_links() -> None:
    files = Files([OneFile("a" * 32, "a.txt", "", 1)], "see www.example.org & <b>")
    markup = json.loads(FilesView().try_out(files) or b"{}")["html"]
    assert ">www.example.org</a> &amp; &lt;b&gt;</p>" in markup


def draw_one(media_type: str, **said: Any) -> str:
    one = OneFile("a" * 32, "one.webm", media_type, 7, **said)
    markup: str = json.loads(FilesView().try_out(Files([one])) or b"{}")["html"]
    return markup


@pytest.mark.parametrize(
    ("duration_ms", "shown"), [(400, "0:00"), (61_000, "1:01"), (3_723_000, "1:02:03")]
)
def test_a_length_is_shown_before_anything_plays(duration_ms: int, shown: str) -> None:
    drawn = draw_one("audio/ogg", duration_ms=duration_ms)
    assert words(drawn, "length") == shown
    assert "<audio" not in drawn
    assert words(draw_one("audio/ogg"), "length") == "–:––"


@pytest.mark.parametrize(
    ("size", "width", "ratio"),
    [
        ((1920, 1080), 456, 1.7778),
        # Short clips of phones stand upright.
        ((1080, 1920), 260, 0.65),
        ((16_000, 10), 456, 2.4),
        ((10, 16_000), 260, 0.65),
    ],
)
def test_a_video_has_its_shape_before_it_has_come(
    size: tuple[int, int], width: int, ratio: float
) -> None:
    poster = Poster("b" * 32)
    drawn = draw_one("video/mp4", width=size[0], height=size[1], poster=poster)
    assert f"width:{width}px;aspect-ratio:{ratio:.4f}" in drawn
    assert f'<img src="/blobs/{"b" * 32}"' in drawn


def test_a_video_of_which_nothing_was_said_is_one_and_a_recording_is_heard() -> None:
    assert draw_one("video/webm").startswith("<files-film")
    assert "aspect-ratio:1.7778" in draw_one("video/webm")
    assert draw_one("video/webm", duration_ms=7).startswith("<files-sound")
