import re
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from shared.contracts.envelope import enclose, from_headers, to_headers
from shared.contracts.origin import LOGGED_CHARS_MAX, ids_of
from shared.contracts.traces import Step, continued, new_traceparent, trace_begun_by
from shared.runtime.ids import random_id
from tests.support.kafka import named_contract, said

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ID = "0b6f3a52-9c1d-4e7f-8a21-5d4c3b2a1908"
BROUGHT = f"00-{TRACE}-{SPAN}-01"
WELL_FORMED = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]").fullmatch


def own_of(brought: str) -> str:
    trace = continued(brought)
    assert trace is not None
    assert trace.parent == SPAN
    return trace.own


MALFORMED = [
    "",
    BROUGHT[:-1],
    f"{BROUGHT}-more",
    BROUGHT.upper(),
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"01-{TRACE}-{SPAN}-01more",
    f"01-{TRACE}-{SPAN}-01-{'x' * 1_000}",
    f"{BROUGHT}\n",
]


def test_a_request_goes_on_with_the_trace_that_it_brought_by_a_span_of_its_own() -> None:
    own, again = own_of(BROUGHT), own_of(BROUGHT)
    assert WELL_FORMED(own)
    assert own[:36] == again[:36] == BROUGHT[:36]
    assert len({own[36:52], again[36:52], SPAN}) == 3


@pytest.mark.parametrize(("flags", "kept"), [("00", "00"), ("01", "01"), ("02", "00"), ("ff", "01")])
def test_of_the_flags_only_the_one_for_recorded_traces_goes_on(flags: str, kept: str) -> None:
    brought = f"00-{TRACE}-{SPAN}-{flags}"
    assert own_of(brought)[53:] == Step("g").after(brought, "an-id")[53:] == kept


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert own_of(f"01-{TRACE}-{SPAN}-01-more").startswith(f"00-{TRACE}-")


@pytest.mark.parametrize("brought", MALFORMED)
def test_a_malformed_trace_context_is_not_continued(brought: str) -> None:
    assert continued(brought) is None
    begun = Step("one").after(brought, "an-id")
    assert WELL_FORMED(begun)
    assert begun[:36] == Step("another").after(None, "an-id")[:36], "all groups begin the same trace"


@pytest.mark.parametrize("id_", ["", "an-id", "-" * 36, "f" * 36, "事件" * 18, ID])
def test_each_group_has_a_span_of_its_own_for_each_event_and_the_same_on_every_repeat(id_: str) -> None:
    step = Step("quiz-grading")
    own = step.after(BROUGHT, id_)
    assert WELL_FORMED(own)
    assert own[:36] == BROUGHT[:36]
    assert own == Step("quiz-grading").after(BROUGHT, id_)
    assert len({own, BROUGHT, Step("awards").after(BROUGHT, id_), step.after(BROUGHT, random_id())}) == 4


def test_new_traces_are_well_formed() -> None:
    assert WELL_FORMED(new_traceparent())
    assert WELL_FORMED(trace_begun_by(random_id()))


def test_what_follows_from_an_event_carries_the_step_of_its_reader() -> None:
    contract = named_contract("said")
    event = said(contract)
    step, now = Step("readers"), datetime.now(UTC)
    parent = from_headers(to_headers(event.context), appended_at=lambda: now, key=b"wang", step=step)
    child = enclose(event.event, source="kepu/x", cause="c", now=now, parent=parent).context
    assert child.traceparent == step.after(event.context.traceparent, event.context.id)


def test_a_log_line_about_an_event_has_its_ids_within_bounds() -> None:
    context = replace(said(named_contract("said")).context, id="e" * 1_000, correlation_id="a-request")
    ids = {"event_id": "e" * LOGGED_CHARS_MAX, "correlation_id": "a-request"}
    assert ids_of(context) == ids | {"trace_id": (context.traceparent or "")[3:35]}
    assert ids_of(replace(context, traceparent="strange")) == ids
