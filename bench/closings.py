"""
A closed quiz whose results come at the close: its events, as quiz would publish them, without the quiz.

Everybody reaches the pass mark, and nobody shares a rank.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.contest import DISTRICT, Contest, person_of
from services.quiz.quizzes.events import published
from shared.contracts.envelope import enclose
from shared.contracts.events import STANDINGS_MAX, FinalStanding, QuizClosed, QuizCompleted
from shared.contracts.sources import QUIZ
from shared.messaging.publisher import Record, to_record

POINTS_MAX = 100
# Half points from 100 down to 40. The pass mark of the schemes is below.
STEPS = 121
PASS_MARK_PERCENT = 30
SECONDS_MIN = 60


@dataclass(frozen=True, slots=True)
class Closed:
    """A quiz of this name that so many people took. Person number n has rank n + 1."""

    quiz_id: str
    title: str
    people: int
    at: datetime

    @classmethod
    def now(cls, name: str, people: int) -> "Closed":
        return cls(f"bench-{name}", "科技创新和科学技术普及知识竞赛", people, datetime.now(UTC))

    @property
    def listed(self) -> int:
        """How many standings the closing lists."""
        return min(self.people, STANDINGS_MAX)

    def published(self, contest: Contest) -> Record:
        """The event that makes the quiz known: the sample's quiz under another name."""
        return to_record(published(self.quiz_id, contest.quiz, 1, self.at))

    def results(self) -> Iterator[Record]:
        """A result of each person."""
        for number in range(self.people):
            points, seconds = self._score(number)
            result_id = person_of(f"{self.quiz_id}/result", number)
            event = QuizCompleted(
                result_id=result_id,
                quiz_id=self.quiz_id,
                quiz_title=self.title,
                participant_id=person_of(self.quiz_id, number),
                group_id=None,
                district=DISTRICT,
                points=points,
                points_max=POINTS_MAX,
                score_percent=int(points),
                passed=True,
                time_used_seconds=seconds,
                completed_at=self.at - timedelta(seconds=60),
            )
            yield to_record(enclose(event, source=QUIZ, cause=result_id, now=self.at))

    def closing(self) -> Record:
        """The final standings."""
        standings = []
        for number in range(self.listed):
            points, seconds = self._score(number)
            standings.append(
                FinalStanding(
                    rank=number + 1,
                    participant_id=person_of(self.quiz_id, number),
                    points=points,
                    score_percent=int(points),
                    time_used_seconds=seconds,
                )
            )
        event = QuizClosed(
            quiz_id=self.quiz_id,
            quiz_title=self.title,
            closed_at=self.at,
            participants=self.people,
            points_max=POINTS_MAX,
            standings=tuple(standings),
        )
        return to_record(enclose(event, source=QUIZ, cause=f"{self.quiz_id}/closed", now=self.at))

    def _score(self, number: int) -> tuple[float, int]:
        """Points, and seconds used: fewer points, or more seconds, than everybody before."""
        each = -(-self.people // STEPS)
        step, place = divmod(number, each)
        return POINTS_MAX - step / 2, SECONDS_MIN + place
