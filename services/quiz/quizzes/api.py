"""
Quiz over HTTP: quizzes and attempts.

api_standings.py has the standings, sitting.py a sitting's three requests.
"""

from datetime import timedelta

from fastapi import APIRouter, Request

from services.quiz.attempts.hot import RESULT_PATH, START_PATH, SUBMIT_PATH
from services.quiz.quizzes.bodies import (
    AnswersIn,
    AttemptOut,
    ClosingOut,
    OptionOut,
    QuizOut,
    QuizzesOut,
    ReceiptOut,
    ResultOut,
    ReviewedOut,
    ReviewOut,
)
from services.quiz.quizzes.catalogue import Offered
from services.quiz.quizzes.papers import draw
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import (
    CLOSE_NOTICE_SECONDS,
    AttemptId,
    Quiz,
    paper_number,
)
from services.quiz.quizzes.store import QuizRecord
from services.quiz.review.rules import Reviewed, review
from services.quiz.serving import AttemptIdInPath, QuizIdInPath, quiz_of
from services.quiz.standings.api import add_standings
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.web.forms import PAGE, After, Limit, after_of, place_after
from shared.web.identity import AsOrganiser, AsParticipant

# More than an event may have (publishing.py says so then): a bank may be written with escapes and spaces.
QUIZ_BYTES_MAX = 2_097_152


def router() -> APIRouter:
    """All routes; what they stand on is `app.state.quiz`, a `QuizApi`."""
    routes = APIRouter(tags=["quiz"])
    add_standings(routes)
    for path, function, methods, answer, code, summary in (
        ("/quizzes", list_quizzes, "GET", QuizzesOut, 200, "Quizzes, the latest opening first"),
        ("/quizzes/{quiz_id}", read_quiz, "GET", QuizOut, 200, "One quiz"),
        (
            START_PATH,
            start,
            "POST",
            AttemptOut,
            201,
            "Start an attempt, or resume the open one",
        ),
        (
            RESULT_PATH,
            read_result,
            "GET",
            ResultOut,
            200,
            "The result of one's own attempt",
        ),
        (
            "/attempts/{attempt_id}/review",
            read_review,
            "GET",
            ReviewOut,
            200,
            "One's own answers beside the key, once the quiz is closed",
        ),
    ):
        routes.add_api_route(
            path, function, methods=[methods], response_model=answer, status_code=code, summary=summary
        )
    routes.add_api_route(
        "/quizzes/{quiz_id}",
        publish_quiz,
        methods=["PUT"],
        max_body_size=QUIZ_BYTES_MAX,
        response_model=QuizOut,
        dependencies=[AsOrganiser],
        summary="Publish a quiz, or change one that nobody has begun",
    )
    routes.add_api_route(
        "/quizzes/{quiz_id}/definition",
        read_definition,
        methods=["GET"],
        response_model=Quiz,
        dependencies=[AsOrganiser],
        summary="A quiz with its questions and keys, as a PUT takes it",
    )
    routes.add_api_route(
        "/quizzes/{quiz_id}/close",
        close_quiz,
        methods=["POST"],
        response_model=ClosingOut,
        status_code=202,
        dependencies=[AsOrganiser],
        summary="Close now; quiz.closed follows when all that came in time is graded",
    )
    routes.add_api_route(
        SUBMIT_PATH,
        submit,
        methods=["POST"],
        response_model=ReceiptOut,
        status_code=202,
        summary="Submit the answers of an attempt (Authorization: Bearer <attempt_token>)",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": AnswersIn.model_json_schema(),
                        "example": {"answers": {"q001": "B", "q017": "ACD"}},
                    }
                },
            }
        },
    )
    return routes


async def list_quizzes(request: Request, limit: Limit = PAGE, after: After = None) -> QuizzesOut:
    """Page by page; from memory, at most a second old."""
    place = place_after(after, int, str)
    rest = [one for one in quiz_of(request).catalogue.all() if place is None or _place_of(one) < place]
    page = rest[:limit]
    more = after_of(*_place_of(page[-1])) if len(rest) > limit else None
    return QuizzesOut(quizzes=[_quiz_out(one.record) for one in page], after=more)


def _place_of(offered: Offered) -> tuple[int, str]:
    return round(offered.opens_at.timestamp() * 1000), offered.record.quiz_id


async def read_quiz(request: Request, quiz_id: QuizIdInPath) -> QuizOut:
    """Its rules and whether it is open."""
    return _quiz_out((await quiz_of(request).catalogue.look_up(quiz_id)).record)


async def read_definition(request: Request, quiz_id: QuizIdInPath) -> Quiz:
    """To put it again as it is changes nothing."""
    if (record := await quiz_of(request).store.quizzes.read(quiz_id)) is None:
        raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
    return record.quiz


