"""Erasure over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from services.registration.erasure.erase import Erasure
from shared.contracts.origin import Origin
from shared.web.identity import AsParticipant
from shared.web.provided import provided

Erasures = Annotated[Erasure, provided(Erasure)]


class ErasedOut(BaseModel):
    participant_id: str
    erased_at: datetime


routes = APIRouter(tags=["erasure"])


@routes.delete("/participants/me", summary="Erase yourself")
async def erase_participant(who: AsParticipant, erasure: Erasures) -> ErasedOut:
    """
    Profile and contact are deleted with the key that opens them and the tickets.

    200 once that is so: from then on nobody can read them, the tickets let nobody in, and nothing is told to
    you any more. Registrations for what is still to come are cancelled within seconds. The token stays valid
    until it expires, but can no longer register.
    """
    erased_at = await erasure.erase(who.participant_id, Origin.of_request())
    return ErasedOut(participant_id=who.participant_id, erased_at=erased_at)
