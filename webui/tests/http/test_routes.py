"""Addresses, caching and who may see which page."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import brotli
import pytest
from dash_messenger.errors import Forbidden, StorageFailed

CHAT = "/c/0198aaaa00007000800000000000003d"
SCRIPT = re.compile(r'(?:src|href)="([^"]+)"')


async def html(pages: Any, path: str, **headers: str) -> str:
    answer = await pages.client.get(path, headers=headers)
    assert answer.status_code == 200
    return str(await answer.get_data(as_text=True))


@pytest.mark.parametrize(
    ("path", "page"), [("/", "landing"), ("/login", "login"), ("/register", "register")]
)
async def test_a_stranger_sees_the_page_of_the_address(pages: Any, path: str, page: str) -> None:
    assert f'data-page="{page}"' in await html(pages, path)


async def test_a_stranger_at_a_chat_is_asked_to_log_in_and_comes_back(pages: Any) -> None:
    answer = await pages.client.get(CHAT)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login?next={CHAT}"
    pages.log_in()
    answer = await pages.client.get(f"/login?next={CHAT}")
    assert answer.headers["Location"] == CHAT


@pytest.mark.parametrize(
    "wish",
    [
        "//evil.example",
        "https://evil.example/",
        "/api/x",
        CHAT + "0",
        "/p/x/../../api",
        "/p//x.y/z",
    ],
)
async def test_login_leads_to_nowhere_but_a_chat(pages: Any, wish: str) -> None:
    pages.log_in()
    answer = await pages.client.get("/login", query_string={"next": wish})
    assert answer.headers["Location"] == "/"


PAGE = "/p/markdown/guide"
SHEET = re.compile(r'<link rel="stylesheet" href="/assets/(\w+)\.')


async def test_a_page_loads_the_style_sheets_of_what_it_shows(pages: Any) -> None:
    """Later ones win: the plugins' themes do."""
    assert SHEET.findall(await html(pages, "/login")) == ["style", "entrance", "plugins"]
    pages.log_in()
    assert SHEET.findall(await html(pages, "/")) == ["style", "plugins"]
    assert SHEET.findall(await html(pages, PAGE)) == ["style", "framed", "plugins"]


async def test_a_page_of_a_plugin_is_for_who_is_logged_in(pages: Any) -> None:
    answer = await pages.client.get(PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login?next={PAGE}")
    pages.log_in(language="ru")
    assert "<title>Как оформлять текст</title>" in await html(pages, PAGE)
    answer = await pages.client.get(f"/login?next={PAGE}")
    assert answer.headers["Location"] == PAGE


async def test_the_page_about_plugins_is_for_admins(pages: Any) -> None:
    answer = await pages.client.get("/plugins")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/plugins")
    pages.log_in()
    assert (await pages.client.get("/plugins")).status_code == 404
    assert "ConversationList" in await html(pages, "/_dash-layout?page=/plugins")
    pages.log_in(role="admin")
    assert "<title>Plugins</title>" in await html(pages, "/plugins")
    assert '"type":"Plugins"' in await html(pages, "/_dash-layout?page=/plugins")


async def test_the_layout_is_that_of_the_page_that_asks(pages: Any) -> None:
    pages.log_in()
    framed = await html(pages, f"/_dash-layout?page={PAGE}")
    assert "page-body" in framed
    assert "ConversationList" not in framed
    for path in ("/", "/p/markdown/nothing", "/p/../etc"):
        assert "ConversationList" in await html(pages, f"/_dash-layout?page={path}")


@pytest.mark.parametrize("path", ["/p/markdown/nothing", "/p/nobody/guide", "/p/markdown", "/p/"])
async def test_a_page_that_no_plugin_has_is_not_found(pages: Any, path: str) -> None:
    pages.log_in()
    assert (await pages.client.get(path)).status_code == 404


async def test_an_unknown_address_is_not_found(pages: Any) -> None:
    assert (await pages.client.get("/nothing/here")).status_code == 404


async def test_a_stranger_reaches_no_callback(pages: Any) -> None:
    answer = await pages.client.post("/_dash-update-component", json={})
    assert answer.status_code == 401


async def test_strangers_get_another_layout_than_members(pages: Any) -> None:
    strange = await html(pages, "/_dash-layout")
    pages.log_in()
    known = await html(pages, "/_dash-layout")
    assert "account.register" in strange
    assert "account.register" not in known
    assert "ConversationList" in known
    assert "ConversationList" not in strange


async def test_the_page_is_told_language_and_theme_before_any_script(pages: Any) -> None:
    page = await html(pages, "/", **{"Accept-Language": "de, ru;q=0.8, en;q=0.5"})
    assert page.startswith('<!DOCTYPE html><html lang="ru" data-theme="auto"')
    pages.log_in(language="en", theme="dark")
    page = await html(pages, "/", **{"Accept-Language": "ru"})
    assert page.startswith('<!DOCTYPE html><html lang="en" data-theme="dark"')
    assert page.index("/assets/theme.") < page.index('rel="stylesheet"')


async def test_what_the_account_says_is_kept_for_the_next_log_in(pages: Any) -> None:
    pages.log_in(language="ru", theme="dark")
    answer = await pages.client.get("/")
    kept = " ".join(answer.headers.getlist("Set-Cookie"))
    assert "lang=ru" in kept
    assert "theme=dark" in kept


async def test_the_policy_allows_this_origin_alone_and_no_eval(pages: Any) -> None:
    answer = await pages.client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; script-src 'self' 'sha256-")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
    assert "http" not in policy
    for address in SCRIPT.findall(await answer.get_data(as_text=True)):
        assert address.startswith("/")
        assert not address.startswith("//")


async def test_no_versions_and_no_unused_parts_are_in_the_page(pages: Any) -> None:
    page = await html(pages, "/")
    assert "python_version" not in page
    assert "plotly_version" not in page
    for unused in ("/dcc/", "dash_table/", "polyfill", "plotly.min"):
        assert unused not in page


async def test_everything_the_page_loads_is_there_and_kept_for_ever(pages: Any) -> None:
    for address in SCRIPT.findall(await html(pages, "/")):
        if not address.startswith(("/assets/", "/_dash-component-suites/")):
            continue
        answer = await pages.client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]


