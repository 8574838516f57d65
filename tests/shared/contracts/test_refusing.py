"""The refusal of a value is cheap whatever the value holds: pydantic makes one error, or none."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts.envelope import Event, decoder
from shared.contracts.events import ALL, QuizPublished
from shared.runtime.errors import Rejected

GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"
# Of one wrong part: its key and its value.
ERRORS_MAX = 2
WRONG_PARTS = ("1", "{}", "null", "[]")


def golden(contract: type[Event]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GOLDEN / f"{contract.type}.json").read_text())["data"]
    return data


def filled(start: str, part: str, end: str, bytes_max: int) -> bytes:
    count = (bytes_max - len(start) - len(end)) // (len(part) + 1)
    return f"{start}{','.join([part] * count)}{end}".encode()


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Where a value has lists and objects."""
    if isinstance(value, dict | list):
        if path:
            yield path
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, *path, name)


def full_of_wrong_parts(contract: type[Event]) -> Iterator[bytes]:
    """The contract's example, with one of its lists or objects replaced by as many wrong parts as fit."""
    for path in places(golden(contract)):
        value = deepcopy(golden(contract))
        inner = value
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = "HERE"
        start, _, end = json.dumps(value, ensure_ascii=True).partition('"HERE"')
        for part in WRONG_PARTS:
            yield filled(f"{start}[", part, f"]{end}", contract.bytes_max)
            yield filled(f"{start}{{", f'"":{part}', f"}}{end}", contract.bytes_max)


def refusal(contract: type[Event], value: bytes) -> Rejected:
    assert len(value) <= contract.bytes_max
    with pytest.raises(Rejected) as refused:
        decoder(contract)([value])
    assert refused.value.code == "bad_body"
    return refused.value


def errors_made(refused: Rejected) -> int:
    return refused.__cause__.error_count() if isinstance(refused.__cause__, ValidationError) else 0


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.topic)
def test_thousands_of_wrong_parts_make_one_error(contract: type[Event]) -> None:
    for value in full_of_wrong_parts(contract):
        assert errors_made(refusal(contract, value)) <= ERRORS_MAX


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.topic)
def test_a_missing_field_makes_no_error_that_holds_the_whole_value(contract: type[Event]) -> None:
    # pydantic would turn the value into Python's objects once for each field that is missing.
    value = filled('{"x":[', "{}", "]}", contract.bytes_max)
    assert errors_made(refusal(contract, value)) == 0


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.topic)
def test_a_missing_field_is_named(contract: type[Event]) -> None:
    for name, field in contract.model_fields.items():
        if field.is_required():
            value = {key: part for key, part in golden(contract).items() if key != name}
            assert refusal(contract, json.dumps(value).encode()).message == f"{name}: Field required"


def test_the_first_wrong_part_is_named() -> None:
    value = golden(QuizPublished)
    value["questions"][0]["options"] = [{"id": "A", "text": "Mars"}, {"id": "B", "text": ""}]
    assert "questions.0.options.1.text: " in refusal(QuizPublished, json.dumps(value).encode()).message


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.topic)
def test_a_good_value_is_the_event_that_the_contract_makes_of_it(contract: type[Event]) -> None:
    value = json.dumps(golden(contract)).encode()
    [event] = decoder(contract)([value])
    assert type(event) is contract
    assert event == contract.model_validate_json(value)
    assert event.model_fields_set == contract.model_validate_json(value).model_fields_set
