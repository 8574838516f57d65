"""
One try of a delivery: a POST with a signature.

Redirects are not followed: a signed body goes only where an organiser has said. Of the answer only its status
and `Retry-After` are read. Its body is taken off the connection up to a bound, and thrown away.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping

import httpcore

from services.webhooks.endpoints.rules import ENDPOINTS_MAX
from services.webhooks.sending.egress import AddressRefused, Egress, HostUnknown, Lookups
from services.webhooks.sending.rules import RETRY_AFTER_MAX, Answer, Failure, failure_of, wants_pause
from shared.runtime import clock
from shared.runtime.retry_after import seconds_of

# From the look-up of the name to the end of the answer.
POST_SECONDS_MAX = 15.0
CONNECT_SECONDS_MAX = 5.0
# Of deliveries to one endpoint at the same time.
PER_ENDPOINT_MAX = 4
CONNECTIONS_MAX = ENDPOINTS_MAX * PER_ENDPOINT_MAX
# A connection that nobody uses for so long is closed. Its address was checked when it was opened.
IDLE_SECONDS_MAX = 30.0
# A longer body ends the connection.
ANSWER_BYTES_MAX = 16_384


class Poster:
    """
    Posts to endpoints.

    Args:
        allow_private: any address may be reached, also without TLS.
    """

    def __init__(self, *, allow_private: bool = False, seconds_max: float = POST_SECONDS_MAX) -> None:
        self._seconds_max = seconds_max
        self._lookups = Lookups()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=ENDPOINTS_MAX,
            keepalive_expiry=IDLE_SECONDS_MAX,
            network_backend=Egress(self._lookups, allow_private=allow_private),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post once; the answer says why it was no delivery. It raises nothing."""
        began = time.monotonic()
        status: int | None = None
        failure: Failure | None = None
        retry_after: str | None = None
        try:
            async with asyncio.timeout(self._seconds_max):
                status, retry_after = await self._posted(url, headers, body)
        except AddressRefused:
            failure = "address_refused"
        except HostUnknown:
            failure = "host_unknown"
        except (TimeoutError, httpcore.TimeoutException):
            failure = "timed_out"
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            OSError,
            ValueError,
        ):
            failure = "connection_failed"
        return _answer(status, failure, retry_after, time.monotonic() - began)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        self._lookups.close()

    async def _posted(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
        limits = {"timeout": {"connect": CONNECT_SECONDS_MAX, "pool": self._seconds_max}}
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", url, headers=sent, content=body, extensions=limits) as response:
            found = {name.lower(): value for name, value in response.headers}
            size = 0
            # A connection whose answer was not read to its end is closed.
            async for part in response.aiter_stream():
                size += len(part)
                if size > ANSWER_BYTES_MAX:
                    break
        return response.status, found.get(b"retry-after", b"").decode("latin-1") or None


def _answer(status: int | None, failure: Failure | None, retry_after: str | None, seconds: float) -> Answer:
    pause = 0.0
    if wants_pause(status) and retry_after:
        most = RETRY_AFTER_MAX.total_seconds()
        pause = seconds_of(retry_after, clock.now(), otherwise=0.0, least=0.0, most=most)
    if status is not None:
        failure = failure_of(status)
    return Answer(status, failure, round(seconds * 1000), pause)
