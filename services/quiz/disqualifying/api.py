"""Disqualifications over HTTP, for organisers."""

from typing import Annotated

from services.quiz.disqualified.rules import Disqualification
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.disqualifying.bodies import (
    DecisionIn,
    DisqualificationOut,
    DisqualificationsOut,
    disqualification_out,
)
from services.quiz.disqualifying.decide import Decisions
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from shared.contracts.origin import Origin
from shared.runtime.acting import current
from shared.web.forms import PAGE, After, Limit, one_page, place_after
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

routes = Routes(tags=["quiz"])

Deciding = Annotated[Decisions, provided(Decisions)]
Disqualified = Annotated[DisqualifiedStore, provided(DisqualifiedStore)]
OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]


@routes.post(
    "/quizzes/{quiz_id}/disqualifications",
    dependencies=[AsOrganiser],
    summary="Disqualify a participant, or single attempts of one",
)
async def disqualify(quiz_id: QuizIdInPath, body: DecisionIn, decisions: Deciding) -> DisqualificationOut:
    """
    Standings and ranks follow at once; the participant gets a message with the reason. If the quiz is closed,
    `quiz.closed` is published again within seconds. The same again changes nothing.

    Refused: `quiz_unknown`, `participant_unknown` (404), `attempts_not_theirs` (422), `quiz_is_final` (409)
    182 days after the close, `too_many_disqualified`, `too_many_decisions`, `too_many_people` (409).
    """
    state = await decisions.disqualify(
        quiz_id, body.participant_id, body.attempt_ids, body.reason, current().act.who, Origin.of_request()
    )
    return disqualification_out(state)


@routes.post(
    "/quizzes/{quiz_id}/reinstatements",
    dependencies=[AsOrganiser],
    summary="Take a disqualification back, as a whole or for single attempts",
)
async def reinstate(quiz_id: QuizIdInPath, body: DecisionIn, decisions: Deciding) -> DisqualificationOut:
    """
    Without `attempt_ids` all results count again. Effects and refusals are those of a disqualification.
    """
    state = await decisions.reinstate(
        quiz_id, body.participant_id, body.attempt_ids, body.reason, current().act.who, Origin.of_request()
    )
    return disqualification_out(state)


@routes.get(
    "/quizzes/{quiz_id}/disqualifications",
    dependencies=[AsOrganiser],
    summary="About whom something was decided in a quiz, with all decisions",
)
async def list_disqualifications(
    quiz_id: QuizIdInPath,
    catalogue: OfferedQuizzes,
    disqualified: Disqualified,
    limit: Limit = PAGE,
    after: After = None,
) -> DisqualificationsOut:
    """Page by page, by participant; also those who were reinstated. 404 `quiz_unknown`."""
    await catalogue.look_up(quiz_id)
    place = place_after(after, str)

    async def first(most: int) -> list[Disqualification]:
        return await disqualified.page(quiz_id, place[0] if place else None, most)

    page, following = await one_page(first, limit, lambda state: (state.participant_id,))
    return DisqualificationsOut(
        quiz_id=quiz_id, disqualifications=[disqualification_out(one) for one in page], after=following
    )
