"""Whom a session admits, how many places one person may have, and registrations for the same time."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.registration.booking.admission import (
    PERSON_PLACES_MAX,
    UNVERIFIED_MAX,
    UNVERIFIED_PLACES_MAX,
    Trust,
    overlapping,
    refused,
    trust_of,
)
from services.registration.booking.rules import Registration
from services.registration.participants.rules import Participant, ParticipantId, Profile
from services.registration.sessions.rules import SessionId
from shared.contracts.events import ParticipantKind
from tests.registration.builders import HOLD, NOW, session, waiter


def participant(kind: ParticipantKind = "person", *, verified: bool = False) -> Participant:
    profile = Profile(kind, None, None, "other", "zh-CN", None)
    return Participant(
        ParticipantId("p"), profile, verified_at=NOW if verified else None, contact_hash="a-contact"
    )


def why_not(trust: Trust, places: int = 1, *, held: bool = False, **changes: Any) -> str | None:
    refusal = refused(session(**changes), places, trust, [], None, held=held)
    return refusal.code if refusal else None


def test_a_newcomer_is_unconfirmed_until_a_contact_is_confirmed_or_somebody_vouches() -> None:
    assert trust_of(None, vouched=False) == "unverified"
    assert trust_of(participant(), vouched=False) == "unverified"
    assert trust_of(participant(verified=True), vouched=False) == "verified"
    claimed = replace(participant(verified=True), contact_hash=None)
    assert trust_of(claimed, vouched=False) == "member"
    assert [trust_of(participant("group"), vouched=vouched) for vouched in (False, True)] == ["group"] * 2
    assert trust_of(participant(), vouched=True) == "vouched"


@pytest.mark.parametrize(
    ("admits", "trusted"),
    [
        ("anyone", ["unverified", "member", "verified", "group", "vouched"]),
        ("verified", ["verified", "group", "vouched"]),
        ("roster", ["group", "vouched"]),
    ],
)
def test_a_session_says_whom_it_admits(admits: str, trusted: list[str]) -> None:
    all_trust: list[Trust] = ["unverified", "member", "verified", "group", "vouched"]
    assert [one for one in all_trust if why_not(one, admits=admits) is None] == trusted


def test_a_person_gets_a_few_places_the_unconfirmed_fewer_and_a_body_any_number() -> None:
    few, more = UNVERIFIED_PLACES_MAX, PERSON_PLACES_MAX
    assert [why_not("unverified", n, held=True) for n in (few, few + 1)] == [
        None,
        "places_need_confirmation",
    ]
    assert [why_not("verified", n) for n in (more, more + 1)] == [None, "places_need_group"]
    # Nothing is held: the organisers want no confirmation.
    assert [why_not("unverified", n) for n in (more, more + 1)] == [None, "places_need_group"]
    assert [why_not("group", 60), why_not("vouched", 60)] == [None, None]


def test_a_session_may_say_another_number_of_places_for_a_person() -> None:
    for trust in ("verified", "vouched"):
        assert [why_not(trust, n, places_per_person_max=8) for n in (8, 9)] == [None, "places_need_group"]
        assert why_not(trust, 2, places_per_person_max=1) == "places_need_group"
    assert why_not("unverified", 2, held=True, places_per_person_max=1) == "places_need_group"
    assert why_not("unverified", 3, held=True, places_per_person_max=8) == "places_need_confirmation"
    assert why_not("group", 9, places_per_person_max=1) is None


def test_without_a_confirmed_contact_only_so_many_registrations_are_held() -> None:
    held = [replace(waiter(n), held_until=NOW + HOLD) for n in range(UNVERIFIED_MAX)]
    refusal = refused(session(), 1, "unverified", held, None, held=True)
    assert refusal is not None
    assert refusal.code == "held_too_many"
    assert refused(session(), 1, "unverified", held[1:], None, held=True) is None
    # A place that was confirmed before does not count, and nothing counts when nothing is held.
    assert refused(session(), 1, "unverified", [*held[1:], waiter(9)], None, held=True) is None
    assert refused(session(), 1, "verified", held, None, held=False) is None


def elsewhere(name: str) -> Registration:
    return replace(waiter(1, status="confirmed"), session_id=SessionId(name), registration_id=name)


def test_sessions_overlap_that_share_a_moment() -> None:
    of, hour = session(), timedelta(hours=1)
    when = {
        "before": (of.starts_at - hour, of.starts_at),
        "at-its-end": (of.ends_at - hour, of.ends_at + hour),
        "at-its-start": (of.starts_at - hour, of.starts_at + hour / 60),
        "after": (of.ends_at, of.ends_at + hour),
        of.session_id: (of.starts_at, of.ends_at),
    }
    theirs = [elsewhere(name) for name in when]
    first = overlapping(of, "verified", theirs, when)
    assert first is not None
    # The earliest of them.
    assert first.registration_id == "at-its-start"
    others = [one for one in theirs if not one.registration_id.startswith("at-its")]
    assert overlapping(of, "verified", others, when) is None
    assert overlapping(session(overlap="allow"), "verified", theirs, when) is None
    assert overlapping(of, "group", theirs, when) is None


@pytest.mark.parametrize(("overlap", "code"), [("warn", None), ("refuse", "overlaps")])
def test_an_overlap_is_refused_where_the_session_says_so(overlap: str, code: str | None) -> None:
    refusal = refused(session(overlap=overlap), 1, "verified", [], elsewhere("other"), held=False)
    assert (refusal.code if refusal else None) == code
