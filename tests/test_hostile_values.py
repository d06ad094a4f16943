"""Every command with every value that a client may make up: refused or done, never a defect.

The commands come from the registry, plugins' among them, so that a new one is asked too.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dash_messenger.client import Client
from dash_messenger.protocol.commands import Command
from dash_messenger.server.app import Server
from dash_messenger.settings import Settings
from dash_messenger.testing import PASSWORD, People, ServerProcess
from msgspec import inspect

AT_ONCE = 8
# As JSON, because some have no value in Python: what stands where a parameter should.
HOSTILE = (
    *("null", "true", "0", "-1", "1.5", "1e400", "-1e400", "NaN", "Infinity", '""', '" "', "[]"),
    *("{}", "9007199254740993", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775809", "18446744073709551616", "1" + "0" * 400, '"' + "1" * 200 + '"'),
    *('"' + "9" * 19 + '"',),
    *('"9223372036854775808"', '"-1"', '"1:2:3:4"', '"' + "x" * 5_000 + '"', r'"\ud800"'),
    *(r'"a\u0000b"', r'"\u0000"', r'"\ud83d"', '"a\x7f"', '"﻿‮"', '"../../etc/passwd"', '"%00"'),
    *("[" * 100 + "]" * 100, "[" * 5_000 + "]" * 5_000, '{"a":' * 900 + "1" + "}" * 900),
    *('[""]', "[null]", "[1]", "[[]]", '{"":""}', r'{"\u0000":1}', r'["a\u0000"]', r'["\ud800"]'),
    *('{"type":"text"}', '{"text":1e999}', r'{"text":"\ud800"}', r'{"text":"a\u0000b"}'),
    *("[" + ",".join(['"a"'] * 2_000) + "]", '{"text":"x","text":"y"}', '{"a":' + "9" * 300 + "}"),
)  # fmt: skip


def registry(folder: Path) -> list[Command]:
    """The commands of a server with all plugins that are installed."""

    async def found() -> list[Command]:
        server = await Server.open(Settings(data=folder))
        try:
            return list(server.commands)
        finally:
            await server.aclose()

    return asyncio.run(found())


class Good:
    """Parameters that fit, by their types and names, with ids that there are."""

    def __init__(self, known: dict[str, Any]) -> None:
        self._known = known

    def of(self, command: Command) -> dict[str, Any]:
        kind = inspect.type_info(command.params)
        assert isinstance(kind, inspect.StructType)
        params = {
            field.encode_name: self._known[field.encode_name]
            if field.encode_name in self._known
            else self._value(field.type)
            for field in kind.fields
            if field.required
        }
        if "client_id" in params:
            params["client_id"] = secrets.token_hex(16)
        return params

    def stretched(self, name: str) -> str:
        """A value that there is, with each number in it larger than any."""
        parts = str(self._known.get(name, "1")).split(".")
        return ".".join("9" * 30 if part.isdigit() else part for part in parts)

    def _value(self, kind: inspect.Type) -> Any:
        match kind:
            case inspect.UnionType():
                return self._value(kind.types[0])
            case inspect.LiteralType():
                return kind.values[0]
            case inspect.IntType():
                return max(1, kind.ge or 0)
            case inspect.BoolType():
                return True
            case inspect.StrType():
                return "a" * max(1, kind.min_length or 0)
            case inspect.ListType() | inspect.VarTupleType():
                return [self._value(kind.item_type)] * max(0, kind.min_length or 0)
            case inspect.StructType():
                fields = [field for field in kind.fields if field.required]
                return {field.encode_name: self._value(field.type) for field in fields}
        return {}


def bodies(command: Command, good: Good) -> Iterator[str]:
    """Requests of a command with one hostile value each, and hostile values for all of it."""
    kind = inspect.type_info(command.params)
    assert isinstance(kind, inspect.StructType)
    yield from HOSTILE
    for field, value in itertools.product(kind.fields, [*HOSTILE, None]):
        if value is None:
            value = json.dumps(good.stretched(field.encode_name))
        params = {name: json.dumps(fits) for name, fits in good.of(command).items()}
        params[field.encode_name] = value
        yield "{" + ",".join(f'"{name}":{value}' for name, value in params.items()) + "}"


async def members(people: People) -> tuple[dict[str, Any], str]:
    """Known ids for `Good`, and the token of somebody who may use them."""
    ann, token = await people.register()
    ben, _ = await people.register()
    client: Client = await people.connect(token)
    made = await client.call(
        "conversation.create", {"kind": "group", "title": "a", "members": [ben]}
    )
    conversation = made["conversation"]["id"]
    content = {"text": "a"}
    sent = await client.call(
        "message.send",
        {
            "conversation": conversation,
            "client_id": secrets.token_hex(16),
            "type": "text",
            "content": content,
        },
    )
    known = {
        "conversation": conversation,
        "log": conversation,
        "message": sent["id"],
        "messages": [sent["id"]],
        "users": [ben],
        "members": [ben],
        "username": ann,
        "password": PASSWORD,
        "type": "text",
        "content": content,
        "client_id": "",
        "since": (await client.call("sync"))["since"],
    }
    return known, token


class Asking:
    """Sends requests over connections of its own, and notes what was wrong with the answers."""

    def __init__(self, url: str) -> None:
        self._host = url.removeprefix("http://")
        self.asked = 0
        self.wrong: list[str] = []

    async def ask_all(self, command: str, token: str, asked: list[str]) -> None:
        shares = [asked[first::AT_ONCE] for first in range(AT_ONCE)]
        await asyncio.gather(
            *(asyncio.to_thread(self._ask, command, token, share) for share in shares)
        )

    def _ask(self, command: str, token: str, asked: list[str]) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for body in asked:
            connection.request("POST", f"/api/{command}", body.encode(), headers)
            answer = connection.getresponse()
            content = answer.read()
            self.asked += 1
            try:
                error = {} if answer.status < 400 else json.loads(content)["error"]
            except (ValueError, KeyError):
                error = {"key": "no answer of ours"}
            fits = answer.status < 400 or {"code", "key", "message", "retryable"} <= error.keys()
            if not fits or (answer.status >= 500 and error["key"] != "busy"):
                self.wrong.append(f"{command} {body[:200]}: {answer.status} {content[:200]!r}")
        connection.close()


async def test_no_value_makes_a_command_fail(
    server: ServerProcess, people: People, tmp_path: Path
) -> None:
    commands = await asyncio.to_thread(registry, tmp_path / "registry")
    assert len(commands) > 40
    before = len(server.log)
    asking = Asking(server.url)
    for command in commands:
        # One's own: some commands close the session, or leave the conversation.
        known, token = await members(people)
        await asking.ask_all(command.name, token, list(bodies(command, Good(known))))
    assert asking.asked > 40 * len(HOSTILE)
    assert not asking.wrong, "\n".join(asking.wrong)
    told = [json.loads(line) for line in server.log[before:].splitlines()]
    failed = [line for line in told if line["level"] in ("error", "critical", "warning")]
    assert not failed, json.dumps(failed[:5], indent=1)
