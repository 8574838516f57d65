"""
Contracts that have a new version, and until when both versions are emitted.

The code makes the new version alone. For a declared time the publisher makes the old one from it, and writes
both (`shared/messaging/twins.py`). So readers of the old version go on until then, without a change.

An event has one `ce_id` in each version. `ce_factid` of the new version is the `ce_id` of the first version:
a reader that goes over from one version to the other knows by it what it has handled already.

To declare one: CONTRIBUTING.md, "A new version of an event".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.envelope import Event
from shared.contracts.topics import DAYS_KEPT

# Readers get as long as records are kept. A reader that was away for longer has lost records anyway.
BOTH_EMITTED_MIN = timedelta(days=DAYS_KEPT)

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Succession:
    """
    A contract and its new version.

    Attributes:
        since: from then on both are emitted: when the release with the new version is put into use.
        until: from then on only the new version is emitted. It may be put off, but never brought forward.
        older: makes the body of the old version from that of the new one, both as JSON has them. Pure.
    """

    old: type[Event]
    new: type[Event]
    since: datetime
    until: datetime
    older: Callable[[Fields], Fields]

    def __post_init__(self) -> None:
        if self.new.first_type != (self.old.first_type or self.old.type):
            raise ValueError(f"{self.new.__name__} does not say succeeds={self.old.__name__}")
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError(f"the times of {self.old.type} need a zone, such as UTC")
        if self.since >= self.until:
            raise ValueError(f"{self.old.type} ends before its successor begins")


DECLARED: tuple[Succession, ...] = ()
"""None at present."""


def succession_of(contract: type[Event], declared: tuple[Succession, ...] = DECLARED) -> Succession | None:
    """How this contract is being replaced, if it is."""
    return next((one for one in declared if one.old is contract), None)
