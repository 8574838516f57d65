"""The recomputation notices what is spoilt: each kind of fault in the log of a small contest."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.audit.log import Entry, Log
from shared.contracts.events import (
    FinalStanding,
    QuizClosed,
    QuizCompleted,
    QuizRegraded,
    QuizSubmitted,
)
from tests.quiz.builders import noon_zone
from tests.quiz.regrading.crowd.check import figures, wrong_in_log
from tests.quiz.regrading.crowd.contest import (
    FIRST,
    QUIZ,
    SECOND,
    Rules,
    definition,
    half_points_in,
    person,
    ranks,
    seconds_in,
    sheets,
)
from tests.quiz.regrading.crowd.crowd import Played, Report
from tests.quiz.regrading.crowd.expected import Attempt, Expected
from tests.quiz.regrading.crowd.sender import profile_of
from tests.support.logged import logged
from tests.support.service import enclosed

NOW = datetime.now(UTC).replace(microsecond=0)
PEOPLE = 60
Spoil = Callable[[list[Entry], Report], Any]


def at(entry: Entry, seconds: float) -> Entry:
    """The record, appended so many seconds after the beginning."""
    return replace(entry, time_ms=round((NOW.timestamp() + seconds) * 1_000))


def contest() -> tuple[Played, list[Entry]]:
    """A contest in which all is right: graded, corrected twice, closed."""
    rules = Rules(definition(NOW, noon_zone(NOW), 5), (FIRST, SECOND))
    crowd = list(sheets(rules, PEOPLE, NOW, random.Random(3)))  # noqa: S311 (no secret)
    report = Report()
    moments = [NOW + timedelta(seconds=seconds) for seconds in range(60)]
    report.asked = [(moments[10], moments[11]), (moments[30], moments[31])]
    report.corrected = [(moments[12], moments[13]), (moments[32], moments[33])]
    played = Played(rules, [person(place) for place in range(PEOPLE)], crowd, report)
    submitted = [
        at(
            logged(enclosed(QuizSubmitted(quiz_id=QUIZ, quiz_version=1, **_fields(one)), one.attempt_id), n),
            1,
        )
        for n, one in enumerate(crowd)
    ]
    of = Expected(played, Log(submitted))
    log = [*submitted, *_told(of), at(logged(enclosed(_closed(of), QUIZ)), 50)]
    for number in (1, 2):
        found = figures(of, number, list(of.attempts.values()))
        ranks_differ = found.pop("ranks")
        report.previews.append({"figures": found, "ranks": ranks_differ})
        report.outcomes.append(dict(found))
    return played, log


def _fields(sheet: Any) -> dict[str, Any]:
    names = ("attempt_id", "participant_id", "number", "started_at", "submitted_at", "answers")
    return {name: getattr(sheet, name) for name in names}


def _told(of: Expected) -> list[Entry]:
    places = {who: place for place, who in enumerate(of.played.people)}
    told: list[Entry] = []
    for one in of.attempts.values():
        group_id, district = profile_of(places[one.participant_id])
        event = QuizCompleted(group_id=group_id, district=district, **_result(of, one, 0))
        told.append(at(logged(enclosed(event, one.attempt_id)), 5))
        version = 1
        for number in (1, 2):
            old, new = one.half_points[number - 1 : number + 1]
            if old != new:
                version += 1
                told.append(
                    at(
                        logged(enclosed(_changed(of, one, number, version), f"{event.result_id}/{number}")),
                        40,
                    )
                )
    return told


def _result(of: Expected, one: Attempt, number: int) -> dict[str, Any]:
    half_points = one.half_points[number]
    return {
        "result_id": one.attempt_id,
        "quiz_id": QUIZ,
        "quiz_title": "科普知识竞赛",
        "participant_id": one.participant_id,
        "points": half_points / 2,
        "points_max": of.rules.half_points_max / 2,
        "score_percent": of.rules.percent(half_points),
        "passed": of.rules.passes(half_points),
        "time_used_seconds": one.seconds,
        "completed_at": NOW,
    }


def _changed(of: Expected, one: Attempt, number: int, version: int) -> QuizRegraded:
    before = one.half_points[number - 1]
    return QuizRegraded(
        version=version,
        correction=number,
        code=("key_corrected", "question_cancelled")[number - 1],
        points_before=before / 2,
        passed_before=of.rules.passes(before),
        regraded_at=NOW,
        **_result(of, one, number),
    )


def _closed(of: Expected) -> QuizClosed:
    best = of.best(2)
    rank = ranks(best)
    standings = [
        FinalStanding(
            rank=rank[who],
            participant_id=who,
            points=half_points_in(best[who]) / 2,
            score_percent=of.rules.percent(half_points_in(best[who])),
            time_used_seconds=seconds_in(best[who]),
        )
        for who in sorted(best, key=best.__getitem__, reverse=True)
    ]
    return QuizClosed(
        quiz_id=QUIZ,
        quiz_title="科普知识竞赛",
        closed_at=NOW,
        participants=len(best),
        points_max=of.rules.half_points_max / 2,
        standings=tuple(standings),
    )


def first_of(log: list[Entry], topic: str) -> int:
    return next(place for place, one in enumerate(log) if one.topic == topic)


def changed(log: list[Entry], topic: str, **fields: Any) -> None:
    """The first event of a topic says something else."""
    place = first_of(log, topic)
    kind = {one.topic: one for one in (QuizCompleted, QuizRegraded, QuizClosed)}[topic]
    event = kind.model_validate_json(log[place].value or b"").model_copy(update=fields)
    log[place] = replace(log[place], value=event.model_dump_json().encode())


def said_again(log: list[Entry], topic: str) -> None:
    """The first event of a topic is said a second time, by another event."""
    log.append(replace(log[first_of(log, topic)], event_id="another"))


def at_the_top(log: list[Entry], _: Report) -> None:
    """The first two of the close change places."""
    said = QuizClosed.model_validate_json(log[first_of(log, "quiz.closed")].value or b"").standings
    swapped = (
        said[0].model_copy(update={"participant_id": said[1].participant_id}),
        said[1].model_copy(update={"participant_id": said[0].participant_id}),
    )
    changed(log, "quiz.closed", standings=(*swapped, *said[2:]))


SPOILT: dict[str, tuple[Spoil, str]] = {
    "a result is missing": (
        lambda log, _: log.pop(first_of(log, "quiz.completed")),
        "attempts without a result",
    ),
    "a result has other points": (
        lambda log, _: changed(log, "quiz.completed", points=0.5),
        "quiz.completed that says something else",
    ),
    "a change is not told of": (
        lambda log, _: log.pop(first_of(log, "quiz.regraded")),
        "results whose quiz.regraded are not",
    ),
    "a change is told of twice": (
        lambda log, _: said_again(log, "quiz.regraded"),
        "quiz.regraded told by two",
    ),
    "a change says other points before": (
        lambda log, _: changed(log, "quiz.regraded", points_before=0.5),
        "results whose quiz.regraded are not",
    ),
    "a result is told of twice": (
        lambda log, _: said_again(log, "quiz.completed"),
        "quiz.completed told by two",
    ),
    "the best change places": (at_the_top, "they list other people"),
    "one is missing at the close": (
        lambda log, _: changed(log, "quiz.closed", participants=1),
        "of 1 people",
    ),
    "the preview was wrong": (lambda _, report: report.previews[1].update(ranks=-1), "preview at rest"),
    "the outcome was wrong": (lambda _, report: report.outcomes[1].update(changed=-1), "outcome at rest"),
    "the preview under load was wrong": (
        lambda _, report: report.previews[0]["figures"].update(raised=-1),
        "preview under load: 1, such as ['raised",
    ),
    "a receipt is not in the log": (
        lambda _, report: report.receipts.update({"an-attempt": "a-receipt"}),
        "receipts that the log does not have",
    ),
}


def test_where_all_is_right_nothing_is_wrong() -> None:
    played, log = contest()
    assert {one.topic for one in log} >= {"quiz.completed", "quiz.regraded", "quiz.closed"}
    assert wrong_in_log(Expected(played, Log(log))) == []


@pytest.mark.parametrize("name", SPOILT)
def test_each_thing_that_is_spoilt_is_noticed(name: str) -> None:
    spoil, noticed = SPOILT[name]
    played, log = contest()
    spoil(log, played.report)
    assert any(noticed in one for one in wrong_in_log(Expected(played, Log(log))))
