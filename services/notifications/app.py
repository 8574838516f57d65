"""The notifications service put together: role api answers, role worker listens and delivers."""

import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Self, get_args

from fastapi import FastAPI
from pydantic import Field, SecretStr, model_validator

from services.notifications.contacts.decryptor import Opener
from services.notifications.contacts.store import ContactStore
from services.notifications.deliveries.store import DeliveryStore
from services.notifications.inbox.api import NotificationsApi, router
from services.notifications.mail.compose import Postal
from services.notifications.mail.courier import LEASE_SECONDS_MIN, Courier, Pace, sending
from services.notifications.mail.daily_cap import MAILS_PER_ADDRESS_DAY_MAX, DailyCap
from services.notifications.mail.format import deliverable
from services.notifications.mail.smtp import MailServer, Security
from services.notifications.mail.store import MailQueue
from services.notifications.messages.handlers import subscriptions
from services.notifications.messages.rules import Patience
from services.notifications.messages.store import MessageStore
from services.notifications.problems_zh import CHINESE
from services.notifications.upkeep import Upkeep
from services.notifications.wording.render import Wording
from shared.contracts import sealing
from shared.contracts.checked import Email, Line
from shared.contracts.events import Channel
from shared.messaging.consuming import consuming
from shared.messaging.publisher import publishing
from shared.messaging.received import Subscription
from shared.runtime import metrics
from shared.runtime.background import looping
from shared.runtime.settings import ContactPrivateKey, ContactPublicKey, Settings, read
from shared.storage import mongo
from shared.storage.mongo import Database
from shared.storage.outbox import relaying
from shared.web.app import create_app, serve
from shared.web.health import Check


class NotificationsSettings(Settings):
    """What notifications is configured by."""

    database: str = Field("kepu_notifications", description="name of notifications' own database")
    contact_private_key: ContactPrivateKey | None = Field(
        None, description="opens contacts and tickets, base64; role api shows no tickets without it"
    )
    contact_public_key: ContactPublicKey | None = Field(
        None, description="base64; where it is given, the start fails unless the two are a pair"
    )
    smtp_host: str = Field("127.0.0.1", description="the mail server")
    smtp_port: int = Field(25, ge=1, le=65_535)
    smtp_security: Security = Field("none", description="none, starttls or tls")
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_connections: int = Field(8, ge=1, le=32, description="connections to it that are kept open")
    mail_from: Email = Field("kepu@example.org", description="the address that mails come from")
    signature_zh: Line = "科技活动周组委会"
    signature_en: Line = "Organising Committee of the Science & Technology Week"
    mail_retry_seconds: float = Field(
        300.0, gt=0, le=3_600, description="wait after the first try that was deferred; doubles"
    )
    mail_retry_hours_max: float = Field(4.0, gt=0, le=24, description="the longest wait between two tries")
    mail_age_days_max: float = Field(
        4.0, gt=0, le=7, description="a mail not delivered so long has failed; RFC 5321 advises 4 to 5 days"
    )
    mails_per_address_day_max: int = Field(
        MAILS_PER_ADDRESS_DAY_MAX, ge=1, le=10_000, description="what is beyond it waits for the next day"
    )
    contact_wait_days_max: float = Field(
        14.0, gt=0, le=90, description="how long a mail waits for its recipient to join"
    )
    claim_lease_seconds: float = Field(
        LEASE_SECONDS_MIN,
        ge=LEASE_SECONDS_MIN,
        le=3_600,
        description="after this a mail claimed and not marked is sent again",
    )

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.role != "api" and self.contact_private_key is None:
            raise ValueError("role worker needs KEPU_CONTACT_PRIVATE_KEY; `kepu keys` makes one")
        if self.contact_private_key is not None and self.contact_public_key:
            sealing.check_pair(self.contact_public_key, self.contact_private_key.get_secret_value())
        if self.smtp_username and self.smtp_security == "none":
            raise ValueError("KEPU_SMTP_USERNAME without KEPU_SMTP_SECURITY would send the password in clear")
        if not deliverable(self.mail_from).isascii():
            raise ValueError("KEPU_MAIL_FROM needs plain letters before the @: not every server takes others")
        return self


