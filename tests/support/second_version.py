"""
Only for tests: `quiz.completed` and a second version of it, `quiz.completed.v2`, with a renamed field.

The product has only the first version. Each test has topics of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from shared.contracts.checked import Id, Line, Moment
from shared.contracts.envelope import Event
from shared.contracts.events import Percent, Points, QuizCompleted, Seconds
from shared.contracts.successions import Succession


class Second(Event):
    """`QuizCompleted`, whose `score_percent` is called `percent`."""

    result_id: Id
    quiz_id: Id
    quiz_title: Line
    participant_id: Id
    group_id: Id | None
    district: Line | None
    points: Points
    points_max: Points
    percent: Percent
    passed: bool
    time_used_seconds: Seconds
    completed_at: Moment
    automatic: bool = False


@dataclass(frozen=True)
class Versions:
    """Both versions, and how the old one is made from the new one."""

    old: type[QuizCompleted]
    new: type[Second]

    def succession(
        self, since: datetime, until: datetime, older: "Callable[[Mapping[str, Any]], Mapping[str, Any]]"
    ) -> Succession:
        return Succession(self.old, self.new, since, until, older)


def renamed_back(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body of the old version."""
    return {**fields, "score_percent": fields["percent"]}


def versions() -> Versions:
    """Both versions in topics that no other test has."""
    topic = f"quiz.completed-{uuid4().hex[:12]}"

    class Old(QuizCompleted, topic=topic, key="participant_id"):
        pass

    class New(Second, topic=topic, key="participant_id", version=2, succeeds=Old):
        pass

    return Versions(Old, New)


def result(contract: type[Event], number: int, at: datetime) -> Event:
    """A result. The same number is the same result, in both versions."""
    fields = {
        "result_id": f"result-{number}",
        "quiz_id": "puyang",
        "quiz_title": "科技知识竞赛",
        "participant_id": f"person-{number % 3}",
        "group_id": None,
        "district": "华龙区",
        "points": 8.0,
        "points_max": 10.0,
        "passed": True,
        "time_used_seconds": 300 + number,
        "completed_at": at,
    }
    name = "percent" if "percent" in contract.model_fields else "score_percent"
    return contract.model_validate({**fields, name: 80})
