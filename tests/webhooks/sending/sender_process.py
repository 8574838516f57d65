"""
A sender in a process of its own, which a test kills: python -m tests.webhooks.sending.sender_process

    MONGO DATABASE LEASE_SECONDS
"""

import asyncio
import sys

from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.store import EndpointStore
from services.webhooks.sending.attempt import Attempts
from services.webhooks.sending.post import Poster
from services.webhooks.sending.sender import Sender
from shared.storage import mongo
from tests.webhooks.builders import LOCK


async def send(url: str, name: str, lease_seconds: float) -> None:
    """Send until somebody kills this process."""
    async with mongo.connect(url, name) as database:
        attempts = Attempts(LOCK, Poster(allow_private=True))
        sender = Sender(
            EndpointStore(database), DeliveryStore(database), attempts, lease_seconds=lease_seconds
        )
        await sender.loop.run()


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], sys.argv[2], float(sys.argv[3])))
