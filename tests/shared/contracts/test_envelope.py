from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from shared.contracts.envelope import (
    HEADER_BYTES_MAX,
    HEADERS_BYTES_MAX,
    HEADERS_MAX,
    Context,
    Headers,
    enclose,
    event_id,
    from_headers,
    to_headers,
)
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin, enclosed
from shared.messaging.publisher import record_of
from shared.runtime.errors import Rejected
from tests.support.kafka import headers_of, named_contract, said

NOW = datetime(2023, 5, 20, 9, 0, tzinfo=UTC)
CONTRACT = named_contract("said")


def read(headers: Headers) -> Context:
    return from_headers(headers, appended_at=lambda: NOW, key=b"wang")


def test_context_survives_its_headers() -> None:
    context = replace(said(CONTRACT).context, causation_id="an-event", correlation_id="a-request")
    assert read(to_headers(context)) == context


def test_headers_without_causation_and_trace_survive_too() -> None:
    context = replace(said(CONTRACT).context, causation_id=None, traceparent=None)
    assert read(to_headers(context)) == context


def test_time_travels_as_utc() -> None:
    context = replace(said(CONTRACT).context, time=NOW.astimezone(timezone(timedelta(hours=8))))
    assert dict(to_headers(context))["ce_time"] == b"2023-05-20T09:00:00Z"


def test_time_of_another_zone_is_read_as_utc() -> None:
    context = read(headers_of(said(CONTRACT), ce_time=b"2023-05-20T17:00:00.123456+08:00"))
    assert (context.time.isoformat(), context.time.tzinfo) == ("2023-05-20T09:00:00.123456+00:00", UTC)


def test_only_what_cloudevents_requires_is_required() -> None:
    context = read(
        [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"x"), ("ce_type", b"kepu.said.v1")]
    )
    assert context == Context(
        id="1", source="x", type="kepu.said.v1", time=NOW, subject="wang", correlation_id="1"
    )


def test_headers_of_other_programs_are_ignored() -> None:
    assert read([*headers_of(said(CONTRACT)), ("x-tracing", b"on")]).type == CONTRACT.type


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source", "ce_type"])
def test_missing_header_is_refused_by_name(name: str) -> None:
    with pytest.raises(Rejected, match=f"header {name} is missing") as refused:
        read(headers_of(said(CONTRACT), name))
    assert refused.value.code == "bad_header"


@pytest.mark.parametrize(
    ("wrong", "said_of_it"),
    [
        ({"ce_id": None}, "header ce_id is null"),
        ({"anything": None}, "header anything is null"),
        ({"ce_id": b""}, "header ce_id is empty"),
        ({"ce_subject": b"\xff\xfe"}, "header ce_subject is not UTF-8"),
        ({"anything": b"\xff\xfe"}, "header anything is not UTF-8"),
        ({"ce_id": b"1" * (HEADER_BYTES_MAX + 1)}, "header ce_id is longer than"),
        ({"ce_specversion": b"0.3"}, "ce_specversion is '0.3'"),
        ({"content-type": b"application/cloudevents+json"}, "content-type is"),
        ({"ce_time": b"yesterday"}, "ce_time is not an RFC 3339 time"),
        ({"ce_time": b"0001-01-01T00:00:00+23:59"}, "ce_time lies outside the years 2000 to 2099"),
        ({"ce_time": b"9999-12-31T23:59:59-23:59"}, "ce_time lies outside the years 2000 to 2099"),
        ({f"h{n}": b"" for n in range(HEADERS_MAX)}, "there are 73 of at most 64 headers"),
        ({f"h{n}": b"x" * HEADER_BYTES_MAX for n in range(20)}, "the headers have more than 16384 bytes"),
        ({"h" * HEADERS_BYTES_MAX: b"\xff"}, "the headers have more than 16384 bytes"),
        ({"ce_time": b"2023-05-20T09:00:00"}, "has no time zone"),
    ],
)
def test_wrong_header_is_refused_by_name(wrong: dict[str, bytes | None], said_of_it: str) -> None:
    with pytest.raises(Rejected, match=said_of_it) as refused:
        read(headers_of(said(CONTRACT), **wrong))
    assert refused.value.code == "bad_header"


@pytest.mark.parametrize("content_type", [b"application/json", b"application/json; charset=utf-8"])
def test_json_content_type_is_taken_with_parameters(content_type: bytes) -> None:
    assert read(headers_of(said(CONTRACT), **{"content-type": content_type})).source == "kepu/testing"


def test_repeat_has_the_same_id_and_another_cause_another() -> None:
    assert said(CONTRACT, 1).context.id == said(CONTRACT, 1).context.id == event_id("wang/1", CONTRACT.type)
    assert said(CONTRACT, 1).context.id != said(CONTRACT, 2).context.id
    assert event_id("a", "kepu.x.v1") != event_id("a", "kepu.y.v1")


def test_what_follows_keeps_correlation_and_trace_and_names_its_cause() -> None:
    parent = said(CONTRACT, 1).context
    child = enclose(CONTRACT(who="li"), source="kepu/x", cause="c", now=NOW, parent=parent).context
    assert (child.correlation_id, child.causation_id) == (parent.correlation_id, parent.id)
    assert child.traceparent == parent.traceparent
    assert child.id != parent.id


def test_first_event_correlates_with_itself_unless_told() -> None:
    first = said(CONTRACT).context
    assert (first.correlation_id, first.causation_id) == (first.id, None)
    told = enclose(CONTRACT(who="li"), source="kepu/x", cause="c", now=NOW, correlation_id="a-request")
    assert told.context.correlation_id == "a-request"


def test_all_that_follows_from_one_request_has_one_trace_and_another_request_has_another() -> None:
    def traces(origin: Origin) -> list[str | None]:
        fields = {"who": "li"}
        by_record = record_of(CONTRACT, fields, "c1", origin, NOW, source="kepu/x")
        by_contract = enclosed(CONTRACT, fields, "c2", origin, NOW, source="kepu/x")
        return [dict(by_record[3])["traceparent"].decode(), by_contract.context.traceparent]

    one, another = traces(Origin.of_request()), traces(Origin.of_request())
    assert one[0] == one[1]
    assert another[0] == another[1] != one[0]
    unknown = traces(UNKNOWN_ORIGIN)
    assert unknown[0] != unknown[1]
