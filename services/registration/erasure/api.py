"""Erasure over HTTP."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel

from services.registration.erasure.erase import Erasure
from shared.contracts.origin import Origin
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes

Erasures = Annotated[Erasure, provided(Erasure)]


class ErasedOut(BaseModel):
    participant_id: str
    erased_at: datetime


routes = Routes(tags=["erasure"])


@routes.delete("/participants/me", summary="Erase yourself")
async def erase_participant(who: AsParticipant, erasure: Erasures) -> ErasedOut:
    """
    Deletes your profile, your contact, and the key that opens your contact and tickets.

    After the answer 200 nobody can read them, your tickets are no longer accepted, and you get no more
    messages. Registrations for coming sessions are cancelled within seconds. The token stays valid until it
    expires, but one can no longer register with it.

    One exception: if another system registered you, the committee can still open the contact that this system
    sent, until 7 days and 6 hours after it was sent.
    """
    erased_at = await erasure.erase(who.participant_id, Origin.of_request(), issued_at=who.issued_at)
    return ErasedOut(participant_id=who.participant_id, erased_at=erased_at)
