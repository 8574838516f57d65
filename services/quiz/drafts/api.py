"""Drafts and trials over HTTP, for organisers alone."""

from typing import Annotated, Any

from fastapi import Query, Response

from services.quiz.drafts.bodies import DraftOut, DraftsOut, TrialAnswersIn, TrialPaperOut, TrialResultOut
from services.quiz.drafts.edit import Drafts
from services.quiz.drafts.store import DraftStore
from services.quiz.drafts.trial import Trials, marked
from services.quiz.quizzes.api import QUIZ_BYTES_MAX, quiz_out
from services.quiz.quizzes.bodies import QuizIdInPath, QuizOut
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.turns import DefinitionTurns
from shared.contracts.origin import Origin
from shared.web.forms import PAGE, After, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, ByOrganiser
from shared.web.problems import answered
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import TAGGED, IfMatch, IfNoneMatch, etag, matching

routes = Routes(tags=["quiz"])

Editing = Annotated[Drafts, provided(Drafts)]
Stored = Annotated[DraftStore, provided(DraftStore)]
Trying = Annotated[Trials, provided(Trials)]
OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Turns = Annotated[DefinitionTurns, provided(DefinitionTurns)]
DIFFERS: dict[int | str, dict[str, Any]] = {
    412: answered("Refused: somebody has changed the draft since it was read")
}


@routes.get("/quiz-drafts", dependencies=[AsOrganiser], summary="Drafts of quizzes, by id")
async def list_drafts(stored: Stored, limit: Limit = PAGE, after: After = None) -> DraftsOut:
    """Page by page."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: stored.page(place[0] if place else "", most), limit, lambda one: (one.quiz_id,)
    )
    return DraftsOut(drafts=[DraftOut.of(one) for one in page], after=following)


@routes.put(
    "/quizzes/{quiz_id}/draft",
    max_body_size=QUIZ_BYTES_MAX,
    dependencies=[AsOrganiser],
    responses=TAGGED | DIFFERS,
    summary="Put a draft of a quiz: only organisers see it",
)
async def put_draft(
    quiz_id: QuizIdInPath,
    definition: Quiz,
    drafts: Editing,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> DraftOut:
    """
    It may be changed freely, and may be over already: its end is checked when it is published.

    409 `quiz_published` if there is a quiz of this name, `too_many_drafts`; 412 `draft_differs`.
    """
    draft = await drafts.put(quiz_id, definition, matching(if_match, if_none_match))
    response.headers["etag"] = etag(draft.version)
    return DraftOut.of(draft.line)


@routes.get(
    "/quizzes/{quiz_id}/draft",
    responses=TAGGED,
    summary="A draft with its keys, as a PUT takes it",
)
async def read_draft(
    quiz_id: QuizIdInPath, by: ByOrganiser, drafts: Editing, turns: Turns, response: Response
) -> Quiz:
    """With an `ETag` for `If-Match`. 404 `draft_unknown`; 503 `overloaded`."""
    async with turns.turn(by.name):
        draft = await drafts.read(quiz_id)
    response.headers["etag"] = etag(draft.version)
    return draft.quiz


@routes.delete(
    "/quizzes/{quiz_id}/draft",
    status_code=204,
    dependencies=[AsOrganiser],
    responses=DIFFERS,
    summary="Delete a draft",
)
async def delete_draft(quiz_id: QuizIdInPath, drafts: Editing, if_match: IfMatch = None) -> None:
    """404 `draft_unknown`; 412 `draft_differs`."""
    await drafts.delete(quiz_id, matching(if_match))


@routes.post(
    "/quizzes/{quiz_id}/draft/publish",
    dependencies=[AsOrganiser],
    responses=DIFFERS,
    summary="Publish a draft",
)
async def publish_draft(
    quiz_id: QuizIdInPath,
    drafts: Editing,
    catalogue: OfferedQuizzes,
    response: Response,
    if_match: IfMatch = None,
) -> QuizOut:
    """
    Then there is no draft any more, and the quiz is as if it was put.

    404 `draft_unknown`; 409 `quiz_published`, `quiz_changed` (two do it at once), `too_many_quizzes`; 412
    `draft_differs`; 422 `quiz_over` if its end is over, `quiz_too_large`.
    """
    await drafts.publish(quiz_id, matching(if_match), Origin.of_request())
    await catalogue.refresh()
    record = catalogue.find(quiz_id).record
    response.headers["etag"] = etag(record.version)
    return quiz_out(Offered(record))


@routes.get(
    "/quizzes/{quiz_id}/trial",
    summary="A paper as a participant would get it: of the draft, or else of the published quiz",
)
async def read_trial(
    quiz_id: QuizIdInPath,
    by: ByOrganiser,
    trials: Trying,
    turns: Turns,
    paper: Annotated[int, Query(ge=0, le=4_095, description="the number of the paper")] = 0,
) -> TrialPaperOut:
    """404 `quiz_unknown`, `paper_unknown`; 503 `overloaded`."""
    async with turns.turn(by.name):
        return TrialPaperOut.of(await trials.paper(quiz_id, paper))


@routes.post(
    "/quizzes/{quiz_id}/trial",
    summary="See how answers to a paper would be graded; nothing is stored",
)
async def try_answers(
    quiz_id: QuizIdInPath, body: TrialAnswersIn, by: ByOrganiser, trials: Trying, turns: Turns
) -> TrialResultOut:
    """
    It is no attempt: no event, no standing. 404 `quiz_unknown`, `paper_unknown`; 422 `question_unknown`; 503
    `overloaded`.
    """
    async with turns.turn(by.name):
        trial = await trials.paper(quiz_id, body.paper)
        return TrialResultOut.of(trial, marked(trial, body.answers))
