"""Couriers in a process of their own, for tests that kill them."""

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.contacts.store import ContactStore
from services.notifications.sending.budget import Budget
from services.notifications.sending.code_limit import CodeLimit
from services.notifications.sending.compose import Composer
from services.notifications.sending.courier import Courier, Pace
from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.gateway import Gateway, GatewayConnection
from services.notifications.sending.limits import Limits
from services.notifications.sending.mail_form import MailForm
from services.notifications.sending.mail_format import Mail
from services.notifications.sending.sms_form import Sms, SmsForm
from services.notifications.sending.smtp import MailConnection, MailServer
from services.notifications.sending.store import Queue
from services.notifications.texts.render import Texts
from services.notifications.texts.sms import SmsTexts
from shared.storage.mongo import connect
from tests.notifications.sending.builders import CONNECTIONS
from tests.notifications.sending.sms_gateway import SMS_CONNECTIONS


async def deliver(mongo: str, name: str, key: str, port: int, lease_seconds: float) -> None:
    """Mails, to a mail server at this port."""
    async with connect(mongo, name) as database:
        contacts = ContactStore(database)
        texts = Texts({"zh-CN": "科技活动周组委会", "en": "Organising Committee"})
        composer = Composer(contacts, Decryptor(key), MailForm(texts, "kepu@example.org"))
        server = MailServer("127.0.0.1", port, "kepu@example.org")
        pace = Pace(lease_seconds=lease_seconds)
        connections = [MailConnection(server) for _ in range(CONNECTIONS)]
        limits = Limits[Mail](DailyLimit(database, key), CodeLimit(database, key))
        await Courier(Queue(database, "email"), composer, connections, limits, pace).loop.run()


async def deliver_sms(mongo: str, name: str, key: str, port: int, lease_seconds: float) -> None:
    """SMS, to a gateway at this port."""
    async with connect(mongo, name) as database:
        composer = Composer(ContactStore(database, sends_sms=True), Decryptor(key), SmsForm(SmsTexts()))
        gateway = Gateway(f"http://127.0.0.1:{port}/messages")
        connections = [GatewayConnection(gateway) for _ in range(SMS_CONNECTIONS)]
        budget = Budget(database, 1_000)
        limits = Limits[Sms](
            DailyLimit(database, key), CodeLimit(database, key), budget, lambda sms: sms.parts
        )
        pace = Pace(lease_seconds=lease_seconds)
        await Courier(Queue(database, "sms"), composer, connections, limits, pace).loop.run()
