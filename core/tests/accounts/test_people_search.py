"""Finding people: whom a query fits, in which order, and at what cost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.accounts import people_search as module
from dash_messenger.accounts import policy
from dash_messenger.accounts.people_search import (
    MAX_LOOKED_AT,
    MAX_WORDS,
    PeopleSearch,
    UserSearch,
    query_words,
)
from dash_messenger.accounts.policy import Wish
from dash_messenger.protocol.commands import Caller
from dash_messenger.store import Transaction
from dash_messenger.store.tables import members, users
from dash_messenger.store.user_words import put_words
from fixtures.local_server import LocalServer, open_server
from fixtures.query_plans import query_plans
from sqlalchemy import Connection, insert, update

# Who there is, by user name.
NAMES = {
    "alekhin": "Пётр Алёхин",
    "zoe.b": "Zoë Ångström-Bell",
    "gross_1": "Jürgen Groß",
    "isik": "Işık",
    "fox": "🦊 Fox ❤️",
    "moshe": "משה כהן",
    "mohamed": "مُحَمَّد",
    "half": "50% Half",
    "a_b": "Under Score",
    "axb": "No Score",
    "wang": "王小明",
}
FITS: dict[str, set[str]] = {
    "petr": set(),
    "пет": {"alekhin"},
    "ПЁТР": {"alekhin"},
    "алехин петр": {"alekhin"},
    "алёхин иван": set(),
    "zoe": {"zoe.b"},
    "ZOË ang": {"zoe.b"},
    "bell": {"zoe.b"},
    "ell": set(),
    "zoe.b": {"zoe.b"},
    "@zoe.b": {"zoe.b"},
    "@ZO": {"zoe.b"},
    "＠zoe": {"zoe.b"},
    "@bell": set(),
    "＠bell": set(),
    "@angstrom": set(),
    "score @a": {"a_b", "axb"},
    "@a_": {"a_b"},
    "gross": {"gross_1"},
    "GROẞ": {"gross_1"},
    "gros jurg": {"gross_1"},
    "isi": {"isik"},
    "IŞIK": {"isik"},
    "🦊": {"fox"},
    "❤": {"fox"},
    "👍": set(),
    "משה": {"moshe"},
    "\u202eמשה\u202c": {"moshe"},
    "محمد": {"mohamed"},
    "50%": {"half"},
    "王": {"wang"},
    "小明": set(),
    "": set(),
    "%": set(),
    "_": set(),
    "*": set(),
    "@": set(),
    " . - @ ": set(),
    "@%": set(),
    "@_": set(),
    '"; DROP TABLE users --': set(),
    "a" * 200: set(),
    "alekhin " * 25: {"alekhin"},
}


async def found(local: LocalServer, by: str, query: str, **params: Any) -> list[str]:
    answer = await local.call(by, "user.search", query=query, **params)
    return [one["username"] for one in answer["users"]]


async def call_them(local: LocalServer, names: dict[str, str]) -> None:
    """Make people, or give them other names."""
    for username, display_name in names.items():
        if username not in local.users:
            await local.add(username)
        await local.call(username, "account.update", display_name=display_name)


async def befriend(local: LocalServer, by: str, *others: str) -> None:
    for other in others:
        await local.call(by, "contact.request", user=other)
        await local.call(other, "contact.accept", user=by)


async def deactivate(local: LocalServer, name: str) -> None:
    change = update(users).where(users.c.id == local.users[name]).values(deactivated_at_ms=1)

    def work(transaction: Transaction) -> None:
        transaction.connection.execute(change)

    await local.server.store.write(work)


async def test_people_are_found_by_what_is_meant(local: LocalServer) -> None:
    await call_them(local, NAMES)
    for query, expected in FITS.items():
        assert set(await found(local, "ann", query)) == expected, query
    # So are contacts, whom another statement finds.
    await befriend(local, "ann", *NAMES)
    for query, expected in FITS.items():
        assert set(await found(local, "ann", query)) == expected, query


async def test_contacts_come_first_then_people_of_groups_then_everybody(local: LocalServer) -> None:
    names = {
        "sam1": "Sam Aa",
        "sam2": "Sam Bb",
        "sam3": "Sam Cc",
        "sam4": "Sam Dd",
        "sam5": "sam Ee",
        "sam": "Sam Zz",
    }
    await call_them(local, names)
    assert await found(local, "ann", "sam") == ["sam", "sam1", "sam2", "sam3", "sam4", "sam5"]
    await local.group("ann", "sam4", "sam5")
    await local.group("sam4", "ann")
    await befriend(local, "ann", "sam5")
    answer = await local.call("ann", "user.search", query="sam")
    assert [one["username"] for one in answer["users"]] == [
        *("sam5", "sam4", "sam", "sam1", "sam2", "sam3")
    ]
    assert [one.get("shared") for one in answer["users"]] == [1, 2, None, None, None, None]
    assert answer["users"][0]["contact"]["state"] == "contact"
    assert answer["everybody"] is True
    # What is shown is cut after it was put in order.
    assert await found(local, "ann", "sam", limit=2) == ["sam5", "sam4"]
    # The whole user name leads among its equals.
    assert await found(local, "ann", "@sam3") == ["sam3"]
    assert (await found(local, "ann", "@sam"))[:3] == ["sam5", "sam4", "sam"]


async def test_who_was_asked_and_who_asks_is_shown_as_that(local: LocalServer) -> None:
    await local.call("ann", "contact.request", user="ben", note="Hi")
    (ben,) = (await local.call("ann", "user.search", query="ben"))["users"]
    (ann,) = (await local.call("ben", "user.search", query="ann"))["users"]
    (cleo,) = (await local.call("ben", "user.search", query="cleo"))["users"]
    assert (ben["contact"]["state"], ann["contact"]["state"]) == ("sent", "received")
    assert ann == {
        "id": local.users["ann"],
        "username": "ann",
        "display_name": "ann",
        "contact": {**ann["contact"], "note": "Hi"},
    }
    assert "contact" not in cleo


async def test_only_groups_in_which_both_are_now_count(local: LocalServer) -> None:
    group = await local.group("ann", "ben", "cleo")
    await local.call("ann", "conversation.create", kind="direct", members=["ben"])
    assert (await local.call("ann", "user.search", query="ben"))["users"][0]["shared"] == 1
    await local.call("ben", "conversation.leave", conversation=group)
    for by, other in (("ann", "ben"), ("ben", "ann"), ("ben", "cleo")):
        (one,) = (await local.call(by, "user.search", query=other))["users"]
        assert "shared" not in one


async def test_nobody_finds_themselves_or_who_is_deactivated(local: LocalServer) -> None:
    await call_them(local, {"ann": "Same", "ben": "Same", "cleo": "Same", "dan": "Same"})
    await befriend(local, "ann", "cleo")
    await deactivate(local, "cleo")
    await deactivate(local, "dan")
    assert await found(local, "ann", "same") == ["ben"]
    assert await found(local, "ann", "@ann") == []
    # The list that there is keeps them.
    page = await local.call("ann", "contact.list")
    assert [one["user"] for one in page["contacts"]] == [local.users["cleo"]]


async def test_people_are_found_by_names_they_have_now(local: LocalServer) -> None:
    await call_them(local, {"ben": "Benedict"})
    assert await found(local, "ann", "benedict") == ["ben"]
    await call_them(local, {"ben": "Бенедикт"})
    assert await found(local, "ann", "benedict") == []
    assert await found(local, "ann", "бенедикт") == ["ben"]


async def test_a_label_finds_its_contact_for_who_gave_it(local: LocalServer) -> None:
    await befriend(local, "ann", "ben", "cleo")
    await call_them(local, {"ben": "Benedict Smith"})
    await local.call("ann", "contact.label", user="ben", label="Мой Пётр 50%")
    await local.call("ben", "contact.label", user="ann", label="Boss")
    for query in ("петр", "мои пет", "пет smith", "@ben пет", "50%"):
        assert await found(local, "ann", query) == ["ben"], query
        assert await found(local, "cleo", query) == [], query
        assert await found(local, "ben", query) == [], query
    for query in ("етр", "%", "_", "пет jones", "@пет"):
        assert await found(local, "ann", query) == [], query
    # Contacts stand in the order of what one calls them.
    await call_them(local, {"ben": "Z Pal", "cleo": "B Pal"})
    assert await found(local, "ann", "pal") == ["cleo", "ben"]
    await local.call("ann", "contact.label", user="ben", label="Aaron")
    assert await found(local, "ann", "pal") == ["ben", "cleo"]
    await local.call("ann", "contact.label", user="ben", label=None)
    assert await found(local, "ann", "aaron") == []


async def test_a_server_may_search_among_contacts_and_groups_alone(tmp_path: Path) -> None:
    async with open_server(tmp_path, search_everybody=False) as local:
        await local.add("ann", "sam1", "sam2", "sam3")
        await befriend(local, "ann", "sam1")
        await local.group("sam2", "ann")
        answer = await local.call("ann", "user.search", query="sam")
        assert [one["username"] for one in answer["users"]] == ["sam1", "sam2"]
        assert answer["everybody"] is False


async def test_nobody_is_found_who_does_not_want_it(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = local.users["ben"]
    asked: list[tuple[Wish, str]] = []

    def who_allow(_connection: Connection, wish: Wish, user: str, people: Any) -> list[str]:
        asked.append((wish, user))
        return [one for one in people if one != hidden or wish is not Wish.FIND]

    monkeypatch.setattr(policy, "who_allow", who_allow)
    await call_them(local, {"ben": "Same", "cleo": "Same"})
    assert await found(local, "ann", "same", limit=1) == ["cleo"]
    assert (Wish.FIND, local.users["ann"]) in asked


@pytest.mark.parametrize("params", [{"query": "a" * 201}, {"query": "a", "limit": 51}, {}])
async def test_a_query_that_is_too_long_is_refused(
    local: LocalServer, params: dict[str, Any]
) -> None:
    assert (await local.failure("ann", "user.search", **params)).key == "invalid_params"


async def test_listing_everybody_by_searches_is_limited(tmp_path: Path) -> None:
    async with open_server(tmp_path, rate_limits=True) as local:
        await local.add("ann", "ben")
        for _ in range(module.BURST):
            await local.call("ann", "user.search", query="b")
        assert (await local.failure("ann", "user.search", query="b")).key == "rate_limited"
        assert await found(local, "ben", "ann") == ["ann"]


def test_of_many_words_the_longest_are_looked_for() -> None:
    words = [f"{'x' * n}" for n in range(1, 15)]
    assert query_words(" ".join(words)) == words[::-1][:MAX_WORDS]
    assert query_words("@" + "a" * 150) == ["@" + "a" * 63]


async def fill(local: LocalServer, count: int, group: str) -> None:
    """So many people more, whose names begin alike, each fourth of them in a group."""

    def work(transaction: Transaction) -> None:
        connection = transaction.connection
        ids = [transaction.new_id() for _ in range(count)]
        connection.execute(
            insert(users),
            [
                {"id": id, "username": f"u{id}"[:32], "username_key": f"u{id}"[:32]}
                | {"display_name": f"Sam Number{n}", "created_at_ms": 1}
                for n, id in enumerate(ids)
            ],
        )
        for n, id in enumerate(ids):
            put_words(connection, id, f"u{id}"[:32], f"Sam Number{n}")
        connection.execute(
            insert(members),
            [
                {"conversation_id": group, "user_id": id, "from_seq": 1, "from_number": 1}
                | {"joined_at_ms": 1, "role": "member"}
                for id in ids[::4]
            ],
        )

    await local.server.store.write(work)


class Watched:
    """Reads as the store does, and notes the plans, rows and processor time of it."""

    def __init__(self, local: LocalServer) -> None:
        self._store = local.server.store
        self.plans: dict[str, str] = {}
        self.cpu_s = 0.0

    async def read(self, work: Any) -> Any:
        def noted(connection: Connection) -> Any:
            answers: list[Any] = []
            began_s = time.thread_time()
            work(connection)
            self.cpu_s = time.thread_time() - began_s
            self.plans.update(query_plans(connection, lambda: answers.append(work(connection))))
            return answers[0]

        return await self._store.read(noted)


async def test_a_search_looks_at_a_bounded_number_of_people_by_an_index(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben")
    watched = Watched(local)
    search = PeopleSearch(watched, everybody=True, rate_limits=False)  # type: ignore[arg-type]
    caller = Caller(user=local.users["ann"], session="0" * 32, address="test")

    async def ask(query: str) -> Any:
        return (await search.search(caller, UserSearch(query))).users

    await fill(local, 2_500, group)
    await ask("sam")
    few_s = watched.cpu_s
    await fill(local, 7_500, group)
    assert len(await ask("sam")) == 20
    many_s = watched.cpu_s
    # Four times as many people fit; as many are looked at.
    assert many_s < 2.5 * max(few_s, 0.005)
    watched.plans.clear()
    found = await ask("sam number7499")
    assert [one.display_name for one in found] == ["Sam Number7499"]
    assert len(watched.plans) == 6
    for text, plan in watched.plans.items():
        assert "SCAN" not in plan.replace("SCAN people", ""), text
    own, others = (
        next(plan for text, plan in watched.plans.items() if mark in text)
        for mark in ("label_words", "DISTINCT")
    )
    assert "user_words USING PRIMARY KEY (word>? AND word<?)" in others
    assert "word1 USING COVERING INDEX ix_user_words_user_id_word" in others
    assert "contacts USING PRIMARY KEY (user_id=?)" in own
    assert "word0 USING COVERING INDEX ix_user_words_user_id_word" in own


async def test_of_more_who_fit_than_are_looked_at_some_are_found(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_LOOKED_AT == 1_000
    monkeypatch.setattr(module, "MAX_LOOKED_AT", 3)
    await call_them(local, {f"sam{n}": "Sam" for n in range(9)})
    assert len(await found(local, "ann", "sam")) == 3
    await befriend(local, "ann", *(f"sam{n}" for n in range(4)))
    assert len(await found(local, "ann", "sam")) == 6
