"""
A courier in a process of its own, for tests that kill it.

    python actor.py MONGO DATABASE SMTP_PORT LEASE_SECONDS, with KEPU_CONTACT_PRIVATE_KEY
"""

import asyncio
import os
import sys

from pydantic import SecretStr

from services.notifications.courier import Courier, Pace
from services.notifications.delivery_store import DeliveryStore
from services.notifications.postal import Postal
from services.notifications.rules import Patience
from services.notifications.smtp import MailServer
from services.notifications.store import NotificationStore
from services.notifications.wording import Wording
from shared.storage.mongo import connect


async def deliver(mongo: str, name: str, port: int, lease_seconds: float) -> None:
    async with connect(mongo, name) as database:
        store, deliveries = NotificationStore(database, Patience()), DeliveryStore(database, Patience())
        wording = Wording({"zh-CN": "科技活动周组委会", "en": "Organising Committee"})
        key = SecretStr(os.environ["KEPU_CONTACT_PRIVATE_KEY"])
        postal = Postal(store, wording, sender="kepu@example.org", private_key=key)
        server = MailServer("127.0.0.1", port, "kepu@example.org")
        await Courier(deliveries, postal, server, Pace(lease_seconds=lease_seconds)).run()


if __name__ == "__main__":
    asyncio.run(deliver(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
