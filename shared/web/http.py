"""
The app that every service is: problem+json errors, /health, /metrics, and how it is served.

Errors follow RFC 9457 with a stable `code`; messages name the thing and the reason.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared.runtime import logs, metrics
from shared.runtime.background import Loop, looping
from shared.runtime.errors import KepuError, NotAuthenticated
from shared.runtime.settings import Settings
from shared.web.forms import invalid
from shared.web.hot import HotRoute, HotRoutes
from shared.web.hot_protocol import HotProtocol
from shared.web.middleware import Observed, route_of
from shared.web.problems import Problem, problem, problem_of
from shared.web.shedding import Shedding
from shared.web.tokens import Participant, TokenVerifier, check_organiser
from shared.web.wording import Language, language_of

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 20
KEEP_ALIVE_SECONDS = 75
CONNECTION_BACKLOG = 4_096

Check = Callable[[], Awaitable[str | None]]
"""Says what is wrong with one thing that the service stands on, or None."""

Lifespan = Callable[[FastAPI, AsyncExitStack], Awaitable[dict[str, Check]]]
"""Opens what the service needs on the stack, puts it on app.state, returns the health checks."""


def create_app(
    service: str, *, title: str, description: str, settings: Settings, lifespan: Lifespan
) -> FastAPI:
    """
    The service's app, with everything that all services share.

    `lifespan` runs inside the serving loop; what it enters on the stack is closed in
    reverse order when the server stops. It may add to `app.state.hot_routes`.
    """

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.checks = await lifespan(app, stack)
            metrics.tune_garbage_collector()
            await stack.enter_async_context(looping(Loop("shedding", app.state.shedding.watch)))
            log.info("service ready", extra={"role": settings.role, "port": settings.port})
            yield
            log.info("service stopping")

    # The documentation's scripts are served from here: a venue's network may reach nothing else.
    app: FastAPI = FastAPIOffline(
        title=title,
        description=description,
        version="1.0",
        lifespan=running,
        # Nobody asks for it, and each request would look it up: shared/runtime/metrics.py has our metrics.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        responses={
            code: {"model": Problem, "description": "Refused; see `code`"}
            for code in (401, 403, 404, 409, 422, 503)
        },
    )
    hot_routes: list[HotRoute] = []
    app.state.service = service
    app.state.settings = settings
    app.state.tokens = TokenVerifier(settings.token_public_key)
    app.add_exception_handler(KepuError, _kepu_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.state.hot_routes = hot_routes
    app.state.shedding = Shedding()
    app.add_middleware(Observed)
    framework = app.build_middleware_stack
    # Before everything of the framework, which what add_middleware adds is not.
    app.build_middleware_stack = lambda: HotRoutes(framework(), hot_routes, app.state.shedding)  # type: ignore[method-assign]
    app.add_api_route(
        "/health", _health, methods=["GET"], tags=["operation"], summary="What works and what does not"
    )
    app.add_api_route("/metrics", _metrics, methods=["GET"], tags=["operation"], summary="Prometheus metrics")
    return app


async def _kepu_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, KepuError)  # noqa: S101 (registered for this type)
    metrics.PROBLEMS.labels(route_of(request.scope), error.code).inc()
    return problem_of(error, _language(request))


async def _validation_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this type)
    metrics.PROBLEMS.labels(route_of(request.scope), "invalid").inc()
    return problem_of(invalid(error.errors()), _language(request))


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", "").encode("latin-1"))


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
        http=HotProtocol,
        # Nobody asks for a client's address.
        proxy_headers=False,
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
