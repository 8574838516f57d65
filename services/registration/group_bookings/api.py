"""Group bookings over HTTP: for managers of the group."""

from bisect import bisect_right
from datetime import datetime
from itertools import accumulate
from typing import Annotated

from fastapi import Body, Response
from pydantic import BaseModel, Field, StringConstraints

from services.registration.booking.bodies import BookingOut, IdempotencyKey, RegistrationOut
from services.registration.booking.cancel import Cancellation
from services.registration.booking.idempotency import RequestKeys
from services.registration.booking.positions import Positions
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import opened_ticket
from services.registration.group_bookings.book_members import GroupBooking
from services.registration.group_bookings.change_members import GroupChange
from services.registration.group_bookings.rules import Attendance, registration_unknown
from services.registration.group_bookings.store import AttendanceStore
from services.registration.managers.manage import Managers
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.store import SessionStore
from shared.contracts.checked import ID_PATTERN, Id
from shared.contracts.events import GROUP_PLACES_MAX
from shared.contracts.origin import Origin
from shared.runtime.keyed_hash import KeyedHash
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, after_of, one_page, place_after
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching

# Ids are UUIDs; with ids of any allowed length it is 34 KB.
GROUP_BODY_BYTES_MAX = 65_536
# Of all registrations of a page.
MEMBERS_SHOWN_MAX = 4 * GROUP_PLACES_MAX

