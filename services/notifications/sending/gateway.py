"""
The SMS gateway: one HTTP request for each SMS, by a small contract of our own (docs/integrating.md).

A bureau's provider has another interface. So the bureau runs an adapter, which gets

    POST URL, Authorization: Bearer KEY, Idempotency-Key: ID, {"id": ID, "to": "+8613800138000", "text": …}

It answers 2xx when its provider has taken the SMS. To a repeat of the id it answers 2xx too, and does not
send the SMS again.

What a reply means:

- 4xx: this SMS is refused for ever, except for the codes below.
- 408, 409, 425 and 5xx: not now. The SMS is tried again.
- 429 and 503: not now, for all SMS. Nothing is sent for the time that `Retry-After` says.
- 3xx, 401, 403, 404 and 405: the gateway's address or our key is wrong. No SMS is at fault.

The text of a reply may contain the number. So it is not read.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ssl import create_default_context

import httpx
from pydantic import SecretStr

from services.notifications.sending.channel import ServerDown
from services.notifications.sending.rules import PERMANENT, TRANSIENT, Reply
from services.notifications.sending.sms_form import Sms
from shared.runtime import clock
from shared.runtime.retry_after import seconds_of

SMS_SECONDS_MAX = 10.0
# Our pause if the gateway asks us to wait and does not say how long.
PAUSE_SECONDS = 10.0
PAUSE_SECONDS_MAX = 3_600.0
OURS = frozenset({401, 403, 404, 405})
NOT_NOW = frozenset({408, 409, 425})
TOO_MANY, UNAVAILABLE = 429, 503


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where SMS are handed over."""

    url: str
    key: SecretStr | None = None
    seconds_max: float = SMS_SECONDS_MAX


class GatewayDown(ServerDown):
    """The gateway takes no SMS of ours. The reason is not a single SMS."""

    code = "sms_gateway_down"


class GatewayConnection:
    """One connection, kept open between SMS."""

    interrupted = "sms_interrupted"
    unsendable = "sms_unsendable"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._client: httpx.AsyncClient | None = None
        self._answered = False

    @property
    def is_open(self) -> bool:
        """True if the gateway answered last time."""
        return self._answered

    async def open(self) -> None:
        """
        If nobody answered last time, make sure that somebody listens there.

        Raises:
            GatewayDown: nobody listens.
        """
        if self._answered:
            return
        url = httpx.URL(self._gateway.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._gateway.seconds_max):
                _, writer = await asyncio.open_connection(url.host, port)
        except OSError as error:
            raise self._down(type(error).__name__) from None
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def send(self, sms: Sms) -> Reply:
        """
        Hand an SMS over.

        Raises:
            GatewayDown: nobody listens, our key is refused, or the gateway asks us to wait.
        """
        try:
            async with asyncio.timeout(self._gateway.seconds_max):
                status, retry_after = await self._posted(sms)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            self.drop()
            raise self._down(type(error).__name__) from None
        except (httpx.HTTPError, TimeoutError, OSError):
            # The gateway may have taken the SMS or not. It is sent again, with the same id.
            self.drop()
            return Reply("deferred", self.interrupted)
        self._answered = True
        return self._reply_of(status, retry_after)

    def interrupt(self) -> None:
        """Do nothing: the request may have reached the gateway."""

    def drop(self) -> None:
        """Forget the connection. Its socket is closed with the next one."""
        self._answered = False

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        self._answered = False
        if client is not None:
            await client.aclose()

    async def _posted(self, sms: Sms) -> tuple[int, str | None]:
        if self._client is not None and not self._answered:
            await self.close()
        if self._client is None:
            self._client = _client(self._gateway)
        body = {"id": sms.message_id, "to": sms.address, "text": sms.text}
        headers = {"Idempotency-Key": sms.message_id}
        if self._gateway.key is not None:
            headers["Authorization"] = f"Bearer {self._gateway.key.get_secret_value()}"
        request = self._client.build_request("POST", self._gateway.url, json=body, headers=headers)
        # The body is not read: httpx then closes this connection, unless it is empty.
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return response.status_code, response.headers.get("retry-after")

    def _reply_of(self, status: int, retry_after: str | None) -> Reply:
        if 200 <= status < 300:
            return Reply("taken")
        if status in (TOO_MANY, UNAVAILABLE):
            raise self._down(str(status), pause_seconds=pause_of(retry_after, clock.now()))
        if status < TRANSIENT or status in OURS:
            raise self._down(str(status))
        if status in NOT_NOW or status >= PERMANENT:
            return Reply("deferred", "sms_deferred", status)
        return Reply("refused", "sms_rejected", status)

    def _down(self, why: str, *, pause_seconds: float | None = None) -> GatewayDown:
        self.drop()
        # Without the path, since it may contain a secret.
        host = httpx.URL(self._gateway.url).host
        return GatewayDown(
            f"the SMS gateway {host} takes nothing of ours: {why}", pause_seconds=pause_seconds
        )


def pause_of(retry_after: str | None, now: datetime) -> float:
    """How long the gateway wants us to wait, within bounds."""
    return seconds_of(retry_after, now, otherwise=PAUSE_SECONDS, least=1.0, most=PAUSE_SECONDS_MAX)


def _client(gateway: Gateway) -> httpx.AsyncClient:
    # httpx logs the address of each request, and the address may contain a secret.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.AsyncClient(
        timeout=gateway.seconds_max,
        verify=create_default_context(),
        # No proxy and no `.netrc`: only the settings say where an SMS goes.
        trust_env=False,
        limits=httpx.Limits(max_connections=1),
        headers={"User-Agent": "kepu-week"},
    )
