"""
The one way to wire a service: its roles, checks and background work.

A service's app.py says what the service is made of, and `build` makes the app:

    async def wire(service: Service[QuizSettings]) -> None:
        store = QuizStore(service.database)
        await store.prepare()
        if service.serves_http:
            service.provide(store)
        if service.runs_background:
            service.consume(*subscriptions(store))
            service.run(upkeep(store))

    def assemble(settings: QuizSettings) -> FastAPI:
        return build(settings, wire, name="quiz", database=settings.database, title=..., routers=[api.routes])

Role `api` answers HTTP. Role `worker` consumes events, does the background work and publishes the outbox.
Role `all` does both.
"""

import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import Generic, TypeVar

from fastapi import FastAPI

from shared.messaging.connection import KafkaConnection
from shared.messaging.consuming import consuming
from shared.messaging.publisher import Publisher, publishing
from shared.messaging.received import Subscription
from shared.runtime import clock, tracing
from shared.runtime.background import Loop, looping
from shared.runtime.life import Life
from shared.runtime.settings import Settings
from shared.runtime.span_export import SpanExport, otlp, recording
from shared.storage import mongo, outbox
from shared.storage.acts import ActStore
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database
from shared.web import acts as acts_api
from shared.web import whose_key
from shared.web.app import create_app
from shared.web.health import Check
from shared.web.hot import HotRoute
from shared.web.hot_endpoints import HotEndpoint
from shared.web.routes import Routes
from shared.web.starting import Parts
from shared.web.tokens import Participant

S = TypeVar("S", bound=Settings)
T = TypeVar("T")


class Service(Generic[S]):
    """
    A service's process during the wiring.

    When the wiring is done, the relay of the outbox starts, then the loops given to `run`, then the consumers
    given to `consume`. At the end they stop in reverse order.

    Attributes:
        checks: the checks of /health by name. Wiring may add more.
        first: those that must be good once before the process is ready (shared/web/starting.py).
        ended_tokens: participants' tokens that have ended before their time. No route admits them.
    """

    def __init__(
        self,
        app: FastAPI,
        settings: S,
        stack: AsyncExitStack,
        database: Database,
        ended_tokens: EndedTokens,
    ) -> None:
        self.settings = settings
        self.kafka = KafkaConnection.of(settings)
        self.database = database
        self.ended_tokens = ended_tokens
        self.checks: dict[str, Check] = {"mongo": lambda: mongo.ping(database)}
        self.first: dict[str, Check] = {}
        self._app = app
        self._hot: list[HotRoute] = []
        self._stack = stack
        self._publisher: Publisher | None = None
        self._subscriptions: list[Subscription] = []
        self._loops: dict[str, Loop] = {}

    @property
    def serves_http(self) -> bool:
        """Whether this process answers HTTP."""
        return self.settings.role != "worker"

    @property
    def runs_background(self) -> bool:
        """Whether this process consumes events and does the background work."""
        return self.settings.role != "api"

    async def enter(self, opened: AbstractAsyncContextManager[T]) -> T:
        """Open something until the process stops."""
        return await self._stack.enter_async_context(opened)

    async def publisher(self) -> Publisher:
        """The process's producer. /health shows whether Kafka answers it."""
        if self._publisher is None:
            self._publisher = await self.enter(publishing(self.kafka, f"kepu-{self._name}"))
            self.checks["kafka"] = self._publisher.ping
        return self._publisher

    def provide(self, *parts: object) -> None:
        """Let routes ask for these objects by their type (shared/web/provided.py)."""
        self._app.state.provided |= {type(part): part for part in parts}

    def answer(self, *routes: HotRoute) -> None:
        """Answer these hot routes before the framework."""
        self._hot += routes

    def participant_of(self, token: str) -> Participant:
        """
        The participant whose token this is.

        Raises:
            NotAuthenticated: the token is not one of ours, or has expired.
        """
        verified: Participant = self._app.state.tokens.verify(token, clock.now())
        return verified

    def consume(self, *subscriptions: Subscription) -> None:
        """Read these topics. /health shows each group."""
        self._subscriptions += subscriptions

    def run(self, *loops: Loop, **named: Loop) -> None:
        """Do this work in the background. /health shows each loop by its name, or by the keyword given."""
        self._loops |= {loop.name: loop for loop in loops} | named

    async def start(self) -> None:
        """Start everything that the wiring has asked for."""
        if self.serves_http and self._publisher is not None:
            # Its routes write to Kafka.
            self.first["kafka"] = self._publisher.ping
        if self.runs_background:
            publisher = await self.publisher()
            owner = _instance(self.settings)
            relay = await self.enter(outbox.relaying(self.database, publisher, owner=owner))
            self.checks["relay"] = relay.check
        await self.enter(looping(*self._loops.values()))
        self.checks |= {name: loop.check for name, loop in self._loops.items()}
        if self._subscriptions:
            consumers = await self.enter(
                consuming(
                    self.kafka,
                    self._subscriptions,
                    await self.publisher(),
                    instance=self.settings.instance,
                )
            )
            by_name = {f"consumer {consumer.group}": consumer for consumer in consumers}
            self.checks |= {name: consumer.check for name, consumer in by_name.items()}
            life: Life = self._app.state.life
            life.faults = {name: partial(getattr, consumer, "stopped") for name, consumer in by_name.items()}
            if not self.serves_http:
                # Whoever replaces workers one by one ends the next one only when this one reads.
                self.first |= {name: consumer.check for name, consumer in by_name.items()}
        # Only now: a hot route may need what has been started.
        self._app.state.hot_routes += self._hot

    @property
    def _name(self) -> str:
        name: str = self._app.state.service
        return name


