"""Flags over HTTP, for organisers alone: they say of people what is not proved."""

from typing import Annotated

from fastapi import Header, Query, Response

from services.quiz.fair_play.bodies import (
    ExaminationOut,
    FlagOut,
    FlagsOut,
    JudgementIn,
    examination_out,
    flag_out,
)
from services.quiz.fair_play.rules import JudgedFlag, Judgement, Kind, Verdict
from services.quiz.fair_play.store import FlagStore
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from shared.runtime import clock
from shared.runtime.acting import current
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching
from shared.web.wording import Language, language_of

routes = Routes(tags=["quiz"])

OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Flags = Annotated[FlagStore, provided(FlagStore)]
AcceptLanguage = Annotated[str, Header(description="zh-CN or en: the language of the explanations")]


@routes.get(
    "/quizzes/{quiz_id}/flags",
    dependencies=[AsOrganiser],
    summary="Attempts that a person should look at",
)
async def list_flags(
    quiz_id: QuizIdInPath,
    catalogue: OfferedQuizzes,
    flags: Flags,
    kind: Annotated[Kind | None, Query(description="only of this kind")] = None,
    verdict: Annotated[Verdict | None, Query(description="only with this verdict")] = None,
    limit: Limit = PAGE,
    after: After = None,
    accept_language: AcceptLanguage = "",
) -> FlagsOut:
    """
    By kind, the strongest first, page by page. A quiz is examined when somebody asks, and after its close.

    A flag proves nothing, and nothing follows from it. 404 `quiz_unknown`.
    """
    await catalogue.look_up(quiz_id)
    place = place_after(after, str, float, str)
    page, following = await one_page(
        lambda most: flags.page(quiz_id, kind, verdict, place and (place[0], place[1], place[2]), most),
        limit,
        _place_of,
    )
    language = _language(accept_language)
    return FlagsOut(
        examination=examination_out(quiz_id, await flags.state(quiz_id)),
        flags=[flag_out(one, language) for one in page],
        after=following,
    )


@routes.post(
    "/quizzes/{quiz_id}/flags",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Examine a quiz now",
)
async def examine_quiz(quiz_id: QuizIdInPath, catalogue: OfferedQuizzes, flags: Flags) -> ExaminationOut:
    """
    It is done in the background, for one quiz at a time; read the flags until `due` is false and `percent` is
    null. Asking again before it has begun changes nothing. 404 `quiz_unknown`.
    """
    await catalogue.look_up(quiz_id)
    await flags.ask(quiz_id)
    return examination_out(quiz_id, await flags.state(quiz_id))


@routes.get(
    "/quizzes/{quiz_id}/flags/{flag_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED,
    summary="One flag, with its figures and what they mean",
)
async def read_flag(
    quiz_id: QuizIdInPath,
    flag_id: IdInPath,
    flags: Flags,
    response: Response,
    accept_language: AcceptLanguage = "",
) -> FlagOut:
    """The `ETag` is that of the verdict. 404 `flag_unknown`."""
    return _answer(await flags.read(quiz_id, flag_id), quiz_id, flag_id, response, accept_language)


@routes.post(
    "/quizzes/{quiz_id}/flags/{flag_id}/verdict",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Say whether what was flagged is fair",
)
async def judge_flag(
    quiz_id: QuizIdInPath,
    flag_id: IdInPath,
    body: JudgementIn,
    flags: Flags,
    response: Response,
    if_match: IfMatch = None,
    accept_language: AcceptLanguage = "",
) -> FlagOut:
    """
    It is kept who says so, and when; the last verdict counts. Nothing else happens: results, standings and
    awards stay as they are. 404 `flag_unknown`; 412 `version_differs`: somebody has judged it since.
    """
    judgement = Judgement(body.verdict, body.note, current().act.who, clock.now())
    judged = await flags.judge(quiz_id, flag_id, judgement, matching(if_match))
    return _answer(judged, quiz_id, flag_id, response, accept_language)


def _answer(
    one: JudgedFlag | None, quiz_id: str, flag_id: str, response: Response, accept_language: str
) -> FlagOut:
    if one is None:
        raise NotFound(f"quiz {quiz_id} has no flag {flag_id}", code="flag_unknown")
    response.headers["etag"] = etag(one.version)
    return flag_out(one, _language(accept_language))


def _place_of(one: JudgedFlag) -> tuple[str, float, str]:
    return one.flag.kind, one.flag.strength, one.flag.flag_id


def _language(accept_language: str) -> Language:
    return language_of(accept_language.encode("latin-1", "replace"))
