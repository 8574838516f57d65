"""The spans of what is published and handled: which trace they are in, and what they follow from."""

import pytest
from aiokafka import ConsumerRecord

from shared.contracts.envelope import enclose, from_headers
from shared.contracts.traces import Step, new_traceparent
from shared.messaging.handled_spans import LINKS_MAX, record_handled
from shared.messaging.published_spans import record_published
from shared.messaging.publisher import to_record
from shared.messaging.received import Dead, Raw, Received
from shared.runtime.errors import Rejected
from shared.runtime.tracing import Span
from tests.support.kafka import Said, named_contract, said

CONTRACT = named_contract("said")


class Recording:
    """Remembers spans."""

    ratio = 1.0

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def record(self, span: Span) -> None:
        self.spans.append(span)


def raw(offset: int) -> Raw:
    topic, key, value, headers = to_record(said(CONTRACT, offset))
    return ConsumerRecord(topic, 0, offset, 1_700_000_000_000, 1, key, value, None, 0, 0, tuple(headers))


def received(record: Raw) -> Received[Said]:
    context = from_headers(record.headers, appended_at=lambda: None, key=b"", step=Step("readers"))  # type: ignore[arg-type, return-value]
    return Received(CONTRACT.model_validate_json(record.value or b""), context, record)


def brought(record: Raw) -> str:
    return str(dict(record.headers)["traceparent"], "ascii")


def test_what_is_published_follows_from_the_step_that_made_it() -> None:
    recording, event = Recording(), said(CONTRACT)
    traced = to_record(event)
    unrecorded = to_record(
        enclose(
            event.event,
            source="kepu/x",
            cause="c",
            now=event.context.time,
            traceparent=f"{new_traceparent()[:53]}00",
        )
    )
    odd = ("said", None, None, [("traceparent", b"\xff"), ("ce_id", b"\xff")])
    record_published(recording, [traced, unrecorded, odd], 1)
    [span] = recording.spans
    own = event.context.traceparent or ""
    assert (span.name, span.kind, span.own[:36], span.parent) == (
        "publish said",
        "producer",
        own[:36],
        own[36:52],
    )
    assert span.attributes["messaging.message.id"] == event.context.id
    assert span.attributes["kepu.correlation_id"] == event.context.correlation_id


def test_each_event_of_a_batch_has_its_span_and_the_batch_has_links_to_them() -> None:
    recording = Recording()
    events = [received(raw(offset)) for offset in range(LINKS_MAX + 2)]
    undecodable = raw(1_000)
    late = Rejected("no", code="attempt_late")
    record_handled(recording, "readers", events, [Dead(events[1].record, late), Dead(undecodable, late)], 1)
    *spans, batch = recording.spans
    assert len(spans) == len(events) + 1
    for one, span in zip(events, spans, strict=False):
        assert span.own == one.context.traceparent, "what followed from it carries this step"
        assert span.parent == brought(one.record)[36:52]
        assert span.links == [batch.own]
    assert [span.failed for span in spans[:3]] == [None, "attempt_late", None]
    assert spans[-1].failed == "attempt_late"
    assert batch.parent is None
    assert batch.attributes["messaging.batch.message_count"] == len(events) + 1
    assert list(batch.links) == [span.own for span in spans[:LINKS_MAX]]


@pytest.mark.parametrize("flags", ["00", ""])
def test_a_batch_of_traces_that_are_not_recorded_has_no_span(flags: str) -> None:
    recording, record = Recording(), raw(0)
    headers = [(name, value) for name, value in record.headers if name != "traceparent"]
    unrecorded = f"{brought(record)[:53]}{flags}".encode() if flags else b""
    one = received(
        ConsumerRecord(
            "said", 0, 0, 1, 1, record.key, record.value, None, 0, 0, (*headers, ("traceparent", unrecorded))
        )
    )
    record_handled(recording, "readers", [one], [], 1)
    assert len(recording.spans) == (0 if flags else 2), "without a trace context a recorded trace begins"
