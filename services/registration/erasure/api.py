"""Erasure over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from services.registration.envelopes import Origin
from services.registration.erasure.erase import Erasure
from shared.web.identity import AsParticipant
from shared.web.provided import provided

Erases = Annotated[Erasure, provided(Erasure)]


class ErasedOut(BaseModel):
    participant_id: str
    erased_at: datetime


routes = APIRouter(tags=["erasure"])


@routes.delete("/participants/me", summary="Have oneself erased")
async def erase_participant(who: AsParticipant, erasure: Erases) -> ErasedOut:
    """
    Profile, contact and tickets go, what is still to come is cancelled; the token registers nothing any more.
    """
    erased_at = await erasure.erase(who.participant_id, Origin.of_request())
    return ErasedOut(participant_id=who.participant_id, erased_at=erased_at)
