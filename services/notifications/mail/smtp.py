"""
A connection to the mail server, kept open, and what the server says of a mail.

Source: RFC 5321, 4.2.1 and 4.5.4.1: 4xx is "not now" and tried again for days, 5xx is "never". 421 and a
closed connection speak of the connection, and may all the same mean one mail alone. Where the sender is not
taken, the sender is tried without anything of the mail: if that is not taken either, they mean us.

What the server replies may quote the address, so its words are never logged or kept: its code is.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPHeloError, SMTPResponseException, SMTPServerDisconnected
from pydantic import SecretStr

from services.notifications.mail.format import Mail
from shared.runtime.errors import Unavailable

CONNECT_SECONDS_MAX = 10.0
MAIL_SECONDS_MAX = 20.0
# Before a connection that has rested longer is used, it is asked whether it still is one.
RESTED_SECONDS = 2.0
SERVICE_CLOSING = 421
TRANSIENT, PERMANENT = 400, 500

Security = Literal["none", "starttls", "tls"]
Step = Literal["sender", "recipient", "content"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over, and in whose name."""

    host: str
    port: int
    sender: str
    security: Security = "none"
    username: str | None = None
    password: SecretStr | None = None
    mail_seconds_max: float = MAIL_SECONDS_MAX


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What became of a mail: taken, deferred (not now) or refused (never) by the server.

    `closed`: the server closed the connection at this mail; perhaps because of it. `code` is the server's,
    if it gave one. `reason` is stable, for whoever reads what failed.
    """

    verdict: Literal["taken", "deferred", "refused", "closed"]
    reason: str = ""
    code: int | None = None


class MailServerDown(Unavailable):
    """The mail server takes nothing from us at all: no mail is to blame."""

    code = "smtp_unreachable"


class _NotAtSender(MailServerDown):
    """The server let us in and did not take the sender: it closed, or answered with `reply`."""

    def __init__(self, reply: int | None = None) -> None:
        super().__init__(
            f"the mail server refuses our sender with {reply}"
            if reply is not None
            else "the mail server closes before it has heard of a recipient"
        )
        self.reply = reply


class MailConnection:
    """One connection; opened when it is needed and again when it is lost."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._client: SMTP | None = None
        self._used_at = 0.0
        self._mails = 0

    async def open(self) -> None:
        """
        Connect, or make sure that the connection still is one.

        Raises:
            MailServerDown: the server does not let us in.
        """
        if self._client is not None and self._client.is_connected:
            if asyncio.get_running_loop().time() - self._used_at < RESTED_SECONDS:
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
            MailServerDown: the server does not let us in, or takes nothing in our name.
        """
        await self.open()
        if self._mails > 0:
            try:
                return await self._hand_over(mail)
            except _NotAtSender as error:
                if error.reply is not None:
                    return await self._refused_at_sender(error)
                # Servers close a connection after so many mails, which says nothing of the next one.
                await self.open()
        try:
            return await self._hand_over(mail)
        except _NotAtSender as error:
            return await self._refused_at_sender(error)

    async def close(self) -> None:
        """Take leave of the server."""
        if self._client is not None and self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=1)
        self.drop()

    def drop(self) -> None:
        """Cut the connection; nothing is said to the server."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _hand_over(self, mail: Mail) -> Reply:
        client = self._client
        assert client is not None  # noqa: S101 (open has seen to it)
        if mail.utf8 and not client.supports_extension("smtputf8"):
            return Reply("refused", "address_needs_smtputf8")
        options = [f"SIZE={len(mail.content)}"] if client.supports_extension("size") else []
        if mail.utf8:
            options.append("SMTPUTF8")
        encoding = "utf-8" if mail.utf8 else "ascii"
        step: Step = "sender"
        try:
            async with asyncio.timeout(self._server.mail_seconds_max):
                await client.mail(self._server.sender, options=options, encoding=encoding)
                step = "recipient"
                await client.rcpt(mail.address, encoding=encoding)
                step = "content"
                await client.data(mail.content)
        except SMTPResponseException as error:
            return await self._answered(error.code, step)
        except SMTPServerDisconnected:
            return self._closed(step)
        except ValueError:
            # aiosmtplib cannot write this address as a command.
            await self._reset()
            return Reply("refused", "address_invalid")
        except (SMTPException, OSError):
            # Perhaps taken, perhaps not: it is sent again, with the same Message-ID.
            self.drop()
            if step == "sender":
                raise MailServerDown("the mail server does not answer") from None
            return Reply("deferred", "smtp_interrupted")
        self._mails += 1
        self._was_used()
        return Reply("taken")

    async def _answered(self, code: int, step: Step) -> Reply:
        if code == SERVICE_CLOSING:
            return self._closed(step, code)
        if code < TRANSIENT:
            # What follows on this connection could be taken for the answer to something else.
            self.drop()
            return Reply("deferred", "smtp_interrupted")
        await self._reset()
        if step == "sender":
            raise _NotAtSender(code)
        return _by_code(code)

    async def _refused_at_sender(self, error: _NotAtSender) -> Reply:
        """
        Find out whether the server takes no mail of ours or not this one: its size stands there too.

        Raises:
            MailServerDown: the sender alone is not taken either.
        """
        await self.open()
        client = self._client
        assert client is not None  # noqa: S101 (open has seen to it)
        try:
            async with asyncio.timeout(self._server.mail_seconds_max):
                await client.mail(self._server.sender)
        except (SMTPException, OSError):
            self.drop()
            raise error from None
        await self._reset()
        return _by_code(error.reply) if error.reply is not None else Reply("closed", "smtp_closed")

    def _closed(self, step: Step, code: int | None = None) -> Reply:
        self.drop()
        if step == "sender":
            raise _NotAtSender
        return Reply("closed", "smtp_closed", code)

    async def _reset(self) -> None:
        """End the mail's transaction, so that the next one can begin."""
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
            # Never by chance: a server that suddenly offers no TLS must not get the mails in clear.
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
            # Without the cause: a server's words may quote our user name.
            raise MailServerDown(
                f"the mail server {server.host}:{server.port} does not let us in: "
                f"{type(error).__name__}{reply}"
            ) from None
        self._client = client
        self._mails = 0
        self._was_used()

    def _was_used(self) -> None:
        self._used_at = asyncio.get_running_loop().time()


def _by_code(code: int) -> Reply:
    if code >= PERMANENT:
        return Reply("refused", "smtp_rejected", code)
    return Reply("deferred", "smtp_deferred", code)
