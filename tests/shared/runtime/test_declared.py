"""Metrics with declared labels: the bounds of their values, and the series that are there from the start."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from shared.runtime.declared import (
    OF_ORGANISERS_MAX,
    OTHER,
    UNDECLARED_MAX,
    Family,
    Values,
    observe_all,
    of_code,
    of_organisers,
    one_of,
)


def family(**labels: Values) -> tuple[Family[Counter], CollectorRegistry]:
    registry = CollectorRegistry()
    return Family(Counter("counted", "Counted", list(labels), registry=registry), labels), registry


def values(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "counted_total"
    }


def test_each_combination_is_there_with_zero_before_anything_is_counted() -> None:
    counted, registry = family(topic=of_code("topics"), code=of_code("codes"))
    counted.begin(["a", "b"], ["late", "bad"])
    assert values(registry) == dict.fromkeys([("a", "late"), ("a", "bad"), ("b", "late"), ("b", "bad")], 0.0)


def test_a_value_that_is_not_declared_counts_as_other() -> None:
    counted, registry = family(change=one_of("issued", "revoked"))
    for change in ("issued", "invented", "made up"):
        counted.labels(change).inc()
    assert values(registry) == {("issued",): 1.0, (OTHER,): 2.0}


def test_ids_of_organisers_beyond_the_bound_count_as_other() -> None:
    counted, registry = family(quiz=of_organisers("quizzes"), outcome=one_of("graded", "repeated"))
    for number in range(OF_ORGANISERS_MAX + 50):
        counted.begin([f"quiz-{number}"], ["graded"])
        counted.labels(f"quiz-{number}", "graded").inc()
    found = values(registry)
    assert len(found) == OF_ORGANISERS_MAX + 1
    assert found[OTHER, "graded"] == 50.0


def test_no_caller_makes_series_without_end() -> None:
    counted, registry = family(route=of_code("routes"), code=of_code("codes"))
    for number in range(UNDECLARED_MAX + 500):
        counted.labels(f"route-{number % 400}", f"code-{number // 400}").inc()
    found = values(registry)
    assert len(found) == UNDECLARED_MAX + 1
    assert found[OTHER, OTHER] == 500.0
    assert sum(found.values()) == UNDECLARED_MAX + 500


def test_an_id_that_only_a_stranger_has_named_counts_as_other() -> None:
    counted, registry = family(quiz=of_organisers("quizzes"))
    counted.begin(["contest"])
    for quiz_id in ("contest", "made-up-1", "made-up-2"):
        counted.labels(quiz_id).inc()
    assert values(registry) == {("contest",): 1.0, (OTHER,): 2.0}


def test_many_values_are_observed_as_one_by_one() -> None:
    ages = [3.0, 0.0, 0.1, 1.0, 0.9, 7.5, 1_000.0]
    one_by_one, together = CollectorRegistry(), CollectorRegistry()
    bounds = (0.1, 1, 5)
    plain = Histogram("ages", "Ages", buckets=bounds, registry=one_by_one)
    for age in ages:
        plain.observe(age)
    observe_all(Histogram("ages", "Ages", buckets=bounds, registry=together), ages)
    samples = [
        [(sample.name, sample.labels, sample.value) for metric in one.collect() for sample in metric.samples]
        for one in (one_by_one, together)
    ]
    assert samples[0] == samples[1]
