"""The registration service put together: role api answers people, role worker books commands and relays."""

import socket
from contextlib import AsyncExitStack

from fastapi import FastAPI
from pydantic import Field

from services.registration.booking import api
from services.registration.booking.api import RegistrationApi
from services.registration.booking.handlers import Commands, subscriptions
from services.registration.booking.hot import Registering
from services.registration.booking.idempotency import RequestKeys
from services.registration.participants.keys import Lockbox
from services.registration.programme import api as organisers_api
from services.registration.programme.notify import telling
from services.registration.programme.store import RegistrationStore
from services.registration.wording import CHINESE
from shared.messaging.consuming import consuming
from shared.messaging.publisher import publishing
from shared.runtime import clock
from shared.runtime.background import looping
from shared.runtime.settings import ContactPublicKey, PrivatePem, Settings, read
from shared.storage import mongo
from shared.storage.outbox import relaying
from shared.web.app import create_app, serve
from shared.web.health import Check
from shared.web.tokens import TokenSigner


class RegistrationSettings(Settings):
    """What registration is configured by."""

    database: str = Field("kepu_registration", description="name of registration's own database")
    token_private_key: PrivatePem = Field(description="Ed25519 private key that participants' tokens get")
    contact_public_key: ContactPublicKey = Field(
        description="public key that participants' keys are sealed with, base64"
    )


def assemble(settings: RegistrationSettings) -> FastAPI:
    """The service's app."""

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> dict[str, Check]:
        database = await stack.enter_async_context(mongo.connect(settings.mongo, settings.database))
        publisher = await stack.enter_async_context(publishing(settings.kafka, "kepu-registration"))
        private_key = settings.token_private_key.get_secret_value()
        store = RegistrationStore(
            database, Lockbox.from_private_key(private_key, settings.contact_public_key)
        )
        await store.prepare()
        checks: dict[str, Check] = {"mongo": lambda: mongo.ping(database), "kafka": publisher.ping}
        if settings.role != "worker":
            keys = RequestKeys.from_private_key(private_key)
            app.state.registration = RegistrationApi(store=store, keys=keys)
            registering = Registering(
                store,
                keys=keys,
                signer=TokenSigner(private_key),
                verify=lambda token: app.state.tokens.verify(token, clock.now()),
            )
            app.state.hot_routes += registering.routes()
        if settings.role != "api":
            consumers = await stack.enter_async_context(
                consuming(
                    settings.kafka, subscriptions(Commands(store)), publisher, instance=settings.instance
                )
            )
            owner = f"{socket.gethostname()}-{settings.instance or settings.port}"
            relay = await stack.enter_async_context(relaying(database, publisher, owner=owner))
            checks |= {f"consumer {consumer.group}": consumer.check for consumer in consumers}
            tells = telling(store)
            await stack.enter_async_context(looping(tells))
            checks |= {"relay": relay.check, tells.name: tells.check}
        return checks

    app = create_app(
        "registration",
        title="Kepu Week: registration",
        description="Activities and their sessions, places, waiting lists, tickets and check-in.",
        settings=settings,
        lifespan=lifespan,
        chinese=CHINESE,
    )
    if settings.role != "worker":
        app.include_router(api.router())
        app.include_router(organisers_api.router())
    return app


if __name__ == "__main__":
    settings = read(RegistrationSettings)
    serve(assemble(settings), settings)
