"""The contracts as types of other languages see them: records, their fields, and what is in a field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic.json_schema import models_json_schema

from shared.contracts import events

Simple = Literal["text", "time", "whole", "number", "truth"]

_SIMPLE: Mapping[str, Simple] = {
    "string": "text",
    "integer": "whole",
    "number": "number",
    "boolean": "truth",
}


class UnknownShape(Exception):
    """A contract has a schema that no type here says. Add it to `_kind`, and to each language."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """Several of one kind, in an order."""

    kind: "Kind"


@dataclass(frozen=True, slots=True)
class MapOf:
    """One kind by names."""

    kind: "Kind"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these texts. Later releases may have more of them."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordNamed:
    """A record of this name."""

    name: str


Kind = Simple | ListOf | MapOf | OneOf | RecordNamed


@dataclass(frozen=True, slots=True)
class Field:
    """
    A field of a record.

    Args:
        required: whether each record has it. Where it is missing, it has its default value.
    """

    name: str
    kind: Kind
    required: bool
    nullable: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class TypedRecord:
    """
    An event's data, or a part of such.

    Args:
        type: of an event: its `ce_type`.
    """

    name: str
    about: str
    fields: tuple[Field, ...]
    type: str | None = None
    topic: str | None = None
    key: str | None = None


def typed_records() -> list[TypedRecord]:
    """All events in their order, and then their parts by name."""
    _, found = models_json_schema([(one, "validation") for one in events.ALL], ref_template="{model}")
    schemas: dict[str, dict[str, Any]] = found["$defs"]
    contracts = {one.__name__: one for one in events.ALL}
    records = []
    for name in [*contracts, *sorted(set(schemas) - set(contracts))]:
        contract = contracts.get(name)
        schema = schemas[name]
        told = (contract.type, contract.topic, contract.key_field) if contract else (None, None, None)
        records.append(TypedRecord(name, schema.get("description", ""), tuple(_fields(schema)), *told))
    return records


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for name, one in schema["properties"].items():
        kinds = [part for part in one.get("anyOf", [one]) if part.get("type") != "null"]
        if len(kinds) != 1:
            raise UnknownShape(f"{name}: {one}")
        nullable = len(one.get("anyOf", [one])) > 1
        yield Field(name, _kind(kinds[0]), name in required, nullable, one.get("default"))


def _kind(schema: Mapping[str, Any]) -> Kind:
    match schema:
        case {"$ref": str(name)}:
            return RecordNamed(name)
        case {"enum": list(words)}:
            return OneOf(tuple(words))
        case {"type": "array", "items": dict(items)}:
            return ListOf(_kind(items))
        case {"type": "object", "additionalProperties": dict(values)}:
            return MapOf(_kind(values))
        case {"type": "object", "patternProperties": dict(patterns)} if len(patterns) == 1:
            [values] = patterns.values()
            return MapOf(_kind(values))
        case {"type": "string", "format": "date-time"}:
            return "time"
        case {"type": str(simple)} if simple in _SIMPLE:
            return _SIMPLE[simple]
    raise UnknownShape(str(schema))
