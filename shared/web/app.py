"""
The app that every service is: its edge, problem+json errors, /health, /metrics, and how it is served.

What comes in passes the protocol (bounds in bytes and time), the edge and its gate (the head against
the route), and only then a hot route or the framework.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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
from starlette.exceptions import HTTPException

from shared.runtime import logs, metrics
from shared.runtime.background import Loop, looping
from shared.runtime.errors import KepuError, NotAuthenticated
from shared.runtime.settings import Settings, misspelt
from shared.web import wording
from shared.web.edge.connections import Bodies, Connections
from shared.web.edge.gate import Gate, Key
from shared.web.edge.hot_protocol import HotProtocol
from shared.web.edge.limits import Limits, raise_open_files
from shared.web.edge.middleware import ROUTE, Carried, Edge
from shared.web.edge.shedding import Shedding
from shared.web.forms import invalid
from shared.web.health import CHECK_SECONDS_MAX, Check, health
from shared.web.hot import HotRoute, bearer
from shared.web.observing import count_problem
from shared.web.problems import NotHttp, Problem, problem_of
from shared.web.tokens import Participant, TokenVerifier, check_organiser
from shared.web.wording import language_of

__all__ = ["AsOrganiser", "AsParticipant", "Check", "create_app", "organiser", "participant", "serve"]

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 20
CONNECTION_BACKLOG = 4_096
ASK_FOR_TOKEN = "give your token in the header Authorization: Bearer …"  # noqa: S105 (no secret)

Lifespan = Callable[[FastAPI, AsyncExitStack], Awaitable[dict[str, Check]]]
"""Opens what the service needs on the stack, puts it on app.state, returns the health checks."""


def create_app(
    service: str,
    *,
    title: str,
    description: str,
    settings: Settings,
    lifespan: Lifespan,
    chinese: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    check_seconds_max: float = CHECK_SECONDS_MAX,
) -> FastAPI:
    """
    The service's app, with everything that all services share.

    `lifespan` runs inside the serving loop; what it enters on the stack is closed in
    reverse order when the server stops. It may add to `app.state.hot_routes`.

    A route whose body may be larger than `BODY_BYTES_MAX` says so by FastAPI's `max_body_size`, a hot
    route by `body_bytes_max`.

    Args:
        chinese: the service's words for its codes (shared/web/wording.py).
    """
    wording.learn(chinese or {})
    limits = limits or Limits()

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.checks = await lifespan(app, stack)
            metrics.tune_garbage_collector()
            await stack.enter_async_context(
                looping(
                    Loop("shedding", app.state.shedding.watch),
                    Loop("connections", app.state.connections.sweep),
                )
            )
            log.info("service ready", extra={"role": settings.role, "port": settings.port})
            yield
            log.info("service stopping")

    # The documentation's scripts are served from here: a venue's network may reach nothing else.
    app: FastAPI = FastAPIOffline(
        title=title,
        description=description,
        version="1.0",
        lifespan=running,
        # A redirect would echo whatever Host a request names.
        redirect_slashes=False,
        # As hot routes do; another type than JSON is refused by the gate.
        strict_content_type=False,
        # Nobody asks for it, and each request would look it up: shared/runtime/metrics.py has our metrics.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        responses={
            code: {"model": Problem, "description": "Refused; see `code`"}
            for code in (400, 401, 403, 404, 405, 409, 413, 415, 422, 503)
        },
    )
    hot_routes: list[HotRoute] = []
    app.state.service = service
    app.state.settings = settings
    app.state.tokens = TokenVerifier(settings.token_public_key)
    app.add_exception_handler(KepuError, _kepu_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _raised_again)
    app.state.hot_routes = hot_routes
    app.state.provided = {}
    app.state.shedding = Shedding()
    app.state.connections = Connections(limits)
    app.state.bodies = Bodies(limits.bodies_bytes_max)
    app.state.check_seconds_max = check_seconds_max
    framework = app.build_middleware_stack
    # Before everything of the framework, which what add_middleware adds is not.
    app.build_middleware_stack = lambda: Edge(  # type: ignore[method-assign]
        framework(),
        Gate(app, hot_routes, _keys(app)),
        shedding=app.state.shedding,
        bodies=app.state.bodies,
        limits=limits,
    )
    app.add_api_route(
        "/health", health, methods=["GET"], tags=["operation"], summary="What works and what does not"
    )
    app.add_api_route("/metrics", _metrics, methods=["GET"], tags=["operation"], summary="Prometheus metrics")
    return app


async def _kepu_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, KepuError)  # noqa: S101 (registered for this type)
    count_problem(request.scope[ROUTE], error.code)
    return problem_of(error, language_of(request.headers.get("accept-language", "").encode("latin-1")))


async def _validation_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this type)
    return await _kepu_problem(request, invalid(error.errors()))


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this type)
    if isinstance(error, Carried):
        return await _kepu_problem(request, error.error)
    if error.status_code == 400:
        # The framework's word for a body that breaks its reader of JSON.
        return await _kepu_problem(request, invalid([{"type": "json_invalid", "loc": ()}], "body"))
    code = "not_found" if error.status_code == 404 else "http_error"
    return await _kepu_problem(request, NotHttp(error.status_code, str(error.detail), code=code))


async def _raised_again(_: Request, error: Exception) -> Response:
    """Else the framework would answer in a way of its own; the edge answers and logs it."""
    raise error


async def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


_bearer = HTTPBearer(auto_error=False, description="The token given at registration")
_key_header = APIKeyHeader(name="X-Organiser-Key", auto_error=False, description="The organisers' key")


def _keys(app: FastAPI) -> dict[Callable[..., object], Key]:
    """The checks of keys and tokens that the gate makes before a body is read."""
    verifier, settings = app.state.tokens, app.state.settings

    def token(headers: Mapping[bytes, bytes]) -> None:
        given = bearer(headers.get(b"authorization", b""), missing=ASK_FOR_TOKEN, code="token_missing")
        verifier.verify(given, datetime.now(UTC))

    def key(headers: Mapping[bytes, bytes]) -> None:
        given = headers.get(b"x-organiser-key", b"").decode("latin-1")
        check_organiser(given, settings.organiser_key.get_secret_value())

    return {participant: token, organiser: key}


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
        raise NotAuthenticated(ASK_FOR_TOKEN, code="token_missing")
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
    for unknown, meant in misspelt(type(settings)):
        log.warning("no such setting", extra={"variable": unknown, "meant": meant})
    raise_open_files()
    uvicorn.run(
        app,
        http=HotProtocol,
        ws="none",
        # Nobody asks for a client's address.
        proxy_headers=False,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=CONNECTION_BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
