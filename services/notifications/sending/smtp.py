"""
A connection to the mail server, kept open, and the server's reply to a mail.

Source: RFC 5321, 4.2.1 and 4.5.4.1. A reply of 4xx means "not now" and the mail is tried again for days; 5xx
means "never". 421 and a closed connection are about the connection, but one mail may be their cause. If the
server does not accept the sender of a mail, the sender is tried again without the mail's size. If the server
does not accept this either, it refuses us, not the mail.

The text of a reply may contain the address. So only its code is logged or stored.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPHeloError, SMTPResponseException, SMTPServerDisconnected
from pydantic import SecretStr

from services.notifications.sending.channel import ServerDown
from services.notifications.sending.mail_format import Mail
from services.notifications.sending.rules import TRANSIENT, Reply, reply_of

CONNECT_SECONDS_MAX = 10.0
MAIL_SECONDS_MAX = 20.0
# A connection that was idle for a longer time is tested by NOOP before it is used.
IDLE_SECONDS_MAX = 2.0
SERVICE_CLOSING = 421

Security = Literal["none", "starttls", "tls"]
Step = Literal["sender", "recipient", "content"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over, and the sender's address."""

    host: str
    port: int
    sender: str
    security: Security = "none"
    username: str | None = None
    password: SecretStr | None = None
    mail_seconds_max: float = MAIL_SECONDS_MAX


class MailServerDown(ServerDown):
    """The mail server accepts no mail of ours. The reason is not a single mail."""

    code = "smtp_unreachable"


class _SenderRefused(MailServerDown):
    """The server accepted the connection but not the sender: it closed, or answered with `reply`."""

    def __init__(self, reply: int | None = None) -> None:
        super().__init__(
            f"the mail server refuses our sender with {reply}"
            if reply is not None
            else "the mail server closes the connection at our sender"
        )
        self.reply = reply


class MailConnection:
    """One connection, opened when it is needed, and again when it is lost."""

    interrupted = "smtp_interrupted"
    unsendable = "mail_unsendable"

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._client: SMTP | None = None
        self._used_at = 0.0
        self._mails = 0
        # While the server is asked whether it takes a mail for this recipient.
        self._asking: asyncio.Timeout | None = None

    @property
    def is_open(self) -> bool:
        """True if it was open at its last use, and nobody has closed it since."""
        return self._client is not None and self._client.is_connected

    async def open(self) -> None:
        """
        Connect, or make sure that the connection still works.

        Raises:
            MailServerDown: the server does not accept the connection.
        """
        if self._client is not None and self._client.is_connected:
            if asyncio.get_running_loop().time() - self._used_at < IDLE_SECONDS_MAX:
                return
            try:
                await self._client.noop()
            except (SMTPException, OSError):
                self.drop()
            else:
                self._was_used()
                return
        await self._connect()

    async def send(self, mail: Mail) -> Reply:
        """
        Hand a mail over.

        Raises:
            MailServerDown: the server does not accept the connection, or no mail from our sender.
        """
        await self.open()
        if self._mails > 0:
            try:
                return await self._hand_over(mail)
            except _SenderRefused as error:
                if error.reply is not None:
                    return await self._refused_at_sender(error)
                # Some servers close a connection after a number of mails: the next mail needs a new one.
                await self.open()
        try:
            return await self._hand_over(mail)
        except _SenderRefused as error:
            return await self._refused_at_sender(error)

    async def close(self) -> None:
        """Say goodbye to the server and close."""
        if self._client is not None and self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=1)
        self.drop()

    def interrupt(self) -> None:
        """Give up the mail that is being handed over, while its content was not sent."""
        if self._asking is not None:
            self._asking.reschedule(asyncio.get_running_loop().time())

    def drop(self) -> None:
        """Close the connection without a word to the server."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _hand_over(self, mail: Mail) -> Reply:
        client = self._client
        assert client is not None  # noqa: S101 (open() has connected)
        if mail.utf8 and not client.supports_extension("smtputf8"):
            return Reply("refused", "address_needs_smtputf8")
        options = [f"SIZE={len(mail.content)}"] if client.supports_extension("size") else []
        if mail.utf8:
            options.append("SMTPUTF8")
        encoding = "utf-8" if mail.utf8 else "ascii"
        step: Step = "sender"
        try:
            async with asyncio.timeout(self._server.mail_seconds_max) as limit:
                await client.mail(self._server.sender, options=options, encoding=encoding)
                step, self._asking = "recipient", limit
                await client.rcpt(mail.address, encoding=encoding)
                step, self._asking = "content", None
                await client.data(mail.content)
        except SMTPResponseException as error:
            return await self._answered(error.code, step)
        except SMTPServerDisconnected:
            return self._closed(step)
        except ValueError:
            # aiosmtplib cannot encode this address as a command.
            await self._reset()
            return Reply("refused", "address_invalid")
        except (SMTPException, OSError):
            # The server may have accepted the mail or not. It is sent again, with the same Message-ID.
            self.drop()
            if step == "sender":
                raise MailServerDown("the mail server does not answer") from None
            return Reply("deferred", "smtp_interrupted")
        finally:
            self._asking = None
        self._mails += 1
        self._was_used()
        return Reply("taken")

    async def _answered(self, code: int, step: Step) -> Reply:
        if code == SERVICE_CLOSING:
            return self._closed(step, code)
        if code < TRANSIENT:
            # An unexpected reply: later replies on this connection could belong to other commands.
            self.drop()
            return Reply("deferred", "smtp_interrupted")
        await self._reset()
        if step == "sender":
            raise _SenderRefused(code)
        return reply_of(code)

    async def _refused_at_sender(self, error: _SenderRefused) -> Reply:
        """
        Find out whether the server refuses all our mails or only this one, perhaps for its size.

        Raises:
            MailServerDown: the server does not accept the sender without a mail either.
        """
        await self.open()
        client = self._client
        assert client is not None  # noqa: S101 (open() has connected)
        try:
            async with asyncio.timeout(self._server.mail_seconds_max):
                await client.mail(self._server.sender)
        except (SMTPException, OSError):
            self.drop()
            raise error from None
        await self._reset()
        return reply_of(error.reply) if error.reply is not None else Reply("closed", "smtp_closed")

    def _closed(self, step: Step, code: int | None = None) -> Reply:
        self.drop()
        if step == "sender":
            raise _SenderRefused
        return Reply("closed", "smtp_closed", code)

    async def _reset(self) -> None:
        """End the transaction of this mail, so that the next one can begin."""
        self._mails += 1
        client = self._client
        try:
            if client is not None:
                await client.rset()
        except (SMTPException, OSError):
            self.drop()
        else:
            self._was_used()

    async def _connect(self) -> None:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password.get_secret_value() if server.password else None,
            use_tls=server.security == "tls",
            # Explicit: if a server suddenly offers no TLS, mails must not go out in clear.
            start_tls=server.security == "starttls",
            timeout=CONNECT_SECONDS_MAX,
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await client.connect()
                if client.is_ehlo_or_helo_needed:
                    try:
                        await client.ehlo()
                    except SMTPHeloError:
                        await client.helo()
        except (SMTPException, OSError) as error:
            client.close()
            reply = f" {error.code}" if isinstance(error, SMTPResponseException) else ""
            # Without the cause: the server's text may quote our user name.
            raise MailServerDown(
                f"the mail server {server.host}:{server.port} does not accept our connection: "
                f"{type(error).__name__}{reply}"
            ) from None
        self._client = client
        self._mails = 0
        self._was_used()

    def _was_used(self) -> None:
        self._used_at = asyncio.get_running_loop().time()
