"""Check-in over HTTP."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.registration.booking.bodies import RegistrationOut
from services.registration.booking.tickets import TICKET_CHARS_MAX
from services.registration.check_in.check_in import CheckIn
from shared.contracts.origin import Origin
from shared.web.forms import Form
from shared.web.identity import AsDoor
from shared.web.provided import provided

CheckIns = Annotated[CheckIn, provided(CheckIn)]


class TicketIn(Form):
    ticket_code: Annotated[str, StringConstraints(min_length=1, max_length=TICKET_CHARS_MAX)] = Field(
        examples=["7K3QX-M0R9T"]
    )


class CheckInOut(BaseModel):
    """Who came in. `already`: the ticket was shown before."""

    already: bool
    registration: RegistrationOut


routes = APIRouter(tags=["check-in"])


@routes.post("/check-ins", dependencies=[AsDoor], summary="Let the holder of a ticket in")
async def check_in(form: TicketIn, door: CheckIns) -> CheckInOut:
    """
    If the ticket was shown before, `already` is true, and nothing changes.

    Case, width, spaces, dashes and look-alike letters (O for 0, I or L for 1) don't matter.
    404 `ticket_unknown`, 409 `ticket_cancelled`, `session_cancelled`, `check_in_too_early` (more than 3 hours
    before the session), `check_in_too_late` (more than 2 hours after it).
    """
    arrival = await door.check_in(form.ticket_code, Origin.of_request())
    return CheckInOut(
        already=arrival.already,
        registration=RegistrationOut.of(arrival.registration, arrival.session),
    )
