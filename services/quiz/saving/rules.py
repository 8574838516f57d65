"""The answers of an attempt so far. All functions are pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from services.quiz.attempts.submission import Answers, Submission
from services.quiz.quizzes.record import Schedule
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX

# A worker waits this long after the last moment of an attempt, by its own clock. Then a submission in time is
# in the log. The broker's clock decides in the end (grading/rules.py).
HAND_IN_AFTER = timedelta(seconds=LOG_DELAY_SECONDS_MAX + 3)


class Sheet(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """`shared.contracts.events.QuizAnswersSaved`, field by field."""

    attempt_id: str
    quiz_id: str
    participant_id: str
    number: int
    started_at: datetime
    saved_at: datetime
    revision: int
    answers: Answers
    group_id: str | None = None
    district: str | None = None
    quiz_version: int | None = None

    def submitted(self, at: datetime, *, automatic: bool = False) -> Submission:
        """The answers as a submission at this moment."""
        return Submission(
            attempt_id=self.attempt_id,
            quiz_id=self.quiz_id,
            participant_id=self.participant_id,
            number=self.number,
            started_at=self.started_at,
            submitted_at=at,
            answers=self.answers,
            group_id=self.group_id,
            district=self.district,
            quiz_version=self.quiz_version,
            automatic=automatic,
        )


def latest(sheets: Iterable[Sheet]) -> list[Sheet]:
    """Of each attempt the sheet with the highest revision; of equal ones the first."""
    best: dict[str, Sheet] = {}
    for sheet in sheets:
        if sheet.revision > best.setdefault(sheet.attempt_id, sheet).revision:
            best[sheet.attempt_id] = sheet
    return list(best.values())


def handed_in(sheet: Sheet, schedule: Schedule) -> Submission:
    """
    The submission that hands the saved answers in: at the deadline, or in the grace if they were saved there.
    """
    deadline_at = schedule.last_moment(sheet.started_at) - schedule.grace
    return sheet.submitted(max(deadline_at, sheet.saved_at), automatic=True)


def due_at(sheet: Sheet, schedule: Schedule) -> datetime:
    """When the saved answers are handed in, if nothing was submitted."""
    return schedule.last_moment(sheet.started_at) + HAND_IN_AFTER
