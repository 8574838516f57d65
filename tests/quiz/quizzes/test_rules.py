"""What a quiz may be, and when it is open."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import QuizRecord, Status, check_open, schedule_of
from services.quiz.quizzes.rules import QuizId, day_around, day_of
from shared.runtime.errors import Rejected
from tests.quiz.builders import question, quiz

NOW = datetime(2026, 5, 20, 4, tzinfo=UTC)
OPEN = {"opens_at": NOW, "closes_at": NOW + timedelta(days=2)}
QUIZ_ID = QuizId("contest")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"closes_at": NOW}, "not after opens_at"),
        ({"closes_at": NOW + timedelta(days=367)}, "366 days"),
        ({"closes_at": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)}, "years 2000 to 2099"),
        ({"timezone": "Mars/Olympus"}, "no such time zone"),
        ({"timezone": "../../etc/passwd"}, "no such time zone"),
        ({"blueprint": {"天文": 7}}, "asks for 7 of 天文, the bank has 6"),
        ({"blueprint": {"历史": 1}}, "the bank has 0"),
        ({"blueprint": {}}, "at least 1"),
        ({"questions": (question(1), question(1))}, "same id"),
        ({"questions": (question(1), question(2).model_copy(update={"text": "第1题？"}))}, "same text"),
        ({"opens_at": 1_779_000_000}, "written like"),
        ({"timezone": "Asia"}, "no such time zone"),
        ({"pass_percent": 101}, "100"),
        ({"surprise": 1}, "Extra inputs"),
        ({"least_plausible_seconds": 1_201, "duration_seconds": 1_200}, "above duration_seconds"),
        ({"least_plausible_seconds": 0}, "greater than or equal to 1"),
    ],
)
def test_a_quiz_that_cannot_be_sat_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        quiz(**(OPEN | changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key": "E"}, "option that does not exist"),
        ({"key": "BA", "kind": "multiple"}, "alphabetical"),
        ({"key": "AA", "kind": "multiple"}, "alphabetical"),
        ({"key": "AB"}, "exactly one"),
        (
            {
                "key": "AB",
                "kind": "true_false",
                "options": [{"id": "A", "text": "对"}, {"id": "B", "text": "错"}],
            },
            "exactly one",
        ),
        ({"options": [{"id": "A", "text": "x"}, {"id": "A", "text": "y"}]}, "not A, B, C"),
        ({"options": [{"id": "A", "text": "x"}, {"id": "C", "text": "y"}]}, "not A, B, C"),
        ({"options": [{"id": "B", "text": "x"}, {"id": "A", "text": "y"}]}, "not A, B, C"),
        ({"options": [{"id": "A", "text": "é"}, {"id": "B", "text": "e\u0301 "}]}, "same text"),
        ({"options": [{"id": "A", "text": "10 km"}, {"id": "B", "text": "１０\u3000ｋｍ"}]}, "same text"),
        ({"kind": "true_false"}, "two options"),
        ({"text": ""}, "visible"),
        ({"text": " \n\t"}, "visible"),
        ({"text": "\u3164"}, "visible"),
        ({"text": "\u200b\u200b"}, "visible"),
    ],
)
def test_a_key_that_does_not_fit_its_options_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Question.model_validate(question(1).model_dump() | changes)


def test_the_day_is_counted_where_the_quiz_is_held() -> None:
    of = quiz(**OPEN, timezone="Asia/Shanghai")
    assert day_of(of, datetime(2026, 5, 20, 15, 59, 59, tzinfo=UTC)) == "2026-05-20"
    assert day_of(of, datetime(2026, 5, 20, 16, 0, tzinfo=UTC)) == "2026-05-21"


# Clocks that change by day and at midnight (St. John's), skip a day (Apia), or never change.
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis wants bare ones)


@given(ZONES, MOMENTS, st.floats(0, 1))
def test_all_of_the_span_around_a_moment_is_the_same_day(zone: str, moment: datetime, where: float) -> None:
    of = quiz(**OPEN, timezone=zone)
    begins, ends = day_around(of, moment)
    assert begins == ends == moment or begins <= moment < ends
    if begins < ends:
        within = begins + where * (ends - begins - timedelta(microseconds=1))
        assert day_of(of, within) == day_of(of, moment)


@given(st.integers(0, 200_000))
def test_a_deadline_is_never_after_the_close_and_its_grace(seconds: int) -> None:
    of = quiz(**OPEN, duration_seconds=600, grace_seconds=7)
    started_at = NOW + timedelta(seconds=min(seconds, 172_799))
    latest = schedule_of(of, of.closes_at).last_moment(started_at)
    assert latest <= of.closes_at + timedelta(seconds=7)
    assert latest <= started_at + timedelta(seconds=607)


def test_an_attempt_keeps_the_time_it_was_promised_unless_the_quiz_closes_early() -> None:
    of = quiz(**OPEN, duration_seconds=600, grace_seconds=7)
    promised = schedule_of(of, of.closes_at).last_moment(NOW)
    early = schedule_of(of, NOW + timedelta(seconds=60))
    later = schedule_of(of, of.closes_at + timedelta(days=1))
    assert not later.is_over(promised, promised)
    assert later.is_over(promised, promised + timedelta(milliseconds=1))
    assert not early.is_over(promised, NOW + timedelta(seconds=67))
    assert early.is_over(promised, NOW + timedelta(seconds=68))


@pytest.mark.parametrize(
    ("moment", "status", "code"),
    [
        (NOW - timedelta(seconds=1), "open", "quiz_not_open"),
        (NOW, "open", None),
        (NOW + timedelta(days=2) - timedelta(milliseconds=1), "open", None),
        (NOW + timedelta(days=2), "open", "quiz_closed"),
        (NOW, "closing", "quiz_closed"),
        (NOW, "closed", "quiz_closed"),
    ],
)
def test_a_quiz_is_open_from_its_opening_to_its_close(
    moment: datetime, status: Status, code: str | None
) -> None:
    of = quiz(**OPEN)
    try:
        check_open(QuizRecord(QUIZ_ID, of, status, of.closes_at, 1), moment)
        found = None
    except Rejected as why:
        found = why.code
    assert found == code
