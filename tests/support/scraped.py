"""What a process shows at /metrics, held against what is declared."""

from collections.abc import Iterable, Iterator

from prometheus_client.parser import text_string_to_metric_families

from ops.documents.observing import described
from shared.contracts import topics
from shared.messaging.policy import CODES_BEFORE_HANDLING
from shared.runtime.declared import OTHER

Series = tuple[str, tuple[tuple[str, str], ...]]

# What each group shows for each of its topics.
OF_GROUP = ("kepu_events_consumed_total", "kepu_dead_letters_waiting", "kepu_event_age_seconds_count")
# What Python and its library show of a process.
OF_OTHERS = ("python_", "process_")


def undeclared(text: str) -> Iterator[str]:
    """The series of ours that docs/metrics.md does not have, or not with these labels and values."""
    known = {one.name.removesuffix("_total"): one for one in described()}
    for family in text_string_to_metric_families(text):
        if family.name.startswith(OF_OTHERS):
            continue
        one = known.get(family.name)
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            if (
                one is None
                or labels.keys() != one.labels.keys()
                or any(
                    values.listed and not values.seen_max and labels[name] not in (*values.listed, OTHER)
                    for name, values in one.labels.items()
                )
            ):
                yield str(sample)


def names(text: str) -> set[str]:
    """The names of all metrics of a scrape, also of those without a series yet."""
    families = text_string_to_metric_families(text)
    return {f"{one.name}_total" if one.type == "counter" else one.name for one in families}


def series(text: str) -> set[Series]:
    """All series of a scrape, each with its labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def expected(groups: Iterable[str]) -> Iterator[Series]:
    """The series that processes with these groups show before anything has happened."""
    for topic in topics.LIVE:
        for group in set(topic.groups) & {*groups}:
            of_group = {"topic": topic.name, "group": group}
            for name in OF_GROUP:
                yield _one(name, of_group)
            for code in CODES_BEFORE_HANDLING:
                yield _one("kepu_events_dead_lettered_total", of_group | {"code": code})
            for number in range(topic.partitions):
                for name in ("kepu_consumer_lag_events", "kepu_consumer_committed_offset"):
                    yield _one(name, of_group | {"partition": str(number)})


def _one(name: str, labels: dict[str, str]) -> Series:
    return name, tuple(sorted(labels.items()))
