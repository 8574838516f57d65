"""
Item statistics over HTTP, for organisers only: they give away which options are right.

Viewers must not know that before the close, so until then they get no letters and no counts of options.
"""

from typing import Annotated

from fastapi import Header, Query

from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.showing import check_scores_shown
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from services.quiz.statistics.bodies import (
    StateOut,
    StatisticsOut,
    state_out,
    statistics_out,
)
from services.quiz.statistics.figures import Statistics
from services.quiz.statistics.rules import is_old
from services.quiz.statistics.store import StatisticsStore
from shared.runtime import acting, clock
from shared.runtime.acting import Organiser
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.wording import language_of

routes = Routes(tags=["quiz"])

OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
MadeStatistics = Annotated[StatisticsStore, provided(StatisticsStore)]
AcceptLanguage = Annotated[str, Header(description="zh-CN or en: the language of the reasons")]


@routes.get(
    "/quizzes/{quiz_id}/statistics",
    summary="How hard each question is, how well it measures, and which ones look wrong",
)
async def read_statistics(
    quiz_id: QuizIdInPath,
    who: Annotated[Organiser, AsViewer],
    catalogue: OfferedQuizzes,
    statistics: MadeStatistics,
    doubtful: Annotated[bool, Query(description="only questions that look wrong")] = False,
    accept_language: AcceptLanguage = "",
) -> StatisticsOut:
    """
    The last statistics that were made. If they are older than five minutes, or there are none, reading them
    lets new ones be made: ask again. After the close they are made once more, and are final.

    Each attempt counts by itself. Erased people's attempts, and submissions that were refused, do not count.
    Before the close viewers see neither keys nor options; if the quiz shows scores at the close, nothing: 409
    `quiz_not_closed`. 404 `quiz_unknown`.
    """
    offered = await catalogue.look_up(quiz_id)
    record = offered.record
    check_scores_shown(record, who)
    state = await statistics.state(quiz_id)
    if not state.due and not state.reading and is_old(state.made_at, clock.now(), final=state.final):
        await statistics.ask(quiz_id)
        state = state._replace(due=True)
    made = await statistics.made(quiz_id) if state.made_at else None
    return statistics_out(
        quiz_id,
        state,
        made,
        await _questions(catalogue, record, made, doubtful=doubtful) if made else {},
        offered.half_points_max / HALF_POINTS_A_POINT,
        language=language_of(accept_language.encode("latin-1", "replace")),
        shows_keys=record.status == "closed" or who.role in acting.ORGANISER,
    )


@routes.post(
    "/quizzes/{quiz_id}/statistics",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Make new statistics of a quiz now",
)
async def make_statistics(
    quiz_id: QuizIdInPath, catalogue: OfferedQuizzes, statistics: MadeStatistics
) -> StateOut:
    """
    They are made in the background, for one quiz at a time; read them until `due` is false and `reading` is
    null. Asking again before they are begun changes nothing. 404 `quiz_unknown`.
    """
    await catalogue.look_up(quiz_id)
    await statistics.ask(quiz_id)
    return state_out(quiz_id, await statistics.state(quiz_id))


async def _questions(
    catalogue: Catalogue, record: QuizRecord, made: Statistics, *, doubtful: bool
) -> dict[tuple[str, int], Question]:
    """The questions that are shown, by id and version: in the order of the bank, the latest version first."""
    shown = {(one.question_id, one.quiz_version) for one in made.questions if one.doubts or not doubtful}
    found: dict[tuple[str, int], Question] = {}
    for version in sorted({version for _, version in shown}, reverse=True):
        offered = await catalogue.look_up(record.quiz_id, version)
        found |= {
            (question.id, version): offered.keys.corrected(question)
            for question in offered.record.quiz.questions
            if (question.id, version) in shown
        }
    return found
