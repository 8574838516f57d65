"""When a session is open, has begun, and is over."""

from datetime import timedelta

from msgspec.structs import replace

from tests.registration.builders import NOW, session

MOMENT = timedelta(milliseconds=1)


def test_registration_is_open_from_its_opening_until_its_closing() -> None:
    of = session(opens_at=NOW, closes_at=NOW + timedelta(hours=1))
    assert [of.is_open(NOW - MOMENT), of.is_open(NOW)] == [False, True]
    assert [of.is_open(of.last_moment - MOMENT), of.is_open(of.last_moment)] == [True, False]
    assert not replace(of, cancelled="weather").is_open(NOW)


def test_registration_closes_at_the_latest_when_the_session_ends() -> None:
    of = session()
    assert of.last_moment == of.ends_at
    assert replace(of, closes_at=of.ends_at + timedelta(days=1)).last_moment == of.ends_at


def test_a_session_begins_and_ends_at_its_times() -> None:
    of = session()
    assert [of.has_begun(of.starts_at - MOMENT), of.has_begun(of.starts_at)] == [False, True]
    assert [of.is_over(of.ends_at - MOMENT), of.is_over(of.ends_at)] == [False, True]


def test_all_places_that_nobody_holds_are_free() -> None:
    assert session(capacity=10, taken=4, waiting=3).free == 6
