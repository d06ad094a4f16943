from __future__ import annotations

import json
import re

import pytest
from dash_messenger_files.server import Files, OneFile
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
        ("film.mp4", "video/mp4", "video", "MP4"),
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
    assert words(draw("a", count=999), "size") == "999 B"


def test_the_download_has_the_file_s_own_name() -> None:
    drawn = draw('пример "1" <b>.txt')
    assert 'download="пример &quot;1&quot; &lt;b&gt;.txt"' in drawn
    assert "<b>" not in drawn


def test_addresses_in_a_caption_are_links() -> None:
    files = Files([OneFile("a" * 32, "a.txt", "", 1)], "see www.example.org & <b>")
    markup = json.loads(FilesView().try_out(files) or b"{}")["html"]
    assert ">www.example.org</a> &amp; &lt;b&gt;</p>" in markup
