"""A real SMTP server that keeps what it is given, and refuses what it is told to."""

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class PostOffice:
    """
    `replies` are given to the addresses named, one after the other, the last for ever.

    After a 421 it closes the connection; instead of a reply "close" it closes at once.
    """

    port: int = 0
    replies: dict[str, list[str]] = field(default_factory=dict)
    refuse_sender: str | None = None
    # After so many mails it closes at the next sender; None: never.
    mails_a_connection: int | None = None
    # What it says at the sender of a mail that is larger.
    size_bytes_max: int | None = None
    too_large: str = "552 too large"
    # Recipients at whom it falls silent.
    silent_at: set[str] = field(default_factory=set)
    utf8: bool = True
    # Whether a mail is kept and then never answered, as by a server that dies.
    hang: bool = False
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    connections: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    senders: Counter[int] = field(default_factory=Counter)
    _spoken: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's names)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        # The id of a session that is gone may come again.
        self.senders[id(session)] = 0
        self.connections += 1
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_sender:
            return _closing(self.refuse_sender, server)
        sizes = [int(option[5:]) for option in options if option.startswith("SIZE=")]
        if self.size_bytes_max is not None and max(sizes, default=0) > self.size_bytes_max:
            return _closing(self.too_large, server)
        self.senders[id(session)] += 1
        if self.mails_a_connection is not None and self.senders[id(session)] > self.mails_a_connection:
            return _closing("421 enough", server)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked[address] += 1
        if address in self.silent_at:
            await self._spoken.wait()
        replies = self.replies.get(address, [])
        reply = replies.pop(0) if len(replies) > 1 else (replies or ["250 OK"])[0]
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return _closing(reply, server)

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.raw.append(content)
        self.mails.append((envelope.rcpt_tos[0], message))
        if self.hang:
            await asyncio.Event().wait()
        return "250 taken"

    def speak(self) -> None:
        """Answer those at whom it has fallen silent."""
        self.silent_at.clear()
        self._spoken.set()

    @property
    def counts(self) -> Counter[str]:
        """How often each Message-ID came."""
        return Counter(str(message["Message-ID"]) for _, message in self.mails)

    def of(self, address: str) -> list[EmailMessage]:
        return [message for to, message in self.mails if to == address]


def _closing(reply: str, server: SMTP) -> str:
    transport = server.transport
    assert isinstance(transport, asyncio.Transport)
    if reply == "close":
        transport.abort()
    elif reply.startswith("421"):
        # After the reply has been written.
        asyncio.get_running_loop().call_soon(transport.close)
    return reply


@asynccontextmanager
async def open_office(office: PostOffice | None = None) -> AsyncIterator[PostOffice]:
    """The server, on a free port, or again on the one that it had."""
    office = office or PostOffice()
    loop = asyncio.get_running_loop()
    open_: list[SMTP] = []

    def connected() -> SMTP:
        open_.append(SMTP(office, enable_SMTPUTF8=office.utf8, loop=loop))
        return open_[-1]

    server = await loop.create_server(connected, "127.0.0.1", office.port)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        for one in open_:
            if isinstance(one.transport, asyncio.Transport):
                one.transport.abort()
        await asyncio.sleep(0)
