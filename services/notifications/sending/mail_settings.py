"""The settings of mails: the mail server, the sender, how long mails are tried."""

from datetime import timedelta
from typing import Self

from pydantic import Field, SecretStr, model_validator

from services.notifications.messages.rules import RetryPolicy
from services.notifications.sending.courier import LEASE_SECONDS_MIN, Pace
from services.notifications.sending.mail_format import deliverable
from services.notifications.sending.rules import MAILS_PER_ALLOWANCE_DAY_MAX
from services.notifications.sending.smtp import MailConnection, MailServer, Security
from shared.contracts.checked import Email
from shared.runtime.settings import Settings


class MailSettings(Settings):
    """The settings of mails."""

    smtp_host: str = Field("127.0.0.1", description="the mail server")
    smtp_port: int = Field(25, ge=1, le=65_535, description="the mail server's port")
    smtp_security: Security = Field("none", description="none, starttls or tls")
    smtp_username: str | None = Field(None, description="the user who logs in there; none: no login")
    smtp_password: SecretStr | None = Field(None, description="secret of that user")
    smtp_connections: int = Field(8, ge=1, le=32, description="connections to it that are kept open")
    mail_from: Email = Field("kepu@example.org", description="the address that mails come from")
    mail_retry_seconds: float = Field(
        300.0, gt=0, le=3_600, description="pause after the first try that was deferred; it doubles"
    )
    mail_retry_hours_max: float = Field(4.0, gt=0, le=24, description="the longest pause between two tries")
    mail_age_days_max: float = Field(
        4.0,
        gt=0,
        le=7,
        description="a mail that is not delivered after this time has failed; RFC 5321 advises 4 to 5 days",
    )
    mails_per_address_day_max: int = Field(
        MAILS_PER_ALLOWANCE_DAY_MAX,
        ge=1,
        le=10_000,
        description="mails a day to each recipient known at an address, and to all newcomers there together; "
        "more mails wait for the next day",
    )
    contact_wait_days_max: float = Field(
        14.0, gt=0, le=90, description="how long a mail waits for its recipient to join"
    )
    claim_lease_seconds: float = Field(
        LEASE_SECONDS_MIN,
        ge=LEASE_SECONDS_MIN,
        le=3_600,
        description="a mail that was claimed and not marked is sent again after this time",
    )

    @model_validator(mode="after")
    def _mails_can_go_out(self) -> Self:
        if self.smtp_username and self.smtp_security == "none":
            raise ValueError("KEPU_SMTP_USERNAME without KEPU_SMTP_SECURITY would send the password in clear")
        if not self.sender.isascii():
            raise ValueError(
                "KEPU_MAIL_FROM needs ASCII letters before the @: not every server accepts others"
            )
        return self

    @property
    def sender(self) -> str:
        """The address that mails come from, its domain in ASCII."""
        return deliverable(self.mail_from)

    def retry_policy(self) -> RetryPolicy:
        """How long and how often a mail is tried."""
        return RetryPolicy(
            retry_seconds=self.mail_retry_seconds,
            retry_seconds_max=self.mail_retry_hours_max * 3_600,
            pending_max=timedelta(days=self.mail_age_days_max),
            waiting_max=timedelta(days=self.contact_wait_days_max),
        )

    def pace(self) -> Pace:
        """How much the courier does at a time."""
        return Pace(
            lease_seconds=self.claim_lease_seconds,
            retry_policy=self.retry_policy(),
        )

    def connections(self) -> list[MailConnection]:
        """The connections over which mails are handed over."""
        return [MailConnection(self.server()) for _ in range(self.smtp_connections)]

    def server(self) -> MailServer:
        """Where mails are handed over."""
        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            sender=self.sender,
            security=self.smtp_security,
            # A compose file cannot leave a variable out, so empty means none.
            username=self.smtp_username or None,
            password=self.smtp_password or None,
        )
