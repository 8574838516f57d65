"""
The app that every service is: problem+json errors, /health, /metrics, and how it is served.

Errors follow RFC 9457 with a stable `code`; messages name the thing and the reason.
"""

import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import logs, metrics
from shared.errors import (
    Conflict,
    Forbidden,
    KepuError,
    NotAuthenticated,
    NotFound,
    Overloaded,
    Rejected,
    Unavailable,
)
from shared.settings import Settings
from shared.tokens import Participant, TokenVerifier, check_organiser

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 4_194_304
RETRY_AFTER_SECONDS = 2
SHUTDOWN_SECONDS = 20
KEEP_ALIVE_SECONDS = 75
CONNECTION_BACKLOG = 4_096
PROBLEM = "application/problem+json"
_CORRELATION = re.compile(r"^[A-Za-z0-9-]{1,64}$")

_STATUS: tuple[tuple[type[KepuError], int], ...] = (
    (NotAuthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Overloaded, 503),
    (Unavailable, 503),
    (Rejected, 422),
)

Check = Callable[[], Awaitable[str | None]]
"""Says what is wrong with one thing that the service stands on, or None."""

Lifespan = Callable[[FastAPI, AsyncExitStack], Awaitable[dict[str, Check]]]
"""Opens what the service needs on the stack, puts it on app.state, returns the health checks."""


class Problem(BaseModel):
    """An error as RFC 9457 describes it; programs look at `code`."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["session_full"])
    detail: str = Field(examples=["session opening-0520 is full and its waiting list too"])


def create_app(
    service: str, *, title: str, description: str, settings: Settings, lifespan: Lifespan
) -> FastAPI:
    """
    The service's app, with everything that all services share.

    `lifespan` runs inside the serving loop; what it enters on the stack is closed in
    reverse order when the server stops.
    """

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.checks = await lifespan(app, stack)
            metrics.tune_garbage_collector()
            log.info("service ready", extra={"role": settings.role, "port": settings.port})
            yield
            log.info("service stopping")

    # The documentation's scripts are served from here: a venue's network may reach nothing else.
    app: FastAPI = FastAPIOffline(
        title=title,
        description=description,
        version="1.0",
        lifespan=running,
        responses={
            code: {"model": Problem, "description": "Refused; see `code`"}
            for code in (401, 403, 404, 409, 422, 503)
        },
    )
    app.state.service = service
    app.state.settings = settings
    app.state.tokens = TokenVerifier(settings.token_public_key)
    app.add_exception_handler(KepuError, _kepu_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_middleware(_Observed)
    app.add_api_route(
        "/health", _health, methods=["GET"], tags=["operation"], summary="What works and what does not"
    )
    app.add_api_route("/metrics", _metrics, methods=["GET"], tags=["operation"], summary="Prometheus metrics")
    return app


def problem(status: int, code: str, detail: str, *, title: str = "") -> JSONResponse:
    """A problem+json answer."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    body = {"type": "about:blank", "title": title or code, "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type=PROBLEM, headers=headers)


