"""A test delivery at once: does the endpoint take what we sign?"""

from datetime import datetime

import msgspec

from services.webhooks.deliveries.rules import MESSAGE_PREFIX
from services.webhooks.endpoints.store import EndpointStore
from services.webhooks.sending.attempt import Attempts
from services.webhooks.sending.rules import Answer
from shared.runtime.ids import random_id

PING_TYPE = "kepu.webhook.ping.v1"
SOURCE = "kepu/webhooks"


class Ping:
    """Sends test deliveries."""

    def __init__(self, endpoints: EndpointStore, attempts: Attempts) -> None:
        self._endpoints = endpoints
        self._attempts = attempts

    async def ping(self, endpoint_id: str, now: datetime) -> tuple[str, Answer]:
        """
        Send a test delivery once, also to a disabled endpoint. Nothing is stored, and nothing tried again.

        Returns: its `webhook-id`, and what came of it.
        Raises:
            NotFound: there is no such endpoint.
        """
        endpoint = await self._endpoints.get(endpoint_id)
        message_id = MESSAGE_PREFIX + random_id()
        body = msgspec.json.encode(
            {
                "specversion": "1.0",
                "id": message_id,
                "source": SOURCE,
                "type": PING_TYPE,
                "time": now,
                "subject": endpoint_id,
                "datacontenttype": "application/json",
                "data": {"endpoint_id": endpoint_id},
            }
        )
        return message_id, await self._attempts.attempt(endpoint, message_id, body, now)
