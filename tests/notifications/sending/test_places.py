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
        begun = places.begin(address, is_code=False)
        assert begun is not None
        places.end(begun, seconds)


def is_quick(places: Places, address: str) -> bool:
    begun = places.begin(address, is_code=True)
    assert begun is not None
    places.end(begun, 0.1)
    return begun.to_quick_place


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
    assert not is_quick(places, GOOD)
    assert is_quick(places, "another@good.example")
    used(places, GOOD, 1, QUICK_SECONDS_MAX + 0.1)
    assert not is_quick(places, GOOD)


@pytest.mark.parametrize(("connections", "others_max"), [(1, 1), (3, 3), (4, 3), (8, 6), (20, 15)])
def test_places_that_may_be_slow_never_have_all_connections(connections: int, others_max: int) -> None:
    places = Places(connections)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    begun = [places.begin(f"a@{number}.example", is_code=True) for number in range(others_max)]
    assert None not in begun
    assert places.begin(OTHER, is_code=True) is None
    assert places.begin(GOOD, is_code=True)
    assert begun[0]
    places.end(begun[0], 20.0)
    assert places.begin(OTHER, is_code=True)


@pytest.mark.parametrize(("connections", "most"), [(1, 1), (3, 3), (4, 3), (8, 7)])
def test_what_is_no_code_leaves_one_connection_to_codes(connections: int, most: int) -> None:
    places = Places(connections)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    assert None not in [places.begin(GOOD, is_code=False) for _ in range(most)]
    assert places.take_only_codes
    assert places.begin(GOOD, is_code=False) is None
    assert places.begin(GOOD, is_code=True)


def test_a_message_that_was_under_way_as_another_counts_as_another_at_its_end() -> None:
    places = Places(1)
    used(places, GOOD, QUICK_MESSAGES_MIN - 1)
    begun = places.begin(GOOD, is_code=False)
    assert begun
    places.end(begun, 0.1)
    assert is_quick(places, GOOD)
    assert places.begin(OTHER, is_code=False)


def test_of_many_places_the_one_that_was_used_longest_ago_is_forgotten() -> None:
    places = Places(8)
    used(places, GOOD, QUICK_MESSAGES_MIN)
    for number in range(PLACES_MAX):
        used(places, f"a@{number}.example", 1)
    assert not is_quick(places, GOOD)
