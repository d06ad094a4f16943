"""What somebody sees who opened an address that answers with an error: a sentence and a way on.

Owns those pages. They need neither a session nor a script, so that they are there when little else
is. Must not know what failed: a client that did not ask for a page gets the error as it is.
"""

from __future__ import annotations

from html import escape

from quart import Request, Response

from dash_messenger_webui.addresses import LANDING, LOGIN
from dash_messenger_webui.http.assets import Assets
from dash_messenger_webui.http.html_head import html_head
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.session import Reader

__all__ = ["error_page", "wants_error_page"]

UNKNOWN = (404, 405)
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self';"
    " manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def wants_error_page(request: Request, response: Response) -> bool:
    """Whether this answer is an error that a person would see as it is."""
    return (
        (response.status_code in (401, *UNKNOWN) or response.status_code >= 500)
        and request.method in ("GET", "HEAD")
        and "text/html" in request.headers.get("Accept", "")
        and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and not str(response.content_type).startswith("text/html")
    )


def error_page(files: Assets, t: Words, who: Reader, status: int, address: str) -> Response:
    """The page for a status; ``address`` is where it can be tried again."""
    if status in UNKNOWN:
        status = 404
        title = t("There is nothing at this address")
        sentence = t("It may be mistyped, or what was there is gone.")
        way, label = LANDING, t("To the messenger")
    elif status == 401:
        title = t("Please log in")
        sentence = t("If there is something at this address, it is for people who have logged in.")
        way, label = LOGIN, t("Log in")
    else:
        title = t("Something went wrong on the server.").rstrip(".")
        sentence = t("Please try again in a moment.")
        way, label = address, t("Try again")
    body = (
        f"{html_head(files, t, who, page='failed', title=title)}<body>"
        '<div class="entrance"><main class="page page-failed"><div class="card">'
        '<a class="brand" href="/"><span class="logo" aria-hidden="true"></span>Messenger</a>'
        f'<h1>{escape(title)}</h1><p class="step-text">{escape(sentence)}</p>'
        f'<a class="button button-primary button-wide" href="{escape(way)}">{escape(label)}</a>'
        "</div></main></div></body></html>"
    )
    answer = Response(body, status=status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = CSP
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Vary"] = "Accept, Accept-Language, Cookie"
    return answer
