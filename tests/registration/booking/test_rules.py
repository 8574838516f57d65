"""Places, waits and what becomes of them as pure decisions."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from services.registration.booking.ids import registration_id
from services.registration.booking.rules import (
    accepted,
    cancelled,
    check_acceptable,
    decide,
    give_back,
    promoted,
)
from services.registration.sessions.rules import Session
from shared.runtime.errors import Conflict
from tests.registration.builders import HOLD, NOW, session, waiter


def asked(of: Session, *places: int) -> tuple[list[str], Session]:
    decided = []
    for wanted in places:
        decision, of = decide(of, wanted, NOW)
        decided.append(decision.code or decision.status)
    return decided, of


def test_places_are_confirmed_until_none_is_free() -> None:
    decided, after = asked(session(capacity=2, waiting_max=1), 1, 1, 1, 1)
    assert decided == ["confirmed", "confirmed", "waitlisted", "session_full"]
    assert (after.taken, after.waiting, after.sequence) == (2, 1, 3)


def test_positions_count_from_one_in_the_order_of_asking() -> None:
    of = session(capacity=1, taken=1)
    positions = []
    for _ in range(3):
        decision, of = decide(of, 1, NOW)
        positions.append(decision.position)
    assert positions == [1, 2, 3]


def test_who_comes_after_a_waiter_waits_although_a_place_is_free() -> None:
    decided, after = asked(session(capacity=10, taken=8), 3, 1)
    assert decided == ["waitlisted", "waitlisted"]
    assert after.free == 2


def test_more_places_than_the_session_has_are_rejected_and_do_not_wait() -> None:
    decided, after = asked(session(capacity=10), 11)
    assert decided == ["places_above_capacity"]
    assert after.waiting == 0


def test_registration_opens_and_closes_when_the_organiser_says() -> None:
    assert decide(session(opens_at=NOW + timedelta(seconds=1)), 1, NOW)[0].code == "session_not_open"
    assert decide(session(opens_at=NOW), 1, NOW)[0].status == "confirmed"
    assert decide(session(closes_at=NOW), 1, NOW)[0].code == "session_closed"


def test_a_finished_session_confirms_nobody_whenever_it_closes() -> None:
    of = session()
    late = replace(of, closes_at=of.ends_at + timedelta(days=1))
    assert decide(late, 1, of.ends_at)[0].code == "session_closed"
    assert not late.is_open(of.ends_at)


def test_a_cancelled_session_takes_nobody_and_promotes_nobody() -> None:
    of = session(cancelled="weather", waiting=1)
    assert decide(of, 1, NOW)[0].code == "session_cancelled"
    assert not of.promotes(NOW)
    assert not of.is_open(NOW)


def test_every_change_of_a_registration_counts_its_version() -> None:
    moved = promoted(waiter(1), session(), NOW, HOLD)
    assert (moved.version, cancelled(moved).version) == (2, 3)
    offered = promoted(waiter(1), session(offer_minutes=60), NOW, HOLD)
    assert (offered.version, accepted(offered).version) == (2, 3)


def test_without_a_confirmed_contact_a_place_is_only_held_and_a_wait_ends() -> None:
    until = NOW + HOLD
    decision, after = decide(session(capacity=1, waiting_max=1), 1, NOW, until)
    assert (decision.status, decision.until, after.runs_out_at, after.taken) == ("held", until, until, 1)
    decision, after = decide(after, 1, NOW + HOLD, until + HOLD)
    assert (decision.status, decision.until) == ("waitlisted", until + HOLD)
    # The first moment at which something may run out.
    assert after.runs_out_at == until


def test_a_promoted_wait_is_confirmed_offered_or_held() -> None:
    of, offers = session(), session(offer_minutes=60)
    unconfirmed = replace(waiter(1), held_until=NOW + HOLD / 2)
    outcomes = [
        (one.status, one.held_until)
        for one in (
            promoted(waiter(1), of, NOW, HOLD),
            promoted(waiter(1), offers, NOW, HOLD),
            promoted(unconfirmed, offers, NOW, HOLD),
            # Nothing is held any more since the organisers changed the setting.
            promoted(unconfirmed, of, NOW, None),
        )
    ]
    assert outcomes == [
        ("confirmed", None),
        ("offered", NOW + timedelta(hours=1)),
        ("held", NOW + HOLD),
        ("confirmed", None),
    ]


def test_an_offer_ends_at_the_latest_when_the_session_starts() -> None:
    of = session(offer_minutes=60)
    shortly_before = of.starts_at - timedelta(minutes=5)
    assert promoted(waiter(1), of, shortly_before, HOLD).held_until == of.starts_at


def test_an_offer_is_accepted_until_its_last_moment() -> None:
    of = session()
    offer = replace(waiter(1, status="offered"), held_until=NOW)
    check_acceptable(offer, of, NOW - timedelta(milliseconds=1))
    for one, its_session, now, code in (
        (offer, of, NOW, "offer_expired"),
        (offer, replace(of, cancelled="weather"), NOW - HOLD, "session_cancelled"),
        (replace(offer, status="waitlisted"), of, NOW - HOLD, "not_offered"),
        (replace(offer, status="held"), of, NOW - HOLD, "not_offered"),
    ):
        with pytest.raises(Conflict) as refused:
            check_acceptable(one, its_session, now)
        assert refused.value.code == code


def test_after_the_start_or_the_closing_nobody_is_put_on_the_waiting_list() -> None:
    of = session(capacity=1, taken=1, waiting_max=5)
    closing = replace(of, closes_at=of.starts_at - HOLD)
    assert decide(of, 1, of.starts_at - HOLD)[0].status == "waitlisted"
    assert decide(of, 1, of.starts_at)[0].code == "session_full"
    assert decide(closing, 1, closing.starts_at - HOLD)[0].code == "session_closed"
    assert [closing.promotes(closing.starts_at - 2 * HOLD), closing.promotes(closing.starts_at - HOLD)] == [
        True,
        False,
    ]


def test_without_a_closing_time_registration_is_open_until_the_session_ends() -> None:
    of = session()
    assert decide(of, 1, of.ends_at - timedelta(seconds=1))[0].status == "confirmed"
    assert decide(of, 1, of.ends_at)[0].code == "session_closed"


def test_a_confirmed_registration_gives_back_places_and_a_waiting_one_its_wait() -> None:
    of = session(taken=5, waiting=2)
    assert give_back(of, waiter(1, 3, "confirmed")).taken == 2
    assert give_back(of, waiter(1, 3)).waiting == 1


def test_a_registration_id_tells_participant_and_session_apart() -> None:
    assert registration_id("p", "s") == registration_id("p", "s")
    assert len({registration_id("p", "s"), registration_id("p", "t"), registration_id("q", "s")}) == 3
