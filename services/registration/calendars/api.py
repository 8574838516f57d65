"""Calendar files over HTTP."""

from typing import Annotated

from fastapi import Response

from services.registration.booking.store import RegistrationStore
from services.registration.calendars.ics import calendar
from services.registration.calendars.ids import registration_uid, session_uid
from services.registration.calendars.rules import (
    Entry,
    entry_of_registration,
    entry_of_session,
    is_known,
)
from services.registration.sessions.store import SessionStore
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.web.forms import IdInPath
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes

Sessions = Annotated[SessionStore, provided(SessionStore)]
Registrations = Annotated[RegistrationStore, provided(RegistrationStore)]

routes = Routes(tags=["calendar"])


class CalendarFile(Response):
    media_type = "text/calendar; charset=utf-8"


@routes.get(
    "/sessions/{session_id}/calendar.ics",
    response_class=CalendarFile,
    summary="A session as a calendar file, always as it is now",
)
async def session_calendar(session_id: IdInPath, sessions: Sessions) -> CalendarFile:
    """
    After a change the entry has the same `UID` and a higher `SEQUENCE`, and after a cancellation
    `STATUS:CANCELLED`.

    404 `session_unknown`, also for a draft.
    """
    session = (await sessions.by_id([session_id])).get(session_id)
    if session is None or not is_known(session):
        raise NotFound(f"session {session_id} does not exist", code="session_unknown", session_id=session_id)
    return _file(entry_of_session(session), session_uid(session_id), session_id)


@routes.get(
    "/registrations/{registration_id}/calendar.ics",
    response_class=CalendarFile,
    summary="One of your own registrations as a calendar file",
)
async def registration_calendar(
    registration_id: IdInPath, who: AsParticipant, registrations: Registrations, sessions: Sessions
) -> CalendarFile:
    """
    Tentative while you wait for a place, cancelled when the registration or its session is.

    404 `registration_unknown`, also for somebody else's.
    """
    one = await registrations.read(registration_id)
    if one is None or one.participant_id != who.participant_id:
        raise NotFound(f"there is no registration {registration_id}", code="registration_unknown")
    session = (await sessions.by_id([one.session_id]))[one.session_id]
    return _file(entry_of_registration(one, session), registration_uid(registration_id), one.session_id)


def _file(entry: Entry, uid: str, name: str) -> CalendarFile:
    # The name is an id: letters, digits and hyphens.
    headers = {"content-disposition": f'attachment; filename="{name}.ics"'}
    return CalendarFile(calendar(entry, uid, clock.now()), headers=headers)
