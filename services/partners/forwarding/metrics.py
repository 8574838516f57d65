"""What is counted of partners. Refused records are counted by the consumer, by group and code."""

from shared.contracts.partners import Partner
from shared.runtime import metrics

RATE, UNREAD = "rate", "unread"
REASONS = (RATE, UNREAD)


def begin(partner: Partner) -> None:
    """Make the labels of this partner, each with 0."""
    metrics.PARTNER_FORWARDED.begin([partner.name], partner.writes)
    metrics.PARTNER_HELD_SECONDS.begin([partner.name], REASONS)
