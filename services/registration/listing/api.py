"""The registrations of a session over HTTP, for organisers: pages, one found by its ticket, and files."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, StringConstraints

from services.registration.booking.rules import Status
from services.registration.booking.tickets import TICKET_CHARS_MAX, TicketOffice
from services.registration.listing.lists import MEDIA_TYPES, Format, Lists
from services.registration.listing.rules import Row, Sort, Wanted
from services.registration.listing.store import ListingStore
from services.registration.participants.rules import District
from services.registration.sessions.store import SessionStore
from shared.contracts.checked import ID_PATTERN
from shared.contracts.events import Audience, Language, ParticipantKind
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, after_of, place_after
from shared.web.identity import AsDoor, ByDoorOrViewer, ByViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Listing = Annotated[ListingStore, provided(ListingStore)]
Listings = Annotated[Lists, provided(Lists)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
Tickets = Annotated[TicketOffice, provided(TicketOffice)]

OneStatus = Annotated[Status | None, Query(description="only these", examples=["confirmed"])]
OneGroup = Annotated[str | None, Query(pattern=ID_PATTERN, description="of members of this group")]
OneDistrict = Annotated[District | None, Query(description="of people of this district")]
OneAudience = Annotated[Audience | None, Query(description="of people of this audience")]
Sorted = Annotated[Sort, Query(description="in the order of the requests, or by status; - for the reverse")]
OneId = Annotated[str | None, Query(pattern=ID_PATTERN)]


class ListedOut(BaseModel):
    """A registration with what is known of its participant in clear; null after an erasure."""

    registration_id: str
    participant_id: str
    session_id: str = Field(examples=["outreach-street-0520-am"])
    status: Status
    places: int = Field(examples=[1])
    number: int = Field(description="in the session, in the order of the requests", examples=[17])
    asked_at: datetime
    kind: ParticipantKind | None
    group_id: str | None = Field(examples=["school-puyang-1"])
    district: str | None = Field(examples=["华龙区"])
    audience: Audience | None
    language: Language | None

    @classmethod
    def of(cls, row: Row) -> "ListedOut":
        one, person = row.registration, row.person
        return cls(
            registration_id=one.registration_id,
            participant_id=one.participant_id,
            session_id=one.session_id,
            status=one.status,
            places=one.places,
            number=one.sequence,
            asked_at=one.asked_at,
            kind=person.kind if person else None,
            group_id=person.group_id if person else None,
            district=person.district if person else None,
            audience=person.audience if person else None,
            language=person.language if person else None,
        )


class ListOut(BaseModel):
    """A page; `after` leads to the next one, null on the last. A page before it may be short too."""

    registrations: list[ListedOut]
    after: str | None


class TicketSearchIn(Form):
    ticket_code: Annotated[str, StringConstraints(min_length=1, max_length=TICKET_CHARS_MAX)] = Field(
        examples=["7K3QX-M0R9T"]
    )


routes = Routes(tags=["organisers"])


@routes.get(
    "/sessions/{session_id}/registrations",
    summary="Who has registered for a session, without names",
)
async def list_session(
    session_id: IdInPath,
    by: ByDoorOrViewer,
    lists: Listings,
    sessions: Sessions,
    status: OneStatus = None,
    group_id: OneGroup = None,
    district: OneDistrict = None,
    audience: OneAudience = None,
    registration_id: OneId = None,
    participant_id: OneId = None,
    sort: Sorted = "asked",
    limit: Limit = PAGE,
    after: After = None,
) -> ListOut:
    """
    A request looks at no more than 2,000 registrations: ask for the next page until `after` is null.

    404 `session_unknown`; 503 `overloaded` if eight requests of your key for lists and files are under way.
    """
    await _check(session_id, sessions)
    wanted = Wanted(status, group_id, district, audience, registration_id, participant_id)
    rows, place = await lists.page(by.name, session_id, wanted, sort, place_after(after, str, int), limit)
    return ListOut(
        registrations=[ListedOut.of(row) for row in rows], after=after_of(*place) if place else None
    )


@routes.get(
    "/sessions/{session_id}/registrations/export",
    summary="The same as a file, all in one: CSV or XLSX",
    response_class=StreamingResponse,
    responses={200: {"content": {media: {} for media in MEDIA_TYPES.values()}}},
)
async def export_session(
    session_id: IdInPath,
    by: ByViewer,
    lists: Listings,
    sessions: Sessions,
    format: Format = "csv",  # noqa: A002 (the name in the query)
    status: OneStatus = None,
    group_id: OneGroup = None,
    district: OneDistrict = None,
    audience: OneAudience = None,
    sort: Sorted = "asked",
) -> StreamingResponse:
    """
    The file is made while it is sent. If the connection ends early, it is not complete: ask again.

    404 `session_unknown`; 503 `overloaded` if eight requests of your key for lists and files are under way.
    """
    await _check(session_id, sessions)
    wanted = Wanted(status, group_id, district, audience)
    return StreamingResponse(
        await lists.file(by.name, session_id, wanted, sort, format),
        media_type=MEDIA_TYPES[format],
        headers={"content-disposition": f'attachment; filename="registrations-{session_id}.{format}"'},
    )


@routes.post("/registrations/search", dependencies=[AsDoor], summary="Find a registration by its ticket")
async def find_ticket(form: TicketSearchIn, listing: Listing, tickets: Tickets) -> ListedOut:
    """
    The code is in the body and not in the address: proxies keep addresses in their logs.

    Nobody is let in by this. 404 `ticket_unknown`.
    """
    row = await listing.with_ticket(tickets.hash_of(form.ticket_code))
    if row is None:
        raise NotFound("there is no such ticket", code="ticket_unknown")
    return ListedOut.of(row)


async def _check(session_id: str, sessions: SessionStore) -> None:
    if session_id not in await sessions.by_id([session_id]):
        raise NotFound(f"session {session_id} does not exist", code="session_unknown", session_id=session_id)
