"""Errors over HTTP: problem+json as RFC 9457 describes it, with a stable `code`, in the client's language."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from shared.runtime.errors import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    KepuError,
    NotAuthenticated,
    NotFound,
    Outdated,
    Overloaded,
    Rejected,
    Unavailable,
)
from shared.web import wording
from shared.web.wording import Language

RETRY_AFTER_SECONDS = 2
# A refusal because of too much work is sent after this time. Clients that get a 503 immediately send
# again immediately, thousands of them (docs/decisions/0013-shedding.md).
REFUSED_AFTER_SECONDS = 2.0
PROBLEM = "application/problem+json"
# No cache stores an answer, and no browser shows JSON as a page.
ALWAYS: tuple[tuple[str, str], ...] = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
ORGANISER_CHALLENGE = 'OrganiserKey realm="kepu", header="X-Organiser-Key"'
BEARER_CHALLENGE = 'Bearer realm="kepu"'

# The first one that fits counts, so `Rejected` comes after its kinds.
_STATUS: tuple[tuple[type[KepuError], int], ...] = (
    (NotAuthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Outdated, 412),
    (Unavailable, 503),
    (Rejected, 422),
)


class NotHttp(Rejected):
    """
    The request breaks a rule of HTTP, and no route has looked at it yet.

    Args:
        headers: headers of the answer, beside those of all problems.
    """

    def __init__(
        self, status: int, message: str, *, code: str, headers: Iterable[tuple[str, str]] = (), **values: Any
    ) -> None:
        super().__init__(message, code=code, **values)
        self.status = status
        self.headers = tuple(headers)


class TooOften(NotHttp):
    """
    Something was done too often, and is refused for a while.

    Args:
        seconds: until it is done again; for `Retry-After` too.
    """

    def __init__(self, seconds: int, message: str, *, code: str, **values: Any) -> None:
        headers = [("retry-after", str(seconds))]
        super().__init__(
            HTTPStatus.TOO_MANY_REQUESTS, message, code=code, headers=headers, seconds=seconds, **values
        )


class Internal(KepuError):
    """An error that nobody expected. Its text says only where to look."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__("an unexpected error; the log has it under the correlation id")


class FaultOut(BaseModel):
    """What is wrong with one field."""

    field: str = Field(examples=["body.sessions.0.venue"])
    code: str = Field(examples=["line_blank"])
    detail: str = Field(examples=["has to show something: nothing of it is visible"])


class Problem(BaseModel):
    """An error as RFC 9457 describes it. Programs look at `code`, people read `detail`."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["session_full"])
    detail: str = Field(examples=["session opening-0520 is full and its waiting list too"])
    errors: list[FaultOut] | None = Field(
        None, description="with the code `invalid`: at most 20 wrong fields"
    )


def answered(description: str) -> dict[str, Any]:
    """
    This refusal in a route's `responses`.

    It has no `model`. A service has some four hundred of these refusals, and the framework would compile a
    validator for the model of each: that would take most of the time in which the service starts.
    `describe_problems` gives the schema once.
    """
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


def describe_problems(document: dict[str, Any], statuses: Iterable[int]) -> None:
    """Show in an OpenAPI document that each route may be refused with these statuses."""
    refused = {str(status): answered("Refused; see `code`") for status in statuses}
    for path in document["paths"].values():
        for operation in path.values():
            said = operation["responses"]
            # The framework's own 422 is another form, which no route of ours answers with.
            said.pop("422", None)
            operation["responses"] = dict(sorted((refused | said).items()))
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    shown = document.setdefault("components", {}).setdefault("schemas", {})
    for framework in ("HTTPValidationError", "ValidationError"):
        shown.pop(framework, None)
    shown.update(schemas["$defs"])


class EncodedProblem(NamedTuple):
    """A problem as it is sent. The headers come beside `ALWAYS` and the content type."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def encoded(error: KepuError, language: Language = "en") -> EncodedProblem:
    """One of our errors as a problem in this language."""
    status = status_of(error)
    headers: list[tuple[str, str]] = [("content-language", language)]
    if isinstance(error, NotHttp):
        headers += error.headers
    if status == 401:
        organisers = error.code.startswith("organiser_key")
        headers.append(("www-authenticate", ORGANISER_CHALLENGE if organisers else BEARER_CHALLENGE))
    elif status == 503:
        headers.append(("retry-after", str(RETRY_AFTER_SECONDS)))
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": wording.title(status, language),
        "status": status,
        "code": error.code,
    }
    if isinstance(error, Invalid):
        errors = [worded(fault, language) for fault in error.faults]
        more = wording.more_words(error.count - 1, language)
        body["detail"] = f"{errors[0]['field']}: {errors[0]['detail']}{more}"
        body["errors"] = errors
    else:
        body["detail"] = wording.words(error.code, error.message, error.values, language)
    body |= error.shown
    return EncodedProblem(status, tuple(headers), msgspec.json.encode(body))


def problem_of(error: KepuError, language: Language = "en") -> Response:
    """The response to one of our errors."""
    status, headers, body = encoded(error, language)
    return Response(body, status, headers=dict(headers), media_type=PROBLEM)


def no_room() -> Overloaded:
    """The refusal of a request that would exceed a limit of the process."""
    return Overloaded("too many requests are in progress; try again in a few seconds")


def status_of(error: KepuError) -> int:
    """The status of an error: it says whether asking again can help."""
    if isinstance(error, NotHttp):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def worded(fault: Fault, language: Language) -> dict[str, str]:
    """What is wrong with one field, as it is sent in this language."""
    chinese = wording.field_words(fault.code, fault.values, language) if language != "en" else None
    if chinese is None and language != "en":
        chinese = wording.words(fault.code, fault.detail, fault.values, language)
    return {"field": fault.field, "code": fault.code, "detail": chinese or fault.detail}
