"""
What a partner may do, and how much of its work may wait before the work of others.

**The window.** A shared topic is read in the order of its records. So an honest record waits behind all that
stand before it. The bridge lets at most `waiting_max` records of all partners together wait unread in a
shared topic, in equal shares. If a reader decides D records a second, nobody waits there for longer than
waiting_max / D seconds. Records beyond a partner's share wait in its own topic, where they delay nobody else.
"""

from shared.contracts import events
from shared.contracts.partners import PARTNERS_MAX, RATE_PER_SECOND_MAX, WRITABLE, Partner
from shared.runtime.errors import Rejected

SOURCE_FOREIGN = "source_foreign"
# All other codes are those of records that break their contract (shared/messaging/policy.py).
DEAD_LETTER_CODES = (SOURCE_FOREIGN,)

# How many records a second each reader decides at least, beside its other work. Measured in
# docs/decisions/0103-partners.md; a slow machine of two cores that also runs Kafka and MongoDB.
DECIDED_PER_SECOND = {
    events.RegistrationRequested.topic: 60,
    events.QuizSubmitted.topic: 1_000,
    events.NotificationRequested.topic: 200,
}
# So long a record of a partner may wait in a shared topic behind those of all partners.
WAIT_SECONDS_MAX = 1.0
# The groups that read the shared topics, each topic by one.
WAITING_MAX = {topic: int(speed * WAIT_SECONDS_MAX) for topic, speed in DECIDED_PER_SECOND.items()}
assert WAITING_MAX.keys() == WRITABLE.keys(), "each topic that partners write has a bound"  # noqa: S101
assert min(WAITING_MAX.values()) >= 2 * PARTNERS_MAX, "each partner has room for two records"  # noqa: S101

# Records of one batch. The last one waits for the rate of all others, so a slow partner's batch takes as many
# seconds: far less than `ConsumerPolicy.handling_seconds_max` and `silence_seconds_max`.
BATCH_EVENTS_MAX = 50
# A burst of so many seconds is let through at once.
BURST_SECONDS = 1.0
# If a reader takes nothing for this time, it is away. The batch is tried again, and /health says why.
HELD_SECONDS_MAX = 20.0


def share_of(topic: str, partners: int) -> int:
    """How many records of each of so many partners may wait unread in this shared topic."""
    return WAITING_MAX[topic] // max(1, partners)


def refusal_of(partner: Partner, source: str) -> Rejected | None:
    """Why a record with this `ce_source` is refused, or None. Everybody could write any source."""
    if source == partner.source:
        return None
    return Rejected(
        f"ce_source is {source[:80]!r}, and {partner.name} writes as {partner.source!r}: use that",
        code=SOURCE_FOREIGN,
    )


class Pace:
    """
    Spreads records to a rate. Times are seconds of a clock that never goes back.

    Args:
        per_second: records a second, from 1 on.
    """

    def __init__(self, per_second: int) -> None:
        assert 1 <= per_second <= RATE_PER_SECOND_MAX  # noqa: S101 (the file of partners is checked)
        self._per_second = per_second
        # When all records so far are paid for.
        self._paid_at = 0.0

    def wait_seconds(self, now: float, records: int) -> float:
        """Note that so many records go next; returns how long to wait before they do."""
        begins = max(self._paid_at, now - BURST_SECONDS)
        self._paid_at = begins + records / self._per_second
        return max(0.0, self._paid_at - now)
