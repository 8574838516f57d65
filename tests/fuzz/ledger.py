"""The ledger of a run: each input has one verdict, and whoever has none is told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Place: TypeAlias = tuple[str, int, int]
"""Topic, partition, offset."""

# Of faults of one kind, as many as this are told.
TOLD_MAX = 5


@dataclass
class Ledger:
    """
    Attributes:
        verdicts: by who judged (a service over HTTP, or a consumer group), how many inputs got which verdict.
        wrong: what must not happen, as a sentence each.
    """

    verdicts: dict[str, Counter[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _told: Counter[str] = field(default_factory=Counter)

    def enter(self, judge: str, verdict: str, inputs: int = 1) -> None:
        """Note a verdict."""
        self.verdicts.setdefault(judge, Counter())[verdict] += inputs

    def fault(self, kind: str, details: str) -> None:
        """Note what must not happen; of a kind only the first few."""
        self._told[kind] += 1
        if self._told[kind] <= TOLD_MAX:
            self.wrong.append(f"{kind}: {details}")

    def of(self, judge: str) -> int:
        """How many inputs this judge has judged."""
        return self.verdicts.get(judge, Counter()).total()

    @property
    def lines(self) -> list[str]:
        """The table of verdicts."""
        found = []
        for judge, counted in sorted(self.verdicts.items()):
            told = ", ".join(f"{verdict} {inputs:,}" for verdict, inputs in counted.most_common())
            found.append(f"{judge:<34} {counted.total():>8,}  {told}")
        return found


def compare(
    ledger: Ledger, group: str, expected: Mapping[Place, str | None], buried: Mapping[Place, tuple[str, str]]
) -> None:
    """
    Enter the verdicts of one group on the records at these places.

    Args:
        expected: the code with which the contract refuses the record, None if it accepts it.
        buried: code and reason of each dead letter of the group.
    """
    for place, code in expected.items():
        found, reason = buried.get(place, ("", ""))
        if code is not None and not found:
            ledger.fault("vanished", f"{group} has not buried {place}, which has {code}")
            ledger.enter(group, "vanished")
            continue
        if code is not None and found != code:
            ledger.fault("other code", f"{group} has buried {place} with {found} ({reason}), not {code}")
        if found in OURS and not reason.startswith(CONTENT):
            ledger.fault("our fault", f"{group} buried {place} with {found}: {reason}")
        ledger.enter(group, f"dead-lettered {found}" if found else "accepted")


# Codes that say that code of ours has failed, unless the reason is a value that no database can store.
OURS = ("handler_failed", "decoder_failed")
CONTENT = "a value cannot be stored"
