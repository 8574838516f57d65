"""
A hot endpoint is declared once. The OpenAPI document shows the declaration, and a `HotRoute` answers it.

    SUBMIT = HotEndpoint(
        "POST",
        "/attempts/{attempt_id}/submission",
        summary="Submit the answers of an attempt",
        description="202 with a receipt once Kafka has acknowledged.",
        status=202,
        returns=ReceiptOut,
        asks={"attempt_id": IdInPath, "answers": AnswersIn},
    )

The service's app is built with `hot=[SUBMIT]`, and its wiring passes `SUBMIT.answered_by(intake.submit)` to
`service.answer`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from shared.runtime.errors import NotFound
from shared.web.forms import BODY_BYTES_MAX
from shared.web.hot import Answer, Begin, HotRoute, Who


@dataclass(frozen=True, slots=True)
class HotEndpoint:
    """
    One hot endpoint: its parameters and its answers.

    Args:
        path: the pattern, with one id or none.
        name: begins the id of the operation in the document.
        description: the rules and the codes of all refusals, for the document.
        status: the status of a good answer.
        returns: the model of that answer's body, for the document. The function writes the JSON itself.
        asks: the parameters, each with the type that it would have on a route of the framework.
        openapi: other parts of the endpoint in the document.
        responses: other good answers.
        body_bytes_max: a larger body is refused with 413.
    """

    method: str
    path: str
    summary: str
    description: str
    status: int
    returns: type[BaseModel]
    asks: Mapping[str, Any]
    openapi: Mapping[str, Any] = field(default_factory=dict)
    responses: Mapping[int | str, dict[str, Any]] = field(default_factory=dict)
    body_bytes_max: int = BODY_BYTES_MAX
    name: str | None = None

    def answered_by(self, function: Answer, who: Who | None = None, begins: Begin | None = None) -> HotRoute:
        """
        The route that answers this endpoint by `function`, or by `begins` where that can.

        `who` checks the token of a body that comes in pieces.
        """
        return HotRoute(
            self.method, self.path, function, body_bytes_max=self.body_bytes_max, who=who, begins=begins
        )

    def add_to(self, routes: APIRouter) -> None:
        """Show the endpoint in the document. Real requests never reach the framework's route."""

        async def almost(**_: object) -> None:
            raise NotFound("there is nothing under this path")

        almost.__signature__ = Signature(  # type: ignore[attr-defined]
            [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in self.asks.items()]
        )
        routes.add_api_route(
            self.path,
            almost,
            methods=[self.method],
            name=self.name,
            summary=self.summary,
            description=self.description,
            status_code=self.status,
            response_model=self.returns,
            responses=dict(self.responses),
            openapi_extra=dict(self.openapi) or None,
        )
