"""
Metrics with labels, whose values are declared and bounded.

Prometheus sees an increase only between two values. A counter that first appears with 5 has not increased, so
an alert on it stays silent. `begin` makes the series with 0 at the start. A value that nobody has declared is
counted as "other", so no caller can make series without end (docs/decisions/0089-declared-metrics.md).
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

OTHER = "other"
# Values that code names, such as topics and codes: far more than there are.
OF_CODE_MAX = 500
# Ids that organisers choose, such as those of quizzes. A week has about ten.
OF_ORGANISERS_MAX = 100
# Combinations of one metric that were not declared. A further one is counted as "other" in all labels.
UNDECLARED_MAX = 2_000

M = TypeVar("M", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class Values:
    """
    The values that a label may have.

    Args:
        words: what they are, for docs/metrics.md.
        listed: those that are known beforehand.
        seen_max: so many further ones are learned when they are first counted.
        chosen: organisers choose them. Only `begin` learns them: a stranger may name any id.
    """

    words: str
    listed: tuple[str, ...] = ()
    seen_max: int = 0
    chosen: bool = False


def one_of(*values: str) -> Values:
    """These values and no others."""
    return Values("", values)


def of_code(words: str) -> Values:
    """Values that only code names. A room may list them by `Family.begin`."""
    return Values(words, seen_max=OF_CODE_MAX)


def of_organisers(words: str) -> Values:
    """Ids that organisers choose."""
    return Values(words, seen_max=OF_ORGANISERS_MAX, chosen=True)


class Family(Generic[M]):
    """
    A metric with labels.

    Attributes:
        metric: the library's own.
        values: by label, the values that it may have.
    """

    def __init__(self, metric: M, values: Mapping[str, Values]) -> None:
        self.metric: M = metric
        self.values = values
        self._bounds = tuple(values.values())
        self._known = [set(one.listed) for one in self._bounds]
        self._seen = [0 for _ in self._bounds]
        self._undeclared = 0
        self._children: dict[tuple[str, ...], M] = {}

    def begin(self, *values: Iterable[str]) -> None:
        """
        Make the series of each combination, with 0.

        Args:
            values: for each label, in its order. Those of organisers count towards their bound.
        """
        for combination in product(*[tuple(one) for one in values]):
            known = tuple(
                self._bounded(at, value, learns=True) if bound.chosen else value
                for at, (bound, value) in enumerate(zip(self._bounds, combination, strict=True))
            )
            for at, value in enumerate(known):
                self._known[at].add(value)
            self._child(known)

    def labels(self, *values: str) -> M:
        """The series with these values. Those who count often get it once."""
        child = self._children.get(values)
        return self._undeclared_child(values) if child is None else child

    def remove(self, *values: str) -> None:
        """Show this series no more."""
        self._children.pop(values, None)
        self.metric.remove(*values)

    def knows(self, label: str, value: str) -> bool:
        """Whether this value was declared, or counted before."""
        return value in self._known[list(self.values).index(label)]

    def begun(self) -> list[tuple[str, ...]]:
        """The values of all series that there are."""
        return list(self._children)

    def _undeclared_child(self, values: tuple[str, ...]) -> M:
        bounded = tuple(self._bounded(at, value) for at, value in enumerate(values))
        if bounded not in self._children:
            if self._undeclared >= UNDECLARED_MAX:
                bounded = (OTHER,) * len(values)
            self._undeclared += 1
        return self._child(bounded)

    def _bounded(self, at: int, value: str, *, learns: bool = False) -> str:
        if value in self._known[at]:
            return value
        bound = self._bounds[at]
        if self._seen[at] >= bound.seen_max or (bound.chosen and not learns):
            return OTHER
        self._seen[at] += 1
        self._known[at].add(value)
        return value

    def _child(self, values: tuple[str, ...]) -> M:
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self.metric.labels(*values)
        return child


def observe_all(histogram: Histogram, values: Iterable[float]) -> None:
    """As `Histogram.observe` for each value, in a tenth of the time: batches have a thousand."""
    ordered = sorted(values)
    histogram._sum.inc(sum(ordered))  # noqa: SLF001 (nothing public takes many values)
    counted = 0
    for bound, bucket in zip(histogram._upper_bounds, histogram._buckets, strict=True):  # noqa: SLF001
        up_to = bisect_right(ordered, bound)
        if up_to > counted:
            bucket.inc(up_to - counted)
            counted = up_to


def unknown(name: str, meaning: str) -> Gauge:
    """A gauge that is NaN, which means unknown, until something sets it."""
    gauge = Gauge(name, meaning)
    gauge.set(math.nan)
    return gauge


def labelled(
    kind: type[M], name: str, meaning: str, /, *, buckets: Any = None, **labels: Values
) -> Family[M]:
    """A metric with these labels, in this order."""
    more = {} if buckets is None else {"buckets": buckets}
    return Family(kind(name, meaning, list(labels), **more), labels)
