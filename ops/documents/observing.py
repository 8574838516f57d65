"""All metrics."""

from collections.abc import Iterator

from prometheus_client.metrics import MetricWrapperBase

from ops.documents.tables import code, table
from shared.runtime import metrics
from shared.runtime.declared import Family


def metrics_of_all() -> str:
    """A row for each metric."""
    return table(["metric", "type", "labels", "meaning"], _metrics())


def names() -> set[str]:
    """The names of all metrics."""
    return {name.strip("`") for name, *_ in _metrics()}


def _metrics() -> Iterator[list[str]]:
    for declared in vars(metrics).values():
        one = declared.metric if isinstance(declared, Family) else declared
        if isinstance(one, MetricWrapperBase):
            [described] = one.describe()
            name = f"{described.name}_total" if described.type == "counter" else described.name
            labels = one._labelnames  # noqa: SLF001 (the library shows labels nowhere else)
            yield [code(name), described.type, code(*labels), described.documentation]
