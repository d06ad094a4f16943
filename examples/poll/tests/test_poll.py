from uuid import uuid4

from acme_poll.server import Poll
from acme_poll.ui import PollView
from dash_messenger.testing import MessageTypeContract


class TestPoll(MessageTypeContract):
    message_type, view = Poll(), PollView()
    good = ({"question": "Tea?", "options": ["yes", "no"]},)
    actions = (("vote", {"option": 1}), ("close", {}))
    bad = ({"question": "Tea?", "options": ["yes"]}, {"question": " ", "options": ["a", "b"]})


async def test_a_vote_is_counted_and_can_be_moved(people):
    ann, bob = await people(), await people()
    chat = await ann.call("conversation.create", kind="direct", members=[bob.me["username"]])
    to = {"conversation": chat["id"], "type": "acme.poll", "content": TestPoll.good[0]}
    sent = await ann.call("message.send", client_id=uuid4().hex, **to)
    for option, counts in ((0, [1, 0]), (1, [0, 1])):
        wish = {"message": sent["id"], "action": "vote", "params": {"option": option, "on": True}}
        await ann.call("message.act", client_id=uuid4().hex, **wish)
        (poll,) = (await ann.call("message.get", messages=[sent["id"]]))["messages"]
        assert poll["state"] == {"counts": counts, "closed": False}
