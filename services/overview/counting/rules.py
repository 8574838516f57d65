"""
What is counted of a batch, and why every record counts once.

Kafka may repeat a batch, or a part of it with others behind. A record of a partition is new if it lies behind
all that were counted there. The counts and these positions are saved together (`store.py`), so what was
counted is never new again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

# How long the counts of single minutes are kept. Those of the whole week stay.
KEPT = timedelta(days=30)


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Happened(NamedTuple):
    """
    One record.

    Attributes:
        at: when its event happened.
        again: operators have sent it again, so it was counted where it was first.
    """

    place: Place
    offset: int
    at: datetime
    again: bool = False


@dataclass(slots=True)
class Counted:
    """
    What is new in a batch.

    Attributes:
        totals: events by topic.
        minutes: the same by the minute in which they happened; those of the last `KEPT` alone.
        positions: of each partition, the offset behind the last record that is counted now.
        newest_at: when the newest of these events happened.
    """

    totals: Counter[str] = field(default_factory=Counter)
    minutes: dict[datetime, Counter[str]] = field(default_factory=dict)
    positions: dict[Place, int] = field(default_factory=dict)
    newest_at: datetime | None = None


def count(batch: Iterable[Happened], positions: Mapping[Place, int], now: datetime) -> Counted:
    """
    Count what is new in a batch.

    Args:
        batch: in the order of each partition.
        positions: behind which offset of each partition everything is new.
    """
    counted = Counted()
    for one in batch:
        if one.offset < counted.positions.get(one.place, positions.get(one.place, 0)):
            continue
        counted.positions[one.place] = one.offset + 1
        if one.again:
            continue
        counted.totals[one.place.topic] += 1
        counted.newest_at = max(one.at, counted.newest_at or one.at)
        if one.at > now - KEPT:
            counted.minutes.setdefault(minute_of(one.at), Counter())[one.place.topic] += 1
    return counted


def happened_at(said: datetime, appended: datetime) -> datetime:
    """
    When an event happened.

    Args:
        said: by its sender, whose clock may be wrong.
        appended: when Kafka got it. It cannot have happened later.
    """
    return min(said, appended)


def minute_of(moment: datetime) -> datetime:
    """The minute in which a moment lies, by its beginning."""
    return moment.replace(second=0, microsecond=0)
