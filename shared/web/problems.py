"""Errors over HTTP: problem+json as RFC 9457 describes it, with a stable `code`."""

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from shared.runtime.errors import (
    Conflict,
    Forbidden,
    KepuError,
    NotAuthenticated,
    NotFound,
    Overloaded,
    Rejected,
    Unavailable,
)

RETRY_AFTER_SECONDS = 2
PROBLEM = "application/problem+json"

_STATUS: tuple[tuple[type[KepuError], int], ...] = (
    (NotAuthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Overloaded, 503),
    (Unavailable, 503),
    (Rejected, 422),
)


class Problem(BaseModel):
    """An error as RFC 9457 describes it; programs look at `code`."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["session_full"])
    detail: str = Field(examples=["session opening-0520 is full and its waiting list too"])


def problem(status: int, code: str, detail: str, *, title: str = "") -> JSONResponse:
    """A problem+json answer."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    body = {"type": "about:blank", "title": title or code, "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type=PROBLEM, headers=headers)


def problem_of(error: KepuError) -> JSONResponse:
    """The answer to one of our errors."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return problem(status, error.code, error.message, title=type(error).__name__)
