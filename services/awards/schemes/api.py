"""Schemes over HTTP."""

from typing import Annotated

from fastapi import Response
from pydantic import BaseModel, Field

from services.awards.known.store import KnownStore
from services.awards.results.decisions import DecisionStore
from services.awards.schemes import put
from services.awards.schemes.rules import AT_ONCE, Issue, OnChange, Rule, Scheme
from services.awards.schemes.store import SchemeStore
from shared.contracts.checked import Id, Line
from shared.contracts.events import AwardKind
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, IsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

Schemes = Annotated[SchemeStore, provided(SchemeStore)]
Known = Annotated[KnownStore, provided(KnownStore)]
Decisions = Annotated[DecisionStore, provided(DecisionStore)]

routes = Routes(tags=["awards"])


class SchemeIn(Form):
    """A scheme as an organiser puts it; its id, if given, is the path's."""

    scheme_id: Id | None = Field(None, examples=["contest-certificate"])
    title: Line = Field(examples=["科技创新和科学技术普及知识竞赛合格证书"])
    kind: AwardKind = Field(examples=["certificate"])
    rule: Rule = Field(
        examples=[
            {"type": "pass_mark", "quiz_id": "puyang-2023-contest", "score_percent": 60},
            {
                "type": "rank_tiers",
                "quiz_id": "puyang-2023-contest",
                "tiers": [{"tier": "一等奖", "places": 3}, {"tier": "二等奖", "places": 6}],
            },
            {"type": "conferred"},
            {"type": "drawn"},
            {"type": "selected"},
        ]
    )
    on_change: OnChange = Field(
        "keep",
        description="what becomes of an award that is not earned any more: only an organiser takes it back "
        "(keep), or the rule does (follow)",
    )
    issue: Issue = Field(
        AT_ONCE,
        description="when awards are issued: at once, or after a public notice of what is proposed",
        examples=[{"type": "at_once"}, {"type": "after_notice", "days": 7}],
    )
    draft: bool = Field(
        False, description="only organisers see it, and nothing is issued by it; not once it has awards"
    )


class SchemesOut(BaseModel):
    """A page of schemes, each as `PUT` takes it; `after` leads to the next one, null on the last."""

    schemes: list[Scheme]
    after: str | None


@routes.get("/schemes", summary="All schemes: awards and their rules")
async def list_schemes(
    schemes: Schemes, is_organiser: IsOrganiser, after: After = None, limit: Limit = PAGE
) -> SchemesOut:
    """By id. With the organisers' key drafts too."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: schemes.page(place[0] if place else "", most, drafts=is_organiser),
        limit,
        lambda one: (one.scheme_id,),
    )
    return SchemesOut(schemes=list(page), after=following)


@routes.put(
    "/schemes/{scheme_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put a scheme, or change one",
)
async def put_scheme(
    scheme_id: IdInPath,
    body: SchemeIn,
    schemes: Schemes,
    known: Known,
    decisions: Decisions,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Scheme:
    """
    A repeat changes nothing. Once there are awards, only the title may change: 409 `scheme_in_use`.

    Its quiz must be published: 404 `quiz_unknown`, also for a moment after the publication. A scheme with
    more places than a closed quiz lists standings cannot be decided: 422 `places_above_standings`. A scheme
    that is put after the results does nothing by itself: apply it. 422 `scheme_id_differs`,
    `conferred_follows_nothing`, `drawn_at_once`, `selected_at_once`, `lots_are_final`, 409
    `too_many_schemes`, `quiz_cancelled`, 412 `scheme_differs`.
    """
    check_same_id(body.scheme_id, scheme_id, code="scheme_id_differs")
    scheme = Scheme(
        scheme_id=scheme_id,
        title=body.title,
        kind=body.kind,
        rule=body.rule,
        on_change=body.on_change,
        issue=body.issue,
        draft=body.draft,
    )
    tag = await put.put_scheme(scheme, schemes, known, decisions, matches=matching(if_match, if_none_match))
    response.headers["etag"] = etag(tag)
    return scheme


@routes.get("/schemes/{scheme_id}", responses=TAGGED, summary="A scheme as it was put")
async def get_scheme(
    scheme_id: IdInPath, schemes: Schemes, response: Response, is_organiser: IsOrganiser
) -> Scheme:
    """
    What `PUT` takes, with an `ETag` for `If-Match`. 404 `scheme_unknown`, also for a draft without a key.
    """
    scheme, tag = await schemes.get_with_tag(scheme_id, drafts=is_organiser)
    response.headers["etag"] = etag(tag)
    return scheme


@routes.delete(
    "/schemes/{scheme_id}",
    status_code=204,
    dependencies=[AsOrganiser],
    responses=CHANGED,
    summary="Delete a scheme that has no awards",
)
async def delete_scheme(scheme_id: IdInPath, schemes: Schemes, if_match: IfMatch = None) -> None:
    """404 `scheme_unknown`; 409 `scheme_in_use`; 412 `scheme_differs`."""
    await schemes.delete(scheme_id, matching(if_match))
