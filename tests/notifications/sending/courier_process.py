"""A courier in a process of its own, for tests that kill it."""

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.contacts.store import ContactStore
from services.notifications.sending.code_limit import CodeLimit
from services.notifications.sending.compose import Composer
from services.notifications.sending.courier import Courier, Pace
from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.smtp import MailServer
from services.notifications.sending.store import MailQueue
from services.notifications.texts.render import Texts
from shared.storage.mongo import connect


async def deliver(mongo: str, name: str, key: str, port: int, lease_seconds: float) -> None:
    async with connect(mongo, name) as database:
        contacts = ContactStore(database)
        texts = Texts({"zh-CN": "科技活动周组委会", "en": "Organising Committee"})
        composer = Composer(contacts, texts, Decryptor(key), sender="kepu@example.org")
        server = MailServer("127.0.0.1", port, "kepu@example.org")
        pace = Pace(lease_seconds=lease_seconds)
        await Courier(
            MailQueue(database), composer, server, DailyLimit(database, key), CodeLimit(database, key), pace
        ).loop.run()
