"""The life of a published quiz over HTTP, for organisers."""

from typing import Annotated, Any

from fastapi import Body, Response

from services.quiz.lifecycle.alter import Alterations
from services.quiz.lifecycle.bodies import CancelIn, CancellationOut, EndIn, WordingIn
from services.quiz.lifecycle.cancel import Cancelling
from services.quiz.lifecycle.remove import Removals
from services.quiz.quizzes.api import QUIZ_BYTES_MAX, quiz_out
from services.quiz.quizzes.bodies import QuizIdInPath, QuizOut
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import QuizRecord
from shared.contracts.origin import Origin
from shared.runtime.acting import current
from shared.web.identity import AsOrganiser
from shared.web.problems import answered
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import IfMatch, etag, matching

routes = Routes(tags=["quiz"])

Altering = Annotated[Alterations, provided(Alterations)]
Removing = Annotated[Removals, provided(Removals)]
Cancels = Annotated[Cancelling, provided(Cancelling)]
OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
DIFFERS: dict[int | str, dict[str, Any]] = {
    412: answered("Refused: somebody has changed the quiz since it was read")
}


@routes.post(
    "/quizzes/{quiz_id}/extend",
    dependencies=[AsOrganiser],
    responses=DIFFERS,
    summary="Move the end of an open quiz later, also if people have begun",
)
async def extend_quiz(
    quiz_id: QuizIdInPath,
    body: Annotated[EndIn, Body()],
    altering: Altering,
    response: Response,
    if_match: IfMatch = None,
) -> QuizOut:
    """
    Attempts that the end would have cut short have their whole time: answers are accepted with the token that
    they have, and a start that is repeated says the later deadline.

    Refused: `quiz_closed` (409) from two seconds before its end on, `quiz_is_final`, `quiz_cancelled`,
    `quiz_changed`, `too_many_versions` (409), `end_not_later`, `quiz_too_long` (422), `quiz_unknown` (404),
    `quiz_differs` (412).
    """
    record = await altering.extend(quiz_id, body.closes_at, matching(if_match), Origin.of_request())
    return _answer(record, response)


@routes.post(
    "/quizzes/{quiz_id}/reopen",
    dependencies=[AsOrganiser],
    summary="Open a quiz again that was closed early, before saved answers are handed in",
)
async def reopen_quiz(quiz_id: QuizIdInPath, altering: Altering, response: Response) -> QuizOut:
    """
    Its end is that of the definition again.

    Refused: `quiz_is_final` (409) from ten seconds after the end and the grace on: saved answers are handed
    in, and it cannot be stopped any more. `quiz_closed` (409) if its time is over, `quiz_cancelled` (409),
    `quiz_unknown` (404).
    """
    return _answer(await altering.reopen(quiz_id), response)


@routes.post(
    "/quizzes/{quiz_id}/wording",
    max_body_size=QUIZ_BYTES_MAX,
    dependencies=[AsOrganiser],
    responses=DIFFERS,
    summary="Correct the title, explanations and sources of a quiz at any time",
)
async def reword_quiz(
    quiz_id: QuizIdInPath,
    body: Annotated[WordingIn, Body()],
    altering: Altering,
    response: Response,
    if_match: IfMatch = None,
) -> QuizOut:
    """
    Questions, options and keys stay, so papers and results stay. Those who have begun keep the title that
    they began with in their events; reviews show the new explanations to everybody.

    Refused: `question_not_in_quiz`, `quiz_unknown` (404), `quiz_cancelled`, `quiz_changed`,
    `too_many_versions` (409), `quiz_too_large` (422), `quiz_differs` (412).
    """
    words = {id_: one.as_words for id_, one in body.questions.items()}
    record = await altering.reword(quiz_id, body.title, words, matching(if_match), Origin.of_request())
    return _answer(record, response)


@routes.post(
    "/quizzes/{quiz_id}/cancel",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Cancel a quiz; everybody who took part is told",
)
async def cancel_quiz(
    quiz_id: QuizIdInPath, body: Annotated[CancelIn, Body()], cancelling: Cancels
) -> CancellationOut:
    """
    Nobody starts from now on, and nobody submits after two seconds. There are no final standings, and no
    awards by it. Everybody with an attempt or a result gets one message in the inbox. Cancelling it again
    changes nothing, and the first reason stays.

    Refused: `quiz_is_final` (409) after the close, `quiz_changed` (409), `quiz_unknown` (404).
    """
    return CancellationOut.of(await cancelling.cancel(quiz_id, body.code, body.text, Origin.of_request()))


@routes.get(
    "/quizzes/{quiz_id}/cancellation",
    dependencies=[AsOrganiser],
    summary="Why a quiz was cancelled, and how far those who took part were told",
)
async def read_cancellation(quiz_id: QuizIdInPath, cancelling: Cancels) -> CancellationOut:
    """404 `quiz_unknown`, `cancellation_unknown`."""
    return CancellationOut.of(await cancelling.read(quiz_id))


@routes.delete(
    "/quizzes/{quiz_id}",
    status_code=204,
    dependencies=[AsOrganiser],
    responses=DIFFERS,
    summary="Remove a quiz that nobody has begun",
)
async def remove_quiz(quiz_id: QuizIdInPath, removing: Removing, if_match: IfMatch = None) -> None:
    """
    `quiz.cancelled` says it with the code `quiz_removed`. Whoever is disqualified in it is reinstated, and
    everything else about it is deleted. A quiz of the same name may be published again.

    Refused: `quiz_in_use` (409) once somebody has begun, and where more than 200 people are disqualified;
    `quiz_is_final` (409) after the close, `quiz_changed` (409), `quiz_unknown` (404), `quiz_differs` (412).
    """
    await removing.remove(quiz_id, matching(if_match), current().act.who, Origin.of_request())


def _answer(record: QuizRecord, response: Response) -> QuizOut:
    response.headers["etag"] = etag(record.version)
    return quiz_out(Offered(record))