async def publish_quiz(request: Request, quiz_id: QuizIdInPath, definition: Quiz) -> QuizOut:
    """
    Repeating it changes nothing.

    Refused: `quiz_in_use` (409) once somebody has begun, `quiz_opened` (409) where an open quiz would get
    other times, attempts or numbers of questions, `quiz_changed` (409) where two change it at once or
    somebody begins, `too_many_quizzes`, `too_many_versions` (409), `quiz_over` (422) where it would have
    closed already, `quiz_too_large` (422).
    """
    api = quiz_of(request)
    await publish(api.store, quiz_id, definition, clock.now())
    await api.catalogue.refresh()
    return _quiz_out(api.catalogue.find(quiz_id).record)


async def close_quiz(request: Request, quiz_id: QuizIdInPath) -> ClosingOut:
    """
    Nobody starts from now on, nobody submits after `closes_at` and the quiz's grace.

    `closes_at` is two seconds ahead, so that every process knows. What was accepted is graded first.
    Refused: `quiz_not_open` (409) before it opens, since a close is final.
    """
    api = quiz_of(request)
    await api.catalogue.look_up(quiz_id)
    now = clock.now()
    await api.store.quizzes.begin_closing(quiz_id, now, now + timedelta(seconds=CLOSE_NOTICE_SECONDS))
    await api.catalogue.refresh()
    record = api.catalogue.find(quiz_id).record
    if record.status == "open":
        raise Conflict(
            f"quiz {quiz_id} opens at {record.quiz.opens_at.isoformat()} and cannot close before",
            code="quiz_not_open",
        )
    return ClosingOut(quiz_id=quiz_id, status=record.status, closes_at=record.closes_at)


# The next three are here for the OpenAPI document alone: sitting.py answers them before the framework, which
# gets only what is almost such a path.


def _almost() -> NotFound:
    return NotFound("there is nothing under this path")


async def start(quiz_id: QuizIdInPath, who: AsParticipant) -> None:
    """
    The paper and the attempt's token. Starting again while an attempt is open gives it back.

    Refused: `participant_erased` (401), `quiz_unknown` (404), `quiz_not_open`, `quiz_closed`,
    `quiz_changed`, `attempts_exhausted` (409).
    """
    raise _almost()


async def submit(attempt_id: AttemptIdInPath) -> None:
    """
    202 with a receipt once Kafka has acknowledged; the first submission of an attempt counts.

    Sent again, it gets the same receipt. Refused: `attempt_token_missing`, `attempt_token_invalid`,
    `participant_erased` (401), `attempt_foreign` (403),
    `quiz_unknown` (404), `attempt_late` (409), `submission_malformed`, `question_unknown` (422).
    503: nothing was promised, send again.
    """
    raise _almost()


async def read_result(attempt_id: AttemptIdInPath, who: AsParticipant) -> None:
    """`pending`, `graded`, `missed` or `refused`. Somebody else's attempt is unknown (404)."""
    raise _almost()


async def read_review(request: Request, attempt_id: AttemptIdInPath, who: AsParticipant) -> ReviewOut:
    """409 `quiz_not_closed` before; somebody else's attempt is as unknown as one that never was."""
    api = quiz_of(request)
    api.catalogue.erased.check(who.participant_id)
    result = (await api.store.results.graded([attempt_id])).get(attempt_id)
    sat = result or (await api.store.results.attempts([AttemptId(attempt_id)])).get(attempt_id)
    if sat is None or sat.participant_id != who.participant_id:
        raise NotFound(f"you have no attempt {attempt_id}", code="attempt_unknown")
    if (await api.catalogue.look_up(sat.quiz_id)).record.status != "closed":
        raise Conflict(f"quiz {sat.quiz_id} is not closed yet", code="quiz_not_closed")
    quiz = (await api.catalogue.look_up(sat.quiz_id, sat.quiz_version)).record.quiz
    questions = draw(sat.quiz_id, quiz, paper_number(attempt_id, quiz.papers))
    return ReviewOut(
        attempt_id=attempt_id,
        quiz_id=sat.quiz_id,
        points=result.points if result else None,
        points_max=len(questions),
        score_percent=result.score_percent if result else None,
        questions=[_reviewed_out(one) for one in review(questions, result.answers if result else None)],
    )


def _quiz_out(record: QuizRecord) -> QuizOut:
    quiz = record.quiz
    return QuizOut(
        quiz_id=record.quiz_id,
        title=quiz.title,
        status=record.status,
        opens_at=quiz.opens_at,
        closes_at=record.closes_at,
        duration_seconds=quiz.duration_seconds,
        attempts_per_day=quiz.attempts_per_day,
        pass_percent=quiz.pass_percent,
        questions=quiz.questions_a_paper,
    )


def _reviewed_out(reviewed: Reviewed) -> ReviewedOut:
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
        explanation=question.explanation,
        source=question.source,
    )
