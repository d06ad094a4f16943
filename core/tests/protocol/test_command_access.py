"""Deny by default: every command in every state of a session, by the one way in that HTTP has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from dash_messenger.store import Transaction
from dash_messenger.store.tables import users
from fixtures import factor_plugin
from fixtures.full_plugin import install
from fixtures.local_server import LocalServer, open_server
from sqlalchemy import update

NOBODY = "f" * 32
ANONYMOUS = {"account.register", "session.open"}
# For nobody, with a session or without: it needs a log-in that waits for its second factor.
OF_A_LOG_IN = {"session.continue"}
WITHOUT = ["anonymous", "forged", "expired", "closed", "deactivated", "awaiting second factor"]
# What each command is asked with; C is a conversation of ann and ben's, B is ben's id, K a contact
# code of ben's, I the id of one of ann's, G an invitation to C, V its id, and H is hal's id, who
# asks to join.
PARAMS: dict[str, dict[str, object]] = {
    "account.change_password": {"old": "correct horse battery", "new": "correct horse battery"},
    "account.get": {},
    "account.register": {"username": "eve", "password": "correct horse battery"},
    "account.update": {"theme": "dark"},
    "blob.get": {"blobs": ["0" * 32]},
    "blob.usage": {},
    "command.slash_list": {},
    "contact.accept": {"user": "cleo"},
    "contact.code_create": {"client_id": "4" * 32},
    "contact.code_list": {},
    "contact.code_open": {"code": "K"},
    "contact.code_revoke": {"id": "I"},
    "contact.decline": {"user": "cleo"},
    "contact.label": {"user": "cleo", "label": "Pal"},
    "contact.list": {},
    "contact.remove": {"user": "cleo"},
    "contact.request": {"user": "ben"},
    "conversation.add": {"conversation": "C", "members": ["cleo"]},
    "conversation.ban": {"conversation": "C", "user": "B"},
    "conversation.banned": {"conversation": "C"},
    "conversation.create": {"kind": "group", "title": "New", "members": ["ben"]},
    "conversation.delete": {"conversation": "C"},
    "conversation.get": {"conversation": "C"},
    "conversation.invite_create": {"conversation": "C", "client_id": "6" * 32},
    "conversation.invite_list": {"conversation": "C"},
    "conversation.invite_revoke": {"conversation": "C", "id": "V"},
    "conversation.join": {"code": "G"},
    "conversation.join_answer": {"conversation": "C", "user": "H", "accept": True},
    "conversation.join_requests": {"conversation": "C"},
    "conversation.members": {"conversation": "C"},
    "conversation.leave": {"conversation": "C"},
    "conversation.remove": {"conversation": "C", "user": "B"},
    "conversation.set": {"conversation": "C", "pinned": True},
    "conversation.set_role": {"conversation": "C", "user": "B", "role": "admin"},
    "conversation.unban": {"conversation": "C", "user": "B"},
    "conversation.update": {"conversation": "C", "title": "Other"},
    "factor.begin": {"factor": "key", "password": "correct horse battery"},
    "factor.confirm": {"factor": "key", "answer": {"code": "5e-1"}},
    "factor.list": {},
    "factor.remove": {
        "factor": "key",
        "password": "correct horse battery",
        "answer": {"code": "5e-2"},
    },
    "log.read": {"log": "C", "after": 0},
    "message.act": {"message": "M", "action": "nod", "client_id": "2" * 32},
    "message.delete": {"message": "M"},
    "message.edit": {"message": "M", "content": {"words": "x"}, "client_id": "3" * 32},
    "message.get": {"messages": ["0" * 32]},
    "message.history": {"conversation": "C"},
    "message.preview": {"type": "note", "content": {"words": "x"}},
    "message.react": {"message": "M", "emoji": "👍"},
    "message.reacted_by": {"message": "M", "emoji": "👍"},
    "message.read_by": {"message": "M"},
    "message.send": {
        "conversation": "C",
        "client_id": "1" * 32,
        "type": "note",
        "content": {"words": "hi"},
    },
    "message.slash": {"conversation": "C", "text": "/wave"},
    "plugin.change_settings": {"plugin": "note", "values": {}},
    "plugin.forget_costly": {},
    "plugin.list": {},
    "plugin.retry": {"plugin": "note"},
    "plugin.settings": {},
    "presence.watch": {"users": ["0" * 32]},
    "privacy.except": {"user": "ben", "photo": "deny"},
    "privacy.exceptions": {},
    "privacy.get": {},
    "privacy.update": {"last_seen": "nobody"},
    "read.advance": {"conversation": "C", "message_no": 1},
    "request.accept": {"user": "hal"},
    "request.decline": {"user": "hal"},
    "request.list": {},
    "session.close": {},
    "session.close_others": {},
    "session.continue": {"login": "none", "step": "key", "answer": {}},
    "session.list": {},
    "session.open": {"username": "ann", "password": "correct horse battery"},
    "sync": {},
    "theme.list": {},
    "typing.set": {"conversation": "C", "on": True},
    "user.block": {"user": "cleo"},
    "user.blocked": {},
    "user.get": {"users": ["ben"]},
    "user.search": {"query": "ben"},
    "user.unblock": {"user": "cleo"},
}
IN_CONVERSATION = {
    name for name, params in PARAMS.items() if {"C", "M"} & {*map(str, params.values())}
}
FOR_ADMINS = {
    "plugin.change_settings",
    "plugin.forget_costly",
    "plugin.retry",
    "plugin.settings",
}
LAST = (
    "user.block",
    "conversation.invite_revoke",
    "message.delete",
    "conversation.delete",
    "conversation.remove",
    "conversation.ban",
    "conversation.unban",
    "conversation.leave",
    "session.close",
)


@dataclass
class Stage:
    local: LocalServer
    conversation: str
    message: str
    codes: dict[str, str]
    tokens: dict[str, str | None]

    async def ask(self, command: str, state: str) -> tuple[int, str]:
        named = {"C": self.conversation, "M": self.message, "B": self.local.users["ben"]}
        named |= self.codes
        params = {
            key: named.get(value, value) if isinstance(value, str) else value
            for key, value in PARAMS[command].items()
        }
        answer = await self.local.request(f"/api/{command}", body=params, token=self.tokens[state])
        return answer.status, answer.key if answer.status >= 400 else ""


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    install(tmp_path / "site", monkeypatch, "keys", "fixtures.factor_plugin:Keys")
    monkeypatch.setattr(factor_plugin, "secrets", SimpleNamespace(token_hex=lambda size: "5e"))
    async with open_server(tmp_path / "data", session_days=1, loaded=("keys",)) as local:
        await local.add("ann", "ben", "cleo", "dan", "fay", "gil", "hal")
        conversation = await local.group("ann", "ben", "dan")
        message = (await local.say("ann", conversation))["id"]
        await local.call(
            "ann", "conversation.remove", conversation=conversation, user=local.users["dan"]
        )
        await local.call("cleo", "contact.request", user="ann")
        await local.call("ann", "privacy.update", message="contacts")
        asked = await local.call("hal", "conversation.create", kind="direct", members=["ann"])
        await local.say("hal", asked["id"])
        codes = {
            by: await local.call(by, "contact.code_create", client_id="5" * 32)
            for by in ("ann", "ben")
        }
        invitation = await local.call(
            "ann",
            "conversation.invite_create",
            conversation=conversation,
            client_id="7" * 32,
            approval=True,
        )
        await local.call("hal", "conversation.join", code=invitation["code"])
        expired = await local.token("ann")
        local.clock.advance(s=86_400 + 1)
        closed = await local.token("ann")
        assert (await local.post("session.close", closed)).status == 200
        deactivated = await local.token("fay")

        def deactivate(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(users)
                .where(users.c.id == local.users["fay"])
                .values(deactivated_at_ms=transaction.now_ms)
            )

        await local.server.store.write(deactivate)
        await factor_plugin.enrol(local, await local.token("gil"))
        awaiting = await factor_plugin.waiting(local, "gil")
        yield Stage(
            local,
            conversation,
            message,
            {
                "K": codes["ben"]["code"],
                "I": codes["ann"]["id"],
                "G": invitation["code"],
                "V": invitation["id"],
                "H": local.users["hal"],
            },
            {
                "anonymous": None,
                "forged": "x" * 43,
                "expired": expired,
                "closed": closed,
                "deactivated": deactivated,
                "awaiting second factor": awaiting,
                "member": await local.token("ann"),
                "not a member": await local.token("cleo"),
                "removed": await local.token("dan"),
            },
        )


async def test_the_table_has_every_command(stage: Stage) -> None:
    assert {command.name for command in stage.local.server.commands} == PARAMS.keys()


@pytest.mark.parametrize("state", WITHOUT)
async def test_without_a_session_nothing_is_done_but_what_is_anonymous(
    stage: Stage, state: str
) -> None:
    for command in PARAMS.keys() - ANONYMOUS - OF_A_LOG_IN:
        assert await stage.ask(command, state) == (401, "unauthenticated"), command
    for command in ANONYMOUS:
        assert (await stage.ask(command, state))[0] == 200, command
    assert await stage.ask("session.continue", state) == (401, "login_ended")


async def test_as_a_cookie_the_token_of_a_waiting_log_in_opens_as_little(stage: Stage) -> None:
    token = stage.tokens["awaiting second factor"]
    headers = {"Cookie": f"session={token}; __Host-session={token}"}
    for command in PARAMS.keys() - ANONYMOUS - OF_A_LOG_IN:
        answer = await stage.local.request(f"/api/{command}", body={}, headers=headers)
        assert (answer.status, answer.key) == (401, "unauthenticated"), command


@pytest.mark.parametrize("state", ["not a member", "removed"])
async def test_who_is_not_in_a_conversation_cannot_tell_that_it_exists(
    stage: Stage, state: str
) -> None:
    for command in IN_CONVERSATION:
        assert await stage.ask(command, state) == (404, "not_found"), command
    stage.conversation = stage.message = NOBODY
    for command in IN_CONVERSATION:
        assert await stage.ask(command, state) == (404, "not_found"), command


async def test_a_member_may_do_all_of_it(stage: Stage) -> None:
    for command in sorted(PARAMS, key=lambda name: LAST.index(name) if name in LAST else -1):
        expected = (403, "forbidden") if command in FOR_ADMINS else (200, "")
        if command in OF_A_LOG_IN:
            expected = (401, "login_ended")
        assert await stage.ask(command, "member") == expected, command


async def test_a_route_that_nobody_opened_needs_a_session(stage: Stage) -> None:
    async def page() -> str:
        return "page"

    stage.local.server.app.add_url_rule("/page", "page", page)
    for state in WITHOUT:
        answer = await stage.local.request("/page", method="GET", token=stage.tokens[state])
        assert (answer.status, answer.key) == (401, "unauthenticated"), state
    answer = await stage.local.request("/page", method="GET", token=stage.tokens["member"])
    assert (answer.status, answer.body) == (200, b"page")
