"""The webhooks service put together: role api answers organisers, role worker stores and sends deliveries."""

from contextlib import aclosing

from fastapi import FastAPI
from pydantic import Field, SecretStr

from services.webhooks.deliveries import api as deliveries_api
from services.webhooks.deliveries import wording as deliveries_wording
from services.webhooks.deliveries.handlers import subscriptions
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints import api as endpoints_api
from services.webhooks.endpoints import wording as endpoints_wording
from services.webhooks.endpoints.put import Endpoints
from services.webhooks.endpoints.secrets import SecretLock
from services.webhooks.endpoints.store import EndpointStore
from services.webhooks.sending import api as sending_api
from services.webhooks.sending.attempt import Attempts
from services.webhooks.sending.ping import Ping
from services.webhooks.sending.post import POST_SECONDS_MAX, Poster
from services.webhooks.sending.sender import Sender
from services.webhooks.sending.upkeep import Upkeep
from shared.runtime.settings import Settings, read
from shared.service import Service, build
from shared.web.app import serve


class WebhooksSettings(Settings):
    """The settings of webhooks."""

    database: str = Field("kepu_webhooks", description="name of webhooks' own database")
    webhook_key: SecretStr = Field(
        description="encrypts the secrets of endpoints in the database", min_length=16
    )
    webhook_allow_private: bool = Field(
        False,
        description="endpoints may be at private addresses and without TLS; only for tests, and for a week "
        "on one machine",
    )
    webhook_seconds_max: float = Field(
        POST_SECONDS_MAX, ge=0.1, le=POST_SECONDS_MAX, description="how long an endpoint may take to answer"
    )


async def wire(service: Service[WebhooksSettings]) -> None:
    """Put the service's rooms together."""
    settings, database = service.settings, service.database
    endpoints, deliveries = EndpointStore(database), DeliveryStore(database)
    await endpoints.prepare()
    await deliveries.prepare()
    lock = SecretLock(settings.webhook_key.get_secret_value())
    poster = Poster(allow_private=settings.webhook_allow_private, seconds_max=settings.webhook_seconds_max)
    await service.enter(aclosing(poster))
    attempts = Attempts(lock, poster)
    if service.serves_http:
        only_public = not settings.webhook_allow_private
        service.provide(endpoints, deliveries, Endpoints(endpoints, lock, only_public=only_public))
        service.provide(Ping(endpoints, attempts))
    if service.runs_background:
        sender = Sender(endpoints, deliveries, attempts)
        await service.enter(aclosing(sender))
        service.consume(*subscriptions(endpoints, deliveries, wake=sender.wake))
        service.run(sender.loop, Upkeep(endpoints, deliveries).loop)


def assemble(settings: WebhooksSettings) -> FastAPI:
    """The service's app."""
    return build(
        settings,
        wire,
        name="webhooks",
        database=settings.database,
        title="Kepu Week: webhooks",
        description="Events to partners without Kafka: endpoints, deliveries, replays.",
        routers=[endpoints_api.routes, deliveries_api.routes, sending_api.routes],
        chinese=endpoints_wording.CHINESE | deliveries_wording.CHINESE,
    )


if __name__ == "__main__":
    settings = read(WebhooksSettings)
    serve(assemble(settings), settings)
