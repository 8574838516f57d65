"""One of each site in turn, within it one of each network, and within that one of each participant."""

import random
import time
from collections import Counter

from shared.runtime.fair_queue import FairQueue, Lengths, Sender, Shares
from shared.web.senders import sender_at

FLOOD = Sender("10.0.0.1")
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
        queue.add(Sender("10.0.0.1", who=f"p{number}"), f"{number}")
    queue.add(Sender(SCHOOL, who="pupil"), "pupil")
    assert taken(queue)[:2] == ["0", "pupil"]


def test_a_pupil_behind_the_flood_of_another_pupil_is_the_second_of_the_school() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.add(Sender(SCHOOL, who="rude"), f"rude {number}")
    queue.add(Sender(SCHOOL, who="kind"), "kind")
    queue.add(Sender("10.0.0.3", who=""), "elsewhere")
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


def test_if_it_is_full_the_last_one_of_who_has_most_gives_way() -> None:
    queue: FairQueue[str] = FairQueue()
    assert queue.in_place_of(FLOOD) is None
    for number in range(5):
        queue.add(FLOOD, f"flood {number}")
    for number in range(3):
        queue.add(Sender(SCHOOL, who="rude"), f"rude {number}")
    assert queue.in_place_of(Sender("10.0.0.3")) == (FLOOD, "flood 4")
    assert queue.in_place_of(Sender(SCHOOL, who="kind")) == (FLOOD, "flood 4")
    # It is the flood itself.
    assert queue.in_place_of(FLOOD) is None
    # Somebody behind the same address, who has shown who it is.
    assert queue.in_place_of(Sender(FLOOD.site, who="honest")) == (FLOOD, "flood 4")
    for number in range(4):
        queue.remove(FLOOD, f"flood {number}")
    assert queue.in_place_of(Sender("10.0.0.3")) == (Sender(SCHOOL, who="rude"), "rude 2")
    assert queue.in_place_of(Sender(SCHOOL, who="rude")) is None


def test_nobody_gives_way_to_one_who_would_have_as_many() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.add(Sender(f"{number}"), f"{number}")
    assert queue.in_place_of(Sender("new")) is None


def test_many_networks_of_one_site_have_one_turn_together() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.add(sender_at(f"2001:db8:1:{number:x}::1", ""), f"site {number}")
    queue.add(sender_at("2001:db8:2::1", ""), "other site")
    queue.add(sender_at("10.0.0.1", ""), "version 4")
    assert taken(queue)[:4] == ["site 0", "other site", "version 4", "site 1"]


def test_in_a_site_a_network_does_not_wait_behind_the_many_participants_of_another() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.add(sender_at("2001:db8:1:1::1", f"made up {number}"), f"{number}")
    phone = sender_at("2001:db8:1:2::1", "")
    assert queue.in_place_of(phone) == (sender_at("2001:db8:1:1::1", "made up 0"), "0")
    queue.add(phone, "phone")
    assert taken(queue)[:3] == ["0", "phone", "1"]


def test_one_site_leaves_room_for_others_however_many_networks_it_has() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(4_000):
        queue.add(sender_at(f"2001:db8:1:{number:x}::1", ""), f"{number}")
    assert queue.in_place_of(sender_at("2001:db8:1:ffff::1", "")) is None
    for address in ("2001:db8:2::1", "10.0.0.1"):
        found = queue.in_place_of(sender_at(address, ""))
        assert found
        assert found[0].site == sender_at("2001:db8:1::1", "").site


def test_queues_with_the_same_shares_count_together() -> None:
    shares = Shares()
    queue, other = FairQueue[str](shares), FairQueue[str](shares)
    for number in range(3):
        queue.add(FLOOD, f"here {number}")
        other.add(FLOOD, f"there {number}")
    for number in range(4):
        queue.add(Sender(SCHOOL), f"school {number}")
    assert shares.in_place_of(Sender(SCHOOL)) == FLOOD
    assert (queue.last_of(FLOOD), other.last_of(FLOOD)) == ("here 2", "there 2")
    assert other.last_of(Sender(SCHOOL)) is None
    assert taken(other) == ["there 0", "there 1", "there 2"]
    assert shares.in_place_of(FLOOD) is None
    assert shares.in_place_of(Sender("new")) == Sender(SCHOOL)
    taken(queue)
    assert shares.in_place_of(Sender("new")) is None


def test_the_longest_is_always_known() -> None:
    dice, lengths, expected = random.Random(1), Lengths(), Counter[str]()  # noqa: S311 (the same in each run)
    for _ in range(5_000):
        name = dice.choice("abcdefgh")
        more = dice.choice((1, -1)) if expected[name] else 1
        lengths.add(name, more)
        expected[name] += more
        assert lengths.of(name) == expected[name]
        if most := max(expected.values()):
            assert expected[lengths.longest()] == most


def test_taking_costs_the_same_however_many_wait() -> None:
    def seconds(waiting: int) -> float:
        queue: FairQueue[str] = FairQueue()
        for number in range(waiting):
            queue.add(Sender(f"{number % 50}", who=f"{number % 700}"), f"{number}")
        began = time.perf_counter()
        for _ in range(200):
            queue.take()
        return time.perf_counter() - began

    assert min(seconds(20_000) for _ in range(3)) < 20 * min(seconds(400) for _ in range(3))
