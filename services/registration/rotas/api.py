"""Shifts and rotas over HTTP: organisers put and staff them, participants volunteer and withdraw."""

from datetime import datetime
from typing import Annotated

from fastapi import Body, Query, Response

from services.registration.rotas.assign import Assigning
from services.registration.rotas.bodies import (
    AllLackingOut,
    AssignIn,
    AssignmentOut,
    EndIn,
    LackingOut,
    OwnShiftOut,
    OwnShiftsOut,
    RotaOut,
    ShiftIn,
    ShiftOut,
    ShiftsOut,
    VolunteerIn,
)
from services.registration.rotas.busy import Overlaps
from services.registration.rotas.end import Ending
from services.registration.rotas.put_shift import ShiftChanges
from services.registration.rotas.rules import (
    LIVE,
    Shift,
    Status,
    lacking_shifts,
    session_unknown,
    shift_unknown,
)
from services.registration.rotas.show import own_shifts, shown_assignment, visible_rota
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from shared.contracts.checked import ID_PATTERN
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.acting import current
from shared.web.forms import PAGE, After, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsDoorOrViewer, AsOrganiser, AsParticipant, AsViewer, IsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

Rotas = Annotated[RotaStore, provided(RotaStore)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
Changes = Annotated[ShiftChanges, provided(ShiftChanges)]
Assigns = Annotated[Assigning, provided(Assigning)]
Ends = Annotated[Ending, provided(Ending)]
Warnings = Annotated[Overlaps, provided(Overlaps)]

OneStatus = Annotated[Status | None, Query(description="only these; left out: all that have not ended")]
OneShift = Annotated[str | None, Query(pattern=ID_PATTERN, description="only people of this shift")]

routes = Routes(tags=["rotas"])


@routes.put(
    "/sessions/{session_id}/shifts/{shift_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put a shift of a session; repeating it changes nothing",
)
async def put_shift(
    session_id: IdInPath,
    shift_id: IdInPath,
    form: Annotated[ShiftIn, Body()],
    changes: Changes,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> ShiftOut:
    """
    From one day before the session to one day after it, for up to 24 hours. If the session moves, its shifts
    move with it. People who are on the rota or have volunteered stay, and are notified of a new time.

    404 `session_unknown`; 409 `session_cancelled`, `shifts_of_session` (more than 50), `most_below_assigned`
    (more people are on the rota), `shift_in_past` (it is not over, and would be); 412 `version_differs`; 422
    `shift_out_of_reach`, `shift_order`, `shift_too_long`, `needed_above_most`, `id_differs`.
    """
    check_same_id(form.shift_id, shift_id)
    put = Shift(shift_id, form.duty, form.starts_at, form.ends_at, form.needed, form.most)
    saved = await changes.put(session_id, put, matching(if_match, if_none_match))
    response.headers["etag"] = etag(saved.version)
    return ShiftOut.of(saved)


@routes.delete(
    "/sessions/{session_id}/shifts/{shift_id}",
    dependencies=[AsOrganiser],
    status_code=204,
    responses=CHANGED,
    summary="Remove a shift; its people are notified",
)
async def remove_shift(
    session_id: IdInPath, shift_id: IdInPath, changes: Changes, if_match: IfMatch = None
) -> None:
    """404 `session_unknown`, `shift_unknown`; 412 `version_differs`."""
    await changes.cancel(session_id, shift_id, Origin.of_request(), matching(if_match))


@routes.get("/sessions/{session_id}/shifts/{shift_id}", responses=TAGGED, summary="One shift of a session")
async def read_shift(
    session_id: IdInPath,
    shift_id: IdInPath,
    rotas: Rotas,
    sessions: Sessions,
    is_organiser: IsOrganiser,
    response: Response,
) -> ShiftOut:
    """
    `PUT` accepts this answer without a change. The numbers of people are no part of the `ETag`.

    404 `session_unknown`, `shift_unknown`.
    """
    rota = await visible_rota(session_id, rotas, sessions, is_organiser=is_organiser)
    if rota is None:
        raise shift_unknown(session_id, shift_id)
    shift = rota.shift(shift_id)
    response.headers["etag"] = etag(shift.version)
    return ShiftOut.of(shift)


@routes.get("/sessions/{session_id}/shifts", summary="The shifts of a session, and how many people they need")
async def list_shifts(
    session_id: IdInPath, rotas: Rotas, sessions: Sessions, is_organiser: IsOrganiser
) -> ShiftsOut:
    """With the organisers' key also of a draft. 404 `session_unknown`."""
    rota = await visible_rota(session_id, rotas, sessions, is_organiser=is_organiser)
    shifts = rota.shifts if rota else ()
    return ShiftsOut(session_id=session_id, shifts=[ShiftOut.of(shift) for shift in shifts])


@routes.get("/shifts/lacking", dependencies=[AsViewer], summary="The shifts of all sessions that need people")
async def list_lacking(
    rotas: Rotas, sessions: Sessions, limit: Limit = PAGE, after: After = None
) -> AllLackingOut:
    """A page of sessions, in the order of the end of their last shift."""
    now = clock.now()
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: rotas.lacking(now, place, most), limit, lambda rota: (rota.until, rota.session_id)
    )
    of = await sessions.by_id([rota.session_id for rota in page])
    lacking = [(rota, lacking_shifts(rota, now)) for rota in page]
    return AllLackingOut(
        sessions=[LackingOut.of(rota, of[rota.session_id], shifts) for rota, shifts in lacking if shifts],
        after=following,
    )


@routes.get(
    "/sessions/{session_id}/rota",
    dependencies=[AsDoorOrViewer],
    summary="Who is on the rota of a session or has volunteered, without names",
)
async def list_rota(
    session_id: IdInPath,
    rotas: Rotas,
    sessions: Sessions,
    warnings: Warnings,
    status: OneStatus = None,
    shift_id: OneShift = None,
    limit: Limit = PAGE,
    after: After = None,
) -> RotaOut:
    """A page, in the order of asking. 404 `session_unknown`."""
    if session_id not in await sessions.by_id([session_id]):
        raise session_unknown(session_id)
    place = place_after(after, int)
    statuses = LIVE if status is None else (status,)
    page, following = await one_page(
        lambda most: rotas.page(session_id, statuses, shift_id, place[0] if place else None, most),
        limit,
        lambda one: (one.number,),
    )
    overlaps = await warnings.of(page, await rotas.by_id([session_id]))
    return RotaOut(assignments=[AssignmentOut.of(one, overlaps) for one in page], after=following)


@routes.post(
    "/sessions/{session_id}/rota",
    status_code=201,
    dependencies=[AsOrganiser],
    summary="Put somebody on the rota of a session",
    responses={200: {"model": AssignmentOut, "description": "Nothing changed: it was so before"}},
)
async def assign(
    session_id: IdInPath,
    form: Annotated[AssignIn, Body()],
    assigns: Assigns,
    rotas: Rotas,
    warnings: Warnings,
    response: Response,
) -> AssignmentOut:
    """
    Whether the person has volunteered or not; the person is notified. `overlaps_with` warns of a place in a
    session at the same time, also in this one.

    403 `shift_for_verified`; 404 `session_unknown`, `shift_unknown`, `person_unknown` (also if erased); 409
    `session_cancelled`, `shift_full`, `shift_over`, `shift_overlaps` (on another rota at the same time),
    `shift_for_person`, `shifts_of_person`.
    """
    one, changed = await assigns.assign(session_id, form.shift_id, form.participant_id, Origin.of_request())
    response.status_code = 201 if changed else 200
    return await shown_assignment(one, rotas, warnings)


@routes.post(
    "/assignments/{assignment_id}/acceptance",
    dependencies=[AsOrganiser],
    summary="Accept somebody who has volunteered",
)
async def accept(
    assignment_id: IdInPath, assigns: Assigns, rotas: Rotas, warnings: Warnings
) -> AssignmentOut:
    """
    The person is on the rota, and is notified. Repeating it changes nothing.

    404 `assignment_unknown`, `person_unknown` (erased meanwhile); 409 `assignment_ended`,
    `session_cancelled`, `shift_full`, `shift_over`, `shift_overlaps`, `shifts_of_person`.
    """
    return await shown_assignment(await assigns.accept(assignment_id, Origin.of_request()), rotas, warnings)


@routes.post(
    "/assignments/{assignment_id}/refusal",
    dependencies=[AsOrganiser],
    summary="Decline somebody who has volunteered",
)
async def decline(
    assignment_id: IdInPath, ends: Ends, form: Annotated[EndIn | None, Body()] = None
) -> AssignmentOut:
    """
    The person is notified, and cannot volunteer for this shift again; an organiser may still assign them.

    404 `assignment_unknown`; 409 `assignment_decided` (on the rota already: remove them), `shift_over`.
    """
    words = await _noted(form)
    return AssignmentOut.of(await ends.decline(assignment_id, words, Origin.of_request()), {})


@routes.post(
    "/assignments/{assignment_id}/removal", dependencies=[AsOrganiser], summary="Take somebody off the rota"
)
async def remove(
    assignment_id: IdInPath, ends: Ends, form: Annotated[EndIn | None, Body()] = None
) -> AssignmentOut:
    """
    The person is notified, and cannot volunteer for this shift again; an organiser may still assign them.

    404 `assignment_unknown`; 409 `assignment_undecided` (has only volunteered: decline), `shift_over`.
    """
    words = await _noted(form)
    return AssignmentOut.of(await ends.remove(assignment_id, words, Origin.of_request()), {})


@routes.post(
    "/me/shifts",
    status_code=201,
    summary="Volunteer for a shift",
    responses={200: {"model": OwnShiftOut, "description": "Nothing changed: it was so before"}},
)
async def volunteer(
    who: AsParticipant,
    form: Annotated[VolunteerIn, Body()],
    assigns: Assigns,
    rotas: Rotas,
    sessions: Sessions,
    warnings: Warnings,
    response: Response,
) -> OwnShiftOut:
    """
    An organiser decides, and you are notified. `overlaps_with` warns of a place of yours at the same time.

    401 `participant_unknown`, `participant_erased`; 403 `shift_for_verified`; 404 `session_unknown`,
    `shift_unknown`; 409 `session_cancelled`, `shift_begun`, `shift_full`, `volunteers_enough`,
    `consent_needed` (you are a minor on a roster, and no guardian has agreed, as the session asks),
    `shift_overlaps` (you are on another rota at the same time), `shift_decided` (the organisers have declined
    or removed you), `shift_rounds` (ask the organisers), `shift_for_person`, `shifts_of_person` (more than
    200).
    """
    one, new = await assigns.volunteer(
        who.participant_id, form.session_id, form.shift_id, Origin.of_request()
    )
    response.status_code = 201 if new else 200
    [shown] = await own_shifts([one], rotas, sessions, warnings)
    return shown


@routes.get("/me/shifts", summary="Your own shifts, the latest first")
async def list_own_shifts(
    who: AsParticipant,
    rotas: Rotas,
    sessions: Sessions,
    warnings: Warnings,
    limit: Limit = PAGE,
    after: After = None,
) -> OwnShiftsOut:
    """A page of them, also of those that have ended."""
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: rotas.page_of(who.participant_id, place, most),
        limit,
        lambda one: (one.asked_at, one.assignment_id),
    )
    return OwnShiftsOut(shifts=await own_shifts(page, rotas, sessions, warnings), after=following)


@routes.post(
    "/me/shifts/{assignment_id}/withdrawal", summary="Take it back to have volunteered, or give a shift back"
)
async def withdraw(
    assignment_id: IdInPath,
    who: AsParticipant,
    ends: Ends,
    rotas: Rotas,
    sessions: Sessions,
    warnings: Warnings,
) -> OwnShiftOut:
    """
    Until the shift begins. Repeating it changes nothing.

    404 `assignment_unknown`, also for somebody else's; 409 `shift_begun`.
    """
    one = await ends.withdraw(assignment_id, who.participant_id, Origin.of_request())
    [shown] = await own_shifts([one], rotas, sessions, warnings)
    return shown


async def _noted(form: EndIn | None) -> str | None:
    """The organiser's words to the participant; the log of acts gets the code."""
    if form is None:
        return None
    await current().note(reason=form.code)
    return form.text
