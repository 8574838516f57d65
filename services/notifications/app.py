"""The notifications service put together: role api answers, role worker consumes events and sends mails."""

from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import Field, StringConstraints

from services.notifications.contacts import api as contacts_api
from services.notifications.contacts import wording as contacts_wording
from services.notifications.contacts.decryptor import Decryptor
from services.notifications.contacts.settings import ContactSettings
from services.notifications.contacts.store import ContactStore
from services.notifications.deliveries import api as deliveries_api
from services.notifications.deliveries import wording as deliveries_wording
from services.notifications.deliveries.store import DeliveryStore
from services.notifications.deliveries.summarise import Summaries
from services.notifications.deliveries.upkeep import Upkeep
from services.notifications.inbox import api as inbox_api
from services.notifications.inbox import wording as inbox_wording
from services.notifications.inbox.read import InboxReader
from services.notifications.inbox.store import InboxStore
from services.notifications.messages import wording as messages_wording
from services.notifications.messages.erasures import ErasureStore
from services.notifications.messages.finish import UnfinishedErasures
from services.notifications.messages.handlers import subscriptions
from services.notifications.messages.store import MessageStore
from services.notifications.openings import api as openings_api
from services.notifications.openings import wording as openings_wording
from services.notifications.openings.open import Openings
from services.notifications.sending.budget import Budget
from services.notifications.sending.code_limit import CodeLimit
from services.notifications.sending.compose import Composer
from services.notifications.sending.courier import Courier
from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.limits import Limits
from services.notifications.sending.mail_form import MailForm
from services.notifications.sending.mail_format import Mail
from services.notifications.sending.mail_settings import MailSettings
from services.notifications.sending.sms_form import Sms, SmsForm
from services.notifications.sending.sms_settings import SmsSettings
from services.notifications.sending.store import Queue
from services.notifications.texts.render import Texts
from services.notifications.texts.sms import SmsTexts
from shared.contracts.checked import Line
from shared.runtime.background import Loop
from shared.runtime.settings import read
from shared.service import Service, build
from shared.web.app import serve

PublicUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~-]+)*$", max_length=200)
]
"""An address without a slash at its end, and without characters that a mail may change."""


class NotificationsSettings(ContactSettings, MailSettings, SmsSettings):
    """The settings of notifications: its own, and those of contacts, mails and SMS."""

    database: str = Field("kepu_notifications", description="name of notifications' own database")
    signature_zh: Line = Field("科技活动周组委会", description="who signs mails in Chinese")
    signature_en: Line = Field(
        "Organising Committee of the Science & Technology Week", description="who signs mails in English"
    )
    registration_url: PublicUrl | Literal[""] = Field(
        "",
        description="where the public reaches registration: messages link to the calendar file there; "
        "empty: without a link",
    )


async def wire(service: Service[NotificationsSettings]) -> None:
    """Put the service's rooms together."""
    settings, database = service.settings, service.database
    retry_policy = settings.retry_policy()
    contacts = ContactStore(database, sends_sms=settings.sends_sms)
    messages = MessageStore(database, retry_policy, sends_sms=settings.sends_sms)
    await contacts.prepare()
    await messages.prepare()
    texts = Texts(
        {"zh-CN": settings.signature_zh, "en": settings.signature_en},
        registration_url=settings.registration_url or None,
    )
    key = settings.private_key
    decryptor = Decryptor(key)
    if service.serves_http:
        inboxes = InboxStore(database)
        reader = InboxReader(contacts, inboxes, texts, decryptor)
        deliveries = DeliveryStore(database, retry_policy)
        service.provide(contacts, inboxes, reader, deliveries, Summaries(deliveries))
        service.provide(Openings(contacts, decryptor))
    if service.runs_background and key is not None:
        codes = CodeLimit(database, key)
        await codes.prepare()
        mails, sms = Queue(database, "email"), Queue(database, "sms")
        budget = settings.budget(database) if settings.sends_sms else None
        mail_composer = Composer(contacts, decryptor, MailForm(texts, settings.sender))
        loops = {"mail": await _mail_courier(service, key, codes, mails, mail_composer)}
        if budget is not None:
            await budget.prepare()
            sms_composer = Composer(contacts, decryptor, SmsForm(SmsTexts()))
            loops["sms"] = await _sms_courier(service, key, codes, sms, sms_composer, budget)

        def wake() -> None:
            for loop in loops.values():
                loop.wake()

        erasures = ErasureStore(database)
        service.consume(*subscriptions(contacts, messages, erasures, service.ended_tokens, wake=wake))
        upkeep = Upkeep(messages, mails, sms, budget)
        service.run(upkeep.loop, UnfinishedErasures(erasures).loop, **loops)


async def _mail_courier(
    service: Service[NotificationsSettings],
    key: str,
    codes: CodeLimit,
    queue: Queue,
    composer: Composer[Mail],
) -> Loop:
    settings = service.settings
    daily = DailyLimit(service.database, key, settings.mails_per_address_day_max)
    await daily.prepare()
    courier = Courier(queue, composer, settings.connections(), Limits(daily, codes), settings.pace())
    await service.enter(aclosing(courier))
    return courier.loop


async def _sms_courier(
    service: Service[NotificationsSettings],
    key: str,
    codes: CodeLimit,
    queue: Queue,
    composer: Composer[Sms],
    budget: Budget,
) -> Loop:
    settings = service.settings
    daily = DailyLimit(service.database, key, settings.sms_per_number_day_max)
    limits = Limits[Sms](daily, codes, budget, lambda sms: sms.parts)
    pace = settings.sms_pace(settings.pace())
    courier = Courier(queue, composer, settings.gateway_connections(), limits, pace, name="sms_courier")
    await service.enter(aclosing(courier))
    return courier.loop


def assemble(settings: NotificationsSettings) -> FastAPI:
    """The service's app."""
    return build(
        settings,
        wire,
        name="notifications",
        database=settings.database,
        title="Kepu Week: notifications",
        description="Messages to participants: inboxes, preferences, deliveries.",
        routers=[inbox_api.routes, contacts_api.routes, deliveries_api.routes, openings_api.routes],
        chinese=contacts_wording.CHINESE
        | messages_wording.CHINESE
        | inbox_wording.CHINESE
        | deliveries_wording.CHINESE
        | openings_wording.CHINESE,
    )


if __name__ == "__main__":
    settings = read(NotificationsSettings)
    serve(assemble(settings), settings)
