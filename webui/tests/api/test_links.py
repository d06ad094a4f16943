"""Which parts of a text are addresses, where they lead, and how their hosts are shown."""

from __future__ import annotations

import html
import re
import time

import pytest
from dash_messenger.testing.growth import out_of_proportion
from dash_messenger_webui import linked
from dash_messenger_webui.api.links import (
    MAX_LINKS,
    MAX_ODD_HOST_CHARACTERS,
    MAX_SEARCHED_CHARACTERS,
    links,
    names_another_host,
)

WITHOUT_SCHEME = ("www.example.org/a_b", "Www.Example.Org", "a.b+c@mail.example.org")


def found(text: str) -> list[str]:
    return [text[link.start : link.end] for link in links(text)]


def shown(text: str) -> list[tuple[str, str]]:
    """Each link as it is drawn: where it leads and what it says."""
    drawn = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', linked(text))
    return [(html.unescape(address), html.unescape(words)) for address, words in drawn]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "http://localhost:8050/x?y=1&z=2#f",
        "https://пример.рф/путь",
        "https://en.wikipedia.org/wiki/A_(b)",
        "https://a.b/[a]",
        "http://1.2.3.4:80/~x_",
        "HTTP://A.B",
        "https://🎉.ws/",
        "http://[::1]:8080/x",
        "https://[2001:db8::7]",
        *WITHOUT_SCHEME,
        "mailto:a@example.org?subject=tea",
        "tel:+49-30-1234567",
    ],
)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "see {}.",
        "({})",
        "„{}”",
        "<{}>",
        '"{}"!',
        "({}), then",
        "见：{}。然后",
        "「{}」",
        "{}！",
    ],
)
def test_an_address_is_found_whole_and_alone(address: str, around: str) -> None:
    assert found(around.format(address)) == [address]


@pytest.mark.parametrize(
    "text",
    [
        *("e.g.this", "http://", "https://.", "xhttp://a.b", "javascript://a.b", "//a"),
        *("www.", "www.a", "www..org", "www.a.1", "xwww.a.org", "a.www.b.org"),
        *("a@b", "@a.org", "a@b.1", "a@.org", "a@b..org", "mailto:", "mailto:a", "mailto:@b.org"),
        *("tel:", "tel:a", "tel:12", "hotel:12345", "http://[", "http://[]", "http://[1:2]"),
        *("http://[::1]x", "smailto:a@b.org"),
    ],
)
def test_what_does_not_say_so_is_none(text: str) -> None:
    assert [one for one in found(text) if one != "a@b.org"] == []


def test_text_without_spaces_may_stand_before_an_address() -> None:
    assert found("请看https://a.org和www.b.org") == ["https://a.org和www.b.org"]
    assert found("请看https://a.org，和www.b.org。") == ["https://a.org", "www.b.org"]


def test_what_turns_text_round_ends_an_address() -> None:
    assert found("https://a.b/\u202egpj.exe") == ["https://a.b/"]


def test_several_are_found_in_their_order() -> None:
    assert found("http://a.b, (http://c.d) http://e.f… g@h.org;www.i.org") == [
        "http://a.b",
        "http://c.d",
        "http://e.f",
        "g@h.org",
        "www.i.org",
    ]


def test_what_has_no_scheme_leads_where_it_says() -> None:
    assert [link.address for text in WITHOUT_SCHEME for link in links(text)] == [
        "https://www.example.org/a_b",
        "https://Www.Example.Org",
        "mailto:a.b+c@mail.example.org",
    ]


@pytest.mark.parametrize(
    "address",
    [
        *(
            "https://пример.рф",
            "https://сосна.com",
            "https://bücher.de",
            "https://straße.de",
            "https://例え.jp",
        ),
        *("https://日本かな.com", "https://한국.kr", "https://مثال.com", "https://उदाहरण.com"),
        *("https://παράδειγμα.gr", "https://рора.рф", "https://пример.рф/xn--80ak6aa92e"),
        *("https://xn--80ak6aa92e.com", "https://xn--e1afmkfd.xn--p1ai/a%D0%B0"),
    ],
)
def test_a_host_in_one_script_is_shown_as_typed(address: str) -> None:
    assert shown(address) == [(address, address)]


