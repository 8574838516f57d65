"""Where a group is to go on reading in each partition, and what that means. All functions are pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ops.errors import CommandError

Place: TypeAlias = tuple[str, int]
"""A topic, and the number of one of its partitions."""
EARLIEST = "earliest"
OFFSET_DIGITS_MAX = 18


class ReplayUnclear(CommandError):
    """What was asked for cannot be done, or would skip records."""


@dataclass(frozen=True, slots=True)
class Partition:
    """
    A partition as it is, and where the group is to go on.

    Attributes:
        low, end: its first offset, and the one behind its last record.
        committed: where the group would go on now; None if it has never committed there.
        target: where it is to go on.
    """

    topic: str
    number: int
    low: int
    end: int
    committed: int | None
    target: int

    @property
    def goes_on_at(self) -> int:
        """Where the group would go on now. A group of ours that has never committed begins at the first."""
        return self.low if self.committed is None else max(self.low, self.committed)

    @property
    def repeated(self) -> int:
        """How many offsets are read that were read before."""
        return max(0, min(self.goes_on_at, self.end) - self.target)

    @property
    def skipped(self) -> int:
        """How many offsets are never read."""
        return max(0, self.target - self.goes_on_at)

    @property
    def to_read(self) -> int:
        """How many offsets the group has to read until it is at the end."""
        return max(0, self.end - self.target)


def moment_or_offset(text: str) -> int | str:
    """What `--from` says: an offset, `earliest`, or anything else, which is a time."""
    is_offset = text.isascii() and text.isdecimal() and len(text) <= OFFSET_DIGITS_MAX
    return int(text) if is_offset else text


def planned(
    bounds: Mapping[Place, tuple[int, int]],
    committed: Mapping[Place, int],
    wanted: int | Mapping[Place, int],
) -> list[Partition]:
    """
    The plan for these partitions.

    Args:
        bounds: of each partition, its first offset and the one behind its last record.
        wanted: the offset to begin at, or one for each partition.
    Raises:
        ReplayUnclear: there is no such offset, or one offset is named for several partitions.
    """
    if isinstance(wanted, int) and len(bounds) != 1:
        raise ReplayUnclear(f"an offset belongs to one partition, not to {len(bounds)}: add --partition")
    plan = []
    for place, (low, end) in sorted(bounds.items()):
        target = wanted if isinstance(wanted, int) else wanted[place]
        if not low <= target <= end:
            raise ReplayUnclear(
                f"{place[0]}/{place[1]} has no offset {target}: it keeps {low} to {end}. Records before {low}"
                " are gone, and nobody can read them again"
            )
        plan.append(Partition(*place, low, end, committed.get(place), target))
    return plan


def check_skips_nothing(plan: Sequence[Partition], *, skip: bool) -> None:
    """
    Check that no record is left out, unless somebody has said so.

    Raises:
        ReplayUnclear: some would be.
    """
    skipping = [one for one in plan if one.skipped]
    if skipping and not skip:
        first = skipping[0]
        raise ReplayUnclear(
            f"the group would never read {sum(one.skipped for one in skipping)} offsets, such as"
            f" {first.topic}/{first.number}/{first.goes_on_at} to {first.target - 1}: begin earlier, or add"
            " --skip if nobody is to read them. To pass by single records, use kepu dead bury"
        )


def chosen(
    partitions: Mapping[str, Collection[int]], topics: Sequence[str], numbers: Collection[int]
) -> list[Place]:
    """
    The partitions that are meant.

    Args:
        partitions: the partitions of each topic.
        numbers: only these; empty for all.
    Raises:
        ReplayUnclear: a topic has no such partition.
    """
    found = []
    for topic in topics:
        there = partitions.get(topic)
        if there is None:
            raise ReplayUnclear(f"Kafka has no topic {topic}")
        if unknown := set(numbers) - set(there):
            raise ReplayUnclear(f"{topic} has no partition {min(unknown)}: it has 0 to {max(there)}")
        found += [(topic, number) for number in sorted(there) if not numbers or number in numbers]
    return found
