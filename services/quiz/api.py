"""Quiz over HTTP: publish and close, start and submit, results and standings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response, status
from pydantic import BaseModel, Field
from starlette.routing import Route

from services.quiz.attempt_tokens import AttemptClaims, AttemptTokens
from services.quiz.catalogue import Catalogue
from services.quiz.intake import Intake
from services.quiz.publishing import publish
from services.quiz.ranking import Standing, least_better, place, ranked
from services.quiz.rules import Attempt, AttemptId, ParticipantId, Quiz, Status
from services.quiz.starting import Start, start_attempts
from services.quiz.store import QuizRecord, QuizStore
from services.quiz.submission import encoder
from shared import clock
from shared.errors import NotFound, Rejected
from shared.events import ID_PATTERN
from shared.group_commit import GroupCommit
from shared.http import AsOrganiser, AsParticipant
from shared.tokens import Participant

TOP_MAX = 100
SUBMIT_PATH = "/attempts/{attempt_id}/submission"

QuizIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["puyang-2023-contest"])]
AttemptIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])]


class QuizOut(BaseModel):
    """A quiz as everyone may see it."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    title: str = Field(examples=["科技创新和科学技术普及知识竞赛"])
    status: Status
    opens_at: datetime
    closes_at: datetime
    duration_seconds: int = Field(examples=[1200])
    attempts_per_day: int = Field(examples=[1])
    pass_percent: int = Field(examples=[60])
    questions: int = Field(description="questions on a paper", examples=[20])


class OptionOut(BaseModel):
    id: str = Field(examples=["A"])
    text: str = Field(examples=["氧气"])


class QuestionOut(BaseModel):
    id: str = Field(examples=["q001"])
    topic: str = Field(examples=["生命与健康"])
    kind: Literal["single", "multiple", "true_false"]
    text: str = Field(examples=["植物进行光合作用时释放的气体是？"])
    options: list[OptionOut]


class AttemptOut(BaseModel):
    """An attempt that has begun; the token opens its submission and nothing else."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    attempt_token: str
    number: int = Field(description="which attempt of the day", examples=[1])
    started_at: datetime
    deadline_at: datetime = Field(description="the last moment for the answers, grace included")
    questions: list[QuestionOut]


class AnswersIn(BaseModel):
    """Question ids and the letters chosen; several letters where several may be right."""

    answers: dict[str, str] = Field(examples=[{"q001": "B", "q017": "ACD"}])


class ReceiptOut(BaseModel):
    """The promise that the submission is in the log and will be graded."""

    receipt_id: str = Field(examples=["f6c60d3d-1d31-4f0e-92f4-9e8a2c9a7a10"])
    attempt_id: str
    received_at: datetime


class ResultOut(BaseModel):
    """A result, or that it is still to come."""

    attempt_id: str
    status: Literal["pending", "graded"]
    score_percent: int | None = Field(None, examples=[85])
    passed: bool | None = None
    time_used_seconds: int | None = Field(None, examples=[431])


class StandingOut(BaseModel):
    rank: int = Field(examples=[1])
    participant_id: str
    score_percent: int = Field(examples=[95])
    time_used_seconds: int = Field(examples=[312])
    finished_at: datetime


class StandingsOut(BaseModel):
    """The best, in order; final once the quiz is closed."""

    quiz_id: str
    final: bool
    participants: int
    standings: list[StandingOut]


class ClosingOut(BaseModel):
    quiz_id: str
    status: Status
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class QuizApi:
    """What the routes stand on."""

    store: QuizStore
    catalogue: Catalogue
    tokens: AttemptTokens
    intake: Intake
    starts: GroupCommit[Start, Attempt | Rejected]


def starts_gathered(store: QuizStore) -> GroupCommit[Start, Attempt | Rejected]:
    """Concurrent starts share one write."""
    return GroupCommit("starts", lambda starts: start_attempts(starts, store))


def router() -> APIRouter:
    """All routes; what they stand on is `app.state.quiz`, a `QuizApi`."""
    routes = APIRouter(tags=["quiz"])
    # Before FastAPI's own route of this path: the same function without the framework's cost.
    routes.routes.append(Route(SUBMIT_PATH, submit, methods=["POST"]))
    for path, function, methods, answer, code, summary in (
        ("/quizzes", list_quizzes, "GET", list[QuizOut], 200, "All quizzes, the latest first"),
        ("/quizzes/{quiz_id}", read_quiz, "GET", QuizOut, 200, "One quiz"),
        (
            "/quizzes/{quiz_id}/attempts",
            start,
            "POST",
            AttemptOut,
            201,
            "Start an attempt, or resume the open one",
        ),
        (
            "/attempts/{attempt_id}/result",
            read_result,
            "GET",
            ResultOut,
            200,
            "The result of one's own attempt",
        ),
        (
            "/quizzes/{quiz_id}/standings",
            read_standings,
            "GET",
            StandingsOut,
            200,
            "The top of the standings",
        ),
        ("/quizzes/{quiz_id}/standings/me", read_own_standing, "GET", StandingOut, 200, "One's own rank"),
    ):
        routes.add_api_route(
            path, function, methods=[methods], response_model=answer, status_code=code, summary=summary
        )
    routes.add_api_route(
        "/quizzes/{quiz_id}",
        publish_quiz,
        methods=["PUT"],
        response_model=QuizOut,
        dependencies=[AsOrganiser],
        summary="Publish a quiz, or change one that nobody has begun",
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


def _quiz(request: Request) -> QuizApi:
    api: QuizApi = request.app.state.quiz
    return api


async def list_quizzes(request: Request) -> list[QuizOut]:
    """At most 200."""
    return [_quiz_out(record) for record in await _quiz(request).store.quizzes()]


async def read_quiz(request: Request, quiz_id: QuizIdInPath) -> QuizOut:
    """Its rules and whether it is open."""
    return _quiz_out(_quiz(request).catalogue.find(quiz_id).record)


async def publish_quiz(request: Request, quiz_id: QuizIdInPath, definition: Quiz) -> QuizOut:
    """Repeating it changes nothing; 409 `quiz_in_use` once somebody has begun."""
    api = _quiz(request)
    await publish(api.store, quiz_id, definition, clock.now())
    await api.catalogue.refresh()
    return _quiz_out(api.catalogue.find(quiz_id).record)


async def close_quiz(request: Request, quiz_id: QuizIdInPath) -> ClosingOut:
    """Nobody starts or submits from now on; what was accepted before is graded first."""
    api = _quiz(request)
    api.catalogue.find(quiz_id)
    await api.store.begin_closing(quiz_id, clock.now())
    await api.catalogue.refresh()
    record = api.catalogue.find(quiz_id).record
    return ClosingOut(quiz_id=quiz_id, status=record.status, closes_at=record.closes_at)


async def start(request: Request, quiz_id: QuizIdInPath, who: AsParticipant) -> Response:
    """The paper and the attempt's token. Starting again while an attempt is open gives it back."""
    api = _quiz(request)
    offered = api.catalogue.find(quiz_id)
    begun = await api.starts.add(Start(offered.record, ParticipantId(who.participant_id), clock.now()))
    if isinstance(begun, Rejected):
        raise begun
    head = encoder.encode(
        {
            "attempt_id": begun.attempt_id,
            "attempt_token": api.tokens.sign(_claims(begun, who)),
            "number": begun.number,
            "started_at": begun.started_at,
            "deadline_at": begun.deadline_at,
        }
    )
    # The paper was serialised once for all who get it.
    body = head[:-1] + b',"questions":' + offered.paper(begun.attempt_id).questions_json + b"}"
    return Response(body, status.HTTP_201_CREATED, media_type="application/json")


