"""Awards over HTTP: schemes, conferring and revoking for organisers; codes for everyone; one's own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response, status
from pydantic import BaseModel, Field

from services.awards.issuing.apply import Organising
from services.awards.register.codes import CODE_CHARS_MAX, read_code
from services.awards.register.rules import Award
from services.awards.register.store import AwardStore
from services.awards.schemes.rules import Rule, Scheme
from shared.contracts.checked import ID_PATTERN, Id, Line
from shared.contracts.events import AwardKind
from shared.runtime.errors import Forbidden, NotFound, Rejected
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, after_of, place_after
from shared.web.identity import AsOrganiser, AsParticipant


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
        ]
    )


class ConferralIn(Form):
    """Who is conferred what; the note stays with the organisers and may name no person."""

    scheme_id: Id = Field(examples=["service-team-flag"])
    recipient_id: Id = Field(examples=["group-service-team-01"])
    note: Line | None = Field(None, examples=["2023-05-20 启动仪式授旗"])


class RevocationIn(Form):
    reason: Line = Field(description="public: shown with the code", examples=["成绩复核后撤销"])


class SchemesOut(BaseModel):
    """A page of schemes, each as `PUT` takes it; `after` leads to the next one, null on the last."""

    schemes: list[Scheme]
    after: str | None


class UndecidedOut(BaseModel):
    """Why someone may still be due an award by a scheme whose quiz is closed."""

    code: Literal["standings_too_short"]
    detail: str


class SchemeStateOut(BaseModel):
    """How a scheme stands: awards fix its rule, and a close of its quiz may leave something undecided."""

    scheme_id: str = Field(examples=["contest-prize"])
    in_use: bool = Field(description="it has awards: only its title may change")
    quiz_closed: bool
    undecided: UndecidedOut | None


class AwardOut(BaseModel):
    """
    An award as anyone who has its code may see it; the recipient is a pseudonymous id.

    Of a recipient who was erased: null, as is the reason of a revocation.
    """

    award_code: str = Field(examples=["KW-7Q2MA-X4D0P"])
    scheme_title: str = Field(examples=["科技创新和科学技术普及知识竞赛合格证书"])
    kind: AwardKind
    tier: str | None = Field(examples=["一等奖"])
    recipient_id: str | None = Field(examples=["group-service-team-01"])
    issued_at: datetime
    status: Literal["held", "revoked"]
    revoked_at: datetime | None
    reason: str | None


class AwardDetailOut(AwardOut):
    """An award as organisers see it."""

    award_id: str = Field(examples=["7f1f0c56-9f6f-5c0a-8f2e-0c6d5a9d4b11"])
    scheme_id: str = Field(examples=["service-team-flag"])
    cause: str = Field(description="the result, closed quiz or conferral that it follows from")
    note: str | None


class AwardsOut(BaseModel):
    """A page of awards; `after` leads to the next one, null on the last."""

    awards: list[AwardDetailOut]
    after: str | None


class OwnAwardsOut(BaseModel):
    """A page of one's own awards; `after` leads to the next one, null on the last."""

    awards: list[AwardOut]
    after: str | None


class AppliedOut(BaseModel):
    """
    How many awards were issued; call again with `after` until it is null.

    `undecided`: someone of whom awards has no result may be due an award by rank too.
    """

    issued: int = Field(examples=[1287])
    after: str | None
    undecided: bool = Field(examples=[False])


@dataclass(frozen=True, slots=True)
class AwardsApi:
    """What the routes stand on."""

    store: AwardStore
    organising: Organising


def router() -> APIRouter:
    """All routes; what they stand on is `app.state.awards`, an `AwardsApi`."""
    routes = APIRouter(tags=["awards"])
    route, organisers = routes.add_api_route, [AsOrganiser]
    route("/schemes", list_schemes, methods=["GET"], summary="What can be awarded, and by which rule")
    route(
        "/schemes/{scheme_id}",
        put_scheme,
        methods=["PUT"],
        dependencies=organisers,
        summary="Put a scheme, or change one",
    )
    route("/schemes/{scheme_id}", get_scheme, methods=["GET"], summary="A scheme as it was put")
    route(
        "/schemes/{scheme_id}/state",
        get_state,
        methods=["GET"],
        dependencies=organisers,
        summary="Whether a scheme is in use, and what its quiz's close left undecided",
    )
    route(
        "/schemes/{scheme_id}/apply",
        apply_scheme,
        methods=["POST"],
        dependencies=organisers,
        summary="Issue what a scheme put late has missed",
    )
    route(
        "/awards",
        confer,
        methods=["POST"],
        status_code=status.HTTP_201_CREATED,
        dependencies=organisers,
        summary="Confer an award on a person or group",
        responses={200: {"model": AwardDetailOut, "description": "It was conferred before"}},
    )
    route("/awards", list_awards, methods=["GET"], dependencies=organisers, summary="A scheme's awards")
    route(
        "/awards/{award_id}/revoke",
        revoke,
        methods=["POST"],
        dependencies=organisers,
        summary="Revoke an award",
    )
    route(
        "/awards/{award_code}",
        look_up,
        methods=["GET"],
        summary="Whether an award is genuine and still holds",
    )
    route("/me/awards", list_own, methods=["GET"], summary="One's own awards, the latest first")
    return routes


def _awards(request: Request) -> AwardsApi:
    api: AwardsApi = request.app.state.provided[AwardsApi]
    return api


