"""The settings of SMS: the gateway, its key, and what SMS may cost."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from services.notifications.messages.rules import RetryPolicy
from services.notifications.sending.budget import Budget
from services.notifications.sending.courier import Pace
from services.notifications.sending.gateway import SMS_SECONDS_MAX, Gateway, GatewayConnection
from shared.runtime.settings import Settings
from shared.storage.mongo import Database

# A courier that dies wastes the budget of what it has claimed.
CLAIM_SMS_MAX = 20
# SMS in a day to each recipient who is known at a number.
SMS_PER_NUMBER_DAY_MAX = 6

GatewayUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(?:/[^\s?#]*)?$", max_length=500)]


def _header(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if text.isascii() and text.isprintable():
        return key
    raise ValueError("has to be printable ASCII, since it is sent in a header")


class SmsSettings(Settings):
    """The settings of SMS."""

    sms_url: GatewayUrl | Literal[""] = Field(
        "", description="the SMS gateway, such as https://sms.example.org/messages; empty: no SMS are sent"
    )
    sms_key: Annotated[SecretStr, AfterValidator(_header)] | None = Field(
        None, description="secret for the gateway, sent as a bearer token"
    )
    sms_seconds_max: float = Field(
        SMS_SECONDS_MAX, ge=1, le=30, description="how long the gateway may take for an SMS"
    )
    sms_connections: int = Field(4, ge=1, le=32, description="SMS that are handed over at the same time")
    sms_retry_seconds: float = Field(
        60.0,
        gt=0,
        le=3_600,
        description="pause after the first try that was deferred; it doubles up to an hour",
    )
    sms_per_number_day_max: int = Field(
        SMS_PER_NUMBER_DAY_MAX,
        ge=1,
        le=1_000,
        description="SMS a day to each recipient known at a number, and to all newcomers there together; "
        "more SMS wait for the next day",
    )
    sms_parts_day_max: int = Field(
        2_000,
        ge=1,
        le=10_000_000,
        description="the budget of a day: parts of SMS to all numbers together; more SMS wait for the next "
        "day (`budget_spent`)",
    )

    @property
    def sends_sms(self) -> bool:
        """Whether there is a gateway."""
        return bool(self.sms_url)

    def gateway_connections(self) -> list[GatewayConnection]:
        """The connections over which SMS are handed over."""
        gateway = Gateway(self.sms_url, self.sms_key, self.sms_seconds_max)
        return [GatewayConnection(gateway) for _ in range(self.sms_connections)]

    def sms_pace(self, pace: Pace) -> Pace:
        """How much the courier of SMS does at a time; `pace` is that of the courier of mails."""
        return Pace(
            claim_max=CLAIM_SMS_MAX,
            lease_seconds=pace.lease_seconds,
            retry_policy=RetryPolicy(retry_seconds=self.sms_retry_seconds, retry_seconds_max=3_600.0),
        )

    def budget(self, database: Database) -> Budget:
        """What SMS may cost in a day."""
        return Budget(database, self.sms_parts_day_max)