def problem_of(error: KepuError) -> JSONResponse:
    """The answer to one of our errors."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return problem(status, error.code, error.message, title=type(error).__name__)


async def _kepu_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, KepuError)  # noqa: S101 (registered for this type)
    metrics.PROBLEMS.labels(_route(request.scope), error.code).inc()
    return problem_of(error)


async def _validation_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this type)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    metrics.PROBLEMS.labels(_route(request.scope), "invalid").inc()
    return problem(422, "invalid", f"{place}: {first['msg']}", title="Invalid request")


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this type)
    codes = {
        401: "not_authenticated",
        403: "forbidden",
        404: "not_found",
        405: "method_not_allowed",
        413: "too_large",
    }
    code = codes.get(error.status_code, "http_error")
    return problem(error.status_code, code, str(error.detail))


class Health(BaseModel):
    """Whether the service works, and each thing that it stands on ("ok", or what is wrong)."""

    status: str = Field(examples=["ok"])
    service: str = Field(examples=["quiz"])
    role: str = Field(examples=["all"])
    checks: dict[str, str] = Field(examples=[{"mongo": "ok", "kafka": "ok", "consumer quiz-grading": "ok"}])


async def _health(request: Request, response: Response) -> Health:
    """200 while everything works, 503 while something does not."""
    checks: dict[str, Check] = request.app.state.checks
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            found[name] = await check() or "ok"
        except KepuError as error:
            found[name] = error.message
    good = all(word == "ok" for word in found.values())
    response.status_code = 200 if good else 503
    return Health(
        status="ok" if good else "failing",
        service=request.app.state.service,
        role=request.app.state.settings.role,
        checks=found,
    )


async def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _route(scope: Scope) -> str:
    # The route's pattern, never the path: a path holds ids, and any number of them.
    route = scope.get("route")
    if route is None and (endpoint := scope.get("endpoint")):
        # FastAPI doesn't say which of Starlette's own routes it took.
        route = next((own for own in scope["app"].routes if getattr(own, "endpoint", None) is endpoint), None)
    return getattr(route, "path", "unmatched")


class _Observed:
    """Times requests, bounds bodies, and gives each request its correlation id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        correlation = headers.get(b"x-correlation-id", b"").decode("latin-1")
        if not _CORRELATION.match(correlation):
            correlation = secrets.token_hex(8)
        started, status, answering = time.perf_counter(), 500, False

        async def observed(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                status, answering = message["status"], True
                message["headers"] = [*message["headers"], (b"x-correlation-id", correlation.encode())]
            await send(message)

        with logs.correlated(correlation):
            try:
                if int(headers.get(b"content-length", b"0") or 0) > BODY_BYTES_MAX:
                    refused = problem(413, "too_large", f"a body may have {BODY_BYTES_MAX} bytes")
                    await refused(scope, receive, observed)
                else:
                    await self._app(scope, _bounded(receive), observed)
            except Exception:
                # Here and not in an exception handler: the line and the answer carry the correlation id.
                log.exception("request failed", extra={"route": _route(scope)})
                if answering:
                    raise
                failed = problem(
                    500, "internal", "an unexpected error; the log has it under the correlation id"
                )
                await failed(scope, receive, observed)
        spent = time.perf_counter() - started
        metrics.HTTP_SECONDS.labels(scope["method"], _route(scope), status).observe(spent)


def _bounded(receive: Receive) -> Receive:
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > BODY_BYTES_MAX:
            # A chunked body names no length beforehand.
            raise HTTPException(413, f"a body may have {BODY_BYTES_MAX} bytes")
        return message

    return bounded


_bearer = HTTPBearer(auto_error=False, description="The token given at registration")
_key_header = APIKeyHeader(name="X-Organiser-Key", auto_error=False, description="The organisers' key")


# Both are coroutines, though they wait for nothing: FastAPI would run plain functions in other threads.
async def participant(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Participant:
    """
    The participant whose token the request carries.

    Raises:
        NotAuthenticated: there is no good token.
    """
    if credentials is None:
        raise NotAuthenticated("give your token in the header Authorization: Bearer …", code="token_missing")
    verified: Participant = request.app.state.tokens.verify(credentials.credentials, datetime.now(UTC))
    return verified


async def organiser(request: Request, key: Annotated[str | None, Depends(_key_header)]) -> None:
    """
    Let organisers through.

    Raises:
        NotAuthenticated, Forbidden: the key is missing or wrong.
    """
    settings: Settings = request.app.state.settings
    check_organiser(key, settings.organiser_key.get_secret_value())


AsParticipant = Annotated[Participant, Depends(participant)]
AsOrganiser = Depends(organiser)


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGTERM; requests and batches under way are finished first."""
    logs.configure(app.state.service, settings.log_level)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=CONNECTION_BACKLOG,
        # Longer than clients and proxies keep theirs, so that none sends into a closing connection.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
