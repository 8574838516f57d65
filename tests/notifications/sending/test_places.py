"""A part of the connections is only for places that have been quick."""

import pytest

from services.notifications.sending.places import (
    PLACES_MAX,
    QUICK_MESSAGES_MIN,
    QUICK_SECONDS_MAX,
    Places,
    place_of,
)

GOOD, OTHER = "a@good.example", "b@other.example"


def used(places: Places, address: str, times: int, seconds: float = 0.1) -> None:
    for _ in range(times):
        was_quick = places.begin(address)
        assert was_quick is not None
        places.end(address, seconds, was_quick=was_quick)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("a@QQ.com", "qq.com"),
        ('"a@b"@school.example', "school.example"),
        ("+8613812345678", "+86138"),
    ],
)
def test_a_place_is_the_domain_of_a_mailbox_or_the_beginning_of_a_number(address: str, place: str) -> None:
    assert place_of(address) == place


def test_a_place_is_quick_after_some_quick_messages_until_one_is_slow() -> None:
    places = Places(8)
    used(places, GOOD, QUICK_MESSAGES_MIN - 1)
    assert not places.is_quick(GOOD)
    used(places, GOOD, 1)
    assert places.is_quick("another@good.example")
    used(places, GOOD, 1, QUICK_SECONDS_MAX + 0.1)
    assert not places.is_quick(GOOD)


@pytest.mark.parametrize(("connections", "others_max"), [(1, 1), (3, 3), (4, 3), (8, 6), (20, 15)])
def test_others_never_have_all_connections(connections: int, others_max: int) -> None:
    places = Places(connections)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    assert [places.begin(f"a@{number}.example") for number in range(others_max)] == [False] * others_max
    assert places.begin(OTHER) is None
    assert places.begin(GOOD) is True
    places.end("a@0.example", 20.0, was_quick=False)
    assert places.begin(OTHER) is False


def test_a_message_that_was_under_way_as_another_counts_as_another_at_its_end() -> None:
    places = Places(1)
    used(places, GOOD, QUICK_MESSAGES_MIN - 1)
    assert places.begin(GOOD) is False
    places.end(GOOD, 0.1, was_quick=False)
    assert places.is_quick(GOOD)
    assert places.begin(OTHER) is False


def test_of_many_places_the_one_that_was_used_longest_ago_is_forgotten() -> None:
    places = Places(8)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    for number in range(PLACES_MAX):
        used(places, f"a@{number}.example", 1)
    assert not places.is_quick(GOOD)
