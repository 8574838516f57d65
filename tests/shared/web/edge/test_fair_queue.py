"""One of each network in turn, and within a network one of each token."""

import time

from shared.web.edge.fair_queue import FairQueue
from shared.web.senders import Sender, network_of

FLOOD = Sender("10.0.0.1", b"")
SCHOOL = "10.0.0.2"


def taken(queue: FairQueue[str]) -> list[str]:
    items: list[str] = []
    while queue:
        items.append(queue.take())
    return items


def test_requests_of_one_sender_keep_their_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(3):
        queue.add(FLOOD, f"{number}")
    assert taken(queue) == ["0", "1", "2"]


def test_who_comes_behind_a_flood_of_another_network_is_the_second() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(1_000):
        queue.add(Sender("10.0.0.1", b"%d" % number), f"{number}")
    queue.add(Sender(SCHOOL, b"pupil"), "pupil")
    assert taken(queue)[:2] == ["0", "pupil"]


def test_a_pupil_behind_the_flood_of_another_pupil_is_the_second_of_the_school() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.add(Sender(SCHOOL, b"rude"), f"rude {number}")
    queue.add(Sender(SCHOOL, b"kind"), "kind")
    queue.add(Sender("10.0.0.3", b""), "elsewhere")
    assert taken(queue)[:4] == ["rude 0", "elsewhere", "kind", "rude 1"]


def test_what_is_removed_is_not_taken() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in "abc":
        queue.add(FLOOD, item)
    queue.remove(FLOOD, "b")
    assert taken(queue) == ["a", "c"]
    queue.add(FLOOD, "d")
    queue.remove(FLOOD, "d")
    assert not queue


def test_taking_costs_the_same_however_many_wait() -> None:
    def seconds(waiting: int) -> float:
        queue: FairQueue[str] = FairQueue()
        for number in range(waiting):
            queue.add(Sender(f"{number % 50}", b"%d" % (number % 700)), f"{number}")
        began = time.perf_counter()
        for _ in range(200):
            queue.take()
        return time.perf_counter() - began

    assert min(seconds(20_000) for _ in range(3)) < 20 * min(seconds(400) for _ in range(3))


def test_a_host_is_one_sender_by_all_its_addresses_of_version_6() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("a proxy's name") == "a proxy's name"