@pytest.mark.parametrize(
    ("address", "instead"),
    [
        ("https://аррӏе.com/a", "https://xn--80ak6aa92e.com/a"),
        ("HTTPS://аррӏе.com:80", "HTTPS://xn--80ak6aa92e.com:80"),
        ("https://gооgle.com", "https://xn--ggle-55da.com"),
        ("https://ραρα.com", "https://xn--mxaa0cb.com"),
        ("https://google.com⁄a.example", "https://google.xn--coma-2g7a.example"),
        ("https://goo\u00adgle.com", "https://google.com"),
        ("https://ｇoogle.com", "https://google.com"),
        ("https://a\u0337bc.com", "https://xn--abc-qjc.com"),
        ("www.аррӏе.com", "www.xn--80ak6aa92e.com"),
        ("a@аррӏе.com", "a@xn--80ak6aa92e.com"),
        ("mailto:a@аррӏе.com", "mailto:a@xn--80ak6aa92e.com"),
    ],
)
def test_a_host_that_looks_like_another_is_shown_in_ascii(address: str, instead: str) -> None:
    assert [words for _, words in shown(address)] == [instead]


def test_an_address_with_a_user_in_it_is_no_link() -> None:
    assert found("https://example.org@evil.example/ https://example.org\\@evil.example") == [
        "https://example.org\\@evil.example"
    ]


def test_a_text_has_so_many_links_and_no_more() -> None:
    text = "".join(f"http://a{n}.org " for n in range(MAX_LINKS + 5))
    drawn = linked(text)
    assert drawn.count("<a ") == MAX_LINKS
    assert drawn.endswith(f"http://a{MAX_LINKS + 4}.org ")


def test_text_stays_text() -> None:
    assert linked("<b>&</b>\nno link") == "&lt;b&gt;&amp;&lt;/b&gt;\nno link"


@pytest.mark.parametrize(
    ("words", "address", "host"),
    [
        ("the bank", "https://evil.example", ""),
        ("https://bank.example", "https://bank.example/in", ""),
        ("bank.example", "https://www.bank.example/in", ""),
        ("BANK.example", "https://bank.example/in", ""),
        ("https://bank.example", "https://evil.example/in", "evil.example"),
        ("see bank.example", "https://evil.example", "evil.example"),
        ("www.bank.example", "https://evil.example:80", "evil.example"),
        ("me@bank.example", "mailto:me@evil.example", "evil.example"),
        ("bank", "https://bank.example@evil.example", "evil.example"),
        ("bank", "https://bank.example\\@evil.example", ""),
        ("https://аррӏе.com", "https://xn--80ak6aa92e.com", ""),
        ("apple.com", "https://xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),
    ],
)
def test_words_that_name_another_host_are_told(words: str, address: str, host: str) -> None:
    assert names_another_host(words, address) == host


def test_links_take_time_as_the_text_does() -> None:
    samples = ["https://a.b/c_(d) www.a.org a@b.org mailto:a@b.org tel:+123 http://[::1]/"]
    assert out_of_proportion(linked, samples) is None
    assert out_of_proportion(lambda text: linked(f"https://{text}"), ["аррӏе.com"]) is None
    assert out_of_proportion(lambda text: names_another_host(text, text), ["https://a.b c"]) is None


def test_hosts_in_other_scripts_are_links_until_they_are_too_many() -> None:
    host = "https://пример.рф"
    fit = MAX_ODD_HOST_CHARACTERS // len("пример.рф")
    assert len(found(f"{host} " * fit)) == fit
    assert found(f"{host} " * (fit + 1) + "https://a.example") == [host] * fit + [
        "https://a.example"
    ]


def test_labels_of_other_scripts_cost_no_more_than_other_addresses() -> None:
    def cost_s(text: str) -> float:
        def once() -> float:
            began_s = time.thread_time()
            linked(text)
            return time.thread_time() - began_s

        return min(once() for _ in range(5))

    plain = cost_s(("https://" + "a." * 120 + "com ") * 64)
    # Each letter of each label was looked up: twenty times as much.
    assert cost_s(("https://" + "а." * 120 + "com ") * 64) < 5 * plain


def test_an_address_that_the_search_would_cut_is_none() -> None:
    before = "x " * (MAX_SEARCHED_CHARACTERS // 2 - 5)
    assert found(f"{before}https://a.example") == []
    assert found(f"https://b.example {before}") == ["https://b.example"]
