"""Merging over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, Field

from services.registration.merging.merge import Merging
from services.registration.merging.rules import Merge
from shared.contracts.checked import Id
from shared.contracts.origin import Origin
from shared.web.forms import Form, IdInPath
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Merges = Annotated[Merging, provided(Merging)]


class MergeIn(Form):
    """Who stays."""

    into: Id = Field(
        description="the participant who stays", examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"]
    )


class MergeOut(BaseModel):
    """Who went into whom."""

    participant_id: str
    into: str
    merged_at: datetime
    done: bool = Field(description="all places and waits have been moved or given back")

    @classmethod
    def of(cls, merge: Merge) -> "MergeOut":
        return cls(
            participant_id=merge.participant_id, into=merge.into, merged_at=merge.merged_at, done=merge.done
        )


routes = Routes(tags=["organisers"])


@routes.post(
    "/participants/{participant_id}/merge",
    dependencies=[AsOrganiser],
    summary="Let a double go into the participant who stays",
)
async def merge(participant_id: IdInPath, form: Annotated[MergeIn, Body()], merging: Merges) -> MergeOut:
    """
    For one person who is two participants. The one in the path goes: it is erased, and its tokens end. Its
    places and waits go to the other one within seconds; of two for one session the surer one is kept. It
    cannot be undone. A repeat changes nothing.

    404 `person_unknown` (also if erased); 409 `merge_confirmed` (who goes has verified a contact by a code),
    `merge_group`, `merged_elsewhere`; 422 `merge_itself`.
    """
    return MergeOut.of(await merging.merge(participant_id, form.into, Origin.of_request()))
