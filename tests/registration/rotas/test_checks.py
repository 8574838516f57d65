"""What may be done with a shift, by whom and when: every refusal, beside the case that is just good."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.registration.booking.admission import Enrolled
from services.registration.participants.rules import Participant, ParticipantId, Profile
from services.registration.rotas.checks import (
    check_assignable,
    check_consent,
    check_free,
    check_may_volunteer,
    check_may_work,
    check_moved,
    check_nobody,
    check_not_over,
    check_own_number,
    check_puttable,
    check_status,
    check_takes_place,
    check_withdrawable,
)
from services.registration.rotas.rules import (
    DECLINED,
    OWN_SHIFTS_MAX,
    REACH,
    REMOVED,
    SHIFT_ROUNDS_MAX,
    SHIFTS_MAX,
    VOLUNTEERS_MAX,
    WITHDRAWN,
    Busy,
    following,
)
from shared.runtime.errors import Rejected
from tests.registration.builders import NOW, session
from tests.registration.rotas.builders import assignment, rota, shift

HOUR = timedelta(hours=1)
STARTS_AT, ENDS_AT = shift().times
STREET = session()
LAST_DAY = datetime(2099, 12, 31, 20, tzinfo=UTC)


def refusal(check: Callable[..., object], *arguments: Any) -> str | None:
    """The code of the refusal; None if there is none."""
    try:
        check(*arguments)
    except Rejected as refused:
        return refused.code
    return None


def participant(**changes: Any) -> Participant:
    profile = Profile("person", None, None, "other", "zh-CN", None)
    return replace(Participant(ParticipantId("p1"), profile, verified_at=NOW), **changes)


def test_only_a_session_that_everybody_sees_and_that_takes_place_has_people() -> None:
    assert check_takes_place(STREET, "street-1") == STREET
    assert refusal(check_takes_place, None, "street-1") == "session_unknown"
    for hidden in ({"draft": True}, {"activity_draft": True}, {"removed": True}):
        assert refusal(check_takes_place, session(**hidden), "street-1") == "session_unknown"
    assert refusal(check_takes_place, session(cancelled="rain"), "street-1") == "session_cancelled"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"starts_at": STREET.starts_at - REACH}, None),
        ({"starts_at": STREET.starts_at - REACH - HOUR}, "shift_out_of_reach"),
        ({"ends_at": STREET.ends_at + REACH}, None),
        ({"ends_at": STREET.ends_at + REACH + HOUR}, "shift_out_of_reach"),
    ],
)
def test_a_shift_is_near_its_session(changes: dict[str, Any], code: str | None) -> None:
    assert refusal(check_puttable, STREET, rota(shifts=()), shift(**changes), NOW) == code


@pytest.mark.parametrize(
    ("moved", "code"),
    [
        ({}, None),
        ({"ends_at": STREET.ends_at - HOUR}, "shift_out_of_reach"),
        # The late shift would begin in 2100, and no event can say so.
        ({"starts_at": LAST_DAY, "ends_at": LAST_DAY + 2 * HOUR}, "shift_out_of_reach"),
        # The early shift would have ended already.
        ({"starts_at": STREET.starts_at - 2 * HOUR, "ends_at": STREET.ends_at - 2 * HOUR}, "shift_in_past"),
    ],
)
def test_a_session_takes_its_shifts_only_where_they_could_be_put(
    moved: dict[str, Any], code: str | None
) -> None:
    early = shift(shift_id="early", starts_at=NOW, ends_at=NOW + HOUR)
    late = shift(shift_id="late", starts_at=ENDS_AT + REACH - HOUR, ends_at=ENDS_AT + REACH)
    before, after = rota(early, late), replace(STREET, **moved)
    assert refusal(check_moved, after, before, following(before, after), NOW) == code


def test_a_session_has_so_many_shifts_and_none_once_it_is_cancelled() -> None:
    many = rota(*(shift(shift_id=f"s{number}") for number in range(SHIFTS_MAX)))
    assert refusal(check_puttable, STREET, many, shift(shift_id="s0"), NOW) is None
    assert refusal(check_puttable, STREET, many, shift(), NOW) == "shifts_of_session"
    assert refusal(check_puttable, session(cancelled="rain"), rota(), shift(), NOW) == "session_cancelled"


def test_a_shift_takes_as_many_as_are_on_it_and_does_not_move_into_the_past() -> None:
    busy = rota(shift(assigned=2, volunteered=5))
    assert refusal(check_puttable, STREET, busy, shift(most=2), NOW) is None
    assert refusal(check_puttable, STREET, busy, shift(most=1), NOW) == "most_below_assigned"
    earlier = shift(starts_at=STARTS_AT - 2 * HOUR, ends_at=STARTS_AT)
    assert refusal(check_puttable, STREET, busy, earlier, STARTS_AT) == "shift_in_past"
    assert refusal(check_puttable, STREET, busy, earlier, ENDS_AT) is None
    assert refusal(check_puttable, STREET, rota(shifts=()), earlier, ENDS_AT) is None


def test_a_session_with_people_on_its_rota_stays() -> None:
    assert refusal(check_nobody, rota()) is None
    assert refusal(check_nobody, rota(shift(volunteered=1))) == "session_has_rota"
    assert refusal(check_nobody, rota(shift(assigned=1))) == "session_has_rota"


def test_a_person_with_a_verified_contact_may_work() -> None:
    assert refusal(check_may_work, participant()) is None
    assert refusal(check_may_work, participant(verified_at=None)) == "shift_for_verified"
    school = Profile("group", None, None, "other", "zh-CN", None)
    assert refusal(check_may_work, participant(profile=school)) == "shift_for_person"


def test_a_minor_needs_a_consent_and_nobody_else_does() -> None:
    assert refusal(check_consent, None) is None
    assert refusal(check_consent, Enrolled(lacks_consent=False, lacks_as_member=True)) is None
    assert refusal(check_consent, Enrolled(lacks_consent=True, lacks_as_member=True)) == "consent_needed"


def test_who_may_volunteer_for_a_shift() -> None:
    gone = {code: assignment(status="ended", code=code) for code in (WITHDRAWN, DECLINED, REMOVED)}
    assert refusal(check_may_volunteer, shift(), None, NOW) is None
    assert refusal(check_may_volunteer, shift(), gone[WITHDRAWN], NOW) is None
    often = assignment(status="ended", code=WITHDRAWN, round=SHIFT_ROUNDS_MAX)
    assert refusal(check_may_volunteer, shift(), often, NOW) == "shift_rounds"
    assert refusal(check_may_volunteer, shift(), replace(often, round=SHIFT_ROUNDS_MAX - 1), NOW) is None
    assert refusal(check_may_volunteer, shift(), gone[DECLINED], NOW) == "shift_decided"
    assert refusal(check_may_volunteer, shift(), gone[REMOVED], NOW) == "shift_decided"
    assert refusal(check_may_volunteer, shift(), None, STARTS_AT) == "shift_begun"
    assert refusal(check_may_volunteer, shift(assigned=1), None, NOW) is None
    assert refusal(check_may_volunteer, shift(assigned=2), None, NOW) == "shift_full"
    assert refusal(check_may_volunteer, shift(volunteered=VOLUNTEERS_MAX - 1), None, NOW) is None
    assert refusal(check_may_volunteer, shift(volunteered=VOLUNTEERS_MAX), None, NOW) == "volunteers_enough"


def test_a_shift_is_given_until_it_is_over_and_given_back_until_it_begins() -> None:
    for check in (check_assignable, check_not_over):
        assert refusal(check, shift(), ENDS_AT - HOUR) is None
        assert refusal(check, shift(), ENDS_AT) == "shift_over"
    assert refusal(check_assignable, shift(assigned=2), NOW) == "shift_full"
    assert refusal(check_withdrawable, shift(), STARTS_AT - HOUR) is None
    assert refusal(check_withdrawable, shift(), STARTS_AT) == "shift_begun"


def test_an_organiser_declines_volunteers_and_removes_who_is_on_the_rota() -> None:
    volunteered, assigned = assignment(), assignment(status="assigned")
    assert refusal(check_status, volunteered, "volunteered") is None
    assert refusal(check_status, assigned, "assigned") is None
    assert refusal(check_status, assigned, "volunteered") == "assignment_decided"
    assert refusal(check_status, volunteered, "assigned") == "assignment_undecided"


def test_a_person_has_so_many_shifts_and_no_two_at_the_same_time() -> None:
    assert refusal(check_own_number, OWN_SHIFTS_MAX - 1) is None
    assert refusal(check_own_number, OWN_SHIFTS_MAX) == "shifts_of_person"
    assert refusal(check_free, shift(), [Busy("other", ENDS_AT, ENDS_AT + HOUR)]) is None
    assert refusal(check_free, shift(), [Busy("other", ENDS_AT - HOUR, ENDS_AT + HOUR)]) == "shift_overlaps"