async def list_schemes(request: Request, after: After = None, limit: Limit = PAGE) -> SchemesOut:
    """By id."""
    place = place_after(after, str)
    found = await _awards(request).store.schemes(place[0] if place else "", limit)
    last = after_of(found[-1].scheme_id) if len(found) == limit else None
    return SchemesOut(schemes=found, after=last)


async def get_scheme(request: Request, scheme_id: IdInPath) -> Scheme:
    """What `PUT` takes. 404 `scheme_unknown`."""
    return await _awards(request).organising.scheme(scheme_id)


async def put_scheme(request: Request, scheme_id: IdInPath, body: SchemeIn) -> Scheme:
    """
    Repeating it changes nothing. With awards issued, only the title may change: 409 `scheme_in_use`.

    Its quiz must be published: 404 `quiz_unknown`, also for a moment after the publication. More places
    than a closed quiz lists standings cannot be decided: 422 `places_above_standings`. A scheme that
    comes after the results does nothing by itself: apply it.
    """
    if body.scheme_id not in (None, scheme_id):
        raise Rejected(f"the path says {scheme_id}, the body {body.scheme_id}", code="scheme_id_differs")
    scheme = Scheme(scheme_id=scheme_id, title=body.title, kind=body.kind, rule=body.rule)
    await _awards(request).organising.put(scheme)
    return scheme


async def get_state(request: Request, scheme_id: IdInPath) -> SchemeStateOut:
    """404 `scheme_unknown`."""
    found = await _awards(request).organising.standing(scheme_id)
    why = found.undecided
    return SchemeStateOut(
        scheme_id=scheme_id,
        in_use=found.in_use,
        quiz_closed=found.closed,
        undecided=None if why is None else UndecidedOut(code="standings_too_short", detail=why),
    )


async def apply_scheme(request: Request, scheme_id: IdInPath, after: After = None) -> AppliedOut:
    """
    Some 10,000 results a call; a repeat issues nothing twice. 409 `quiz_not_closed` too early.

    Of a scheme by rank it also finds, among the results of the last half year, those who share the
    rank of the last standing that the close listed.
    """
    place = place_after(after, str)
    applied = await _awards(request).organising.apply(scheme_id, place[0] if place else None)
    last = None if applied.after is None else after_of(applied.after)
    return AppliedOut(issued=applied.issued, after=last, undecided=applied.undecided)


async def confer(request: Request, response: Response, body: ConferralIn) -> AwardDetailOut:
    """
    201 when it is new, 200 and the same award on a repeat, 409 `award_revoked` after a revocation.

    404 `recipient_unknown`, also for a moment after a registration; 409 `participant_erased`.
    """
    award, new = await _awards(request).organising.confer(body.scheme_id, body.recipient_id, body.note)
    response.status_code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
    return _detail(award)


async def list_awards(
    request: Request,
    scheme_id: Annotated[str, Query(pattern=ID_PATTERN, examples=["contest-certificate"])],
    after: After = None,
    limit: Limit = PAGE,
) -> AwardsOut:
    """By award id; revoked ones too."""
    place = place_after(after, str)
    found = await _awards(request).store.awards_of_scheme(scheme_id, place[0] if place else "", limit)
    last = after_of(found[-1].award_id) if len(found) == limit else None
    return AwardsOut(awards=[_detail(award) for award in found], after=last)


async def revoke(request: Request, award_id: IdInPath, body: RevocationIn) -> AwardDetailOut:
    """Repeating it changes nothing, the first reason stays; a revoked award is never issued again."""
    return _detail(await _awards(request).organising.revoke(award_id, body.reason))


async def look_up(
    request: Request,
    award_code: Annotated[str, Path(max_length=CODE_CHARS_MAX, examples=["KW-7Q2MA-X4D0P"])],
) -> AwardOut:
    """
    Case, spaces, dashes and full-width characters do not matter.

    422 `award_code_malformed`, 404 `award_unknown`.

    A certificate is still genuine when its holder was erased: it says so, and nothing about the holder.
    """
    code = read_code(award_code)
    store = _awards(request).store
    award = await store.award_of_code(code)
    if award is None:
        raise NotFound(f"there is no award with the code {code}", code="award_unknown")
    if await store.known.erased([award.recipient_id]):
        return _public(award).model_copy(update={"recipient_id": None, "reason": None})
    return _public(award)


async def list_own(
    request: Request, who: AsParticipant, after: After = None, limit: Limit = PAGE
) -> OwnAwardsOut:
    """403 `participant_erased` once everything about them was erased."""
    store = _awards(request).store
    if await store.known.erased([who.participant_id]):
        raise Forbidden("the participant is erased", code="participant_erased")
    place = place_after(after, datetime, str)
    found = await store.awards_of_recipient(who.participant_id, place, limit)
    last = after_of(found[-1].issued_at, found[-1].award_id) if len(found) == limit else None
    return OwnAwardsOut(awards=[_public(award) for award in found], after=last)


def _public(award: Award) -> AwardOut:
    return AwardOut(
        award_code=award.award_code,
        scheme_title=award.scheme_title,
        kind=award.kind,
        tier=award.tier,
        recipient_id=award.recipient_id,
        issued_at=award.issued_at,
        status="held" if award.held else "revoked",
        revoked_at=award.revoked_at,
        reason=award.reason,
    )


def _detail(award: Award) -> AwardDetailOut:
    return AwardDetailOut(
        **_public(award).model_dump(),
        award_id=award.award_id,
        scheme_id=award.scheme_id,
        cause=award.cause,
        note=award.note,
    )