async def test_style_sheets_name_only_files_that_exist(pages: Any) -> None:
    page = await html(pages, "/")
    sheet = next(a for a in SCRIPT.findall(page) if "/assets/style." in a)
    style = await html(pages, sheet)
    found = [a for a in re.findall(r'url\("([^"]+)"\)', style) if not a.startswith("data:")]
    assert found
    for address in found:
        assert (await pages.client.get(address)).status_code == 200, address


@pytest.mark.parametrize("path", ["/_dash-layout", "/_dash-dependencies"])
async def test_data_that_has_not_changed_is_not_sent_again(pages: Any, path: str) -> None:
    first = await pages.client.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = await pages.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert await again.get_data() == b""
    pages.log_in()
    other = await pages.client.get(
        "/_dash-layout", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/_dash-layout", "/assets/style.css"])
async def test_answers_are_compressed_as_the_browser_asks(pages: Any, path: str) -> None:
    plain = await (await pages.client.get(path)).get_data()
    for encoding, decompress in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        answer = await pages.client.get(path, headers={"Accept-Encoding": encoding})
        assert answer.headers["Content-Encoding"] == encoding
        assert decompress(await answer.get_data()) == plain
    for offered, chosen in (("br;q=0", None), ("br;q=0, gzip;q=0.1", "gzip"), ("zstd", None)):
        answer = await pages.client.get(path, headers={"Accept-Encoding": offered})
        assert answer.headers.get("Content-Encoding") == chosen


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/app.py",
        "/_dash-component-suites/dash/dash.py",
        "/_dash-component-suites/dash_messenger_webui/server.py",
        "/_dash-component-suites/os/x.js",
    ],
)
async def test_nothing_but_registered_files_is_served(pages: Any, path: str) -> None:
    assert (await pages.client.get(path)).status_code == 404


async def test_the_manifest_makes_it_installable(pages: Any) -> None:
    manifest = json.loads(await html(pages, "/manifest.webmanifest"))
    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        assert (await pages.client.get(icon["src"])).status_code == 200


async def test_a_refusal_becomes_a_sentence_in_the_dialog(pages: Any) -> None:
    someone = pages.log_in(language="ru")
    someone.answers["conversation.update"] = Forbidden()
    chat = "c" * 32
    answer = await pages.client.post(
        "/_dash-update-component",
        json={
            "output": "group-name.error",
            "outputs": {"id": "group-name", "property": "error"},
            "inputs": [
                {"id": "group-name-save", "property": "n_clicks", "value": 1},
                {"id": "group-name", "property": "n_submit", "value": None},
            ],
            "state": [
                {"id": "group-name", "property": "value", "value": " Hikers "},
                {"id": "timeline", "property": "conversation", "value": chat},
            ],
            "changedPropIds": ["group-name-save.n_clicks"],
        },
    )
    assert answer.status_code == 200
    changes = (await answer.get_json())["response"]
    assert changes["group-name"]["error"] == "Вам это не разрешено."
    assert someone.called[-1][1] == {"conversation": chat, "title": "Hikers"}


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "There is nothing at this address"), ("ru", "По этому адресу ничего нет")],
)
@pytest.mark.parametrize("path", ["/nowhere", "/c/nobody", "/p/no/page", "/plugins/x"])
async def test_who_opens_an_unknown_address_sees_a_page_with_a_way_on(
    pages: Any, path: str, language: str, title: str
) -> None:
    pages.log_in()
    asked = {"Accept": "text/html,*/*", "Accept-Language": language, "Cookie": "theme=dark"}
    answer = await pages.client.get(path, headers=asked)
    assert answer.status_code == 404
    page = await answer.get_data(as_text=True)
    assert f"<h1>{title}</h1>" in page
    assert f'<html lang="{language}" data-theme="dark" data-scheme="dark"' in page
    assert 'href="/"' in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_who_did_not_ask_for_a_page_gets_the_error_as_it_is(pages: Any) -> None:
    for asked in (
        {},
        {"Accept": "image/avif,*/*"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
    ):
        answer = await pages.client.get("/nowhere", headers=asked)
        assert answer.status_code == 404
        assert await answer.get_data() == b"Not found."


async def test_a_page_that_fails_says_so_and_offers_to_try_again(pages: Any) -> None:
    # As the core answers.
    pages.app.register_error_handler(StorageFailed, lambda error: ({"error": {}}, 500))
    pages.log_in().answers["account.get"] = StorageFailed()
    answer = await pages.client.get(f"{CHAT}?a=<b>", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    page = await answer.get_data(as_text=True)
    assert "<h1>Something went wrong on the server</h1>" in page
    assert f'href="{CHAT}?a=&lt;b&gt;"' in page