Managing = Annotated[Managers, provided(Managers)]
BookingMembers = Annotated[GroupBooking, provided(GroupBooking)]
Changing = Annotated[GroupChange, provided(GroupChange)]
Cancellations = Annotated[Cancellation, provided(Cancellation)]
Attendances = Annotated[AttendanceStore, provided(AttendanceStore)]
Registrations = Annotated[RegistrationStore, provided(RegistrationStore)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
PlacesInLine = Annotated[Positions, provided(Positions)]
Participants = Annotated[ParticipantStore, provided(ParticipantStore)]
Hash = Annotated[KeyedHash, provided(KeyedHash)]
MemberId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
MemberIds = Annotated[
    list[MemberId], Field(min_length=1, max_length=GROUP_PLACES_MAX, description="a place for each")
]


class GroupBookingIn(Form):
    """Ask for places for members of the roster."""

    session_id: Id = Field(examples=["outreach-street-0520-am"])
    member_ids: MemberIds


class AttendeesIn(Form):
    """The members who attend now, all of them."""

    member_ids: MemberIds


class AttendeesOut(BaseModel):
    """The members who attend."""

    member_ids: list[str] = Field(max_length=GROUP_PLACES_MAX)


class GroupRegistrationOut(RegistrationOut):
    """A registration of the group, with the members who attend."""

    member_ids: list[str] = Field(max_length=GROUP_PLACES_MAX)


class GroupRegistrationsOut(BaseModel):
    """A page."""

    registrations: list[GroupRegistrationOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


routes = Routes(tags=["groups"])


@routes.post(
    "/groups/{group_id}/bookings",
    status_code=201,
    max_body_size=GROUP_BODY_BYTES_MAX,
    summary="Ask for places for members",
)
async def book_members(
    group_id: IdInPath,
    who: AsParticipant,
    key: IdempotencyKey,
    form: Annotated[GroupBookingIn, Body()],
    response: Response,
    managing: Managing,
    booking: BookingMembers,
    keyed_hash: Hash,
) -> BookingOut:
    """
    The group gets a place for each member, or waits as a whole. A group has one registration for a session.

    403 `not_manager`; 404 `session_unknown`, `member_unknown`; 409 `session_full`, `session_closed`,
    `session_not_open`, `session_cancelled`, `places_above_capacity`, `member_named_twice`, `consent_missing`,
    `idempotency_key_reused`. 503: send it again with the same key, which books it once.
    """
    await managing.check(group_id, who.participant_id)
    keys = RequestKeys(keyed_hash)
    outcome = await booking.book(
        group_id,
        form.session_id,
        form.member_ids,
        answer_id=keys.of_participant(group_id, key),
        fingerprint=keys.fingerprint(form.model_dump_json(exclude_defaults=True).encode()),
        origin=Origin.of_request(),
    )
    if outcome.repeated:
        response.status_code = 200
    answer = outcome.answer
    return BookingOut(
        registration_id=answer.registration_id,
        participant_id=answer.participant_id,
        session_id=answer.session_id,
        status=answer.verdict,
        position=answer.position,
        ticket_code=outcome.ticket_code,
        code=answer.code,
        reason=answer.reason,
    )


@routes.get("/groups/{group_id}/bookings", summary="The group's registrations, the latest first")
async def list_bookings(
    group_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    registrations: Registrations,
    sessions: Sessions,
    participants: Participants,
    attendances: Attendances,
    in_line: PlacesInLine,
    limit: Limit = PAGE,
    after: After = None,
) -> GroupRegistrationsOut:
    """
    A page of them, with the group's ticket and the members who attend. A page with many members has fewer
    registrations than `limit`; `after` is null on the last one only. 403 `not_manager`.
    """
    await managing.check(group_id, who.participant_id)
    place = place_after(after, datetime, str)
    page, following = await one_page(lambda most: registrations.page_of(group_id, place, most), limit, _place)
    places = list(accumulate(one.places for one in page))
    if len(fitting := page[: bisect_right(places, MEMBERS_SHOWN_MAX)]) < len(page):
        page, following = fitting, after_of(*_place(fitting[-1]))
    asked_for = await sessions.by_id({one.session_id for one in page})
    positions = await in_line.of(page, asked_for)
    attending = await attendances.by_id({one.registration_id for one in page})
    key = await participants.read_key(group_id)
    return GroupRegistrationsOut(
        registrations=[
            GroupRegistrationOut(
                **RegistrationOut.of(
                    one,
                    asked_for[one.session_id],
                    position=positions.get(one.registration_id),
                    ticket_code=opened_ticket(one.ticket_locked, key) if one.is_active else None,
                ).model_dump(),
                member_ids=attending[one.registration_id].member_ids
                if one.registration_id in attending
                else [],
            )
            for one in page
        ],
        after=following,
    )


def _place(registration: Registration) -> tuple[datetime, str]:
    return registration.asked_at, registration.registration_id


@routes.get(
    "/groups/{group_id}/bookings/{registration_id}/attendees", responses=TAGGED, summary="Who attends"
)
async def read_attendees(
    group_id: IdInPath,
    registration_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    registrations: Registrations,
    attendances: Attendances,
    response: Response,
) -> AttendeesOut:
    """`PUT` accepts this answer without a change. 403 `not_manager`; 404 `registration_unknown`."""
    await managing.check(group_id, who.participant_id)
    booked = await registrations.read(registration_id)
    if booked is None or booked.participant_id != group_id:
        raise registration_unknown(registration_id)
    known = (await attendances.by_id([registration_id])).get(registration_id)
    attending = known or Attendance(booked.registration_id, group_id, booked.session_id, [])
    response.headers["etag"] = etag(attending.version)
    return AttendeesOut(member_ids=attending.member_ids)


@routes.put(
    "/groups/{group_id}/bookings/{registration_id}/attendees",
    responses=TAGGED | CHANGED,
    max_body_size=GROUP_BODY_BYTES_MAX,
    summary="Change who attends",
)
async def put_attendees(
    group_id: IdInPath,
    registration_id: IdInPath,
    who: AsParticipant,
    form: Annotated[AttendeesIn, Body()],
    managing: Managing,
    changing: Changing,
    sessions: Sessions,
    response: Response,
    if_match: IfMatch = None,
) -> RegistrationOut:
    """
    With fewer members places come free at once. More places are given only if they are free and nobody waits
    for them. Repeating it changes nothing.

    403 `not_manager`; 404 `registration_unknown`, `member_unknown`; 409 `session_full`, `session_closed`,
    `session_cancelled`, `places_fixed`, `wait_grows`, `member_named_twice`, `consent_missing`,
    `attendees_changes_too_many`; 412 `version_differs`.
    """
    await managing.check(group_id, who.participant_id)
    after, attending = await changing.change(
        group_id, registration_id, form.member_ids, Origin.of_request(), matching(if_match)
    )
    response.headers["etag"] = etag(attending.version)
    session = (await sessions.by_id([after.session_id]))[after.session_id]
    return RegistrationOut.of(after, session)


@routes.post(
    "/groups/{group_id}/bookings/{registration_id}/cancel", summary="Cancel the group's registration"
)
async def cancel_booking(
    group_id: IdInPath,
    registration_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    cancellation: Cancellations,
    sessions: Sessions,
) -> RegistrationOut:
    """403 `not_manager`; 404 `registration_unknown`, also for another group's; 409 `already_checked_in`."""
    await managing.check(group_id, who.participant_id)
    cancelled = await cancellation.cancel(registration_id, group_id, Origin.of_request())
    session = (await sessions.by_id([cancelled.session_id]))[cancelled.session_id]
    return RegistrationOut.of(cancelled, session)
