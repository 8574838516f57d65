"""The winners of a scheme over HTTP, for organisers: pages, and files."""

from typing import Annotated

from fastapi import Body
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from services.awards.names.rules import Address
from services.awards.winners.lists import MEDIA_TYPES, Format, WinnerLists
from services.awards.winners.rules import Winner
from shared.contracts.checked import Line
from shared.contracts.events import ParticipantKind
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, after_of, place_after
from shared.web.identity import ByOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Lists = Annotated[WinnerLists, provided(WinnerLists)]

routes = Routes(tags=["awards"])


class OpeningIn(Form):
    """Why the names are needed. The reason is kept in the log of acts: write no name into it."""

    reason: Line = Field(examples=["寄送奖品"])


class AddressOut(BaseModel):
    recipient: str
    phone: str
    region: str
    street: str
    postal_code: str | None

    @classmethod
    def of(cls, at: Address) -> "AddressOut":
        return cls(
            recipient=at.recipient,
            phone=at.phone,
            region=at.region,
            street=at.street,
            postal_code=at.postal_code,
        )


class WinnerOut(BaseModel):
    """An award that is held, and its holder; null: there is none, or awards cannot open it."""

    award_code: str = Field(examples=["KW-7Q2MA-X4D0P"])
    tier: str | None = Field(examples=["一等奖"])
    recipient_id: str
    kind: ParticipantKind | None
    name: str | None = Field(examples=["李小明"])
    unit: str | None = Field(examples=["濮阳市第一中学"])
    district: str | None = Field(examples=["华龙区"])
    address: AddressOut | None

    @classmethod
    def of(cls, winner: Winner) -> "WinnerOut":
        award, who = winner.award, winner.who
        return cls(
            award_code=award.award_code,
            tier=award.tier,
            recipient_id=award.recipient_id,
            kind=who.kind if who else None,
            name=who.text if who else None,
            unit=who.unit if who else None,
            district=who.district if who else None,
            address=AddressOut.of(who.address) if who and who.address else None,
        )


class WinnersOut(BaseModel):
    """A page; `after` leads to the next one, null on the last. A page before it may be short too."""

    winners: list[WinnerOut]
    after: str | None


@routes.post("/schemes/{scheme_id}/winners", summary="The winners of a scheme with names and addresses")
async def list_winners(
    scheme_id: IdInPath,
    form: Annotated[OpeningIn, Body()],
    by: ByOrganiser,
    lists: Lists,
    limit: Limit = PAGE,
    after: After = None,
) -> WinnersOut:
    """
    A page of the awards that are held, by award id. Erased people are left out.

    The log of acts keeps who opened how many, when and why, before anything is opened. 404 `scheme_unknown`;
    409 `names_closed` where this process has no private key; 503 `overloaded` if eight requests of your key
    for lists and files are under way.
    """
    place = place_after(after, str)
    winners, last = await lists.page(by.name, scheme_id, form.reason, place[0] if place else "", limit)
    return WinnersOut(
        winners=[WinnerOut.of(winner) for winner in winners], after=after_of(last) if last else None
    )


@routes.post(
    "/schemes/{scheme_id}/winners/export",
    summary="The same as a file, all in one: CSV or XLSX",
    response_class=StreamingResponse,
    responses={200: {"content": {media: {} for media in MEDIA_TYPES.values()}}},
)
async def export_winners(
    scheme_id: IdInPath,
    form: Annotated[OpeningIn, Body()],
    by: ByOrganiser,
    lists: Lists,
    format: Format = "csv",  # noqa: A002 (the name in the query)
) -> StreamingResponse:
    """
    The file is made while it is sent. If the connection ends early, it is not complete: ask again.

    The log of acts keeps who opened how many, when and why. 404 `scheme_unknown`; 409 `names_closed`; 503
    `overloaded`.
    """
    return StreamingResponse(
        await lists.file(by.name, scheme_id, form.reason, format),
        media_type=MEDIA_TYPES[format],
        headers={"content-disposition": f'attachment; filename="winners-{scheme_id}.{format}"'},
    )
