"""Tickets over HTTP: the holder fetches a ticket, and everybody may read the keys that check tickets."""

from datetime import datetime
from typing import Annotated

from fastapi import Response
from pydantic import BaseModel, Field

from services.registration.managers.manage import Managers
from services.registration.tickets import qr
from services.registration.tickets.card import card
from services.registration.tickets.draw import Drawings
from services.registration.tickets.face import Face, face
from services.registration.tickets.give import GivenTicket, Tickets
from services.registration.tickets.keys import TicketKey
from services.registration.tickets.pdf import pdf
from shared.web.forms import IdInPath
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes

# There is one key today. The schema allows 4, so that a later release can change the key: doors then check
# tickets that were signed with an older one.
KEYS_MAX = 4
SVG, PNG, PDF = "image/svg+xml", "image/png", "application/pdf"

TicketGiver = Annotated[Tickets, provided(Tickets)]
Drawer = Annotated[Drawings, provided(Drawings)]
Managing = Annotated[Managers, provided(Managers)]
Key = Annotated[TicketKey, provided(TicketKey)]


class TicketOut(BaseModel):
    """A ticket, for its holder alone."""

    ticket: str = Field(description="the text of the QR code", examples=["KW1AEVB2GQ…"])
    ticket_code: str = Field(description="the same ticket, to be typed", examples=["7K3QX-M0R9T"])
    registration_id: str
    session_id: str = Field(examples=["outreach-street-0520-am"])
    places: int = Field(examples=[2])
    valid_from: datetime = Field(description="when the door opens, as planned now")
    valid_until: datetime
    key_id: str = Field(examples=["9f3c1a2b"])

    @classmethod
    def of(cls, given: GivenTicket) -> "TicketOut":
        content = given.content
        return cls(
            ticket=given.text,
            ticket_code=given.ticket_code,
            registration_id=content.registration_id,
            session_id=content.session_id,
            places=content.places,
            valid_from=content.valid_from,
            valid_until=content.valid_until,
            key_id=content.key_id,
        )


class TicketKeyOut(BaseModel):
    """A key that checks tickets."""

    key_id: str = Field(examples=["9f3c1a2b"])
    algorithm: str = "Ed25519"
    public_key: str = Field(description="32 bytes, base64")


class TicketKeysOut(BaseModel):
    """All keys that have signed tickets in use."""

    keys: list[TicketKeyOut] = Field(max_length=KEYS_MAX)


routes = Routes(tags=["tickets"])


@routes.get("/tickets/keys", summary="The public keys that check tickets")
async def list_ticket_keys(key: Key) -> TicketKeysOut:
    """How a ticket is checked without this service: docs/integrating.md."""
    return TicketKeysOut(keys=[TicketKeyOut(key_id=key.public.key_id, public_key=key.public.public_key)])


@routes.get("/registrations/{registration_id}/ticket", summary="The ticket of one of your registrations")
async def read_ticket(registration_id: IdInPath, who: AsParticipant, tickets: TicketGiver) -> TicketOut:
    """
    The ticket stays valid if the session moves. 404 `registration_unknown`, also for somebody else's
    registration; 409 `ticket_missing` while the registration waits, or when it is cancelled.
    """
    return TicketOut.of(await tickets.give(registration_id, who.participant_id))


@routes.get(
    "/registrations/{registration_id}/ticket.svg",
    summary="The QR code of a ticket, as SVG",
    response_class=Response,
    responses={200: {"content": {SVG: {}}}},
)
async def read_ticket_svg(
    registration_id: IdInPath, who: AsParticipant, tickets: TicketGiver, drawings: Drawer
) -> Response:
    """As `/ticket`. 404 `registration_unknown`, 409 `ticket_missing`."""
    given = await tickets.give(registration_id, who.participant_id)
    return Response(await drawings.draw(qr.svg, given.text), media_type=SVG)


@routes.get(
    "/registrations/{registration_id}/ticket.png",
    summary="The QR code of a ticket, as PNG",
    response_class=Response,
    responses={200: {"content": {PNG: {}}}},
)
async def read_ticket_png(
    registration_id: IdInPath, who: AsParticipant, tickets: TicketGiver, drawings: Drawer
) -> Response:
    """As `/ticket`. 404 `registration_unknown`, 409 `ticket_missing`."""
    given = await tickets.give(registration_id, who.participant_id)
    return Response(await drawings.draw(qr.png, given.text), media_type=PNG)


@routes.get(
    "/registrations/{registration_id}/ticket-card.svg",
    summary="A ticket as a card for a phone",
    response_class=Response,
    responses={200: {"content": {SVG: {}}}},
)
async def read_ticket_card(
    registration_id: IdInPath, who: AsParticipant, tickets: TicketGiver, drawings: Drawer
) -> Response:
    """QR code, code, activity, time, venue and places. 404 `registration_unknown`, 409 `ticket_missing`."""
    given = await tickets.give(registration_id, who.participant_id)
    return Response(await drawings.draw(card, _face(given)), media_type=SVG)


@routes.get(
    "/registrations/{registration_id}/ticket.pdf",
    summary="A ticket to print, A6",
    response_class=Response,
    responses={200: {"content": {PDF: {}}}},
)
async def read_ticket_pdf(
    registration_id: IdInPath, who: AsParticipant, tickets: TicketGiver, drawings: Drawer
) -> Response:
    """As the card. 404 `registration_unknown`, 409 `ticket_missing`."""
    given = await tickets.give(registration_id, who.participant_id)
    return Response(await drawings.draw(pdf, _face(given)), media_type=PDF)


@routes.get(
    "/groups/{group_id}/bookings/{registration_id}/ticket",
    summary="The ticket of one of your group's registrations",
)
async def read_group_ticket(
    group_id: IdInPath,
    registration_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    tickets: TicketGiver,
) -> TicketOut:
    """
    All members who attend share one ticket. It may be scanned several times: each scan lets in some of them.

    403 `not_manager`; 404 `registration_unknown`; 409 `ticket_missing`.
    """
    await managing.check(group_id, who.participant_id)
    return TicketOut.of(await tickets.give(registration_id, group_id))


@routes.get(
    "/groups/{group_id}/bookings/{registration_id}/ticket.pdf",
    summary="The ticket of your group to print, A6",
    response_class=Response,
    responses={200: {"content": {PDF: {}}}},
)
async def read_group_ticket_pdf(
    group_id: IdInPath,
    registration_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    tickets: TicketGiver,
    drawings: Drawer,
) -> Response:
    """403 `not_manager`; 404 `registration_unknown`; 409 `ticket_missing`."""
    await managing.check(group_id, who.participant_id)
    given = await tickets.give(registration_id, group_id)
    return Response(await drawings.draw(pdf, _face(given)), media_type=PDF)


def _face(given: GivenTicket) -> Face:
    return face(given.session, given.content.places, given.ticket_code, given.text)
