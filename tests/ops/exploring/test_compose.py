"""What somebody gives becomes a record that our groups accept, or is refused with all that is wrong."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.contracts.documents import GOLDEN, schema_of
from ops.exploring.compose import (
    EXPLORER,
    PROBLEMS_MAX,
    Given,
    NotFitting,
    NotYours,
    changed,
    check,
    given_of,
    record_of,
    source_for,
)
from ops.exploring.fields import FieldUnclear, with_fields
from shared.contracts import events
from shared.contracts.envelope import Event
from shared.messaging.publisher import Record

NOW = datetime(2027, 5, 20, 1, tzinfo=UTC)
REQUESTED = events.RegistrationRequested
SAID: dict[str, Any] = {"request_id": "r-1", "participant_id": "p-1", "session_id": "first-aid-0525"}


def example(contract: type[Event]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    return found


def headers_of(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record[3]}


def made(body: dict[str, Any], **headers: str) -> Record:
    return record_of(REQUESTED, Given(body, headers), source=EXPLORER, now=NOW)


@pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.type)
def test_each_example_is_sent_as_it_is(contract: type[Event]) -> None:
    golden = example(contract)
    given = given_of(json.dumps(golden))
    check(contract, given.body)
    topic, key, value, headers = record_of(contract, given, source=golden["headers"]["ce_source"], now=NOW)
    assert (topic, key) == (contract.topic, golden["key"].encode())
    assert json.loads(value or b"") == golden["data"]
    assert {name: text.decode() for name, text in headers} == golden["headers"]


def test_a_body_alone_gets_its_headers() -> None:
    record = made(given_of(json.dumps(SAID)).body)
    headers = headers_of(record)
    assert record[1] == b"p-1"
    assert headers["ce_type"] == REQUESTED.type
    assert headers["ce_time"] == "2027-05-20T01:00:00Z"
    assert headers["ce_source"] == EXPLORER
    assert headers["ce_correlationid"] == headers["ce_id"]
    assert headers["traceparent"].startswith("00-")


def test_the_same_event_again_is_a_repeat_and_a_changed_one_is_not() -> None:
    first, again, other = made(SAID), made(dict(reversed(SAID.items()))), made(SAID | {"places": 2})
    assert headers_of(first)["ce_id"] == headers_of(again)["ce_id"] != headers_of(other)["ce_id"]
    assert first[2] == again[2]
    elsewhere = record_of(REQUESTED, Given(SAID), source="schools/hall", now=NOW)
    assert headers_of(elsewhere)["ce_id"] != headers_of(first)["ce_id"]


def test_everything_that_is_wrong_is_named_with_its_place_and_what_is_wanted() -> None:
    wrong = {"participant_id": "Wang Fang", "session_id": "s", "places": 0, "distric": "x", "kind": "robot"}
    with pytest.raises(NotFitting) as refused:
        check(REQUESTED, wrong)
    lines = str(refused.value).split("\n  ")
    assert lines[0] == "this is no kepu.registration.requested.v1:"
    assert sorted(line.split(":")[0] for line in lines[1:]) == [
        "$.distric", "$.kind", "$.participant_id", "$.places", "$.request_id",
    ]  # fmt: skip
    said = str(refused.value)
    assert "$.request_id: is missing. Wanted: id: 1 to 64 small letters, digits and hyphens" in said
    assert "Wanted: whole number, 1 to 60" in said
    assert "there is no such field: did you mean district?" in said
    assert "Wang" not in said


def test_places_inside_of_lists_and_objects_are_named() -> None:
    golden = example(events.QuizClosed)["data"]
    golden["standings"][0]["rank"] = 0
    golden["standings"][0]["rankk"] = 1
    with pytest.raises(NotFitting) as refused:
        check(events.QuizClosed, golden)
    assert "$.standings[0].rank: " in str(refused.value)
    assert "$.standings[0].rankk: there is no such field: did you mean rank?" in str(refused.value)


def test_only_the_first_of_many_problems_are_told() -> None:
    with pytest.raises(NotFitting) as refused:
        check(REQUESTED, {f"x{number}": 1 for number in range(100)})
    assert len(str(refused.value).split("\n")) == PROBLEMS_MAX + 2
    assert "and 83 more" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "this is no JSON: .* in line 1, column 2"),
        ("[1]", "an event is a JSON object"),
        ('{"places": NaN}', "NaN is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"places": ' + "[" * 990 + "]" * 990 + "}", "nested too deeply"),
        ('{"places": ' + "[" * 40 + "]" * 40 + "}", "nested too deeply"),
        ('{"data": 1, "headers": {}}', "with headers, write an object"),
        ('{"data": {}, "headers": {"ce_id": 7}}', "header ce_id is no text"),
    ],
    ids=lambda value: value[:40],
)  # fmt: skip
def test_what_is_no_event_is_refused(text: str, said: str) -> None:
    with pytest.raises(NotFitting, match=said):
        given_of(text)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"ce_type": "kepu.registration.requested.v2"}, "header ce_type is"),
        ({"ce_specversion": "0.3"}, "header ce_specversion is"),
        ({"redriven_times": "1"}, "kepu dead redrive"),
        ({"dead_code": "bad_body"}, "kepu dead redrive"),
        ({"ce_id": ""}, "header ce_id is empty"),
        ({"ce_time": "yesterday"}, "ce_time is not an RFC 3339 time"),
        ({"note": "x" * 1_025}, "longer than 1024 bytes"),
        ({"note": "\ud800"}, "no Unicode"),
        ({f"x{number}": "y" for number in range(60)}, "of at most 64 headers"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_headers_that_our_groups_would_refuse_are_refused(headers: dict[str, str], said: str) -> None:
    with pytest.raises(NotFitting, match=said):
        made(SAID, **headers)


def test_headers_of_ones_own_stay() -> None:
    headers = headers_of(made(SAID, ce_id="mine", hall="east"))
    assert (headers["ce_id"], headers["ce_correlationid"], headers["hall"]) == ("mine", "mine", "east")


def test_a_record_that_is_changed_is_another_event() -> None:
    golden = example(REQUESTED)
    given = given_of(json.dumps(golden))
    assert changed(given, dict(given.body)) is given
    other = record_of(REQUESTED, changed(given, given.body | {"places": 3}), source="puyang/wechat", now=NOW)
    headers = headers_of(other)
    assert headers["ce_id"] != golden["headers"]["ce_id"]
    assert headers["ce_correlationid"] == headers["ce_id"]
    assert headers["ce_time"] == "2027-05-20T01:00:00Z"
    # Another participant has another key.
    moved = changed(given, given.body | {"participant_id": "p-2"})
    assert record_of(REQUESTED, moved, source="puyang/wechat", now=NOW)[1] == b"p-2"


@pytest.mark.parametrize("text", ["a\nb", "\udcff", "\x1b[2J"])
def test_a_source_that_no_header_can_have_is_refused(text: str) -> None:
    with pytest.raises(NotFitting, match="plain text"):
        record_of(REQUESTED, Given(SAID), source=text, now=NOW)
    with pytest.raises(NotFitting, match="plain text"):
        record_of(REQUESTED, Given(SAID), source=EXPLORER, now=NOW, correlation_id=text)


def test_a_key_that_is_not_the_events_is_refused() -> None:
    with pytest.raises(NotFitting, match="not the event's participant_id"):
        record_of(REQUESTED, Given(SAID, key="p-2"), source=EXPLORER, now=NOW)


def test_a_body_that_is_too_large_is_refused() -> None:
    body = example(events.QuizDisqualificationDecided)["data"]
    contract = type(
        "Small", (events.QuizDisqualificationDecided,), {}, topic="small", key="quiz_id", bytes_max=10
    )
    with pytest.raises(NotFitting, match="of at most 10 bytes"):
        record_of(contract, Given(body), source=EXPLORER, now=NOW)


def test_facts_are_for_our_services_and_commands_for_everybody() -> None:
    assert source_for(REQUESTED, None, as_service=False) == EXPLORER
    assert source_for(events.QuizSubmitted, "schools/hall", as_service=False) == "schools/hall"
    with pytest.raises(NotYours, match=r"quiz\.completed is a fact that quiz says.*--as-service"):
        source_for(events.QuizCompleted, None, as_service=False)
    assert source_for(events.QuizCompleted, None, as_service=True) == "kepu/quiz"
    assert source_for(events.DeadLetterDecided, None, as_service=True) == "kepu/operations"
    with pytest.raises(NotYours, match="leave out --source"):
        source_for(events.QuizCompleted, "schools/hall", as_service=True)
    with pytest.raises(NotYours, match="leave out --as-service"):
        source_for(REQUESTED, None, as_service=True)


@pytest.mark.parametrize("contract", [REQUESTED, events.NotificationRequested, events.QuizSubmitted])
def test_nobody_takes_a_name_of_ours(contract: type[Event]) -> None:
    with pytest.raises(NotYours, match="source_ours"):
        source_for(contract, "kepu/registration", as_service=False)


def test_each_fact_has_a_service_that_says_it() -> None:
    for contract in events.ALL:
        try:
            source_for(contract, None, as_service=False)
        except NotYours:
            assert source_for(contract, None, as_service=True).startswith("kepu/")


def test_fields_become_what_the_contract_wants_there() -> None:
    given = [
        "participant_id=4711",
        "places=2",
        "group_id=null",
        "answers.q7=AC",
        "plan.venue=Hall 2",
        "channels.0=inbox",
    ]
    schema = {
        "properties": {
            **schema_of(REQUESTED)["properties"],
            "answers": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    }
    assert with_fields({"places": 1}, given, schema) == {
        "places": 2,
        "participant_id": "4711",
        "group_id": None,
        "answers": {"q7": "AC"},
        "plan": {"venue": "Hall 2"},
        "channels": ["inbox"],
    }


@pytest.mark.parametrize(
    "given", ["places", "=1", "a..b=1", "places.x=1", "channels.5=inbox", "channels.x=inbox"]
)
def test_a_field_that_leads_nowhere_is_refused(given: str) -> None:
    with pytest.raises(FieldUnclear, match="--field"):
        with_fields({"places": 1, "channels": ["inbox"]}, [given], schema_of(events.NotificationRequested))


def test_no_contract_could_be_taken_for_a_record_with_headers() -> None:
    assert not [one for one in events.ALL if {"data", "headers"} <= set(one.model_fields)]
