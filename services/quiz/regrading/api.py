"""Corrections over HTTP, for organisers alone: they give away which options are right."""

from typing import Annotated

from fastapi import Response

from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.regrading.bodies import (
    CorrectionIn,
    CorrectionsOut,
    PreviewOut,
    corrections_out,
    preview_out,
)
from services.quiz.regrading.correct import Corrections
from services.quiz.regrading.store import PreviewStore, RegradingStore
from shared.contracts.origin import Origin
from shared.runtime.acting import current
from shared.runtime.errors import NotFound
from shared.web.identity import AsOrganiser
from shared.web.problems import answered
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import IfMatch, etag, matching

routes = Routes(tags=["quiz"])

Correcting = Annotated[Corrections, provided(Corrections)]
Regradings = Annotated[RegradingStore, provided(RegradingStore)]
Previews = Annotated[PreviewStore, provided(PreviewStore)]


@routes.get(
    "/quizzes/{quiz_id}/corrections",
    dependencies=[AsOrganiser],
    summary="What was corrected in a quiz, and how far its results are graded again",
)
async def read_corrections(
    quiz_id: QuizIdInPath, corrections: Correcting, regradings: Regradings, response: Response
) -> CorrectionsOut:
    """
    In order, with an `ETag` that changes with each correction. Read it until `regrading.status` is `done`.

    404 `quiz_unknown`.
    """
    record = await corrections.read(quiz_id)
    response.headers["etag"] = etag(len(record.corrections))
    return corrections_out(record, await regradings.of_quiz(quiz_id))


@routes.post(
    "/quizzes/{quiz_id}/corrections",
    status_code=202,
    dependencies=[AsOrganiser],
    responses={412: answered("Refused: somebody has corrected the quiz since it was read")},
    summary="Correct a key or points, cancel a question or take it out, of a quiz that somebody has begun",
)
async def correct_quiz(
    quiz_id: QuizIdInPath,
    body: CorrectionIn,
    corrections: Correcting,
    regradings: Regradings,
    response: Response,
    if_match: IfMatch = None,
) -> CorrectionsOut:
    """
    From now on submissions are graded with it. Earlier results follow in the background, after some 20
    seconds (two minutes, if MongoDB has its default settings), with `quiz.regraded` for each that has other
    points. The same again changes nothing.

    Refused: `quiz_not_begun` (409: change the quiz itself), `quiz_is_final` (409) 182 days after the close,
    `regrading_under_way` (409) until the correction before is done, `quiz_changed`, `too_many_corrections`
    (409), `corrections_differ` (412), `question_not_in_quiz`, `quiz_unknown` (404), `key_beyond_options`,
    `key_order`, `key_of_one` (422) if the key does not fit the question. If points change:
    `question_not_in_all_papers`, `question_taken_out` (409), `paper_worth_too_much`, `paper_worth_nothing`
    (422).
    """
    record = await corrections.correct(
        quiz_id,
        body.question_id,
        body.change,
        body.reason,
        current().act.who,
        matching(if_match),
        Origin.of_request(),
    )
    response.headers["etag"] = etag(len(record.corrections))
    return corrections_out(record, await regradings.of_quiz(quiz_id))


@routes.post(
    "/quizzes/{quiz_id}/corrections/preview",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Ask what a correction would change; nothing is changed",
)
async def ask_for_preview(
    quiz_id: QuizIdInPath, body: CorrectionIn, corrections: Correcting, previews: Previews
) -> PreviewOut:
    """
    It is made in the background; read it until `percent` is 100. A quiz has one preview, the last one.

    Refused like the correction itself, and 409 `corrected_already` if nothing would change.
    """
    await corrections.preview(quiz_id, body.question_id, body.change, body.reason, current().act.who)
    return await read_preview(quiz_id, corrections, previews)


@routes.get(
    "/quizzes/{quiz_id}/corrections/preview",
    dependencies=[AsOrganiser],
    summary="What the correction that was asked about last would change",
)
async def read_preview(quiz_id: QuizIdInPath, corrections: Correcting, previews: Previews) -> PreviewOut:
    """If it is `outdated`, ask again: it is based on `corrections`. 404 `preview_unknown`."""
    if (preview := await previews.read(quiz_id)) is None:
        raise NotFound(f"nobody has asked for a preview of {quiz_id}", code="preview_unknown")
    return preview_out(preview, await corrections.read(quiz_id))
