"""The notifications service put together: role api answers, role worker listens and delivers."""

import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Self

from fastapi import FastAPI
from pydantic import Field, SecretStr, model_validator

from services.notifications.api import NotificationsApi, router
from services.notifications.courier import Courier, Pace, sending
from services.notifications.delivery_store import DeliveryStore
from services.notifications.handlers import subscriptions
from services.notifications.postal import Postal
from services.notifications.rules import Patience
from services.notifications.smtp import MailServer, Security
from services.notifications.store import NotificationStore
from services.notifications.wording import Wording
from shared.contracts.sealing import EMAIL_PATTERN
from shared.messaging.consumer import consuming
from shared.messaging.publisher import publishing
from shared.runtime.settings import ContactPrivateKey, Settings, read
from shared.storage import mongo
from shared.storage.outbox import relaying
from shared.web.http import Check, create_app, serve


class NotificationsSettings(Settings):
    """What notifications is configured by."""

    database: str = Field("kepu_notifications", description="name of notifications' own database")
    contact_private_key: ContactPrivateKey | None = Field(
        None, description="opens contacts, base64; role api does without"
    )
    smtp_host: str = Field("127.0.0.1", description="the mail server")
    smtp_port: int = Field(25, ge=1, le=65_535)
    smtp_security: Security = Field("none", description="none, starttls or tls")
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_connections: int = Field(8, ge=1, le=32, description="connections to it that are kept open")
    mail_from: str = Field(
        "kepu@example.org", pattern=EMAIL_PATTERN, description="the address that mails come from"
    )
    signature_zh: str = Field("科技活动周组委会", min_length=1, max_length=100)
    signature_en: str = Field(
        "Organising Committee of the Science & Technology Week", min_length=1, max_length=100
    )
    mail_tries_max: int = Field(6, ge=1, le=20, description="tries of a mail before it has failed")
    mail_retry_seconds: float = Field(60.0, gt=0, le=3_600, description="wait after the first try; doubles")
    mail_age_hours_max: float = Field(
        24.0, gt=0, le=24 * 7, description="a mail not delivered so long has failed"
    )
    contact_wait_days_max: float = Field(
        14.0, gt=0, le=90, description="how long a mail waits for its recipient to join"
    )
    claim_lease_seconds: float = Field(
        120.0, ge=1, le=3_600, description="after this a mail claimed and not marked is sent again"
    )

    @model_validator(mode="after")
    def _worker_can_work(self) -> Self:
        if self.role != "api" and self.contact_private_key is None:
            raise ValueError("role worker needs KEPU_CONTACT_PRIVATE_KEY; `kepu keys` makes one")
        if self.smtp_username and self.smtp_security == "none":
            raise ValueError("KEPU_SMTP_USERNAME without KEPU_SMTP_SECURITY would send the password in clear")
        return self


def assemble(settings: NotificationsSettings) -> FastAPI:
    """The service's app."""
    patience = Patience(
        tries_max=settings.mail_tries_max,
        retry_seconds=settings.mail_retry_seconds,
        pending_max=timedelta(hours=settings.mail_age_hours_max),
        waiting_max=timedelta(days=settings.contact_wait_days_max),
    )

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> dict[str, Check]:
        database = await stack.enter_async_context(mongo.connect(settings.mongo, settings.database))
        store, deliveries = NotificationStore(database, patience), DeliveryStore(database, patience)
        await store.prepare()
        wording = Wording({"zh-CN": settings.signature_zh, "en": settings.signature_en})
        app.state.notifications = NotificationsApi(store, deliveries, wording)
        checks: dict[str, Check] = {"mongo": lambda: mongo.ping(database)}
        if settings.contact_private_key is not None and settings.role != "api":
            publisher = await stack.enter_async_context(publishing(settings.kafka, "kepu-notifications"))
            owner = f"{socket.gethostname()}-{settings.instance or settings.port}"
            relay = await stack.enter_async_context(relaying(database, publisher, owner=owner))
            courier = Courier(
                deliveries,
                Postal(store, wording, sender=settings.mail_from, private_key=settings.contact_private_key),
                _mail_server(settings),
                Pace(
                    connections=settings.smtp_connections,
                    lease_seconds=settings.claim_lease_seconds,
                    patience=patience,
                ),
            )
            await stack.enter_async_context(sending(courier))
            consumers = await stack.enter_async_context(
                consuming(
                    settings.kafka,
                    subscriptions(store, wake=courier.wake),
                    publisher,
                    instance=settings.instance,
                )
            )
            checks["kafka"] = publisher.ping
            checks |= {f"consumer {consumer.group}": consumer.check for consumer in consumers}
            checks |= {"relay": relay.check, "mail": courier.check}
        return checks

    app = create_app(
        "notifications",
        title="Kepu Week: notifications",
        description="What is said to whom: inboxes, preferences, deliveries.",
        settings=settings,
        lifespan=lifespan,
    )
    if settings.role != "worker":
        app.include_router(router())
    return app


def _mail_server(settings: NotificationsSettings) -> MailServer:
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_from,
        security=settings.smtp_security,
        # Empty is none: a compose file cannot leave a variable out.
        username=settings.smtp_username or None,
        password=settings.smtp_password or None,
    )


if __name__ == "__main__":
    settings = read(NotificationsSettings)
    serve(assemble(settings), settings)