async def _record_spans(settings: Settings, name: str, stack: AsyncExitStack) -> None:
    # Opened first, so that the spans of what stops after it are sent too.
    if settings.traces and tracing.recorder is None:
        send = otlp(settings.traces, f"kepu-{name}", _instance(settings))
        await stack.enter_async_context(recording(SpanExport(send, ratio=settings.traces_ratio)))


def _instance(settings: Settings) -> str:
    return f"{socket.gethostname()}-{settings.instance or settings.port}"


Wire = Callable[[Service[S]], Awaitable[None]]
"""Builds the parts of a service on its database, and tells the `Service` what to provide, consume and run."""


def build(
    settings: S,
    wire: Wire[S],
    *,
    name: str,
    database: str,
    title: str,
    description: str,
    routers: Sequence[Routes],
    hot: Sequence[HotEndpoint] = (),
    chinese: Mapping[str, str] | None = None,
) -> FastAPI:
    """
    The service's app.

    Args:
        database: the name of the service's own database. No other service uses it.
        routers: the routes of the service's rooms. A process of role `worker` has none of them.
        hot: endpoints that the wiring answers by `Service.answer`. The OpenAPI document shows them too.
        chinese: the service's words for its codes (shared/web/wording.py).
    """

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> Parts:
        connected = await stack.enter_async_context(mongo.connect(settings.mongo, database))
        # It says within 1.5 s that MongoDB is away. The first query would say so after 5 to 20 s.
        await mongo.ping(connected)
        with mongo.outages_named():
            return await opened(app, stack, connected)

    async def opened(app: FastAPI, stack: AsyncExitStack, connected: Database) -> Parts:
        await _record_spans(settings, name, stack)
        # Here, since a process of role api writes events too. Create it now: creating it in a transaction
        # causes conflicts.
        await outbox.prepare(connected)
        if settings.role != "worker":
            acts = ActStore(connected)
            await acts.prepare()
            app.state.acts = acts
        ended_tokens = EndedTokens(connected)
        await ended_tokens.prepare()
        app.state.tokens.is_ended = ended_tokens.is_ended
        service = Service(app, settings, stack, connected, ended_tokens)
        service.run(ended_tokens.loop)
        await wire(service)
        await service.start()
        return Parts(service.checks, service.first)

    app = create_app(
        name, title=title, description=description, settings=settings, lifespan=lifespan, chinese=chinese
    )
    if settings.role != "worker":
        documented = Routes(tags=[name])
        for endpoint in hot:
            endpoint.add_to(documented)
        for router in (*routers, acts_api.routes, whose_key.routes, documented):
            # Not by `include_router`: it would analyse each route anew, at the first request.
            app.router.routes.extend(router.routes)
    return app
