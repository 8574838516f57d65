"""Nobody's domain keeps the messages to others waiting, however it behaves."""

import pytest

from services.notifications.sending.places import (
    PLACES_MAX,
    QUICK_MESSAGES_MIN,
    QUICK_SECONDS_MAX,
    Begun,
    Kind,
    Places,
    place_of,
)

GOOD, OTHER = "a@good.example", "b@other.example"


def used(places: Places, address: str, times: int, seconds: float = 0.1) -> None:
    for _ in range(times):
        begun = places.begin(address, is_code=True, now=0.0)
        assert begun is not None
        places.end(begun, seconds)


def filled(places: Places, address: str, now: float) -> list[Begun]:
    """As many messages to this address as may be under way."""
    begun: list[Begun] = []
    while (one := places.begin(address, is_code=True, now=now)) is not None:
        begun.append(one)
    return begun


def kind(places: Places, address: str, now: float = 0.0) -> Kind:
    return places.kind(place_of(address), now)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("a@QQ.com", "qq.com"),
        ('"a@b"@school.example', "school.example"),
        ("a@x1.y2.evil.example", "evil.example"),
        ("a@mail.school.edu.cn", "school.edu.cn"),
        ("a@school.cn", "school.cn"),
        ("a@example", "example"),
        ("+8613812345678", "+86138"),
    ],
)
def test_a_place_is_the_domain_that_somebody_registered_or_the_beginning_of_a_number(
    address: str, place: str
) -> None:
    assert place_of(address) == place


def test_the_mean_time_of_the_last_messages_says_what_a_place_is() -> None:
    places = Places(8)
    used(places, GOOD, QUICK_MESSAGES_MIN - 1)
    assert kind(places, GOOD) is Kind.UNKNOWN
    used(places, "another@mail.good.example", 1)
    assert kind(places, GOOD) is Kind.QUICK
    # One recipient whose server asks back, and even one that hangs, is not the whole provider.
    used(places, GOOD, 3, 5.0)
    assert kind(places, GOOD) is Kind.QUICK
    used(places, GOOD, 2, 20.0)
    assert kind(places, GOOD) is Kind.SLOW
    used(places, GOOD, 20)
    assert kind(places, GOOD) is Kind.QUICK
    used(places, OTHER, 1, QUICK_SECONDS_MAX + 0.1)
    assert kind(places, OTHER) is Kind.SLOW


@pytest.mark.parametrize(("connections", "most"), [(4, 3), (8, 6), (20, 15)])
def test_a_place_that_was_quick_and_is_slow_now_leaves_connections_to_others(
    connections: int, most: int
) -> None:
    places = Places(connections)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    used(places, OTHER, QUICK_MESSAGES_MIN)
    begun = filled(places, GOOD, now=0.0)
    assert len(begun) == most
    assert places.begin(OTHER, is_code=True, now=0.1)
    # They are under way for long: nobody waits for their end.
    assert kind(places, GOOD, now=QUICK_SECONDS_MAX) is Kind.QUICK
    assert kind(places, GOOD, now=10.0) is Kind.SLOW
    places.end(begun.pop(), 10.0)
    assert places.begin(GOOD, is_code=True, now=10.0) is None


def test_one_recipient_that_hangs_does_not_stop_the_place() -> None:
    places = Places(8)
    assert [places.begin(GOOD, is_code=False, now=0.0) for _ in range(2)]
    assert kind(places, GOOD, now=10.0) is Kind.SLOW
    assert places.begin("another@good.example", is_code=False, now=10.0)
    assert places.begin("another@good.example", is_code=False, now=10.0) is None


def test_what_takes_too_long_beyond_half_of_the_connections_is_overdue_the_oldest_first() -> None:
    places = Places(8)
    begun = [places.begin(f"a@quick-{n}.example", is_code=True, now=n / 10) for n in range(6)]
    assert None not in begun
    assert places.overdue(now=2.0) == []
    assert places.overdue(now=2.35) == []
    assert places.overdue(now=2.45) == begun[:1]
    assert places.overdue(now=9.0) == begun[:2]
    assert begun[0] is not None
    places.end(begun[0], 9.0)
    assert places.overdue(now=9.0) == begun[1:2]
    # A single connection is never taken away.
    one = Places(1)
    assert one.begin("a@slow.example", is_code=True, now=0.0)
    assert one.overdue(now=9.0) == []


def test_names_below_one_domain_have_no_more_than_the_domain() -> None:
    places = Places(8)
    for number in range(40):
        used(places, f"a@s{number}.evil.example", QUICK_MESSAGES_MIN)
    under_way = [places.begin(f"a@s{number}.evil.example", is_code=True, now=0.0) for number in range(40)]
    assert sum(one is not None for one in under_way) == 6
    assert places.begin(GOOD, is_code=True, now=1.0)


@pytest.mark.parametrize(
    ("connections", "unknown_max", "slow_max"), [(1, 1, 1), (3, 3, 3), (4, 3, 2), (8, 6, 4)]
)
def test_places_that_are_slow_leave_connections_to_unknown_ones_and_those_to_quick_ones(
    connections: int, unknown_max: int, slow_max: int
) -> None:
    places = Places(connections)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    for number in range(connections):
        used(places, f"a@slow{number}.example", 1, QUICK_SECONDS_MAX + 1)
    slow = [places.begin(f"a@slow{number}.example", is_code=True, now=0.0) for number in range(connections)]
    assert sum(one is not None for one in slow) == slow_max
    new = [places.begin(f"a@new{number}.example", is_code=True, now=0.0) for number in range(connections)]
    assert sum(one is not None for one in new) == unknown_max - slow_max
    assert (places.begin(GOOD, is_code=True, now=0.0) is not None) == (connections > unknown_max)


@pytest.mark.parametrize(("connections", "most"), [(1, 1), (3, 3), (4, 3), (8, 7)])
def test_what_is_no_code_leaves_one_connection_to_codes(connections: int, most: int) -> None:
    places = Places(connections)
    addresses = [f"a@{number}.good{number}.example" for number in range(connections)]
    for address in addresses:
        used(places, address, QUICK_MESSAGES_MIN)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    begun = [places.begin(address, is_code=False, now=0.0) for address in addresses]
    assert sum(one is not None for one in begun) == most
    assert places.take_only_codes
    assert places.begin(GOOD, is_code=False, now=0.0) is None
    assert (places.begin(GOOD, is_code=True, now=0.0) is not None) == (connections > most)


def test_a_single_connection_serves_one_message_after_the_other() -> None:
    places = Places(1)
    begun = places.begin(GOOD, is_code=False)
    assert begun
    assert places.begin(OTHER, is_code=True) is None
    places.end(begun, 30.0)
    assert places.begin(OTHER, is_code=False)


def test_of_many_places_the_one_that_was_used_longest_ago_is_forgotten() -> None:
    places = Places(8)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    for number in range(PLACES_MAX):
        used(places, f"a@{number}.test", 1)
    assert kind(places, GOOD) is Kind.UNKNOWN
