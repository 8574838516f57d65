"""
A week as an organiser writes it: a folder of five JSON files.

    activities.json   {"activities": [{"activity_id": …, … as PUT /activities/{id} takes it}]}
    groups.json       {"groups": [{"group_id": …, …}]}
    questions.json    {"questions": […]}
    quiz.json         {"quiz_id": …, "quiz": {… without the questions}}
    schemes.json      {"schemes": [{"scheme_id": …, …}]}

All times can be moved by whole days, so that a past week can be played again.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from ops.errors import CommandError

Json: TypeAlias = dict[str, Any]
SAMPLE = Path(__file__).parents[2] / "sample" / "puyang-2023"
# How long the contest of a shifted week stays open.
CONTEST_DAYS = 8


class WeekError(CommandError):
    """The files of a week are wrong."""


@dataclass(frozen=True, slots=True)
class Week:
    """The activities, the groups that take part, the quiz, and the schemes of awards."""

    activities: list[Json]
    groups: list[Json]
    quiz_id: str
    quiz: Json
    schemes: list[Json]

    @property
    def is_over(self) -> bool:
        """True if all sessions have ended. False for a malformed week: the services report the errors."""
        try:
            ends = [
                datetime.fromisoformat(session["ends_at"])
                for activity in self.activities
                for session in activity["sessions"]
            ]
            return bool(ends) and max(ends) < datetime.now(UTC)
        except (KeyError, TypeError, ValueError):
            return False

    @property
    def first_day(self) -> datetime:
        """When the first session begins."""
        return min(
            datetime.fromisoformat(session["starts_at"])
            for activity in self.activities
            for session in activity["sessions"]
        )


def read(folder: Path = SAMPLE) -> Week:
    """
    Read a week.

    Raises:
        WeekError: a file is missing, is not JSON, or lacks a field of the form above.
    """

    def load(name: str) -> Json:
        try:
            found: Json = json.loads((folder / name).read_text("utf-8"))
        except FileNotFoundError:
            raise WeekError(
                f"{folder / name} is missing: a week has five files, copy those of {SAMPLE} to begin with"
            ) from None
        except json.JSONDecodeError as error:
            raise WeekError(f"{folder / name} is not JSON ({error}): correct it and load again") from None
        return found

    try:
        quiz = load("quiz.json")
        return Week(
            activities=load("activities.json")["activities"],
            groups=load("groups.json")["groups"],
            quiz_id=quiz["quiz_id"],
            quiz={**quiz["quiz"], "questions": load("questions.json")["questions"]},
            schemes=load("schemes.json")["schemes"],
        )
    except KeyError as missing:
        raise WeekError(
            f"a file of {folder} has no {missing.args[0]!r}: compare it with the same file of {SAMPLE}"
        ) from None


def moved(week: Week, days: int) -> Week:
    """The same week, this number of days later."""

    def move(value: Any, name: str = "") -> Any:
        match value:
            case dict():
                return {key: move(inner, key) for key, inner in value.items()}
            case list():
                return [move(inner) for inner in value]
            case str() if name.endswith("_at"):
                return (datetime.fromisoformat(value) + timedelta(days=days)).isoformat()
        return value

    return Week(move(week.activities), week.groups, week.quiz_id, move(week.quiz), week.schemes)


def from_tomorrow(week: Week, now: datetime) -> Week:
    """
    The same week with its first session tomorrow and its contest open now, to try things out.

    Raises:
        WeekError: a time is missing or cannot be read.
    """
    try:
        moved_week = moved(week, (now.date() - week.first_day.date()).days + 1)
    except (KeyError, TypeError, ValueError) as error:
        raise WeekError(
            f"the week can't be moved: a time is missing or is none ({error}); "
            "write times like 2023-05-20T09:00:00+08:00"
        ) from error
    opens_at, closes_at = now - timedelta(minutes=5), now + timedelta(days=CONTEST_DAYS)
    moved_week.quiz.update(opens_at=opens_at.isoformat(), closes_at=closes_at.isoformat())
    return moved_week
