"""Quiz over HTTP: publish and close, reviews and standings; sitting.py has a sitting's three requests."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from services.quiz.bodies import (
    AnswersIn,
    AttemptOut,
    ClosingOut,
    FreezeOut,
    OptionOut,
    OwnStandingOut,
    QuizOut,
    QuizzesOut,
    ReceiptOut,
    ResultOut,
    ReviewedOut,
    ReviewOut,
    StandingOut,
    StandingsOut,
)
from services.quiz.catalogue import Catalogue, Offered
from services.quiz.grading import HALVES_A_QUESTION, score_percent
from services.quiz.papers import draw
from services.quiz.publishing import publish
from services.quiz.quizzes import QuizRecord
from services.quiz.ranking import Standing, place, ranked
from services.quiz.ranks import Ranks
from services.quiz.review import Reviewed, review
from services.quiz.rules import (
    CLOSE_NOTICE_SECONDS,
    AttemptId,
    Quiz,
    paper_number,
)
from services.quiz.sitting import RESULT_PATH, START_PATH, SUBMIT_PATH
from services.quiz.store import QuizStore
from shared.contracts.checked import ID_PATTERN
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.web.forms import PAGE, After, Limit, after_of, place_after
from shared.web.http import AsOrganiser, AsParticipant

TOP, TOP_MAX = 10, 100
# More than an event may have (publishing.py says so then): a bank may be written with escapes and spaces.
QUIZ_BYTES_MAX = 2_097_152

QuizIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["puyang-2023-contest"])]
AttemptIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])]


@dataclass(frozen=True, slots=True)
class QuizApi:
    """What the routes stand on."""

    store: QuizStore
    catalogue: Catalogue
    ranks: Ranks


def router() -> APIRouter:
    """All routes; what they stand on is `app.state.quiz`, a `QuizApi`."""
    routes = APIRouter(tags=["quiz"])
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
        (
            "/quizzes/{quiz_id}/standings",
            read_standings,
            "GET",
            StandingsOut,
            200,
            "The top of the standings",
        ),
        ("/quizzes/{quiz_id}/standings/me", read_own_standing, "GET", OwnStandingOut, 200, "One's own rank"),
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
    for path, change, summary in (
        ("/quizzes/{quiz_id}/standings/freeze", freeze_standings, "Freeze the standings that everyone sees"),
        ("/quizzes/{quiz_id}/standings/thaw", thaw_standings, "Show the standings as they are again"),
    ):
        routes.add_api_route(
            path,
            change,
            methods=["POST"],
            response_model=FreezeOut,
            dependencies=[AsOrganiser],
            summary=summary,
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


def _quiz(request: Request) -> QuizApi:
    api: QuizApi = request.app.state.quiz
    return api


async def list_quizzes(request: Request, limit: Limit = PAGE, after: After = None) -> QuizzesOut:
    """Page by page; from memory, at most a second old."""
    place = place_after(after, int, str)
    rest = [one for one in _quiz(request).catalogue.all() if place is None or _place_of(one) < place]
    page = rest[:limit]
    more = after_of(*_place_of(page[-1])) if len(rest) > limit else None
    return QuizzesOut(quizzes=[_quiz_out(one.record) for one in page], after=more)


def _place_of(offered: Offered) -> tuple[int, str]:
    return round(offered.opens_at.timestamp() * 1000), offered.record.quiz_id


async def read_quiz(request: Request, quiz_id: QuizIdInPath) -> QuizOut:
    """Its rules and whether it is open."""
    return _quiz_out((await _quiz(request).catalogue.look_up(quiz_id)).record)


async def read_definition(request: Request, quiz_id: QuizIdInPath) -> Quiz:
    """To put it again as it is changes nothing."""
    if (record := await _quiz(request).store.quizzes.read(quiz_id)) is None:
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
    api = _quiz(request)
    await publish(api.store, quiz_id, definition, clock.now())
    await api.catalogue.refresh()
    return _quiz_out(api.catalogue.find(quiz_id).record)


async def close_quiz(request: Request, quiz_id: QuizIdInPath) -> ClosingOut:
    """
    Nobody starts from now on, nobody submits after `closes_at` and the quiz's grace.

    `closes_at` is two seconds ahead, so that every process knows. What was accepted is graded first.
    Refused: `quiz_not_open` (409) before it opens, since a close is final.
    """
    api = _quiz(request)
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
    api = _quiz(request)
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


async def read_standings(
    request: Request, quiz_id: QuizIdInPath, limit: Annotated[int, Query(ge=1, le=TOP_MAX)] = TOP
) -> StandingsOut:
    """Equal points in equal seconds share a rank; who finished earlier is only listed first."""
    api = _quiz(request)
    record = (await api.catalogue.look_up(quiz_id)).record
    best = ranked(await api.store.standings.top(quiz_id, limit), record.quiz.opens_at)
    # The page is of now, the number of a moment ago.
    participants = max(await api.ranks.participants(quiz_id), len(best))
    return StandingsOut(
        quiz_id=quiz_id,
        final=record.status == "closed",
        frozen_at=record.frozen_at,
        participants=participants,
        points_max=record.quiz.questions_a_paper,
        standings=[_standing_out(standing, record) for standing in best],
    )


async def read_own_standing(request: Request, quiz_id: QuizIdInPath, who: AsParticipant) -> OwnStandingOut:
    """404 `standing_unknown` before the first result, or the first one before a freeze."""
    api = _quiz(request)
    api.catalogue.erased.check(who.participant_id)
    record = (await api.catalogue.look_up(quiz_id)).record
    order = await api.store.standings.order_of(quiz_id, who.participant_id)
    if order is None:
        raise NotFound(f"you have no result in quiz {quiz_id} yet", code="standing_unknown")
    rank = await api.ranks.rank(quiz_id, order)
    standing = _standing_out(Standing(rank, who.participant_id, place(order, record.quiz.opens_at)), record)
    return OwnStandingOut(
        **standing.model_dump(), points_max=record.quiz.questions_a_paper, frozen_at=record.frozen_at
    )


async def freeze_standings(request: Request, quiz_id: QuizIdInPath) -> FreezeOut:
    """
    Everyone sees the results submitted until `frozen_at`, however late they are graded, and no later ones.

    `frozen_at` is two seconds ahead, so that every process knows. Results are given to their
    participants all the same. Repeating it changes nothing; the close ends it. Refused:
    `quiz_closed` (409).
    """
    api = _quiz(request)
    await api.catalogue.look_up(quiz_id)
    await api.store.quizzes.freeze(quiz_id, clock.now() + timedelta(seconds=CLOSE_NOTICE_SECONDS))
    await api.catalogue.refresh()
    record = api.catalogue.find(quiz_id).record
    if record.frozen_at is None and record.status != "open":
        raise Conflict(f"quiz {quiz_id} is {record.status}: its standings are final soon", code="quiz_closed")
    return FreezeOut(quiz_id=quiz_id, frozen_at=record.frozen_at)


async def thaw_standings(request: Request, quiz_id: QuizIdInPath) -> FreezeOut:
    """What was held back stands within seconds. Repeating it changes nothing."""
    api = _quiz(request)
    await api.catalogue.look_up(quiz_id)
    await api.store.quizzes.thaw(quiz_id)
    await api.catalogue.refresh()
    return FreezeOut(quiz_id=quiz_id, frozen_at=api.catalogue.find(quiz_id).record.frozen_at)


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


def _standing_out(standing: Standing, record: QuizRecord) -> StandingOut:
    halves, halves_max = standing.place.halves, HALVES_A_QUESTION * record.quiz.questions_a_paper
    return StandingOut(
        rank=standing.rank,
        participant_id=standing.participant_id,
        points=halves / HALVES_A_QUESTION,
        score_percent=score_percent(halves, halves_max),
        time_used_seconds=standing.place.time_used_seconds,
        finished_at=standing.place.finished_at,
    )
