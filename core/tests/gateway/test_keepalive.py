"""One timer for all connections."""

from dash_messenger.gateway.keepalive import Keepalive


class Watched:
    """Notes what it was asked, and when."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.asked = []

    def ping(self):
        self.asked.append(("ping", self.seconds[0]))

    def check(self):
        self.asked.append(("check", self.seconds[0]))


async def test_each_connection_is_pinged_once_an_interval_and_checked_after_the_time_out():
    seconds = [0]
    keepalive = Keepalive(5, 3)
    early, late = Watched(seconds), Watched(seconds)
    keepalive.add(early)
    bucket = -1
    for seconds[0] in range(1, 14):
        keepalive.tick()
        if seconds[0] == 2:
            bucket = keepalive.add(late)
        if seconds[0] == 11:
            keepalive.remove(late, bucket)
            keepalive.remove(late, bucket)
    keepalive.close()
    assert [each for each in early.asked if each[0] == "ping"] == [("ping", 5), ("ping", 10)]
    assert ("check", 8) in early.asked
    assert ("check", 13) in early.asked
    assert [each for each in late.asked if each[0] == "ping"] == [("ping", 7)]
