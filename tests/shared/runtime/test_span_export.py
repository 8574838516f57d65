"""Spans are sent to a collector within bounds, and a collector that is away disturbs nobody."""

from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from shared.contracts.traces import continued, new_traceparent, trace_begun_by
from shared.runtime import tracing
from shared.runtime.ids import random_id
from shared.runtime.span_export import BATCH_MAX, SpanExport, otlp, recording
from shared.runtime.tracing import Span
from tests.support.collector import collecting
from tests.support.waiting import eventually

OWN, PARENT, LINK = new_traceparent(), "b7ad6b7169203331", new_traceparent()
SPAN = Span("publish said", "producer", OWN, PARENT, 1_000, 2_000, {"n": 1}, [LINK], "late")


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("kepu_spans_total", {"outcome": outcome}) or 0.0


async def test_a_collector_gets_spans_as_they_were_recorded() -> None:
    with collecting() as collector:
        async with recording(SpanExport(otlp(collector.url, "kepu-test", "host-1"))):
            assert tracing.recorder is not None
            tracing.recorder.record(SPAN)
            tracing.recorder.record(SPAN._replace(parent=None, links=(), failed=None))
        # The end of the block sends what waits.
        one, root = collector.spans
    assert tracing.recorder is None
    assert (one.service, one.name, one.trace, one.id, one.parent) == (
        "kepu-test",
        "publish said",
        OWN[3:35],
        OWN[36:52],
        PARENT,
    )
    assert (one.kind, one.attributes, one.links, one.status) == (4, {"n": 1}, [LINK[36:52]], 2)
    assert (root.parent, root.links, root.status) == ("", [], 0)


async def test_of_more_spans_than_may_wait_the_rest_is_dropped_and_counted() -> None:
    sent: list[int] = []

    def send(spans: Sequence[Span]) -> bool:
        sent.append(len(spans))
        return True

    dropped = count("dropped")
    export = SpanExport(send, waiting_max=BATCH_MAX + 1)
    for _ in range(BATCH_MAX + 8):
        export.record(SPAN)
    await export.flush()
    assert sent == [BATCH_MAX, 1]
    assert count("dropped") - dropped == 7


async def test_a_collector_that_takes_nothing_costs_spans_and_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def send(_: Sequence[Span]) -> bool:
        raise OSError("nobody is there")

    dropped = count("dropped")
    async with recording(SpanExport(send)):
        for number in range(3):
            assert tracing.recorder is not None
            tracing.recorder.record(SPAN)
            await eventually(lambda so_far=number + 1: count("dropped") - dropped == so_far)  # type: ignore[misc]
    assert "spans were dropped" in caplog.text
    assert "nobody is there" not in caplog.text


async def test_a_refusal_of_the_collector_is_no_success() -> None:
    with collecting() as collector:
        collector.status = 400
        send = otlp(collector.url, "kepu-test", "host-1")
        assert send([SPAN]) is False


async def test_the_part_of_new_traces_that_is_recorded_is_the_ratio() -> None:
    def some(ratio: float) -> int:
        before, tracing.recorder = tracing.recorder, SpanExport(lambda _: True, ratio=ratio)
        try:
            begun = [new_traceparent() for _ in range(200)] + [
                trace_begun_by(random_id()) for _ in range(200)
            ]
            brought = continued(f"{OWN[:53]}01")
            assert brought is not None
            assert tracing.is_recorded(brought.own), "whoever began the trace has decided"
            return sum(map(tracing.is_recorded, begun))
        finally:
            tracing.recorder = before

    assert some(0.0) == 0
    assert 100 < some(0.5) < 300
    assert some(1.0) == 400
