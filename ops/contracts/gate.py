"""
The gate: no change of a contract gets out that breaks somebody who reads or writes it.

Today's contracts are compared with every release. A finding names the change, who breaks, and what to do
instead. The rules, one for each kind of change, are in `kinds.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeAlias

from ops.contracts.compatibility import changes
from ops.contracts.delivery import Delivery, changes_of_all, changes_of_one, ends_at
from ops.contracts.kinds import Change, Hurt, Kind
from ops.contracts.releases import Contracts
from ops.deployment.access import OTHERS

ANY_TYPE = "all contracts"
Ends: TypeAlias = Mapping[str, datetime]
NO_ENDS: Ends = MappingProxyType({})
OTHER_READERS = "readers of other systems"
OTHER_SENDERS = "senders of other systems"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change between two states of the contracts. `type` is that of the contract, or `ANY_TYPE`."""

    type: str
    change: Change


@dataclass(frozen=True, slots=True)
class Finding:
    """
    A change that is refused.

    Attributes:
        release: what it was compared with.
        broken: who breaks: our consumer groups by name, and other systems.
        instead: what to do.
    """

    type: str
    release: str
    change: Change
    broken: tuple[str, ...]
    instead: str

    def __str__(self) -> str:
        return (
            f"{self.type}, against release {self.release}: {self.change.said}\n"
            f"  breaks: {', '.join(self.broken)}\n"
            f"  instead: {self.instead}"
        )


def differences(
    old: Contracts, new: Contracts, ends: Ends = NO_ENDS, at: datetime | None = None
) -> list[Difference]:
    """
    What changes from one state of the contracts to another, harmless changes too.

    Args:
        ends: of the types that were replaced: when their last record is gone.
        at: the time of `new`: a type may be withdrawn after its end. None: after all ends.
    """
    found = [
        Difference(type_, change)
        for type_ in old.schemas
        for change in _changes_of(type_, old, new, ends.get(type_), at)
    ]
    if old.delivery and new.delivery:
        found += [Difference(ANY_TYPE, change) for change in changes_of_all(old.delivery, new.delivery)]
    found += [
        Difference(type_, Change(Kind.contract_added, "", "is new"))
        for type_ in new.schemas
        if type_ not in old.schemas
    ]
    return found


def check(released: Sequence[Contracts], today: Contracts, at: datetime | None = None) -> list[Finding]:
    """
    What today's contracts break, release by release. Empty if they break nothing.

    Args:
        at: what time it is: a contract that was replaced may be withdrawn after its last record is gone.
    """
    at = at or datetime.now(UTC)
    ends = ends_of(released)
    return [
        Finding(
            difference.type,
            release.name,
            difference.change,
            tuple(broken_by(difference, release, today)),
            rule.instead,
        )
        for release in released
        for difference in differences(release, today, ends, at)
        if (rule := difference.change.rule)
    ]


def ends_of(released: Sequence[Contracts]) -> dict[str, datetime]:
    """Of the types that are being replaced: when their last record is gone, as the newest release says it."""
    return {
        type_: end
        for release in released
        if release.delivery
        for type_, place in release.delivery["events"].items()
        if (end := ends_at(place))
    }


def broken_by(difference: Difference, old: Contracts, new: Contracts) -> Iterator[str]:
    """Who breaks by a change: our groups that read the topic, and other systems that may read or write it."""
    rule = difference.change.rule
    if rule is None:
        return
    places = [
        place
        for type_ in (old.schemas if difference.type == ANY_TYPE else (difference.type,))
        if (place := old.delivery_of(type_) or new.delivery_of(type_))
    ]
    if rule.hurt != Hurt.senders:
        yield from _once(group for place in places for group in place["read_by"])
        yield OTHER_READERS
    # Their next records would be refused by our updated groups.
    if rule.hurt in (Hurt.senders, Hurt.updated) and any(OTHERS in place["written_by"] for place in places):
        yield OTHER_SENDERS


def unreleased(released: Sequence[Contracts], today: Contracts) -> list[str]:
    """The types that are in no release: they may still change in any way."""
    known = {type_ for release in released for type_ in release.schemas}
    return [type_ for type_ in today.schemas if type_ not in known]


def _changes_of(
    type_: str, old: Contracts, new: Contracts, end: datetime | None, at: datetime | None
) -> Iterator[Change]:
    if type_ not in new.schemas:
        yield _gone(type_, old, new) if end is None else _ended(end, at)
        return
    yield from changes(old.schemas[type_], new.schemas[type_])
    before, after = old.delivery_of(type_), new.delivery_of(type_)
    if before and after:
        yield from changes_of_one(before, after)


def _ended(end: datetime, at: datetime | None) -> Change:
    if at and at < end:
        return Change(
            Kind.withdrawn_early, "", f"was withdrawn: its last record is gone only on {end:%Y-%m-%d}"
        )
    return Change(Kind.retired, "", "was retired: its last record is gone")


def _gone(type_: str, old: Contracts, new: Contracts) -> Change:
    before = old.delivery_of(type_)
    # kepu.quiz.completed.v1 was in quiz.completed, also where the release does not say so.
    topic = before["topic"] if before else type_.removeprefix("kepu.").rpartition(".")[0]
    other = _type_in(topic, new.delivery)
    if other:
        return Change(Kind.version_replaced, "", f"was replaced by {other} in the same topic, {topic}")
    return Change(Kind.contract_withdrawn, "", "was withdrawn; its records and readers stay")


def _type_in(topic: str, delivery: Delivery | None) -> str | None:
    known = delivery["events"] if delivery else {}
    return next((type_ for type_, place in known.items() if place["topic"] == topic), None)


def _once(groups: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(groups))
