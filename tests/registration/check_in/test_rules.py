"""What a scan is worth, decided without a database. The situations of others: test_scenarios.py."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.registration.check_in.rules import (
    CLOCK_SECONDS_MAX,
    UNDO_MAX,
    Scan,
    admit,
    arrived,
    check_undoable,
    clock_off,
    door_entry,
    since,
    true_time,
)
from shared.runtime.errors import Conflict
from tests.registration.check_in.scenes import STARTS_AT, Scene, holder, scan, session_at


@st.composite
def scans_of_one_ticket(draw: st.DrawFn) -> list[Scan]:
    """Scans of a few doors, some at the same moment, some where the door sent people away."""
    return [
        scan(
            number,
            minutes=draw(st.integers(0, 3)),
            device=draw(st.sampled_from(["door-1", "door-2", "door-3"])),
            asked=draw(st.none() | st.integers(1, 4)),
            let_in=draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 7)))
    ]


@given(scans_of_one_ticket(), st.integers(1, 5), st.data())
def test_the_order_in_which_scans_come_in_changes_no_verdict(
    scans: list[Scan], places: int, data: st.DataObject
) -> None:
    at_once = {one.scan_id: one for one in admit(places, scans)}
    known: dict[str, Scan] = {}
    left = data.draw(st.permutations(scans))
    while left:
        size = data.draw(st.integers(1, len(left)))
        some, left = left[:size], left[size:]
        # What is stored is decided again, as the service does it.
        known |= {one.scan_id: one for one in admit(places, [*known.values(), *some])}
    assert known == at_once


@given(scans_of_one_ticket(), st.integers(1, 5))
def test_no_ticket_lets_in_more_people_than_it_is_for(scans: list[Scan], places: int) -> None:
    decided = admit(places, scans)
    assert sum(one.people for one in decided) <= places
    assert all(one.people == 0 for one in decided if one.verdict != "ok" or not one.let_in)
    assert all(one.conflict == (one.let_in != (one.verdict == "ok")) for one in decided)


def test_of_two_doors_that_let_the_same_ticket_in_the_earlier_scan_counts() -> None:
    late, early = scan(1, minutes=5, device="door-1"), scan(2, minutes=1, device="door-2")
    decided = {one.device: one for one in admit(1, [late, early])}
    assert (decided["door-2"].verdict, decided["door-2"].conflict) == ("ok", False)
    assert (decided["door-1"].verdict, decided["door-1"].conflict) == ("already_checked_in", True)


def test_people_whom_a_door_sent_away_take_no_place() -> None:
    away, came = scan(1, minutes=1, let_in=False), scan(2, minutes=2)
    decided = {one.scan_id: one for one in admit(1, [away, came])}
    assert (decided[away.scan_id].verdict, decided[away.scan_id].conflict) == ("ok", True)
    assert (decided[came.scan_id].people, decided[came.scan_id].conflict) == (1, False)


def test_who_was_refused_at_once_stays_refused_whatever_comes_in_later() -> None:
    scene = Scene(holder(), session_at())
    first = scene.judge(STARTS_AT, door=scene.session)
    second = scene.judge(STARTS_AT + timedelta(minutes=1), door=scene.session)
    assert (second.verdict, second.let_in) == ("already_checked_in", False)
    scene.undo(first.scan_id, STARTS_AT + timedelta(minutes=2))
    assert [one.verdict for one in scene.scans] == ["ok", "already_checked_in"]
    assert scene.registration.status == "confirmed"
    assert scene.judge(STARTS_AT + timedelta(minutes=3), door=scene.session).verdict == "ok"


def test_only_the_first_people_and_the_last_undo_change_the_version() -> None:
    registration = holder(3)
    one = arrived(registration, [scan(1, people=1)])
    assert (one.status, one.people_in, one.version) == ("checked_in", 1, 2)
    all_in = arrived(one, [scan(1, people=1), scan(2, people=2)])
    assert (all_in.status, all_in.people_in, all_in.version) == ("checked_in", 3, 2)
    nobody = arrived(all_in, [scan(1), scan(2)])
    assert (nobody.status, nobody.people_in, nobody.version) == ("confirmed", 0, 3)


def test_since_is_when_the_first_people_came_in() -> None:
    assert since([scan(1, minutes=9, people=1), scan(2, minutes=4, people=1), scan(3, minutes=1)]) == (
        STARTS_AT + timedelta(minutes=4)
    )
    assert since([scan(1)]) is None


@pytest.mark.parametrize(
    ("one", "late", "code"),
    [
        (scan(1, people=1), UNDO_MAX, None),
        (scan(1, people=1), UNDO_MAX + timedelta(seconds=1), "undo_too_late"),
        (scan(1, people=0), timedelta(0), "scan_let_nobody_in"),
    ],
)
def test_only_a_recent_entry_is_undone(one: Scan, late: timedelta, code: str | None) -> None:
    if code is None:
        check_undoable(one, one.received_at + late)
        return
    with pytest.raises(Conflict) as refused:
        check_undoable(one, one.received_at + late)
    assert refused.value.code == code


@pytest.mark.parametrize(("ahead", "off"), [(0, 0), (60, 0), (-60, 0), (61, 61), (-3_600, -3_600)])
def test_a_clock_is_wrong_by_more_than_a_minute_or_not_at_all(ahead: int, off: int) -> None:
    assert CLOCK_SECONDS_MAX == 60
    assert clock_off(STARTS_AT + timedelta(seconds=ahead), STARTS_AT) == off


def test_the_time_of_a_scan_is_corrected_and_never_in_the_future() -> None:
    received = STARTS_AT + timedelta(hours=1)
    assert true_time(STARTS_AT + timedelta(hours=5), 4 * 3_600, received) == received
    assert true_time(STARTS_AT + timedelta(hours=4), 4 * 3_600, received) == STARTS_AT
    assert true_time(received + timedelta(seconds=5), 0, received) == received


def test_a_door_hears_of_a_registration_only_what_its_ticket_does_not_say() -> None:
    assert door_entry(holder(), erased=False) is None
    for changed, standing in (
        (holder(status="cancelled", version=2), "cancelled"),
        (replace(holder(), ticket_hash=None, ticket_locked=None), "revoked"),
        (holder(3, status="checked_in", version=2, people_in=2), "place"),
        (holder(2, version=2), "place"),
    ):
        entry = door_entry(changed, erased=False)
        assert entry is not None
        assert (entry.standing, entry.people_in) == (standing, changed.people_in)
    erased = door_entry(holder(), erased=True)
    assert erased is not None
    assert erased.standing == "revoked"
