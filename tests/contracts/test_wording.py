"""Fields in words: what people read who write an event by hand."""

import json

import pytest

from ops.contracts.documents import GOLDEN, schema_of
from ops.contracts.wording import fields_of, in_words, kinds_at, names_at, wanted_at
from shared.contracts import events
from shared.contracts.envelope import Event

every_contract = pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.type)


@every_contract
def test_each_field_is_in_words_once_and_says_whether_it_is_needed(contract: type[Event]) -> None:
    found = list(fields_of(schema_of(contract)))
    paths = [one.path for one in found]
    assert len(paths) == len(set(paths))
    top = {one.path: one for one in found if not {".", "["} & set(one.path)}
    assert set(top) == set(contract.model_fields)
    for name, field in contract.model_fields.items():
        assert top[name].required == field.is_required()
        if not field.is_required():
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            assert json.loads(top[name].default or "") == default
    assert not [one for one in found if "anything" in one.wanted or "$" in one.wanted.split("such as")[0][:3]]


@every_contract
def test_the_place_of_each_value_of_an_example_is_found(contract: type[Event]) -> None:
    schema = schema_of(contract)
    data = json.loads((GOLDEN / f"{contract.type}.json").read_text())["data"]

    def walk(value: object, path: tuple[str | int, ...]) -> None:
        if path:
            assert wanted_at(schema, path), path
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, (*path, name))
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                walk(inner, (*path, number))

    walk(data, ())


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 200}, "text, 1 to 200 characters"),
        ({"type": "integer", "exclusiveMinimum": 60, "maximum": 500}, "whole number, 61 to 500"),
        ({"type": "integer", "minimum": 1, "maximum": 2**53}, "whole number, 1 or more"),
        ({"type": "number", "minimum": 0, "multipleOf": 0.5}, "number, 0 or more, in steps of 0.5"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "true or false or null"),
        ({"enum": ["zh-CN", "en"], "type": "string"}, 'one of "zh-CN", "en"'),
        (
            {"type": "array", "maxItems": 2, "minItems": 1, "items": {"enum": ["a"]}},
            'list, 1 to 2 items; each: one of "a"',
        ),
        ({"type": "string", "pattern": "^x$"}, "text of the form ^x$"),
        (
            {"type": "array", "maxItems": 9, "minItems": 9, "items": {"type": "null"}},
            "list, 9 items; each: null",
        ),
    ],
)
def test_bounds_are_said(schema: dict[str, object], words: str) -> None:
    assert in_words(schema, schema) == words


def test_the_names_of_a_map_are_no_fields() -> None:
    schema = schema_of(events.QuizSubmitted)
    assert names_at(schema, ("answers",)) is None
    assert wanted_at(schema, ("answers", "q7")) == "1 to 8 of the letters A to H"
    assert kinds_at(schema, ("answers", "q7")) == {"string"}


def test_what_is_not_there_has_no_words() -> None:
    schema = schema_of(events.SessionPublished)
    assert wanted_at(schema, ("plan", "venu")) is None
    assert wanted_at(schema, ("session_id", "x")) is None
    assert "venue" in (names_at(schema, ("plan",)) or ())
    assert kinds_at(schema, ("nowhere", 3)) == frozenset()
