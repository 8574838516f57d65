"""
The app that every service is: its edge, problem+json errors, health and metrics, and how it is served.

A request passes the protocol (limits of bytes and time), then the edge with its gate (the head is checked
against the route), and only then a hot route or the framework.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from shared.runtime import logs, metrics
from shared.runtime.acting import refused
from shared.runtime.background import Loop, looping
from shared.runtime.errors import KepuError
from shared.runtime.life import Life
from shared.runtime.settings import Settings, misspelt
from shared.web import health, health_gauges, serving, wording
from shared.web.admitting import Admission
from shared.web.counting import begin_at_zero
from shared.web.edge.connections import Bodies, Connections
from shared.web.edge.gate import Gate
from shared.web.edge.hot_protocol import HotProtocol
from shared.web.edge.limits import Limits, raise_open_files
from shared.web.edge.middleware import CODES, ROUTE, Edge, refusal_of
from shared.web.edge.request_body import Carried
from shared.web.edge.shedding import Shedding
from shared.web.edge.turns import Turns
from shared.web.forms import invalid
from shared.web.health import CHECK_SECONDS_MAX
from shared.web.health_gauges import HealthGauges
from shared.web.hot import HotRoute
from shared.web.identity import checked_before_the_body, participant_id_in
from shared.web.live.boards import Boards
from shared.web.live.listeners import Listeners
from shared.web.made_once import MadeOnce
from shared.web.observing import count_problem, slow
from shared.web.organiser_keys import OrganiserKeys
from shared.web.prefix import below
from shared.web.problems import NotHttp, describe_problems
from shared.web.starting import Open, Parts, starting
from shared.web.tokens import TokenVerifier

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 20
CONNECTION_BACKLOG = 4_096
# Statuses of refusals, shown with every route in the OpenAPI document.
REFUSALS = (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503)


def create_app(
    service: str,
    *,
    title: str,
    description: str,
    settings: Settings,
    lifespan: Open,
    chinese: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    check_seconds_max: float = CHECK_SECONDS_MAX,
) -> FastAPI:
    """
    The service's app with everything that all services share.

    `lifespan` runs in the background, inside the serving loop, once the app listens. What it enters on the
    stack is closed in reverse order when the server stops. At its end it may add to `app.state.hot_routes`.

    Args:
        chinese: the service's words for its codes (shared/web/wording.py).
    """
    wording.learn(chinese or {})
    limits = limits or Limits()
    slow.seconds = settings.slow_seconds
    # The documentation's scripts are served from here, because a venue may have no internet.
    app: FastAPI = FastAPIOffline(
        title=title,
        description=description,
        version="1.0",
        lifespan=_running(settings, lifespan),
        # A redirect would repeat the Host of the request, and anybody can invent a Host.
        redirect_slashes=False,
        # As `Routes`: also for what is added to the app itself.
        strict_content_type=False,
        # It would cost time on each request, and shared/runtime/metrics.py has our metrics.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    hot_routes: list[HotRoute] = []
    app.state.service = service
    app.state.settings = settings
    app.state.tokens = TokenVerifier(settings.token_public_key)
    app.state.organiser_keys = OrganiserKeys(
        settings.organiser_key.get_secret_value(), settings.organiser_keys_file
    )
    app.state.admission = Admission(app.state.organiser_keys)
    app.state.acts = None
    app.state.hot_routes = hot_routes
    app.state.listeners = Listeners()
    app.state.provided = {Listeners: app.state.listeners, Boards: Boards()}
    app.state.check_seconds_max = check_seconds_max
    app.state.life = Life()
    _describe(app)
    _answer_errors(app)
    _put_edge_around(app, hot_routes, limits)
    health.add_to(app)
    app.add_api_route(
        "/metrics", _metrics(), methods=["GET"], tags=["operation"], summary="Prometheus metrics"
    )
    return app


def _describe(app: FastAPI) -> None:
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        describe_problems(document, REFUSALS)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI's documentation gives


def _running(settings: Settings, lifespan: Open) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    async def opened(app: FastAPI, stack: AsyncExitStack) -> Parts:
        parts = await lifespan(app, stack)
        if settings.organiser_keys_file is not None:
            keys: OrganiserKeys = app.state.organiser_keys
            parts.checks["organiser keys"] = keys.check
        begin_at_zero(app, app.state.hot_routes)
        metrics.tune_garbage_collector()
        return parts

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        begin_at_zero(app, ())
        gauges = HealthGauges(lambda: app.state.checks, app.state.check_seconds_max)
        watching = looping(
            Loop("shedding", app.state.shedding.watch),
            Loop("connections", app.state.connections.sweep),
            Loop("organiser_keys", app.state.organiser_keys.watch),
            Loop(health_gauges.LOOP, gauges.turn),
        )
        async with watching, starting(app, opened, app.state.life):
            yield

    return running


def _put_edge_around(app: FastAPI, hot_routes: list[HotRoute], limits: Limits) -> None:
    app.state.shedding = Shedding()
    app.state.turns = Turns(under_way_max=limits.framework_under_way_max)
    app.state.connections = Connections(limits)
    app.state.bodies = Bodies(limits.bodies_bytes_max, app.state.connections.unfinished)
    framework = app.build_middleware_stack

    def edge() -> ASGIApp:
        return Edge(
            below(app.state.settings.root_path, framework()),
            Gate(app, hot_routes, checked_before_the_body(app), app.state.life),
            acts=lambda: app.state.acts,
            organiser_of=app.state.admission.name_of,
            participant_of=partial(participant_id_in, app.state.tokens),
            shedding=app.state.shedding,
            turns=app.state.turns,
            bodies=app.state.bodies,
            limits=limits,
        )

    # Outside of everything in the framework. FastAPI's `add_middleware` would put the edge behind its own.
    app.build_middleware_stack = edge  # type: ignore[method-assign]


def _answer_errors(app: FastAPI) -> None:
    app.add_exception_handler(KepuError, _kepu_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _raised_again)


async def _kepu_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, KepuError)  # noqa: S101 (registered for this type)
    count_problem(request.scope[ROUTE], error.code)
    request.scope[CODES].append(error.code)
    refused(error.code)
    return refusal_of(error, request.scope, dict(request.scope["headers"]))


async def _validation_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this type)
    return await _kepu_problem(request, invalid(error.errors()))


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this type)
    if isinstance(error, Carried):
        return await _kepu_problem(request, error.error)
    if error.status_code == 400:
        # The framework's reader of JSON failed on the body.
        return await _kepu_problem(request, invalid([{"type": "json_invalid", "loc": ()}], "body"))
    code = "not_found" if error.status_code == 404 else "http_error"
    return await _kepu_problem(request, NotHttp(error.status_code, str(error.detail), code=code))


async def _raised_again(_: Request, error: Exception) -> Response:
    """Without this handler the framework would answer. The edge answers and logs instead."""
    raise error


def _metrics() -> Callable[[], Awaitable[Response]]:
    async def written() -> bytes:
        return generate_latest()

    once = MadeOnce(written)

    async def metrics_now() -> Response:
        return Response(await once.get(), media_type=CONTENT_TYPE_LATEST)

    return metrics_now


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGTERM. Requests and batches in progress are finished first."""
    logs.configure(app.state.service, settings.log_level)
    for unknown, meant in misspelt(type(settings)):
        log.warning("no such setting", extra={"variable": unknown, "meant": meant})
    raise_open_files()
    config = uvicorn.Config(
        app,
        http=HotProtocol,
        ws="none",
        # Anybody can send the header, so only those proxies are believed.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=CONNECTION_BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    # A worker gets no requests from outside that it could drain.
    drain_seconds = 0.0 if settings.role == "worker" else settings.drain_seconds
    life: Life = app.state.life
    serving.serve(serving.Server(config, life, drain_seconds=drain_seconds), life)
