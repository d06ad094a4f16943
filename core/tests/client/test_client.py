"""`dash_messenger.client` against a real server, through a network that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from dash_messenger.client import RESYNC, Client, Event, failure_from
from dash_messenger.client.http import upload
from dash_messenger.errors import (
    Conflict,
    InvalidParams,
    NotFound,
    RateLimited,
    TimedOut,
    TooLarge,
    Unauthenticated,
    UnknownCommand,
)
from dash_messenger.testing import Network, People, ServerProcess

LIMIT_S = 30


@pytest.fixture
async def network(server: ServerProcess) -> AsyncIterator[Network]:
    async with Network(server) as network:
        yield network


async def heard(client: Client, n: int, kind: str = "message.created") -> list[Event]:
    """The next ``n`` events of a kind."""
    found: list[Event] = []
    async with asyncio.timeout(LIMIT_S):
        async for event in client.events():
            if event.kind == kind:
                found.append(event)
                if len(found) == n:
                    return found
    raise AssertionError("the client ended")


def texts(events: list[Event]) -> list[str]:
    return [event.data["message"]["content"]["text"] for event in events]


async def chat(*clients: Client) -> str:
    """A group of these."""
    first, *others = clients
    members = [other.me["id"] for other in others]
    made = await first.call("conversation.create", kind="group", title="Test", members=members)
    id: str = made["id"]
    return id


async def say(client: Client, conversation: str, text: str, **more: Any) -> Any:
    return await client.call(
        "message.send", conversation=conversation, type="text", content={"text": text}, **more
    )


async def test_a_message_reaches_both_with_number_and_text(people: People) -> None:
    ann, bob = await people(), await people()
    sent = await say(ann, await chat(ann, bob), "hi")
    for client in (ann, bob):
        (event,) = await heard(client, 1)
        assert event["seq"] == event.seq == sent["seq"]
        assert event.data["message"]["id"] == sent["id"]
        assert texts([event]) == ["hi"]


async def test_parameters_may_be_a_mapping(people: People) -> None:
    ann = await people()
    account = await ann.call("account.get", {})
    assert account["user"]["id"] == ann.me["id"]


async def test_failures_have_the_class_of_the_server(people: People) -> None:
    ann = await people()
    with pytest.raises(UnknownCommand):
        await ann.call("no.such")
    with pytest.raises(InvalidParams) as caught:
        await ann.call("conversation.get", conversation=7)
    assert caught.value.params["field"] == "conversation"
    with pytest.raises(NotFound):
        await ann.call("conversation.get", conversation="0" * 32)


def test_an_unknown_code_keeps_its_words() -> None:
    failure = failure_from(
        {"code": 4711, "message": "No {luck}.", "data": {"key": "luck", "retryable": True}}
    )
    assert (failure.code, failure.message, failure.retryable) == (4711, "No {luck}.", True)


async def test_a_bad_token_is_told(server: ServerProcess) -> None:
    with pytest.raises(Unauthenticated):
        async with Client(server.url, token="x" * 43):
            pass


async def test_nobody_there_is_told_within_the_time_limit(tmp_path: Path) -> None:
    with pytest.raises(TimedOut):
        async with Client("http://127.0.0.1:1", token="x" * 43, time_limit_s=0.3):
            pass


async def test_what_was_missed_is_read_after_a_cut(people: People, network: Network) -> None:
    ann, bob = await people(), await people(url=network.url)
    conversation = await chat(ann, bob)
    await say(ann, conversation, "before")
    assert texts(await heard(bob, 1)) == ["before"]
    network.down()
    for n in range(700):
        await say(ann, conversation, f"{n}")
    network.up()
    assert texts(await heard(bob, 700)) == [f"{n}" for n in range(700)]


async def test_a_conversation_joined_while_away_is_read_from_its_beginning(
    people: People, network: Network
) -> None:
    ann, bob = await people(), await people(url=network.url)
    network.down()
    conversation = await chat(ann, bob)
    await say(ann, conversation, "welcome")
    network.up()
    assert texts(await heard(bob, 1)) == ["welcome"]


async def test_too_much_missed_is_told_as_resync_and_goes_on(
    people: People, network: Network
) -> None:
    ann, bob = await people(), await people(url=network.url)
    conversation = await chat(ann, bob)
    await say(ann, conversation, "before")
    (last,) = await heard(bob, 1)
    network.down()
    for start in range(0, 2_100, 30):
        await asyncio.gather(*(say(ann, conversation, f"{start + n}") for n in range(30)))
    network.up()
    (lost,) = await heard(bob, 1, RESYNC)
    assert lost.after == last.seq
    assert lost.seq >= last.seq + 2_100
    await say(ann, conversation, "after")
    assert texts(await heard(bob, 1)) == ["after"]


async def test_an_answer_that_was_cut_off_is_asked_for_again(
    people: People, network: Network
) -> None:
    ann, bob = await people(url=network.url), await people()
    conversation = await chat(ann, bob)
    network.cut_answers(1)
    sent = await say(ann, conversation, "once")
    history = await ann.call("message.history", conversation=conversation)
    assert [message["id"] for message in history["messages"]] == [sent["id"]]
    assert network.cuts == 1


async def test_a_change_whose_answer_was_cut_off_is_made_once(
    people: People, network: Network
) -> None:
    ann, bob = await people(url=network.url), await people()
    sent = await say(ann, await chat(ann, bob), "one")
    network.cut_answers(1)
    # It names itself: asked for again, it is answered and not repeated.
    edit = {"message": sent["id"], "content": {"text": "two"}}
    assert (await ann.call("message.edit", edit))["rev"] == 2
    assert network.cuts == 1
    found = await bob.call("message.get", messages=[sent["id"]])
    assert (found["messages"][0]["rev"], found["messages"][0]["text"]) == (2, "two")


async def test_a_repeated_name_with_other_content_is_a_conflict(people: People) -> None:
    ann, bob = await people(), await people()
    conversation = await chat(ann, bob)
    name = "0199e2a0-0000-7000-8000-000000000001"
    await say(ann, conversation, "one", client_id=name)
    with pytest.raises(Conflict):
        await say(ann, conversation, "two", client_id=name)


async def test_a_full_buffer_is_emptied_in_order(people: People) -> None:
    ann, bob = await people(), await people(buffer=8)
    conversation = await chat(ann, bob)
    for n in range(50):
        await say(ann, conversation, f"{n}")
    assert texts(await heard(bob, 50)) == [f"{n}" for n in range(50)]


async def test_another_client_goes_on_from_the_cursors_left(
    people: People, server: ServerProcess
) -> None:
    ann = await people()
    _, token = await people.register()
    bob = await people.connect(token)
    conversation = await chat(ann, bob)
    await say(ann, conversation, "one")
    assert texts(await heard(bob, 1)) == ["one"]
    await bob.aclose()
    await say(ann, conversation, "two")
    again = await people.connect(token, cursors=bob.cursors)
    assert texts(await heard(again, 1)) == ["two"]


async def test_a_session_closed_elsewhere_ends_the_events(people: People) -> None:
    name, token = await people.register()
    bob = await people.connect(token)
    other = await people.connect(await people.log_in(name))
    sessions = (await other.call("session.list"))["sessions"]
    (closed,) = [session["id"] for session in sessions if not session["current"]]
    await other.call("session.close", session=closed)
    with pytest.raises(Unauthenticated):
        await heard(bob, 1, "none")


async def test_events_end_when_the_client_is_closed(people: People) -> None:
    ann = await people()
    waiting = asyncio.create_task(anext(ann.events(), None))
    await asyncio.sleep(0)
    await ann.aclose()
    async with asyncio.timeout(LIMIT_S):
        assert (await waiting) is None or ann.cursors


async def test_what_is_hidden_is_no_event_and_leaves_no_gap(people: People) -> None:
    ann, bob = await people(), await people()
    _, token = await people.register()
    late = await people.connect(token)
    conversation = await chat(ann, bob)
    old = await say(ann, conversation, "old")
    await ann.call("conversation.add", conversation=conversation, members=[late.me["id"]])
    await heard(late, 1, "member.joined")
    cursors = late.cursors
    await ann.call("message.edit", message=old["id"], content={"text": "secret"})
    await ann.call("message.react", message=old["id"], emoji="👍")
    sent = await say(ann, conversation, "new")
    (event,) = await heard(late, 1)
    assert (event.after, event.seq) == (cursors[conversation], sent["seq"])
    again = await people.connect(token, cursors=cursors)
    (event,) = await heard(again, 1)
    assert (event.after, event.seq) == (cursors[conversation], sent["seq"])


async def test_a_limit_is_waited_for_as_long_as_it_says(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await people()
    asked: list[str] = []
    ask = ann._ask

    async def limited(command: str, params: Any, deadline: float) -> Any:
        asked.append(command)
        if len(asked) == 1:
            raise RateLimited(retry_after_s=0.01)
        return await ask(command, params, deadline)

    monkeypatch.setattr(ann, "_ask", limited)
    assert (await ann.call("account.get"))["user"]["id"] == ann.me["id"]
    assert asked == ["account.get"] * 2
    asked.clear()
    with pytest.raises(RateLimited):
        await ann.call("account.update", theme="dark")


async def test_a_limit_that_lasts_longer_than_the_time_limit_is_told(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await people()

    async def limited(command: str, params: Any, deadline: float) -> Any:
        raise RateLimited(retry_after_s=3_600)

    monkeypatch.setattr(ann, "_ask", limited)
    with pytest.raises(RateLimited):
        await ann.call("account.get")


@contextmanager
def proxy_saying(status: int) -> Iterator[str]:
    """A proxy that answers with a page of its own; its address."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html><h1>nginx</h1></html>")

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_file_that_a_proxy_finds_too_large_is_too_large() -> None:
    with proxy_saying(413) as url, pytest.raises(TooLarge, match="proxy"):
        await upload(url, b"large", token="x")


async def test_a_page_of_a_proxy_is_no_answer_of_the_server() -> None:
    with proxy_saying(502) as url, pytest.raises(ConnectionError, match="502"):
        await upload(url, b"small", token="x")
