"""Names and contacts over HTTP, for organisers."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.notifications.openings.open import OPENED_MAX, Opened, Openings, State
from shared.contracts.checked import Id, Line
from shared.web.forms import Form
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

# Ids of 64 characters, with quotes, commas and line ends, and a reason.
OPENING_BYTES_MAX = 32_768

Opening = Annotated[Openings, provided(Openings)]


class OpeningIn(Form):
    """Whose names, and why. The reason is kept in the log of acts: write no name into it."""

    participant_ids: Annotated[list[Id], Field(min_length=1, max_length=OPENED_MAX)]
    reason: Line = Field(examples=["名单：开幕式座位安排"])


class OpenedOut(BaseModel):
    """A participant's name and contact; null unless the state is `opened`."""

    participant_id: str
    state: State
    name: str | None = Field(examples=["李小明"])
    email: str | None = Field(examples=["li@example.org"])
    phone: str | None = Field(examples=["+8613800138000"])

    @classmethod
    def of(cls, opened: Opened) -> "OpenedOut":
        contact = opened.contact
        return cls(
            participant_id=opened.participant_id,
            state=opened.state,
            name=contact.name if contact else None,
            email=contact.email if contact else None,
            phone=contact.phone if contact else None,
        )


class OpeningOut(BaseModel):
    """In the order of the request."""

    contacts: list[OpenedOut] = Field(max_length=OPENED_MAX)


routes = Routes(tags=["organisers"])


@routes.post(
    "/contacts/openings",
    dependencies=[AsOrganiser],
    max_body_size=OPENING_BYTES_MAX,
    summary="Open the names and contacts of some participants, with a reason",
)
async def open_contacts(form: OpeningIn, openings: Opening) -> OpeningOut:
    """
    The log of acts keeps who opened how many, when and why, before anything is opened.

    States: `opened`; `unknown` (not heard of yet), `erased`, `without_contact`, `unreadable` (its key has not
    come, or does not fit). 409 `contacts_closed` where this process has no private key.
    """
    opened = await openings.open(form.participant_ids, form.reason)
    return OpeningOut(contacts=[OpenedOut.of(one) for one in opened])
