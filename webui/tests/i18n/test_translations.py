"""Every language has every word, and plurals as its grammar wants."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from dash_messenger_webui.http.dash_app import NO_SCRIPT, TITLES
from dash_messenger_webui.http.html_head import DESCRIPTION
from dash_messenger_webui.i18n.translations import LANGUAGES, choose_language, read_words

FOLDER = Path(__file__).parents[2] / "dash_messenger_webui"
TEXTS = json.loads((FOLDER / "components" / "texts.json").read_text())
NAMES = re.compile(r"\{\w*\}")


def words_in_code() -> set[str]:
    """Every English text that is given to a function called ``t``."""
    found = {DESCRIPTION, NO_SCRIPT, *TITLES.values()}
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "t":
                argument = node.args[0] if node.args else None
                if isinstance(argument, ast.Constant):
                    found.add(str(argument.value))
    return found


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_text_is_translated(language: str) -> None:
    with (FOLDER / "locale" / language / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    singular = {text for text in TEXTS.values() if isinstance(text, str)} | words_in_code()
    for text in singular:
        assert text in catalogue, text
        message = catalogue[text]
        assert message.string, text
        assert NAMES.findall(str(message.string)) == NAMES.findall(text), text
    for forms in (text for text in TEXTS.values() if isinstance(text, dict)):
        message = catalogue[forms["one"]]
        assert message.id == (forms["one"], forms["other"])
        translated = [*(message.string or ())]
        assert len(translated) == catalogue.num_plurals
        assert all(NAMES.findall(form) == ["{n}"] for form in translated)
    assert not list(catalogue.obsolete)


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, "1 участник"),
        (2, "2 участника"),
        (5, "5 участников"),
        (11, "11 участников"),
        (21, "21 участник"),
    ],
)
def test_russian_counts_as_russian_does(n: int, words: str) -> None:
    russian = read_words(FOLDER / "locale")["ru"]
    assert russian.count("{n} member", "{n} members", n) == words


def test_components_get_each_plural_category_of_the_language() -> None:
    words = read_words(FOLDER / "locale")
    forms = words["ru"].translate(TEXTS)["members"]
    assert forms == {
        "one": "{n} участник",
        "few": "{n} участника",
        "many": "{n} участников",
        "other": "{n} участников",
    }
    assert words["en"].translate(TEXTS) == TEXTS


def test_a_word_without_translation_stays_english() -> None:
    assert read_words(FOLDER / "locale")["ru"]("No such words") == "No such words"
    assert read_words(FOLDER / "locale")["ru"]("") == ""


@pytest.mark.parametrize(
    ("accept", "wish", "chosen"),
    [
        ("ru-RU,ru;q=0.9,en;q=0.8", None, "ru"),
        ("de,en;q=0.5,ru;q=0.7", None, "ru"),
        ("ru;q=0, en", None, "en"),
        ("ru;q=nonsense", None, "en"),
        ("", None, "en"),
        ("ru", "en", "en"),
        ("en", "xx", "en"),
    ],
)
def test_the_language_is_the_best_that_we_have(accept: str, wish: str | None, chosen: str) -> None:
    assert choose_language(accept, wish) == chosen


def test_what_a_plugin_refuses_with_is_read_from_its_own_catalogue_alone(tmp_path: Path) -> None:
    (tmp_path / "ru").mkdir()
    (tmp_path / "ru" / "messages.po").write_text(
        'msgid "No."\nmsgstr "Нет."\n\nmsgid "Word"\nmsgstr "Слово"\n\nmsgid "Later."\nmsgstr ""\n'
    )
    words = read_words(tmp_path, FOLDER / "locale")
    assert words["ru"].sentences == {"No.": "Нет."}
    assert words["en"].sentences == {}
