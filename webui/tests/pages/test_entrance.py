"""What strangers are offered."""

from __future__ import annotations

import json

import pytest
from dash_messenger_webui.i18n.translations import OWN_WORDS, read_words
from dash_messenger_webui.pages.entrance import entrance
from dash_messenger_webui.session import Reader


def page(language: str = "en", *, registration_open: bool, setup_code: str | None = None) -> str:
    words = read_words(OWN_WORDS)[language]
    tree = entrance(
        Reader(language, "auto", setup_code=setup_code),
        words,
        {},
        {},
        registration_open=registration_open,
        password_min_length=15,
    ).to_plotly_json()
    return json.dumps(tree, default=lambda one: one.to_plotly_json(), ensure_ascii=False)


def test_an_account_can_be_made_where_registration_is_open() -> None:
    found = page(registration_open=True)
    # On the landing page and below the log-in.
    assert found.count('"/register"') == 3
    assert "register-username" in found
    assert "closed" not in found.replace('"data-why": "closed"', "")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "New accounts on this server are made by its admin."),
        ("ru", "Новые учётные записи на этом сервере заводит администратор."),
    ],
)
def test_nothing_offers_an_account_where_registration_is_closed(
    language: str, sentence: str
) -> None:
    found = page(language, registration_open=False)
    assert '"/register"' not in found
    assert "register-username" not in found
    # Who comes by an old link is told.
    assert sentence in found


@pytest.mark.parametrize("registration_open", [True, False])
def test_a_set_up_code_is_asked_for_while_there_is_no_admin(registration_open: bool) -> None:
    found = page(registration_open=registration_open, setup_code="")
    assert "register-setup-code" in found
    assert ("(optional)" in found.partition("register-setup-code")[2]) is registration_open
    # Strangers are not led to a closed registration; the address is printed with the code.
    assert found.count('"/register"') == (3 if registration_open else 1)
    assert "setup-code" not in page(registration_open=registration_open)


def test_a_set_up_code_is_filled_in_and_offered_where_it_may_be_seen() -> None:
    found = page(registration_open=False, setup_code="ABCD-EFGH-JKLM")
    assert '"value": "ABCD-EFGH-JKLM"' in found
    assert found.count('"/register"') == 3
