"""Requests that no page of ours makes: each has an answer, none a traceback in the log."""

from __future__ import annotations

import http.client
import json
from typing import Any

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


def outputs_of(output: str) -> object:
    """What pages name as the outputs of a callback."""

    def named(one: str) -> dict[str, object]:
        id, property = one.rsplit(".", 1)
        return {"id": json.loads(id) if id.startswith("{") else id, "property": property}

    if not output.startswith(".."):
        return named(output)
    return [named(one) for one in output.removeprefix("..").removesuffix("..").split("...")]


def inputs_of(declared: list[dict[str, str]], value: object) -> list[Any]:
    """Values of a callback's inputs; a pattern of ids finds one."""
    found: list[Any] = []
    for one in declared:
        pattern = one["id"].startswith("{")
        id: Any = json.loads(one["id"]) if pattern else one["id"]
        every = pattern and ["ALL"] in id.values()
        if every:
            id = {key: value if part == ["ALL"] else part for key, part in id.items()}
            # An id is of words, numbers and truths.
            id = {key: "7" if isinstance(part, list | dict) else part for key, part in id.items()}
        place = {"id": id, "property": one["property"], "value": value}
        found.append([place] if every else place)
    return found


@pytest.mark.parametrize(
    "value",
    [{"what": [7]}, [[7]], 10**400, 7, "7", True, -0.5],
    ids=["object", "lists", "huge", "number", "text", "truth", "fraction"],
)
async def test_values_that_no_page_sends_break_no_callback_and_no_plugin(
    value: object, server: ServerProcess, people: People
) -> None:
    _, token = await people.register()
    found = json.loads(ask(server, token, "GET", "/_dash-dependencies")[1])
    asked = [one for one in found if not one.get("clientside_function")]
    assert any("stickers" in one["output"] for one in asked)
    before = len(server.log)
    for callback in asked:
        inputs = inputs_of(callback["inputs"], value)
        first = inputs[0][0] if isinstance(inputs[0], list) else inputs[0]
        id = first["id"]
        id = json.dumps(id, sort_keys=True, separators=(",", ":")) if isinstance(id, dict) else id
        body = {
            "output": callback["output"],
            "outputs": outputs_of(callback["output"]),
            "inputs": inputs,
            "state": inputs_of(callback["state"], value),
            "changedPropIds": [f"{id}.{first['property']}"],
        }
        status, content = ask(server, token, "POST", CALLBACK, json.dumps(body).encode())
        assert status < 500, (callback["output"], content)
    log = server.log[before:]
    assert "Traceback" not in log
    assert "plugin_failed" not in log


async def test_an_admin_tries_a_plugin_again_by_a_button(
    server: ServerProcess, people: People
) -> None:
    """Nobody else can: the command asks."""
    _, token = await people.register()
    found = json.loads(ask(server, token, "GET", "/_dash-dependencies")[1])
    output = next(one["output"] for one in found if "quarantined-plugins.children" in one["output"])
    pressed = {"id": {"retry": "stickers"}, "property": "n_clicks", "value": 1}
    body = {
        "output": output,
        "outputs": outputs_of(output),
        "inputs": [
            {"id": "quarantined-plugins", "property": "id", "value": "quarantined-plugins"},
            [pressed],
        ],
        "state": [],
        "changedPropIds": ['{"retry":"stickers"}.n_clicks'],
    }
    status, content = ask(server, token, "POST", CALLBACK, json.dumps(body).encode())
    assert status == 200
    assert b'"role":"alert"' in content.replace(b" ", b"")
    admin = await people.log_in((await people.admin()).me["username"])
    status, content = ask(server, admin, "POST", CALLBACK, json.dumps(body).encode())
    assert (status, b'"data-language":"en"' in content.replace(b" ", b"")) == (200, True), content