def _claims(attempt: Attempt, who: Participant) -> AttemptClaims:
    return AttemptClaims(
        attempt.attempt_id,
        attempt.quiz_id,
        attempt.participant_id,
        attempt.number,
        round(attempt.started_at.timestamp() * 1000),
        round(attempt.deadline_at.timestamp() * 1000),
        who.group_id,
        who.district,
    )


async def submit(request: Request) -> Response:
    """
    202 with a receipt once Kafka has acknowledged; the first submission of an attempt counts.

    Refused: `attempt_token_missing`, `attempt_token_invalid` (401), `attempt_foreign` (403),
    `quiz_unknown` (404), `attempt_late` (409), `submission_malformed`, `question_unknown` (422).
    503: nothing was promised, send again.
    """
    return await _quiz(request).intake.submit(request)


async def read_result(request: Request, attempt_id: AttemptIdInPath, who: AsParticipant) -> ResultOut:
    """`pending` until graded. Somebody else's attempt is as unknown as one that never was."""
    store = _quiz(request).store
    result = (await store.results([attempt_id])).get(attempt_id)
    if result and result.participant_id == who.participant_id:
        return ResultOut(
            attempt_id=attempt_id,
            status="graded",
            score_percent=result.score_percent,
            passed=result.passed,
            time_used_seconds=result.time_used_seconds,
        )
    attempt = (await store.attempts([AttemptId(attempt_id)])).get(attempt_id)
    if attempt and attempt.participant_id == who.participant_id:
        return ResultOut(attempt_id=attempt_id, status="pending")
    raise NotFound(f"you have no attempt {attempt_id}", code="attempt_unknown")


async def read_standings(
    request: Request, quiz_id: QuizIdInPath, limit: Annotated[int, Query(ge=1, le=TOP_MAX)] = 10
) -> StandingsOut:
    """Equal points in equal seconds share a rank."""
    api = _quiz(request)
    record = api.catalogue.find(quiz_id).record
    best = ranked(await api.store.top(quiz_id, limit), record.quiz.opens_at)
    return StandingsOut(
        quiz_id=quiz_id,
        final=record.status == "closed",
        participants=await api.store.count_standings(quiz_id),
        standings=[_standing_out(standing) for standing in best],
    )


async def read_own_standing(request: Request, quiz_id: QuizIdInPath, who: AsParticipant) -> StandingOut:
    """404 `standing_unknown` before the first result."""
    api = _quiz(request)
    record = api.catalogue.find(quiz_id).record
    order = await api.store.order_of(quiz_id, who.participant_id)
    if order is None:
        raise NotFound(f"you have no result in quiz {quiz_id} yet", code="standing_unknown")
    better = await api.store.count_standings(quiz_id, least_better(order))
    return _standing_out(Standing(better + 1, who.participant_id, place(order, record.quiz.opens_at)))


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
        questions=sum(quiz.blueprint.values()),
    )


def _standing_out(standing: Standing) -> StandingOut:
    return StandingOut(
        rank=standing.rank,
        participant_id=standing.participant_id,
        score_percent=standing.place.score_percent,
        time_used_seconds=standing.place.time_used_seconds,
        finished_at=standing.place.finished_at,
    )
