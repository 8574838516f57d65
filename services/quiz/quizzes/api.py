"""Quizzes over HTTP: listed and read by everyone, published and read back by organisers."""

from typing import Annotated

from fastapi import Response

from services.quiz.quizzes.bodies import QuizIdInPath, QuizOut, QuizzesOut
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QuizStore
from services.quiz.quizzes.turns import DefinitionTurns
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, ByOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

# More than an event may have (publish.py refuses it then): a definition may be written with escapes and
# spaces.
QUIZ_BYTES_MAX = 2_097_152

routes = Routes(tags=["quiz"])

Quizzes = Annotated[QuizStore, provided(QuizStore)]
OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Turns = Annotated[DefinitionTurns, provided(DefinitionTurns)]


@routes.get("/quizzes", summary="Quizzes, the latest opening first")
async def list_quizzes(catalogue: OfferedQuizzes, limit: Limit = PAGE, after: After = None) -> QuizzesOut:
    """Page by page; from memory, at most a second old."""
    place = place_after(after, int, str)

    async def first(most: int) -> list[Offered]:
        return [one for one in catalogue.all() if place is None or _place_of(one) < place][:most]

    page, following = await one_page(first, limit, _place_of)
    return QuizzesOut(quizzes=[quiz_out(one) for one in page], after=following)


@routes.get("/quizzes/{quiz_id}", summary="One quiz")
async def read_quiz(quiz_id: QuizIdInPath, catalogue: OfferedQuizzes) -> QuizOut:
    """Its rules and whether it is open."""
    return quiz_out(await catalogue.look_up(quiz_id))


@routes.put(
    "/quizzes/{quiz_id}",
    max_body_size=QUIZ_BYTES_MAX,
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Publish a quiz, or change one that nobody has begun",
)
async def publish_quiz(
    quiz_id: QuizIdInPath,
    definition: Quiz,
    quizzes: Quizzes,
    catalogue: OfferedQuizzes,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> QuizOut:
    """
    Repeating it changes nothing. The `ETag` is that of the definition.

    Refused: `quiz_in_use` (409) once somebody has begun, `quiz_opened` (409) where an open quiz would get
    other times, attempts, numbers of questions, points, `shows_scores`, `ties` or `counts`, `quiz_changed`
    (409) where two change it at once or somebody begins, `quiz_has_draft`, `too_many_quizzes`,
    `too_many_versions` (409), `quiz_over` (422) where it would have closed already, `quiz_too_large` (422),
    `quiz_cancelled` (409), `quiz_differs` (412).
    """
    matches = matching(if_match, if_none_match)
    await publish(quizzes, quiz_id, definition, clock.now(), Origin.of_request(), matches=matches)
    await catalogue.refresh()
    offered = catalogue.find(quiz_id)
    response.headers["etag"] = etag(offered.record.version)
    return quiz_out(offered)


@routes.get(
    "/quizzes/{quiz_id}/definition",
    responses=TAGGED,
    summary="A quiz with its questions and keys, as a PUT takes it",
)
async def read_definition(
    quiz_id: QuizIdInPath, by: ByOrganiser, quizzes: Quizzes, turns: Turns, response: Response
) -> Quiz:
    """
    With an `ETag` for `If-Match`. Putting it again without a change does nothing. 503 `overloaded`.
    """
    async with turns.turn(by.name):
        record = await quizzes.read(quiz_id)
    if record is None:
        raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
    response.headers["etag"] = etag(record.version)
    return record.quiz


def _place_of(offered: Offered) -> tuple[int, str]:
    return clock.epoch_ms(offered.schedule.opens_at), offered.record.quiz_id


def quiz_out(offered: Offered) -> QuizOut:
    """A quiz as everyone may see it."""
    record = offered.record
    quiz = record.quiz
    return QuizOut(
        quiz_id=record.quiz_id,
        title=quiz.title,
        status=record.status,
        opens_at=quiz.opens_at,
        closes_at=record.closes_at,
        duration_seconds=quiz.duration_seconds,
        attempts_per_day=quiz.attempts_per_day,
        admits=quiz.admits,
        shows_scores=quiz.shows_scores,
        ties=quiz.ties,
        counts=quiz.counts,
        pass_percent=quiz.pass_percent,
        questions=quiz.questions_a_paper,
        points_max=offered.half_points_max / HALF_POINTS_A_POINT,
        multiple_choice=quiz.multiple_choice,
        wrong_costs=quiz.wrong_costs,
        revised_at=record.final.revised_at,
    )
