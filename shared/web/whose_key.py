"""Whose key a request carries, over HTTP, in every service: a page asks it when an organiser signs in."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from shared.runtime.acting import Organiser, Role
from shared.web.identity import door_or_viewer
from shared.web.routes import Routes


class OrganiserOut(BaseModel):
    """An organiser's key: its name and its role."""

    name: str = Field(description="of the key, as the log of acts has it", examples=["east-gate"])
    role: Role


routes = Routes(tags=["operation"])


@routes.get("/organiser", summary="Whose key this is, and what role it has")
async def whose_key(by: Annotated[Organiser, Depends(door_or_viewer)]) -> OrganiserOut:
    """The name and the role of the key in `X-Organiser-Key`."""
    return OrganiserOut(name=by.name, role=by.role)
