"""The awards service put together: role api answers, role worker issues and relays."""

import socket
from contextlib import AsyncExitStack

from fastapi import FastAPI
from pydantic import Field, SecretStr

from services.awards.api import AwardsApi, router
from services.awards.handlers import subscriptions
from services.awards.issuing import Issuing
from services.awards.organising import Organising
from services.awards.store import AwardStore
from services.awards.upkeep import upkeep
from services.awards.wording import CHINESE
from shared.messaging.consumer import consuming
from shared.messaging.publisher import publishing
from shared.runtime.background import Loop, looping
from shared.runtime.settings import Settings, read
from shared.storage import mongo
from shared.storage.outbox import relaying
from shared.web.http import Check, create_app, serve


class AwardsSettings(Settings):
    """What awards is configured by."""

    database: str = Field("kepu_awards", description="name of awards' own database")
    award_key: SecretStr = Field(min_length=32, description="secret that makes award codes")


def assemble(settings: AwardsSettings) -> FastAPI:
    """The service's app."""

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> dict[str, Check]:
        database = await stack.enter_async_context(mongo.connect(settings.mongo, settings.database))
        store = AwardStore(database)
        await store.prepare()
        issuing = Issuing(store, key=settings.award_key.get_secret_value().encode())
        app.state.awards = AwardsApi(store, Organising(store, issuing))
        checks: dict[str, Check] = {"mongo": lambda: mongo.ping(database)}
        if settings.role != "api":
            publisher = await stack.enter_async_context(publishing(settings.kafka, "kepu-awards"))
            checks["kafka"] = publisher.ping
            consumers = await stack.enter_async_context(
                consuming(
                    settings.kafka, subscriptions(store, issuing), publisher, instance=settings.instance
                )
            )
            owner = f"{socket.gethostname()}-{settings.instance or settings.port}"
            tidying = Loop("upkeep", upkeep(store.results))
            await stack.enter_async_context(looping(tidying))
            relay = await stack.enter_async_context(relaying(database, publisher, owner=owner))
            checks |= {f"consumer {consumer.group}": consumer.check for consumer in consumers}
            checks |= {tidying.name: tidying.check, "relay": relay.check}
        return checks

    app = create_app(
        "awards",
        title="Kepu Week: awards",
        description="Schemes, awards and their codes.",
        settings=settings,
        lifespan=lifespan,
        chinese=CHINESE,
    )
    if settings.role != "worker":
        app.include_router(router())
    return app


if __name__ == "__main__":
    settings = read(AwardsSettings)
    serve(assemble(settings), settings)
