"""The review of an attempt, and which attempts one has, over HTTP."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.quiz.attempts.bodies import AttemptIdInPath
from services.quiz.attempts.store import AttemptStore
from services.quiz.participants.erased import Erased
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.bodies import OptionOut
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.papers import draw, paper_number
from services.quiz.quizzes.questions import OPTIONS_MAX
from services.quiz.quizzes.rules import QUESTIONS_A_PAPER_MAX
from services.quiz.quizzes.showing import not_closed_yet
from services.quiz.results.rules import AttemptId
from services.quiz.results.store import ResultStore
from services.quiz.review.own import OWN_ATTEMPTS_MAX, left_today, possible_attempts
from services.quiz.review.rules import Reviewed, explained, review
from services.quiz.scoring.rules import PERCENT_SHOWN
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.web.forms import IdInPath
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes

routes = Routes(tags=["quiz"])

OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Attempts = Annotated[AttemptStore, provided(AttemptStore)]
Results = Annotated[ResultStore, provided(ResultStore)]
ErasedParticipants = Annotated[Erased, provided(Erased)]


class ReviewedOut(BaseModel):
    """One question of the review; letters name the options as on the paper."""

    id: str = Field(examples=["q001"])
    topic: str = Field(examples=["生命与健康"])
    kind: Literal["single", "multiple", "true_false"]
    text: str = Field(examples=["植物进行光合作用时释放的气体是？"])
    options: list[OptionOut] = Field(max_length=OPTIONS_MAX)
    answer: str | None = Field(description="null where none was given", examples=["B"])
    key: str = Field(examples=["A"])
    right: bool = Field(description="whether it got all points")
    points: float = Field(description="in steps of 0.5; below 0 if a wrong answer costs points", examples=[0])
    worth: float = Field(description="points of the right answer; 0: taken out", examples=[1])
    cancelled: bool = Field(False, description="true: everybody who had it got its points", examples=[False])
    explanation: str = Field(examples=["光合作用吸收二氧化碳，释放氧气。"])
    source: str = Field(examples=["义务教育生物学课程标准"])


class AttemptReviewOut(BaseModel):
    """The review of an attempt, in the paper's order."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    quiz_id: str = Field(examples=["puyang-2023-contest"])
    points: float | None = Field(description="null where nothing was graded", examples=[17])
    points_max: float = Field(examples=[20])
    score_percent: int | None = Field(description=PERCENT_SHOWN, examples=[85])
    questions: list[ReviewedOut] = Field(max_length=QUESTIONS_A_PAPER_MAX)


class OwnAttemptOut(BaseModel):
    """One's own attempt: its day at the quiz's place, and its number on that day."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    day: str = Field(examples=["2026-05-20"])
    number: int = Field(examples=[1])


class OwnAttemptsOut(BaseModel):
    attempts: list[OwnAttemptOut] = Field(max_length=OWN_ATTEMPTS_MAX)
    left_today: int = Field(
        description="that one may still begin; 0 while the quiz is not open", examples=[1]
    )


@routes.get("/quizzes/{quiz_id}/attempts/me", summary="One's own attempts of a quiz, on whatever device")
async def own_attempts(
    quiz_id: IdInPath,
    who: AsParticipant,
    catalogue: OfferedQuizzes,
    attempts: Attempts,
    results: Results,
    erased: ErasedParticipants,
) -> OwnAttemptsOut:
    """The latest first, also those that another system has handed in. 404 `quiz_unknown`."""
    erased.check(who.participant_id)
    record = (await catalogue.look_up(quiz_id)).record
    now = clock.now()
    possible = possible_attempts(record, ParticipantId(who.participant_id), now)
    ids = [one.attempt_id for one in possible]
    started, graded = await attempts.started(ids), await results.of_attempts(ids)
    own = [one for one in possible if one.attempt_id in started or one.attempt_id in graded]
    return OwnAttemptsOut(
        attempts=[OwnAttemptOut(attempt_id=one.attempt_id, day=one.day, number=one.number) for one in own],
        left_today=left_today(record, own, now),
    )


@routes.get(
    "/attempts/{attempt_id}/review", summary="One's own answers beside the key, once the quiz is closed"
)
async def read_review(
    attempt_id: AttemptIdInPath,
    who: AsParticipant,
    catalogue: OfferedQuizzes,
    attempts: Attempts,
    results: Results,
    erased: ErasedParticipants,
) -> AttemptReviewOut:
    """409 `quiz_not_closed` before the close; 404 `attempt_unknown`, also for somebody else's."""
    erased.check(who.participant_id)
    result = (await results.of_attempts([attempt_id])).get(attempt_id)
    found = result or (await attempts.started([AttemptId(attempt_id)])).get(attempt_id)
    if found is None or found.participant_id != who.participant_id:
        raise NotFound(f"you have no attempt {attempt_id}", code="attempt_unknown")
    if (record := (await catalogue.look_up(found.quiz_id)).record).status != "closed":
        raise not_closed_yet(record)
    offered = await catalogue.look_up(found.quiz_id, found.quiz_version)
    quiz, reviewed = offered.record.quiz, result.answers if result else None
    questions = explained(draw(found.quiz_id, quiz, paper_number(attempt_id, quiz.papers)), record.quiz)
    shown = review(questions, reviewed, offered.keys, quiz.marking)
    return AttemptReviewOut(
        attempt_id=attempt_id,
        quiz_id=found.quiz_id,
        points=result.points if result else None,
        points_max=sum(one.worth for one in shown),
        score_percent=result.score_percent if result else None,
        questions=[reviewed_out(one) for one in shown],
    )


def reviewed_out(reviewed: Reviewed) -> ReviewedOut:
    """A question of the review, as it is sent."""
    question = reviewed.question
    return ReviewedOut(
        id=question.id,
        topic=question.topic,
        kind=question.kind,
        text=question.text,
        options=[OptionOut(id=option.id, text=option.text) for option in question.options],
        answer=reviewed.answer,
        key=question.key,
        right=reviewed.right,
        points=reviewed.points,
        worth=reviewed.worth,
        cancelled=reviewed.cancelled,
        explanation=question.explanation,
        source=question.source,
    )
