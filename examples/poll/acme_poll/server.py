"""A poll: members vote for its options until the author closes it."""

from typing import Annotated

from dash_messenger import Acted, Change, MessageType, Refuse, action, hookimpl
from msgspec import Meta, Struct

Line = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    question: Line
    options: Annotated[list[Line], Meta(min_length=2, max_length=10)]
    several: bool = False


class Votes(Struct, frozen=True):
    counts: list[int]
    closed: bool = False


class Poll(MessageType[Question, Votes, frozenset[int]]):
    type, Content, State, Mark = "acme.poll", Question, Votes, frozenset[int]

    def start(self, content):
        return Votes([0] * len(content.options))

    def text(self, content, state):
        return "\n• ".join([content.question, *content.options])

    @action(may="member")
    def vote(self, poll: Acted, *, option: int, on: bool = True) -> Change | Refuse:
        if poll.state.closed or option not in range(len(poll.state.counts)):
            return Refuse("closed", "This poll is closed.")
        before = poll.mark or frozenset()
        kept = before - {option} if poll.content.several else frozenset()
        after = kept | {option} if on else kept
        counts = [n + (i in after) - (i in before) for i, n in enumerate(poll.state.counts)]
        return Change(state=Votes(counts), mark=after or None)

    @action(may="author")
    def close(self, poll: Acted) -> Change:
        return Change(state=Votes(poll.state.counts, closed=True))


@hookimpl
def register_message_types():
    return [Poll()]
