"""What may be done with a shift, by whom, and when. All functions are pure, and raise refusals."""

from collections.abc import Iterable
from datetime import UTC, datetime

from services.registration.booking.admission import Enrolled
from services.registration.participants.rules import Participant
from services.registration.rotas.rules import (
    DECLINED,
    OWN_SHIFTS_MAX,
    REACH,
    REMOVED,
    SHIFT_ROUNDS_MAX,
    SHIFTS_MAX,
    VOLUNTEERS_MAX,
    Assignment,
    Busy,
    Rota,
    Shift,
    Status,
    overlapping,
    session_unknown,
)
from services.registration.sessions.rules import Session
from shared.contracts.checked import YEARS
from shared.runtime.errors import Conflict, Forbidden, Rejected


def check_takes_place(session: Session | None, session_id: str) -> Session:
    """
    Check that a session is published and takes place, and return it.

    Raises:
        NotFound: there is none, or only organisers know it.
        Conflict: it is cancelled.
    """
    if session is None or not session.is_public:
        raise session_unknown(session_id)
    if session.cancelled is not None:
        raise Conflict("the session is cancelled", code="session_cancelled")
    return session


def check_puttable(session: Session, rota: Rota, put: Shift, now: datetime) -> None:
    """
    Check that an organiser may put a shift: a new one, or a change of the one with this id.

    Raises:
        Rejected: it is not near its session.
        Conflict: the session is cancelled or has too many shifts, more people are on the rota than the shift
            would take, or it would have ended already, and has not.
    """
    if session.cancelled is not None:
        raise Conflict("the session is cancelled", code="session_cancelled")
    _check_near(session, put)
    before = rota.find(put.shift_id)
    if before is None and len(rota.shifts) >= SHIFTS_MAX:
        raise Conflict(
            f"a session has at most {SHIFTS_MAX} shifts", code="shifts_of_session", shifts=SHIFTS_MAX
        )
    if before is not None and put.most < before.assigned:
        raise Conflict(
            f"{before.assigned} people are on the rota of this shift, so {put.most} are too few",
            code="most_below_assigned",
            assigned=before.assigned,
        )
    if before is not None:
        _check_not_into_the_past(before, put, now)


def check_moved(session: Session, before: Rota, after: Rota, now: datetime) -> None:
    """
    Check that the shifts of a session are good where its change takes them, as if an organiser had put them.

    Raises:
        Rejected: a shift is not near its session any more, or in a year that no event may name.
        Conflict: it would have ended already, and has not.
    """
    for shift in after.shifts:
        _check_near(session, shift)
        _check_not_into_the_past(before.shift(shift.shift_id), shift, now)


def _check_near(session: Session, shift: Shift) -> None:
    too_far = shift.starts_at < session.starts_at - REACH or shift.ends_at > session.ends_at + REACH
    # A time that somebody puts is in these years; one that is moved along may not be.
    if too_far or any(time.astimezone(UTC).year not in YEARS for time in shift.times):
        raise Rejected(
            f"shift {shift.shift_id} would be from {_utc(shift.starts_at)} to {_utc(shift.ends_at)}; a shift"
            f" is within {REACH.days} day of its session, which is from {_utc(session.starts_at)} to"
            f" {_utc(session.ends_at)}, and in the years {YEARS[0]} to {YEARS[-1]}",
            code="shift_out_of_reach",
            shift_id=shift.shift_id,
            days=REACH.days,
            years=f"{YEARS[0]}–{YEARS[-1]}",
        )


def _check_not_into_the_past(before: Shift, after: Shift, now: datetime) -> None:
    if after.is_over(now) and not before.is_over(now):
        raise Conflict(
            f"shift {after.shift_id} would have ended already, at {_utc(after.ends_at)}",
            code="shift_in_past",
            shift_id=after.shift_id,
        )


def check_nobody(rota: Rota) -> None:
    """
    Check that nobody is on a rota, so that its session can be removed.

    Raises:
        Conflict: somebody is, or has volunteered.
    """
    if rota.people:
        raise Conflict(
            f"session {rota.session_id}: {rota.people} people are on its rota or have volunteered; cancel it"
            " first",
            code="session_has_rota",
            session_id=rota.session_id,
            people=rota.people,
        )


