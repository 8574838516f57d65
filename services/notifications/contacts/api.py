"""A participant's own preferences over HTTP."""

from typing import Annotated

from fastapi import Response
from pydantic import BaseModel, Field

from services.notifications.contacts.rules import Preferences
from services.notifications.contacts.store import ContactStore
from shared.contracts.events import Language
from shared.web.forms import Form
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching

Contacts = Annotated[ContactStore, provided(ContactStore)]
Mailed = Annotated[bool, Field(description="whether mails are sent", examples=[True])]
Texted = Annotated[bool, Field(description="whether SMS are sent, besides codes", examples=[True])]
Chosen = Annotated[Language | None, Field(description="null: the profile's", examples=["zh-CN"])]

routes = Routes(tags=["preferences"])


class PreferencesIn(Form):
    """What a participant chooses. An inbox cannot be turned off."""

    email: Mailed = True
    sms: Texted = True
    language: Chosen = None


class PreferencesOut(BaseModel):
    """The present preferences of a participant."""

    email: Mailed
    sms: Texted
    language: Chosen


@routes.get("/preferences", responses=TAGGED, summary="What one has chosen")
async def own_preferences(
    participant: AsParticipant, contacts: Contacts, response: Response
) -> PreferencesOut:
    """The present preferences, chosen or default."""
    id_ = participant.participant_id
    return _out((await contacts.preferences([id_])).get(id_, Preferences()), response)


@routes.put(
    "/preferences",
    responses=TAGGED | CHANGED,
    summary="Choose the language, and whether to get mails and SMS",
)
async def choose(
    form: PreferencesIn,
    participant: AsParticipant,
    contacts: Contacts,
    response: Response,
    if_match: IfMatch = None,
) -> PreferencesOut:
    """
    The choice is also valid for messages that are not sent yet. What is left out is as at first. A choice
    from before the contact was verified ends then: a stranger may have made it.

    401 `participant_erased` once the participant was erased; 412 `version_differs`.
    """
    chosen = Preferences(form.email, form.sms, form.language)
    id_ = participant.participant_id
    stored = await contacts.choose(id_, chosen, issued_at=participant.issued_at, matches=matching(if_match))
    return _out(stored, response)


def _out(chosen: Preferences, response: Response) -> PreferencesOut:
    response.headers["etag"] = etag(chosen.version)
    return PreferencesOut(email=chosen.email, sms=chosen.sms, language=chosen.language)
