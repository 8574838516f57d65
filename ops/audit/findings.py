"""The findings of an audit: items expected and items found, compared one by one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

EXAMPLES_MAX = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. It agrees when all three lists are empty."""

    name: str
    expected: int
    found: int
    missing: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """True if the found items are the expected ones."""
        return not (self.missing or self.duplicated or self.wrong)

    def examples(self) -> str:
        """Some items that do not agree, to look at by hand."""
        kinds = {"missing": self.missing, "twice": self.duplicated, "wrong": self.wrong}
        return "; ".join(f"{kind}: {', '.join(ids[:EXAMPLES_MAX])}" for kind, ids in kinds.items() if ids)


def compare(name: str, expected: Iterable[str], found: Iterable[str]) -> Check:
    """Every expected id must be found exactly once, and no other id."""
    # Count in the dict of the expected ids: so millions of ids are in memory once and not twice.
    counts = dict.fromkeys(expected, 0)
    others: Counter[str] = Counter()
    for id_ in found:
        if id_ in counts:
            counts[id_] += 1
        else:
            others[id_] += 1
    return Check(
        name,
        len(counts),
        sum(counts.values()) + sum(others.values()),
        missing=sorted(id_ for id_, count in counts.items() if count == 0),
        duplicated=sorted(id_ for seen in (counts, others) for id_, count in seen.items() if count > 1),
        wrong=sorted(others),
    )


def kept(name: str, promised: Iterable[str], found: Iterable[str]) -> Check:
    """Every promised id must be found. Other ids may be found too."""
    wanted = set(promised)
    missing = set(wanted)
    missing.difference_update(found)
    return Check(name, len(wanted), len(wanted) - len(missing), missing=sorted(missing))


def true_of_all(name: str, wrong: Iterable[str], of: int) -> Check:
    """A statement that must hold for each of `of` items. `wrong` names the items for which it does not."""
    exceptions = list(wrong)
    return Check(name, of, of - len(exceptions), wrong=exceptions)
