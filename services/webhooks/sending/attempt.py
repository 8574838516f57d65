"""One try of one message at one endpoint: its secrets are opened, the body is signed and posted."""

from datetime import datetime

from services.webhooks.endpoints.rules import Endpoint
from services.webhooks.endpoints.secrets import SecretLock, SecretUnreadable
from services.webhooks.sending.post import Poster
from services.webhooks.sending.rules import Answer
from services.webhooks.sending.signing import headers_of


class Attempts:
    """Tries messages."""

    def __init__(self, lock: SecretLock, poster: Poster) -> None:
        self._lock = lock
        self._poster = poster

    async def attempt(self, endpoint: Endpoint, message_id: str, body: bytes, now: datetime) -> Answer:
        """Sign with all secrets that are valid now, and post once."""
        try:
            secrets = [self._lock.open(one.locked) for one in endpoint.signing(now)]
        except SecretUnreadable:
            return Answer(None, "secret_unreadable")
        return await self._poster.post(endpoint.url, headers_of(secrets, message_id, now, body), body)
