"""How many objections there may be, what identifies one, and what a decision does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.awards.objections.rules import (
    OBJECTIONS_MAX,
    OBJECTIONS_OF_ONE_MAX,
    OBJECTIONS_OF_PARTICIPANTS_MAX,
    Objection,
    Subject,
    check_all_decided,
    check_few,
    check_may_object,
    decided,
    new_objection,
)
from shared.runtime.errors import Conflict

NOW = datetime(2026, 5, 20, tzinfo=UTC)
SCHEME, SELECTION = Subject("finest"), Subject("finest", "finest")


def objection(subject: Subject = SCHEME, by: str | None = "somebody", words: str = "抄袭") -> Objection:
    return new_objection(subject, "recipient", words, by, NOW)


def refused(code: str) -> Any:
    return pytest.raises(Conflict, check=lambda error: error.code == code)


def test_a_participant_objects_once_and_what_an_organiser_writes_down_is_known_by_its_words() -> None:
    first = objection()
    assert first.objection_id == objection(words="又一次").objection_id
    others = [
        objection(by="another"),
        objection(by=None),
        objection(by=None, words="又一次"),
        objection(SELECTION),
    ]
    assert len({one.objection_id for one in (first, *others)}) == 5


def test_an_objection_is_decided_once() -> None:
    upheld = decided(objection(), "upheld", "属实", NOW)
    assert (upheld.version, upheld.is_open) == (2, False)
    assert decided(upheld, "upheld", "另一理由", NOW) is upheld
    with refused("objection_decided"):
        decided(upheld, "dismissed", "属实", NOW)


def test_there_are_few_objections_of_one_participant_and_of_all() -> None:
    own = [objection()] * OBJECTIONS_OF_ONE_MAX
    check_few(SCHEME, own[1:], "somebody")
    check_few(SCHEME, [*own, objection(by=None)], None)
    with refused("too_many_objections"):
        check_few(SCHEME, own, "somebody")
    with refused("too_many_objections"):
        check_few(SCHEME, [objection(by=None)] * OBJECTIONS_MAX, None)
    # Participants cannot fill the places of those whom organisers write down.
    full = [objection(by=None)] * OBJECTIONS_OF_PARTICIPANTS_MAX
    check_few(SCHEME, full, None)
    with refused("too_many_objections"):
        check_few(SCHEME, full, "somebody")


@pytest.mark.parametrize(
    ("published", "runs", "code"), [(False, False, "notice_unpublished"), (True, False, "notice_ended")]
)
def test_one_objects_while_a_notice_runs(published: bool, runs: bool, code: str) -> None:
    check_may_object(SCHEME, published=True, runs=True)
    with refused(code):
        check_may_object(SCHEME, published=published, runs=runs)


def test_nothing_is_final_while_an_objection_is_open() -> None:
    check_all_decided(SELECTION, 0)
    with refused("objections_undecided"):
        check_all_decided(SELECTION, 1)
