"""The event `quiz.published`. Pure: the same version of a quiz gives the same event every time."""

from datetime import datetime

from services.quiz.quizzes.rules import ATTEMPT_IDS, Quiz
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import PublishedLine, PublishedOption, PublishedQuestion, QuizPublished
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.contracts.sources import QUIZ


def published(
    quiz_id: str, quiz: Quiz, version: int, now: datetime, origin: Origin = UNKNOWN_ORIGIN
) -> Envelope[QuizPublished]:
    """The event: everything but key, explanation and source of the questions."""
    marking = quiz.marking
    event = QuizPublished(
        quiz_id=quiz_id,
        version=version,
        title=quiz.title,
        opens_at=quiz.opens_at,
        closes_at=quiz.closes_at,
        timezone=quiz.timezone,
        duration_seconds=quiz.duration_seconds,
        grace_seconds=quiz.grace_seconds,
        attempts_per_day=quiz.attempts_per_day,
        admits=quiz.admits,
        shows_scores=quiz.shows_scores,
        ties=quiz.ties,
        counts=quiz.counts,
        pass_percent=quiz.pass_percent,
        least_plausible_seconds=quiz.least_plausible_seconds,
        papers=quiz.papers,
        attempt_ids=str(ATTEMPT_IDS),
        blueprint=quiz.blueprint,
        questions=tuple(
            PublishedQuestion(
                id=question.id,
                topic_name=question.topic,
                kind=question.kind,
                text=question.text,
                options=tuple(PublishedOption(id=option.id, text=option.text) for option in question.options),
                points=marking.half_points_of(question) / HALF_POINTS_A_POINT,
                difficulty=question.difficulty,
            )
            for question in quiz.questions
        ),
        # Then `blueprint` is empty, so that nobody who does not know lines draws other papers.
        lines=tuple(
            PublishedLine(topic_name=line.topic, difficulty=line.difficulty, kind=line.kind, count=line.count)
            for line in quiz.lines
        ),
        multiple_choice=quiz.multiple_choice,
        wrong_costs=quiz.wrong_costs,
    )
    return enclose(
        event,
        source=QUIZ,
        cause=f"{quiz_id}/{version}",
        now=now,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
