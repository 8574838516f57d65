"""All metrics."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.metrics import MetricWrapperBase

from ops.documents.tables import code, table
from shared.runtime import metrics
from shared.runtime.declared import Family, Values

# A longer list of values says nothing to a reader.
LISTED_MAX = 20


class Described(NamedTuple):
    """A metric, as docs/metrics.md shows it."""

    name: str
    type: str
    labels: Mapping[str, Values]
    meaning: str


def metrics_of_all() -> str:
    """A row for each metric."""
    return table(
        ["metric", "type", "labels and their values", "meaning"],
        ([code(one.name), one.type, _labels(one.labels), one.meaning] for one in described()),
    )


def names() -> set[str]:
    """The names of all metrics."""
    return {one.name for one in described()}


def described() -> Iterator[Described]:
    """All metrics, in the order of shared/runtime/metrics.py."""
    for declared in vars(metrics).values():
        one = declared.metric if isinstance(declared, Family) else declared
        if isinstance(one, MetricWrapperBase):
            [family] = one.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = declared.values if isinstance(declared, Family) else {}
            yield Described(name, family.type, labels, family.documentation)


def _labels(of: Mapping[str, Values]) -> str:
    return "; ".join(f"{code(label)}: {_words(values)}" for label, values in of.items())


def _words(values: Values) -> str:
    bound = f", at most {values.seen_max}" if values.chosen else ""
    listed = code(*values.listed) if len(values.listed) <= LISTED_MAX else "as HTTP knows them"
    return f"{values.words}{bound}" if values.words else listed
