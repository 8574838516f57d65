"""
Records that follow no contract, in topics that only our services write to.

Nobody else should write there. Every consumer refuses such a record, so for the audit it is an error of its
own and no event.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from shared.contracts import events, topics
from shared.contracts.events import (
    NotificationRequested,
    QuizAnswersSaved,
    QuizSubmitted,
    RegistrationRequested,
)
from shared.messaging.decoding import Rule
from shared.runtime.errors import Rejected

# The contracts of the topics that other systems write to, or that clients write to through intake.
OF_OTHERS = (QuizAnswersSaved, QuizSubmitted, RegistrationRequested, NotificationRequested)
OURS: Mapping[str, Rule] = {
    contract.topic: Rule(contract) for contract in events.ALL if contract not in OF_OTHERS
}
# There a record without a value is no fault: it deletes a key.
COMPACTED = frozenset(topic.name for topic in topics.LIVE if topic.compacted)
READ_TOGETHER = 10_000


class Keyed(NamedTuple):
    """A record as consumers read it."""

    key: bytes
    value: bytes | None


class Record(Protocol):
    """A record of the log."""

    @property
    def key(self) -> str: ...

    @property
    def value(self) -> bytes | None: ...


R = TypeVar("R", bound=Record)


def malformed(topic: str, records: Sequence[R]) -> list[R]:
    """Those of these records that no consumer takes; none if others write to the topic too."""
    if (rule := OURS.get(topic)) is None:
        return []
    full = [record for record in records if record.value is not None]
    empty = [] if topic in COMPACTED else [record for record in records if record.value is None]
    pieces = [full[begins : begins + READ_TOGETHER] for begins in range(0, len(full), READ_TOGETHER)]
    return [*empty, *(record for piece in pieces for record in _refused(piece, rule))]


def _refused(records: list[R], rule: Rule) -> list[R]:
    try:
        rule.events([Keyed(record.key.encode(), record.value) for record in records])
    except Rejected:
        if len(records) == 1:
            return records
        half = len(records) // 2
        return [*_refused(records[:half], rule), *_refused(records[half:], rule)]
    return []
