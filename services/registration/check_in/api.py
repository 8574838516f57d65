"""The door over HTTP: scans at once, scans from before, and what a door has to know without a network."""

from datetime import datetime
from typing import Annotated

from fastapi import Body, Header, Query, Response

from services.registration.check_in.bodies import (
    BATCH_BYTES_MAX,
    QUEUED_BYTES_MAX,
    CheckInIn,
    CheckInsIn,
    DoorListOut,
    QueuedScansIn,
    QueuedVerdictsOut,
    ScanOut,
    ScansOut,
    UndoIn,
    VerdictOut,
    VerdictsOut,
)
from services.registration.check_in.check_in import CheckIn
from services.registration.check_in.list_for_door import DoorLists
from services.registration.check_in.rules import Shown, clock_off, scan_id, true_time
from services.registration.check_in.store import ScanStore
from services.registration.check_in.undo import Undo
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.ids import random_id
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsDoor, AsDoorOrViewer, ByDoorOrViewer
from shared.web.provided import provided
from shared.web.routes import Routes

SEQUENCE_MAX = 2**53

CheckIns = Annotated[CheckIn, provided(CheckIn)]
Undoing = Annotated[Undo, provided(Undo)]
Lists = Annotated[DoorLists, provided(DoorLists)]
Scans = Annotated[ScanStore, provided(ScanStore)]

routes = Routes(tags=["check-in"])


@routes.post("/check-ins", dependencies=[AsDoor], summary="Scan a ticket: may its people come in?")
async def check_in(form: CheckInIn, door: CheckIns) -> VerdictOut:
    """
    The `verdict` says it, and only `ok` lets people in. Of a typed code, case, width, spaces, dashes and
    look-alike letters (O for 0, I or L for 1) don't matter. A ticket for five may come in parts: `people`.
    Who has no ticket may be picked from the list of the session by `registration_id`; the scan says so.

    Verdicts: `ok`, `already_checked_in` (`since`), `too_many` (fewer are not in yet), `unknown`, `revoked`
    (an earlier ticket, or its holder is erased), `cancelled`, `waiting`, `held`, `session_cancelled`,
    `wrong_session`, `wrong_day`, `too_early` (more than 3 hours before the session), `too_late` (more than 2
    hours after it), `scan_id_reused` (the device has used this id for another ticket). 404
    `session_unknown`.
    """
    own = form.scan_id or random_id()
    shown = Shown(scan_id(form.device, own), form.ticket, form.registration_id, form.people)
    [judged] = await door.check_in([shown], form.device, form.session_id, Origin.of_request())
    return VerdictOut.of(judged)


@routes.post(
    "/check-ins/batch",
    dependencies=[AsDoor],
    max_body_size=BATCH_BYTES_MAX,
    summary="Scan several tickets in one request",
)
async def check_in_batch(form: Annotated[CheckInsIn, Body()], door: CheckIns) -> VerdictsOut:
    """As `/check-ins`, at most 100, each with its own verdict. 404 `session_unknown`."""
    shown = [
        Shown(scan_id(form.device, one.scan_id), one.ticket, one.registration_id, one.people)
        for one in form.scans
    ]
    judged = await door.check_in(shown, form.device, form.session_id, Origin.of_request())
    return VerdictsOut(verdicts=[VerdictOut.of(one) for one in judged])


@routes.post("/check-ins/undo", dependencies=[AsDoor], summary="Undo a scan that was a mistake")
async def undo_check_in(form: UndoIn, undoing: Undoing) -> ScanOut:
    """
    For 30 minutes; undoing it again changes nothing.

    404 `scan_unknown`; 409 `scan_let_nobody_in`, `undo_too_late`, `participant_erased`.
    """
    return ScanOut.of(await undoing.undo(form.device, form.scan_id, Origin.of_request()))


@routes.get(
    "/sessions/{session_id}/door-list",
    summary="What a door has to know to work without a network, signed",
)
async def read_door_list(
    session_id: IdInPath,
    by: ByDoorOrViewer,
    lists: Lists,
    response: Response,
    after: Annotated[int, Query(ge=0, le=SEQUENCE_MAX, description="`after` of the page before")] = 0,
    if_none_match: Annotated[
        str | None, Header(max_length=64, description="the ETag of this page as the door has it")
    ] = None,
) -> DoorListOut:
    """
    A page. With `If-None-Match` it is 304 while it says the same. The form: docs/integrating.md.

    Pages begin at fixed numbers; another `after` gives the page that it is in. 404 `session_unknown`; 503
    `overloaded` if your key waits for eight other pages of this session.
    """
    page = await lists.read(session_id, after, by.name)
    tag = f'"{page.version}"'
    if if_none_match == tag:
        return Response(status_code=304, headers={"etag": tag})  # type: ignore[return-value]
    response.headers["etag"] = tag
    return DoorListOut(
        list=page.text,
        version=page.version,
        key_id=page.key_id,
        signature=page.signature,
        after=page.after,
    )


@routes.post(
    "/sessions/{session_id}/scans",
    dependencies=[AsDoor],
    max_body_size=QUEUED_BYTES_MAX,
    summary="Send the scans that a door has noted without a network",
)
async def send_scans(
    session_id: IdInPath, form: Annotated[QueuedScansIn, Body()], door: CheckIns
) -> QueuedVerdictsOut:
    """
    At most 500. Sending them again changes nothing, and the order in which doors send does not matter: of two
    scans of a ticket the earlier one counts. If the device's clock is wrong by more than a minute, the times
    are corrected, and `clock_off_seconds` says by how much. 404 `session_unknown`.
    """
    now = clock.now()
    off = clock_off(form.sent_at, now)
    shown = [
        Shown(
            scan_id(form.device, one.scan_id),
            one.ticket,
            one.registration_id,
            one.people,
            true_time(one.scanned_at, off, now),
            one.let_in,
            off,
        )
        for one in form.scans
    ]
    judged = await door.check_in(shown, form.device, session_id, Origin.of_request())
    return QueuedVerdictsOut(verdicts=[VerdictOut.of(one) for one in judged], clock_off_seconds=off)


@routes.get(
    "/sessions/{session_id}/scans",
    dependencies=[AsDoorOrViewer],
    summary="The scans at a session's door, the earliest first",
)
async def list_scans(
    session_id: IdInPath,
    scans: Scans,
    conflict: Annotated[
        bool, Query(description="only where a door did something else than the verdict says: double entries")
    ] = False,
    limit: Limit = PAGE,
    after: After = None,
) -> ScansOut:
    """A page of them, with the verdicts as they are now."""
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: scans.page(session_id, place, most, conflicts=conflict),
        limit,
        lambda one: (one.scanned_at, one.scan_id),
    )
    return ScansOut(scans=[ScanOut.of(one) for one in page], after=following)
