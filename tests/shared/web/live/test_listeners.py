"""Who may listen: bounds of a network, of a key and of the process."""

import pytest

from shared.runtime.errors import Overloaded
from shared.web.live.listeners import Listener, Listeners


class Ended:
    """A connection that notes that it was ended."""

    ended = False

    def give_way(self) -> None:
        self.ended = True


def of(listeners: Listeners, address: str, count: int) -> list[Listener]:
    return [listeners.admit("all", address=address) for _ in range(count)]


def test_a_network_has_a_bound_and_a_site_of_ipv6_ten_times_as_many() -> None:
    listeners = Listeners(of_a_network_max=2)
    of(listeners, "192.0.2.1", 2)
    with pytest.raises(Overloaded):
        listeners.admit("all", address="192.0.2.1")
    of(listeners, "2001:db8::1", 2)
    with pytest.raises(Overloaded):
        listeners.admit("all", address="2001:db8::2")
    for network in range(1, 10):
        of(listeners, f"2001:db8:0:{network}::1", 2)
    with pytest.raises(Overloaded):
        listeners.admit("all", address="2001:db8:0:10::1")
    of(listeners, "192.0.2.2", 2)


def test_a_key_has_a_bound_of_its_own_wherever_it_is_used() -> None:
    listeners = Listeners(of_a_network_max=1, of_a_key_max=2)
    of(listeners, "192.0.2.1", 1)
    for address in ("192.0.2.1", "192.0.2.2"):
        listeners.admit("all", address=address, key="hall")
    with pytest.raises(Overloaded):
        listeners.admit("all", address="192.0.2.3", key="hall")


def test_who_leaves_makes_room() -> None:
    listeners = Listeners(of_a_network_max=1)
    [one] = of(listeners, "192.0.2.1", 1)
    listeners.leave(one, "left")
    of(listeners, "192.0.2.1", 1)
    assert len(listeners) == 1


def test_in_a_full_process_the_network_that_has_most_makes_room() -> None:
    listeners = Listeners(listeners_max=4)
    many = of(listeners, "192.0.2.1", 3)
    [other] = of(listeners, "192.0.2.2", 1)
    [newcomer] = of(listeners, "192.0.2.3", 1)
    assert [one.why for one in many] == ["displaced", None, None]
    assert (other.why, newcomer.why, len(listeners)) == (None, None, 4)
    # Two and two: whoever comes now would only take turns with the others.
    with pytest.raises(Overloaded):
        of(listeners, "192.0.2.1", 1)
    of(listeners, "192.0.2.4", 0)
    listeners.leave(many[0], "displaced")
    assert len(listeners) == 4


async def test_at_the_end_all_are_ended_and_whoever_does_not_read_is_cut_off() -> None:
    listeners, reading, stuck = Listeners(), Ended(), Ended()
    reads, sticks = (
        listeners.admit("all", address="192.0.2.1", connection=connection) for connection in (reading, stuck)
    )
    sticks.sends = True
    listeners.end_all()
    await reads.woken()
    assert (reads.why, sticks.why) == ("stopping", "stopping")
    assert (reading.ended, stuck.ended) == (False, True)
    with pytest.raises(Overloaded):
        listeners.admit("all", address="192.0.2.2")
