"""The issued awards over HTTP: codes for everyone, one's own awards, a scheme's awards, revoking."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field

from services.awards.issued.bodies import AwardDetailOut, AwardOut, AwardShownOut, detail, public
from services.awards.issued.codes import CODE_CHARS_MAX, read_code
from services.awards.issued.reinstate import reinstate_award
from services.awards.issued.revoke import revoke_award
from services.awards.issued.store import AwardStore
from services.awards.issued.tries import CountsWrongCodes
from services.awards.known.rules import check_token
from services.awards.known.store import KnownStore
from services.awards.names.store import NameStore
from services.awards.results.changes import ChangeStore
from services.awards.schemes.store import SchemeStore
from shared.contracts.checked import ID_PATTERN, PersonalLine
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsParticipant, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Awards = Annotated[AwardStore, provided(AwardStore)]
Changes = Annotated[ChangeStore, provided(ChangeStore)]
Known = Annotated[KnownStore, provided(KnownStore)]
Names = Annotated[NameStore, provided(NameStore)]
Schemes = Annotated[SchemeStore, provided(SchemeStore)]
SchemeIdInQuery = Annotated[str, Query(pattern=ID_PATTERN, examples=["contest-certificate"])]
CodeInPath = Annotated[str, Path(max_length=CODE_CHARS_MAX, examples=["KW-7Q2MA-X4D0P"])]

routes = Routes(tags=["awards"])


class RevocationIn(Form):
    """`place_free` matters only if the scheme says `next_in_rank`."""

    reason: PersonalLine = Field(description="public: shown with the code", examples=["成绩复核后撤销"])
    place_free: bool = Field(False, description="the place stays free: nobody moves up in rank")


class AwardsOut(BaseModel):
    """A page of awards; `after` leads to the next one, null on the last."""

    awards: list[AwardDetailOut]
    after: str | None


class OwnAwardsOut(BaseModel):
    """A page of the participant's own awards; `after` leads to the next one, null on the last."""

    awards: list[AwardOut]
    after: str | None


@routes.get("/awards", dependencies=[AsViewer], summary="A scheme's awards")
async def list_awards(
    scheme_id: SchemeIdInQuery, awards: Awards, after: After = None, limit: Limit = PAGE
) -> AwardsOut:
    """By award id; revoked ones too."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: awards.of_scheme(scheme_id, place[0] if place else "", most),
        limit,
        lambda award: (award.award_id,),
    )
    return AwardsOut(awards=[detail(award) for award in page], after=following)


@routes.post("/awards/{award_id}/revoke", dependencies=[AsOrganiser], summary="Revoke an award")
async def revoke(
    award_id: IdInPath,
    body: RevocationIn,
    awards: Awards,
    known: Known,
    schemes: Schemes,
    changes: Changes,
) -> AwardDetailOut:
    """
    No rule issues a revoked award again; only you can reinstate it. 404 `award_unknown`.

    If the scheme says `next_in_rank`, the next in rank moves up in the background, unless the place stays
    free. A repeat with the same reason changes nothing. A different reason is refused: 409 `award_revoked`.
    """
    return detail(
        await revoke_award(award_id, body.reason, awards, known, schemes, changes, place_free=body.place_free)
    )


@routes.post("/awards/{award_id}/reinstate", dependencies=[AsOrganiser], summary="Reinstate a revoked award")
async def reinstate(
    award_id: IdInPath, awards: Awards, known: Known, schemes: Schemes, changes: Changes
) -> AwardDetailOut:
    """
    An award that was revoked by mistake holds again, with the same code, and its recipient is told.

    A repeat changes nothing. 404 `award_unknown`, 409 `participant_erased`, `award_not_earned` (the rule took
    it back), `award_replaced`.
    """
    return detail(await reinstate_award(award_id, awards, known, schemes, changes))


@routes.get(
    "/awards/{award_code}",
    dependencies=[CountsWrongCodes],
    summary="Whether an award is genuine and still holds",
)
async def look_up(award_code: CodeInPath, awards: Awards, known: Known, names: Names) -> AwardShownOut:
    """
    Case, spaces, dashes and full-width characters do not matter. 422 `award_code_malformed`, 404
    `award_unknown`, 429 `award_codes_tried`.

    The certificate of an erased person is still genuine. The answer says this, and nothing about the person.
    If another award takes its place, the answer has the code of that one.
    """
    code = read_code(award_code)
    award = await awards.by_code(code)
    if award is None:
        raise NotFound(f"there is no award with the code {code}", code="award_unknown")
    name = (await names.shown([award.recipient_id])).get(award.recipient_id)
    after = await awards.code_after(award)
    shown = AwardShownOut(
        **public(award).model_dump(), name_shown=name.text if name else None, superseded_by_code=after
    )
    # After the name is read: an erasure at the same moment is seen here.
    if await known.erased([award.recipient_id]):
        return shown.model_copy(update={"recipient_id": None, "reason": None, "name_shown": None})
    return shown


@routes.get("/me/awards", summary="One's own awards, the latest first")
async def list_own(
    who: AsParticipant,
    awards: Awards,
    known: Known,
    schemes: Schemes,
    after: After = None,
    limit: Limit = PAGE,
) -> OwnAwardsOut:
    """401 `participant_erased` after the participant was erased."""
    check_token(erased=bool(await known.erased([who.participant_id])))
    place = place_after(after, datetime, str)
    of_schemes = await schemes.ids()
    page, following = await one_page(
        lambda most: awards.of_recipient(who.participant_id, of_schemes, place, most),
        limit,
        lambda award: (award.issued_at, award.award_id),
    )
    return OwnAwardsOut(awards=[public(award) for award in page], after=following)
