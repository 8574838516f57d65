"""Registering somebody else over HTTP, for organisers."""

from typing import Annotated

from fastapi import Body, Response
from pydantic import BaseModel, Field

from services.registration.booking.bodies import IdempotencyKey
from services.registration.booking.rules import DecidedStatus
from services.registration.on_behalf.register import OnBehalf, Person
from services.registration.participants.given_contacts import GivenContacts, TypedPhone
from services.registration.participants.rules import District, ParticipantId
from shared.contracts.checked import Email, Id, Name
from shared.contracts.events import Audience, Language, Places
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact
from shared.runtime.errors import Rejected
from shared.web.forms import Form, IdInPath
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Given = Annotated[GivenContacts, provided(GivenContacts)]
Registering = Annotated[OnBehalf, provided(OnBehalf)]


class PersonIn(Form):
    """
    Somebody new, with an e-mail address, with a mobile phone number or with neither.

    Name and contact are encrypted immediately.
    """

    name: Name = Field(examples=["李奶奶"])
    email: Email | None = Field(None, examples=["li@example.org"])
    phone: TypedPhone | None = None
    group_id: Id | None = Field(None, examples=["school-puyang-1"])
    district: District | None = Field(None, examples=["华龙区"])
    audience: Audience = "other"
    language: Language = "zh-CN"


class OnBehalfIn(Form):
    """For whom: `person` for somebody new, or the `participant_id` of somebody who is known."""

    places: Places = 1
    person: PersonIn | None = None
    participant_id: Id | None = None


class OnBehalfOut(BaseModel):
    """The outcome. Give the ticket code to the person."""

    registration_id: str | None
    participant_id: str
    session_id: str = Field(examples=["outreach-street-0520-am"])
    status: DecidedStatus
    position: int | None = Field(description="on the waiting list when asked, from 1", examples=[3])
    ticket_code: str | None = Field(description="to be shown at the door", examples=["7K3QX-M0R9T"])
    code: str | None = Field(description="for programs", examples=["already_registered"])


routes = Routes(tags=["organisers"])


@routes.post(
    "/sessions/{session_id}/registrations",
    status_code=201,
    dependencies=[AsOrganiser],
    summary="Register somebody who cannot do so alone",
    responses={200: {"model": OnBehalfOut, "description": "Nothing changed: it was so before"}},
)
async def register_somebody(
    session_id: IdInPath,
    key: IdempotencyKey,
    form: Annotated[OnBehalfIn, Body()],
    on_behalf: Registering,
    given: Given,
    response: Response,
) -> OnBehalfOut:
    """
    The organiser vouches for the person: nothing has to be verified. The same rules decide as for everybody.

    404 `session_unknown`, `person_unknown` (also if erased); 409 `session_full`, `session_closed`,
    `session_not_open`, `session_cancelled`, `places_above_capacity`, `idempotency_key_reused`,
    `person_known` (register the participant who has this contact); 422 `group_unknown`,
    `person_or_participant`, `contact_ambiguous`, `phone_invalid`, `phone_region`, `phone_unsupported`.
    503: it may be booked or not. Send it again with the same key.
    """
    if (form.person is None) == (form.participant_id is None):
        raise Rejected("name a new person or a participant, not both", code="person_or_participant")
    outcome = await on_behalf.register(
        key,
        session_id,
        form.places,
        _new(form.person, given) if form.person else ParticipantId(form.participant_id or ""),
        form.model_dump_json(exclude_defaults=True).encode(),
        Origin.of_request(),
    )
    response.status_code = 200 if outcome.repeated else 201
    answer = outcome.answer
    return OnBehalfOut(
        registration_id=answer.registration_id,
        participant_id=answer.participant_id,
        session_id=answer.session_id,
        status=answer.verdict,
        position=answer.position,
        ticket_code=outcome.ticket_code,
        code=answer.code,
    )


def _new(form: PersonIn, given: GivenContacts) -> Person:
    has_contact = form.email is not None or form.phone is not None
    return Person(
        contact=given.contact(form.name, form.email, form.phone) if has_contact else Contact(name=form.name),
        group_id=form.group_id,
        district=form.district,
        audience=form.audience,
        language=form.language,
    )
