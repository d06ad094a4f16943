"""Who gives way when there are too many connections."""

from __future__ import annotations

from dash_messenger.gateway.connection_limits import Connections


class Connection:
    def __init__(self, idle: bool = True) -> None:
        self.idle = idle
        self.ended = False

    def give_way(self) -> None:
        self.ended = True


def test_addresses_do_not_take_each_other_s_places() -> None:
    places = Connections(max_in_all=100, max_per_address=2)
    busy = [Connection(idle=False) for _ in range(2)]
    assert all(places.admit(one, "192.0.2.1", 1) for one in busy)
    assert not places.admit(Connection(), "192.0.2.1", 1)
    assert places.admit(Connection(), "192.0.2.2", 1)
    places.leave(busy[0], "192.0.2.1")
    assert places.admit(Connection(), "192.0.2.1", 1)


def test_a_household_of_ipv6_is_one_address() -> None:
    places = Connections(max_in_all=100, max_per_address=1)
    assert places.admit(Connection(idle=False), "2001:db8::1", 1)
    assert not places.admit(Connection(), "2001:db8::2:2", 1)
    assert places.admit(Connection(), "2001:db8:0:1::1", 1)
    assert places.admit(Connection(idle=False), "::ffff:192.0.2.1", 1)
    assert not places.admit(Connection(), "192.0.2.1", 1)


def test_proxies_hold_as_many_as_they_need() -> None:
    places = Connections(max_in_all=100, max_per_address=1, proxies=("127.0.0.0/8", "10.1.1.1"))
    assert all(places.admit(Connection(idle=False), "127.0.0.1", 1) for _ in range(9))
    assert all(places.admit(Connection(idle=False), "10.1.1.1", 1) for _ in range(9))


def test_the_oldest_idle_one_gives_way_and_no_other() -> None:
    places = Connections(max_in_all=3, max_per_address=100)
    ones = [Connection(idle=False), Connection(), Connection()]
    for number, one in enumerate(ones, 1):
        assert places.admit(one, "192.0.2.1", number)
    assert places.admit(Connection(), "192.0.2.2", 4)
    assert [one.ended for one in ones] == [False, True, False]
