"""Metrics, and what is worth an alert."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from ops.documents.tables import code, table
from shared.runtime import metrics

ALERTS = Path(__file__).with_name("alerts.toml")
_METRIC = re.compile(r"kepu_[a-z_]+")


class UnknownMetric(Exception):
    """An alert names a metric that no service has."""


def metrics_of_all() -> str:
    """A row for each metric."""
    return table(["metric", "type", "labels", "meaning"], _metrics())


def alerts() -> str:
    """
    A row for each expression that is worth an alert.

    Raises:
        UnknownMetric: an alert could never fire.
    """
    known = names()
    found = tomllib.loads(ALERTS.read_text())["alert"]
    for each in found:
        if unknown := set(_METRIC.findall(each["when"])) - known:
            raise UnknownMetric(f"{ALERTS.name} names {', '.join(unknown)}")
    return table(
        ["alert when", "it means", "look at"],
        ([code(each["when"]), each["means"], each["do"]] for each in found),
    )


def names() -> set[str]:
    """The names of all metrics."""
    return {name.strip("`") for name, *_ in _metrics()}


def _metrics() -> Iterator[list[str]]:
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            [described] = one.describe()
            name = f"{described.name}_total" if described.type == "counter" else described.name
            labels = one._labelnames  # noqa: SLF001 (the library shows labels nowhere else)
            yield [code(name), described.type, code(*labels), described.documentation]
