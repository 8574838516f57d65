"""A real HTTP server in place of a bureau's SMS gateway: it keeps what it is given, and answers as told."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.sending.budget import Budget
from services.notifications.sending.code_limit import CodeLimit
from services.notifications.sending.compose import Composer
from services.notifications.sending.courier import Courier, Pace
from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.gateway import Gateway, GatewayConnection
from services.notifications.sending.limits import Limits
from services.notifications.sending.sms_form import Sms, SmsForm
from services.notifications.sending.store import Queue
from services.notifications.texts.sms import SmsTexts
from tests.notifications.builders import Desk
from tests.support.service import CONTACT_PRIVATE_KEY

KEY = "the-gateways-key"
SMS_CONNECTIONS = 4
POLL_SECONDS = 0.05


@dataclass
class SmsGateway:
    """
    `replies`: for a number, or "" for all others, the replies one after the other, the last for ever.

    Each is a status, perhaps with more lines of the head, such as "429 Too Many\r\nRetry-After: 7".
    """

    port: int = 0
    replies: dict[str, list[str]] = field(default_factory=dict)
    # Whether a request is kept and then never answered, as by a server that dies.
    hang: bool = False
    silent_at: set[str] = field(default_factory=set)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/messages"

    @property
    def counts(self) -> Counter[str]:
        """How often each id came."""
        return Counter(body["id"] for body in self.bodies)

    def to(self, number: str) -> list[str]:
        """The texts that came for a number."""
        return [body["text"] for body in self.bodies if body["to"] == number]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                fields = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
                body = json.loads(await reader.readexactly(int(fields["content-length"])))
                self.heads.append(head)
                self.bodies.append(body)
                if self.hang or body["to"] in self.silent_at:
                    await asyncio.Event().wait()
                writer.write(f"HTTP/1.1 {self._reply(body['to'])}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _reply(self, number: str) -> str:
        of = number if number in self.replies else ""
        replies = self.replies.get(of, ["202 Accepted"])
        reply = replies[min(self.asked[of], len(replies) - 1)]
        self.asked[of] += 1
        return reply


@asynccontextmanager
async def open_gateway(gateway: SmsGateway | None = None) -> AsyncIterator[SmsGateway]:
    found = gateway or SmsGateway()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await found.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", found.port)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def sms_courier(
    at: Desk, gateway: SmsGateway, *, parts_max: int = 1_000, per_day_max: int = 6, seconds_max: float = 10.0
) -> Courier[Sms]:
    reach = Gateway(gateway.url, None, seconds_max)
    return Courier(
        Queue(at.database, "sms"),
        Composer(at.contacts, Decryptor(CONTACT_PRIVATE_KEY), SmsForm(SmsTexts())),
        [GatewayConnection(reach) for _ in range(SMS_CONNECTIONS)],
        Limits(
            DailyLimit(at.database, CONTACT_PRIVATE_KEY, per_day_max),
            CodeLimit(at.database, CONTACT_PRIVATE_KEY),
            Budget(at.database, parts_max),
            lambda sms: sms.parts,
        ),
        Pace(poll_seconds=POLL_SECONDS, pause_seconds=0.02, retry_policy=at.retry_policy),
        name="sms_courier",
    )
