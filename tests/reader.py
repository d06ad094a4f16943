"""What a client knows that follows the documented rules, in a form that can be compared.

It loads a conversation, and the lists of contacts, once; then it goes by events alone. The list of
conversations comes by `sync`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dash_messenger.client import RESYNC, Client, Event
from dash_messenger.errors import Forbidden, NotFound, Resync

CONTACT_STATES = ("contact", "sent", "received")


@dataclass
class Known:
    """One conversation, as a client has it."""

    seq: int = 0
    title: str | None = None
    photo: str | None = None
    description: str | None = None
    rules: str | None = None
    # By id, the role of each.
    members: dict[str, str] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    preferences: dict[str, Any] = field(default_factory=dict)

    def prefer(self, preferences: dict[str, Any]) -> None:
        """How its reader wants it in the list, unless something newer is known."""
        if preferences.get("change_no", 0) >= self.preferences.get("change_no", 0):
            self.preferences = preferences

    def shown(self) -> dict[str, Any]:
        """All of it, in a form that can be compared."""
        messages = {}
        for id, message in self.messages.items():
            put = {one["emoji"]: one["count"] for one in message.get("reactions") or ()}
            messages[id] = {**message, "reactions": put}
        own = {
            id: (own.get("mark"), sorted(own.get("reactions", ())))
            for id, own in self.own.items()
            if own.get("mark") is not None or own.get("reactions")
        }
        return {
            "title": self.title,
            "photo": self.photo,
            "description": self.description,
            "rules": self.rules,
            "members": self.members,
            "messages": messages,
            "own": own,
            "preferences": self.preferences,
        }


class Reader:
    """What somebody knows who loaded each conversation once and then heard events."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.known: dict[str, Known] = {}
        self.name = ""
        # The list of conversations, by `sync` from where the last answer ended.
        self.listed: dict[str, dict[str, Any]] = {}
        self._since: str | None = None
        # By id, and the event of one's own log that they are as new as.
        self.contacts: dict[str, dict[str, Any]] = {}
        self._contacts_seq = 0

    async def list(self) -> None:
        """Bring the list up to date."""
        while True:
            try:
                page = await self.client.call("sync", since=self._since)
            except Resync:
                self._since, self.listed = None, {}
                continue
            self.name = page["me"]["display_name"]
            self.listed |= {summary["id"]: summary for summary in page["conversations"]}
            self._since = page["since"]
            if not page["more"]:
                return

    async def load_contacts(self) -> None:
        """All of one's contacts, page by page, while they may change."""
        found: dict[str, dict[str, Any]] = {}
        seqs: list[int] = []
        for state in CONTACT_STATES:
            after, more = None, True
            while more:
                page = await self.client.call("contact.list", state=state, after=after, limit=1)
                found |= {one["user"]: one for one in page["contacts"]}
                after, more = (page["contacts"] or [{}])[-1].get("user"), page["more"]
                seqs.append(page["seq"])
        self.contacts, self._contacts_seq = found, min(seqs)

    async def load(self, conversation: str) -> None:
        """One conversation, as a client opens it."""
        known, before, more = Known(), None, True
        try:
            while more:
                page = await self.client.call(
                    "message.history", conversation=conversation, before=before
                )
                known.seq = known.seq or page["seq"]
                known.messages |= {message["id"]: message for message in page["messages"]}
                known.own |= page["own"]
                before, more = (page["messages"] or [{}])[0].get("number"), page["more_before"]
            members = await self.client.call("conversation.members", conversation=conversation)
            summary = await self.client.call("conversation.get", conversation=conversation)
        except (NotFound, Forbidden):
            # Removed again meanwhile, as an event will say.
            self.forget(conversation)
            return
        known.members = {
            member["id"]: members["roles"].get(member["id"], "member")
            for member in members["members"]
        }
        known.title = summary["conversation"]["title"]
        known.photo = summary["conversation"].get("photo")
        known.prefer(summary["conversation"].get("preferences", {}))
        known.description, known.rules = summary.get("description"), summary.get("rules")
        self.known[conversation] = known
        # Whoever was removed and added again may have had the list before they heard of either.
        self.listed.setdefault(conversation, summary["conversation"])

    def forget(self, conversation: str) -> None:
        """It is not one's own any more."""
        self.known.pop(conversation, None)
        self.listed.pop(conversation, None)

    async def apply(self, event: Event) -> None:
        """What an event changes."""
        if event.log == self.client.me["id"]:
            await self._apply_own(event)
        elif event.kind == RESYNC or event.log not in self.known:
            await self.load(event.log)
        elif event.seq > self.known[event.log].seq:
            self.known[event.log].seq = event.seq
            self._apply_to(self.known[event.log], event)

    async def _apply_own(self, event: Event) -> None:
        data = event.data
        if event.kind == RESYNC:
            await self.load_contacts()
        elif event.kind == "contact.updated" and event.seq > self._contacts_seq:
            self.contacts.pop(data["user"]["id"], None)
            if data["contact"] is not None:
                self.contacts[data["user"]["id"]] = data["contact"]
        elif event.kind == "preferences.updated":
            if (known := self.known.get(data["conversation"])) is not None:
                known.prefer(data["preferences"])
        elif event.kind == "conversation.added":
            await self.load(data["conversation"])
        elif event.kind == "conversation.removed":
            self.forget(data["conversation"])
        elif event.kind == "mark.changed" and data["conversation"] in self.known:
            own = self.known[data["conversation"]].own
            own.setdefault(data["message_id"], {})["mark"] = data["mark"]
        elif event.kind == "account.updated":
            self.name = data.get("display_name", self.name)

    def _apply_to(self, known: Known, event: Event) -> None:
        data = event.data
        if event.kind in ("message.created", "message.updated", "message.deleted"):
            message = data["message"]
            if message["rev"] >= known.messages.get(message["id"], message)["rev"]:
                known.messages[message["id"]] = message
            if event.kind == "message.deleted":
                known.own.pop(message["id"], None)
        elif event.kind == "reaction.changed" and data["message_id"] in known.messages:
            self._react(known, event)
        elif event.kind == "conversation.updated":
            known.title = data.get("title", known.title)
            known.photo = data.get("photo", known.photo)
            known.description = data.get("description", known.description)
            known.rules = data.get("rules", known.rules)
        elif event.kind == "member.joined":
            known.members[data["user"]["id"]] = "member"
        elif event.kind == "member.updated":
            known.members[data["user"]] = data["role"]
        elif event.kind == "member.removed":
            known.members.pop(data["user"], None)

    def _react(self, known: Known, event: Event) -> None:
        data = event.data
        message = known.messages[data["message_id"]]
        put = [one for one in message.get("reactions") or () if one["emoji"] != data["emoji"]]
        if data["count"]:
            put.append({"emoji": data["emoji"], "count": data["count"]})
        known.messages[data["message_id"]] = {**message, "reactions": put}
        if event.by == self.client.me["id"]:
            own = known.own.setdefault(data["message_id"], {})
            kept = [one for one in own.get("reactions", ()) if one != data["emoji"]]
            own["reactions"] = [*kept, data["emoji"]] if data["on"] else kept

    def shown(self) -> dict[str, Any]:
        """All that it knows."""
        return {
            "name": self.name,
            "list": self.listed,
            "contacts": self.contacts,
            "known": {id: known.shown() for id, known in self.known.items()},
        }
