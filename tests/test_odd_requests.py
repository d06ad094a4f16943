"""Requests that no page of ours makes: each has an answer, none a traceback in the log."""

from __future__ import annotations

import http.client
import json

import pytest
from dash_messenger.testing import People, ServerProcess

CALLBACK = "/_dash-update-component"
PLACE = {"id": "a", "property": "value"}
ODD_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff",
    "too deep": b"[" * 5_000,
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "a word": b'"a"',
    "no output": b"{}",
    "an output of another type": b'{"output":5}',
    "an output in a list": b'{"output":["a"]}',
    "an output that nobody has": b'{"output":"x.y"}',
    "outputs that nobody has": b'{"output":"..a.b...c.d.."}',
    "inputs of another type": b'{"output":"a.b","inputs":5}',
    "an input without an id": b'{"output":"a.b","inputs":[{"property":"x"}]}',
    "an id in a list": b'{"output":"a.b","inputs":[{"id":[],"property":{}}]}',
    "triggers of another type": b'{"output":"a.b","changedPropIds":5}',
    "a state of another type": b'{"output":"a.b","state":{"id":1}}',
}
NO_PAGES = (
    *("/blobs/a/b", "/blobs/", "/healthz/x", "/wsx", "/ws/", "/_dashx", "/_dash-foo/bar"),
    *("/_dash-config", "/_dash-ws-callback", "/%00", "/c/x", "/assets/%00"),
)


def ask(
    server: ServerProcess, token: str | None, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


@pytest.mark.parametrize("path", NO_PAGES)
async def test_an_address_without_a_page_is_not_found(
    path: str, server: ServerProcess, people: People
) -> None:
    _, token = await people.register()
    before = len(server.log)
    assert ask(server, token, "GET", path)[0] == 404
    assert ask(server, None, "GET", path)[0] in (401, 404)
    assert "Traceback" not in server.log[before:]


@pytest.mark.parametrize("name", ODD_BODIES)
async def test_a_callback_that_nobody_made_is_refused(
    name: str, server: ServerProcess, people: People
) -> None:
    _, token = await people.register()
    before = len(server.log)
    status, body = ask(server, token, "POST", CALLBACK, ODD_BODIES[name])
    assert (status, json.loads(body)["error"]["key"]) == (422, "refused")
    assert "Traceback" not in server.log[before:]


async def test_callbacks_of_ours_with_odd_inputs_are_refused(
    server: ServerProcess, people: People
) -> None:
    """Each callback that pages have, asked with what it does not take."""
    _, token = await people.register()
    found = json.loads(ask(server, token, "GET", "/_dash-dependencies")[1])
    assert found
    before = len(server.log)
    for callback in found:
        for inputs in ([], [PLACE] * 40, [[PLACE]] * 40):
            body = {"output": callback["output"], "inputs": inputs, "outputs": []}
            if len(inputs) == len(callback["inputs"]):
                continue
            status, _ = ask(server, token, "POST", CALLBACK, json.dumps(body).encode())
            assert status == 422, (callback["output"], inputs)
    assert "Traceback" not in server.log[before:]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_callbacks_are_posted(method: str, server: ServerProcess, people: People) -> None:
    _, token = await people.register()
    before = len(server.log)
    assert ask(server, token, method, CALLBACK)[0] in (200, 405)
    assert "Traceback" not in server.log[before:]
