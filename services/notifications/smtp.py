"""
A connection to the mail server, kept open, and what the server says of a mail.

What the server replies may quote the address, so its words are never logged or kept:
its code is.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from pydantic import SecretStr

from services.notifications.mail import Mail
from shared.runtime.errors import Unavailable

CONNECT_SECONDS_MAX = 10.0
MAIL_SECONDS_MAX = 20.0
# Before a connection that has rested longer is used, it is asked whether it still is one.
RESTED_SECONDS = 2.0
SERVICE_CLOSING = 421
SIZE_EXCEEDED = 552
PERMANENT = 500

Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over, and in whose name."""

    host: str
    port: int
    sender: str
    security: Security = "none"
    username: str | None = None
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What became of a mail: taken, deferred (not now) or refused (never) by the server, or unknown.

    `code` is the server's, if it gave one. `reason` is stable, for whoever reads what failed.
    """

    verdict: Literal["taken", "deferred", "refused", "unknown"]
    reason: str = ""
    code: int | None = None


class MailServerDown(Unavailable):
    """The mail server takes nothing from us at all: no mail is to blame."""

    code = "smtp_unreachable"


class MailConnection:
    """One connection; opened when it is needed and again when it is lost."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._client: SMTP | None = None
        self._used_at = 0.0

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
                self._drop()
            else:
                self._rested()
                return
        await self._connect()

    async def send(self, mail: Mail) -> Reply:
        """
        Hand a mail over.

        Raises:
            MailServerDown: the server does not let us in, or takes nothing in our name.
        """
        await self.open()
        client = self._client
        assert client is not None  # noqa: S101 (open has seen to it)
        try:
            async with asyncio.timeout(MAIL_SECONDS_MAX):
                options = () if mail.address.isascii() else ("smtputf8",)
                await client.sendmail(self._server.sender, [mail.address], mail.content, mail_options=options)
        except SMTPRecipientsRefused as error:
            return self._refused(error.recipients[0].code)
        except SMTPSenderRefused as error:
            if error.code == SIZE_EXCEEDED:
                return self._refused(error.code)
            self._drop()
            raise MailServerDown(f"the mail server refuses our sender with {error.code}") from None
        except SMTPResponseException as error:
            return self._refused(error.code)
        except SMTPNotSupported:
            return Reply("refused", "address_unsupported")
        except ValueError:
            # aiosmtplib cannot write this address as a command.
            return Reply("refused", "address_invalid")
        except (SMTPException, OSError):
            # Perhaps taken, perhaps not: it is sent again, with the same Message-ID.
            self._drop()
            return Reply("unknown", "smtp_interrupted")
        self._rested()
        return Reply("taken")

    async def close(self) -> None:
        """Take leave of the server."""
        if self._client is not None and self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=1)
        self._drop()

    def _refused(self, code: int) -> Reply:
        if code == SERVICE_CLOSING:
            self._drop()
            raise MailServerDown("the mail server is closing")
        self._rested()
        if code >= PERMANENT:
            return Reply("refused", "smtp_rejected", code)
        return Reply("deferred", "smtp_deferred", code)

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
        except (SMTPException, OSError) as error:
            client.close()
            reply = f" {error.code}" if isinstance(error, SMTPResponseException) else ""
            # Without the cause: a server's words may quote our user name.
            raise MailServerDown(
                f"the mail server {server.host}:{server.port} does not let us in: "
                f"{type(error).__name__}{reply}"
            ) from None
        self._client = client
        self._rested()

    def _rested(self) -> None:
        self._used_at = asyncio.get_running_loop().time()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
