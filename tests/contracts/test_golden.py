"""Golden records: what went over the wire once must be read for ever, and say the same."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from ops.contracts.documents import GOLDEN, schema_of
from shared.contracts import events
from shared.contracts.envelope import Envelope, Event, decoder, from_headers
from shared.messaging.publisher import to_record
from shared.runtime.errors import Rejected

NOW = datetime(2023, 5, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Golden:
    key: str
    headers: dict[str, str]
    data: dict[str, Any]


def golden(contract: type[Event]) -> Golden:
    return Golden(**json.loads((GOLDEN / f"{contract.type}.json").read_text()))


def decoded(contract: type[Event], data: dict[str, Any]) -> Event:
    event: Event = decoder(contract)([json.dumps(data).encode()])[0]
    return event


def envelope_of(contract: type[Event]) -> Envelope[Event]:
    record = golden(contract)
    headers = [(name, value.encode()) for name, value in record.headers.items()]
    context = from_headers(headers, appended_at=lambda: NOW, key=record.key.encode())
    return Envelope(context, decoded(contract, record.data))


every_contract = pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.type)


@every_contract
def test_golden_record_round_trips(contract: type[Event]) -> None:
    record = golden(contract)
    topic, key, value, headers = to_record(envelope_of(contract))
    assert topic == contract.topic
    assert key == record.key.encode()
    assert json.loads(value or b"") == record.data
    assert {name: header.decode() for name, header in headers} == record.headers


@every_contract
def test_golden_headers_name_contract_and_key(contract: type[Event]) -> None:
    context = envelope_of(contract).context
    assert context.type == contract.type
    assert context.subject == golden(contract).key == golden(contract).data[contract.key_field]


@every_contract
def test_golden_record_holds_every_field(contract: type[Event]) -> None:
    assert set(golden(contract).data) == set(contract.model_fields)


@every_contract
def test_unknown_fields_are_ignored(contract: type[Event]) -> None:
    data = golden(contract).data
    assert decoded(contract, {**data, "of_a_later_version": {"any": ["thing"]}}) == decoded(contract, data)


@every_contract
def test_golden_record_fits_published_schema(contract: type[Event]) -> None:
    Draft202012Validator(schema_of(contract)).validate(golden(contract).data)


@every_contract
def test_required_field_is_required(contract: type[Event]) -> None:
    data = golden(contract).data
    for name, field in contract.model_fields.items():
        if field.is_required():
            with pytest.raises(Rejected, match=f"^{name}: Field required$"):
                decoded(contract, {key: value for key, value in data.items() if key != name})


@every_contract
def test_events_are_frozen(contract: type[Event]) -> None:
    event = decoded(contract, golden(contract).data)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event, contract.key_field, "another")


@every_contract
def test_own_record_is_read_back_when_all_that_may_be_null_is(contract: type[Event]) -> None:
    data = golden(contract).data
    for name in data:
        try:
            event = decoded(contract, {**data, name: None})
        except Rejected:
            continue
        _, _, value, _ = to_record(Envelope(envelope_of(contract).context, event))
        assert decoder(contract)([value or b""]) == [event]


def test_there_is_no_golden_record_without_a_contract() -> None:
    assert {path.stem for path in Path(GOLDEN).glob("*.json")} == {contract.type for contract in events.ALL}


@pytest.mark.parametrize(
    "wrong",
    [
        {"places": "2"},
        {"places": 2.5},
        {"places": True},
        {"places": 0},
        {"places": 61},
        {"participant_id": "Wang Fang"},
        {"participant_id": "a" * 65},
        {"participant_id": "a\n"},
        {"participant_id": 7},
        {"contact_sealed": "name@example.org"},
        {"kind": "robot"},
    ],
    ids=str,
)
def test_wrong_types_and_values_are_refused_without_repeating_them(wrong: dict[str, Any]) -> None:
    contract = events.RegistrationRequested
    with pytest.raises(Rejected) as refused:
        decoded(contract, {**golden(contract).data, **wrong})
    assert refused.value.code == "bad_body"
    assert "example.org" not in refused.value.message
    assert "Wang" not in refused.value.message


def test_time_without_zone_is_refused() -> None:
    contract = events.ParticipantErased
    with pytest.raises(Rejected, match="erased_at"):
        decoded(contract, {**golden(contract).data, "erased_at": "2023-05-31T18:00:00"})


def test_no_contract_shares_a_topic_or_type() -> None:
    assert len({contract.topic for contract in events.ALL}) == len(events.ALL)
    assert len({contract.type for contract in events.ALL}) == len(events.ALL)