def check_may_work(participant: Participant) -> None:
    """
    Check that a participant can be on a rota.

    Raises:
        Conflict: it is a school, unit or service team.
        Forbidden: nobody knows whose the contact is.
    """
    if participant.is_group:
        raise Conflict(
            "a school, unit or service team takes no shift; its people do", code="shift_for_person"
        )
    if not participant.is_verified:
        raise Forbidden(
            "shifts are for people with a verified contact; verify it first", code="shift_for_verified"
        )


def check_consent(enrolled: Enrolled | None) -> None:
    """
    Check that a minor has a guardian's consent, if the session asks for it.

    Args:
        enrolled: what rosters say of the participant; None: no member of a group.

    Raises:
        Conflict: no guardian has agreed.
    """
    if enrolled is not None and enrolled.lacks_consent:
        raise Conflict(
            "a guardian has to agree first; your school or organisation has the link", code="consent_needed"
        )


def check_may_volunteer(shift: Shift, before: Assignment | None, now: datetime) -> None:
    """
    Check that somebody may volunteer for a shift.

    Args:
        before: what the participant had to do with the shift before; it has ended.

    Raises:
        Conflict: it has begun, or has enough people or volunteers; or an organiser has declined or removed
            the participant, who may also have volunteered too often.
    """
    if shift.has_begun(now):
        raise Conflict("the shift has begun", code="shift_begun")
    if before is not None and before.code in (DECLINED, REMOVED):
        raise Conflict("the organisers have decided on this shift for you already", code="shift_decided")
    if before is not None and before.round >= SHIFT_ROUNDS_MAX:
        raise Conflict(
            f"you have volunteered for this shift {SHIFT_ROUNDS_MAX} times; ask the organisers",
            code="shift_rounds",
            rounds=SHIFT_ROUNDS_MAX,
        )
    _check_room(shift)
    if shift.volunteered >= VOLUNTEERS_MAX:
        raise Conflict(
            f"{VOLUNTEERS_MAX} people have volunteered for this shift already",
            code="volunteers_enough",
            people=VOLUNTEERS_MAX,
        )


def check_assignable(shift: Shift, now: datetime) -> None:
    """
    Check that a shift takes one more person.

    Raises:
        Conflict: it is over, or has as many as it may have.
    """
    check_not_over(shift, now)
    _check_room(shift)


def _check_room(shift: Shift) -> None:
    if shift.assigned >= shift.most:
        raise Conflict(f"the shift has its {shift.most} people", code="shift_full", people=shift.most)


def check_not_over(shift: Shift, now: datetime) -> None:
    """
    Check that a shift is not over.

    Raises:
        Conflict: it is.
    """
    if shift.is_over(now):
        raise Conflict("the shift is over", code="shift_over")


def check_withdrawable(shift: Shift, now: datetime) -> None:
    """
    Check that somebody may still withdraw.

    Raises:
        Conflict: the shift has begun.
    """
    if shift.has_begun(now):
        raise Conflict("the shift has begun", code="shift_begun")


def check_status(assignment: Assignment, status: Status) -> None:
    """
    Check that an organiser declines only who has volunteered, and removes only who is on the rota.

    Raises:
        Conflict: it is the other one; a colleague may have decided at the same moment.
    """
    if status == "volunteered" and assignment.status == "assigned":
        raise Conflict("the participant is on the rota; remove them", code="assignment_decided")
    if status == "assigned" and assignment.status == "volunteered":
        raise Conflict("the participant has only volunteered; decline them", code="assignment_undecided")


def check_own_number(live: int) -> None:
    """
    Check that somebody may take one more shift.

    Args:
        live: how many the participant has, at all sessions.

    Raises:
        Conflict: no more.
    """
    if live >= OWN_SHIFTS_MAX:
        raise Conflict(
            f"one person has at most {OWN_SHIFTS_MAX} shifts", code="shifts_of_person", shifts=OWN_SHIFTS_MAX
        )


def check_free(shift: Shift, others: Iterable[Busy]) -> None:
    """
    Check that somebody is on no other rota at the time of this shift.

    Args:
        others: the other shifts for which the participant is on a rota.

    Raises:
        Conflict: there is one at the same time.
    """
    other = overlapping(shift.times, others)
    if other is not None:
        raise Conflict(
            f"assignment {other.id} of the same person is for the same time",
            code="shift_overlaps",
            assignment_id=other.id,
        )


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
