"""Places, waiting and promotion as pure decisions."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.registration.booking.ids import registration_id
from services.registration.booking.rules import Registration, cancelled, decide, give_back, promote
from services.registration.sessions.rules import Session
from tests.registration.builders import NOW, session, waiter


def asked(of: Session, *places: int) -> tuple[list[str], Session]:
    verdicts = []
    for wanted in places:
        decision, of = decide(of, wanted, NOW)
        verdicts.append(decision.code or decision.verdict)
    return verdicts, of


def test_places_are_confirmed_until_none_is_free() -> None:
    verdicts, after = asked(session(capacity=2, waiting_max=1), 1, 1, 1, 1)
    assert verdicts == ["confirmed", "confirmed", "waitlisted", "session_full"]
    assert (after.taken, after.waiting, after.sequence) == (2, 1, 3)


def test_positions_count_from_one_in_the_order_of_asking() -> None:
    of = session(capacity=1, taken=1)
    positions = []
    for _ in range(3):
        decision, of = decide(of, 1, NOW)
        positions.append(decision.position)
    assert positions == [1, 2, 3]


def test_who_comes_after_a_waiter_waits_although_a_place_is_free() -> None:
    verdicts, after = asked(session(capacity=10, taken=8), 3, 1)
    assert verdicts == ["waitlisted", "waitlisted"]
    assert after.free == 2


def test_more_places_than_the_session_has_are_rejected_and_do_not_wait() -> None:
    verdicts, after = asked(session(capacity=10), 11)
    assert verdicts == ["places_above_capacity"]
    assert after.waiting == 0


def test_registration_opens_and_closes_when_the_organiser_says() -> None:
    assert decide(session(opens_at=NOW + timedelta(seconds=1)), 1, NOW)[0].code == "session_not_open"
    assert decide(session(opens_at=NOW), 1, NOW)[0].verdict == "confirmed"
    assert decide(session(closes_at=NOW), 1, NOW)[0].code == "session_closed"


def test_a_finished_session_confirms_nobody_whenever_it_closes() -> None:
    of = session()
    late = replace(of, closes_at=of.ends_at + timedelta(days=1))
    assert decide(late, 1, of.ends_at)[0].code == "session_closed"
    assert not late.is_open(of.ends_at)


def test_a_cancelled_session_takes_nobody_and_promotes_nobody() -> None:
    of = session(cancelled="weather", waiting=1)
    assert decide(of, 1, NOW)[0].code == "session_cancelled"
    assert promote(of, [waiter(1)], NOW)[0] == []
    assert not of.is_open(NOW)


def test_every_change_of_a_registration_counts_its_version() -> None:
    [moved], _ = promote(session(waiting=1), [waiter(1)], NOW)
    assert (moved.version, cancelled(moved).version) == (2, 3)


def test_without_a_closing_time_registration_is_open_until_the_session_ends() -> None:
    of = session()
    assert decide(of, 1, of.ends_at - timedelta(seconds=1))[0].verdict == "confirmed"
    assert decide(of, 1, of.ends_at)[0].code == "session_closed"


def test_promotion_takes_waiters_in_order_while_they_fit() -> None:
    moved, after = promote(session(taken=7, waiting=4), [waiter(1), waiter(2, 2), waiter(3), waiter(4)], NOW)
    assert [one.sequence for one in moved] == [1, 2]
    assert (after.taken, after.waiting) == (10, 2)


def test_a_head_that_does_not_fit_holds_up_those_behind_it() -> None:
    moved, after = promote(session(taken=8, waiting=2), [waiter(1, 3), waiter(2)], NOW)
    assert moved == []
    assert after.waiting == 2


def test_nobody_is_promoted_after_the_session() -> None:
    of = session(taken=9, waiting=1)
    assert promote(of, [waiter(1)], of.ends_at)[0] == []


def test_a_confirmed_registration_gives_back_places_and_a_waiting_one_its_wait() -> None:
    of = session(taken=5, waiting=2)
    assert give_back(of, waiter(1, 3, "confirmed")).taken == 2
    assert give_back(of, waiter(1, 3)).waiting == 1


def test_a_registration_id_tells_participant_and_session_apart() -> None:
    assert registration_id("p", "s") == registration_id("p", "s")
    assert len({registration_id("p", "s"), registration_id("p", "t"), registration_id("q", "s")}) == 3


@given(
    st.integers(1, 12),
    st.integers(0, 6),
    st.lists(st.one_of(st.integers(1, 4), st.integers(0, 5).map(lambda n: -1 - n)), max_size=60),
)
def test_whatever_is_asked_and_cancelled_nothing_is_oversold_and_nobody_jumps(
    capacity: int, waiting_max: int, steps: list[int]
) -> None:
    """A positive step asks for so many places; a negative one cancels one of those that stand."""
    of = session(capacity=capacity, waiting_max=waiting_max)
    holding: list[Registration] = []
    waiting: list[Registration] = []
    for step in steps:
        if step > 0:
            decision, of = decide(of, step, NOW)
            if decision.verdict == "confirmed":
                assert not waiting
                holding.append(waiter(of.sequence, step, "confirmed"))
            elif decision.verdict == "waitlisted":
                waiting.append(waiter(of.sequence, step))
                assert decision.position == len(waiting)
        elif standing := holding + waiting:
            gone = standing[-step % len(standing)]
            holding = [one for one in holding if one != gone]
            waiting = [one for one in waiting if one != gone]
            moved, of = promote(give_back(of, gone), waiting, NOW)
            assert [one.sequence for one in moved] == [one.sequence for one in waiting[: len(moved)]]
            holding += moved
            waiting = waiting[len(moved) :]
        assert of.taken == sum(one.places for one in holding) <= capacity
        assert of.waiting == len(waiting) <= waiting_max
        if waiting:
            assert waiting[0].places > of.free
    assert replace(of, taken=0, waiting=0, sequence=0) == session(capacity=capacity, waiting_max=waiting_max)