# What a message or mail can come to: each is counted from 0 on, so that a first one shows as an increase.
_ENDS: dict[Channel, tuple[str, ...]] = {
    "inbox": ("delivered", "cancelled"),
    "email": ("delivered", "deferred", "failed", "skipped", "cancelled"),
}


def assemble(settings: NotificationsSettings) -> FastAPI:
    """The service's app."""
    patience = Patience(
        retry_seconds=settings.mail_retry_seconds,
        retry_seconds_max=settings.mail_retry_hours_max * 3_600,
        pending_max=timedelta(days=settings.mail_age_days_max),
        waiting_max=timedelta(days=settings.contact_wait_days_max),
    )
    for channel in get_args(Channel):
        for outcome in _ENDS[channel]:
            metrics.DELIVERIES.labels(channel, outcome)

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> dict[str, Check]:
        database = await stack.enter_async_context(mongo.connect(settings.mongo, settings.database))
        contacts, messages = ContactStore(database), MessageStore(database, patience)
        deliveries = DeliveryStore(database, contacts, patience)
        await contacts.prepare()
        await messages.prepare()
        wording = Wording({"zh-CN": settings.signature_zh, "en": settings.signature_en})
        key = settings.contact_private_key
        opener = Opener(key.get_secret_value() if key else None)
        app.state.notifications = NotificationsApi(contacts, messages, deliveries, wording, opener)
        checks: dict[str, Check] = {"mongo": lambda: mongo.ping(database)}
        if key is not None and settings.role != "api":
            cap = DailyCap(database, key.get_secret_value(), settings.mails_per_address_day_max)
            await cap.prepare()
            pace = Pace(
                connections=settings.smtp_connections,
                lease_seconds=settings.claim_lease_seconds,
                patience=patience,
            )
            postal = Postal(contacts, wording, opener, sender=deliverable(settings.mail_from))
            queue = MailQueue(database)
            courier = Courier(queue, postal, _mail_server(settings), cap, pace)
            subscribed = subscriptions(contacts, messages, wake=courier.loop.wake)
            checks |= await _work(settings, stack, database, subscribed, courier, Upkeep(messages, queue))
        return checks

    app = create_app(
        "notifications",
        title="Kepu Week: notifications",
        description="What is said to whom: inboxes, preferences, deliveries.",
        settings=settings,
        lifespan=lifespan,
        chinese=CHINESE,
    )
    if settings.role != "worker":
        app.include_router(router())
    return app


async def _work(
    settings: NotificationsSettings,
    stack: AsyncExitStack,
    database: Database,
    subscribed: Sequence[Subscription],
    courier: Courier,
    upkeep: Upkeep,
) -> dict[str, Check]:
    """Begin what role worker does, until the stack is left: relay events, send mails, forget, listen."""
    publisher = await stack.enter_async_context(publishing(settings.kafka, "kepu-notifications"))
    owner = f"{socket.gethostname()}-{settings.instance or settings.port}"
    relay = await stack.enter_async_context(relaying(database, publisher, owner=owner))
    await stack.enter_async_context(sending(courier))
    await stack.enter_async_context(looping(upkeep.loop))
    consumers = await stack.enter_async_context(
        consuming(settings.kafka, subscribed, publisher, instance=settings.instance)
    )
    checks: dict[str, Check] = {"kafka": publisher.ping}
    checks |= {f"consumer {consumer.group}": consumer.check for consumer in consumers}
    return checks | {"relay": relay.check, "mail": courier.loop.check, "upkeep": upkeep.loop.check}


def _mail_server(settings: NotificationsSettings) -> MailServer:
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=deliverable(settings.mail_from),
        security=settings.smtp_security,
        # Empty is none: a compose file cannot leave a variable out.
        username=settings.smtp_username or None,
        password=settings.smtp_password or None,
    )


if __name__ == "__main__":
    settings = read(NotificationsSettings)
    serve(assemble(settings), settings)
