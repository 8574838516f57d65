"""
The fields of a contract in words, from its JSON Schema. All functions are pure.

For people who write an event by hand, and for the catalogue of events.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from shared.contracts.checked import ID_PATTERN

Schema: TypeAlias = Mapping[str, Any]

_PATTERNS = {
    ID_PATTERN: "id: 1 to 64 small letters, digits and hyphens",
    r"^[a-z][a-z0-9_]{0,63}$": "code: small letters, digits and _, at most 64",
    r"^[A-Za-z0-9+/]+={0,2}$": "base64",
    r"^[0-9a-f]{64}$": "SHA-256 in 64 hexadecimal digits",
    r"^[A-H]{1,8}$": "1 to 8 of the letters A to H",
    r"^[A-H]$": "one of the letters A to H",
}
_SIMPLE = {"boolean": "true or false", "null": "null", "object": "object"}
# Numbers that are larger are a bound of JSON's readers, and nothing that people have to know.
_TOLD_MAX = 2**53


@dataclass(frozen=True, slots=True)
class FieldInWords:
    """
    A field of an event.

    Attributes:
        path: from the body on, such as `plan.venue`, `standings[].rank` or `answers.*`.
        wanted: what it must be, in words.
        default: what a missing one means, as JSON; None if it is required.
    """

    path: str
    wanted: str
    default: str | None

    @property
    def required(self) -> bool:
        """Whether its object cannot be without it."""
        return self.default is None


def fields_of(schema: Schema) -> Iterator[FieldInWords]:
    """The fields of an event and of its parts, each part after the field that has it."""
    yield from _fields(schema, schema, "")


def wanted_at(schema: Schema, path: tuple[str | int, ...]) -> str | None:
    """
    What the value at this place must be, in words; None if there is no such place.

    Args:
        path: names of fields and numbers of items, from the body on.
    """
    found = _at(schema, path)
    return None if found is None else in_words(found, schema)


def names_at(schema: Schema, path: tuple[str | int, ...]) -> frozenset[str] | None:
    """The names of the fields that the object at this place may have; None if it is no object with fields."""
    found = _at(schema, path)
    for one in _alternatives(found, schema) if found is not None else ():
        if "properties" in one:
            return frozenset(one["properties"])
    return None


def kinds_at(schema: Schema, path: tuple[str | int, ...]) -> frozenset[str]:
    """The JSON types that the value at this place may have; none if there is no such place."""
    found = _at(schema, path)
    return (
        frozenset(str(one.get("type", "")) for one in _alternatives(found, schema)) if found else frozenset()
    )


def in_words(schema: Schema, root: Schema) -> str:
    """What a value must be."""
    schema = _resolved(schema, root)
    if "anyOf" in schema:
        return " or ".join(in_words(one, root) for one in schema["anyOf"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(one, ensure_ascii=False) for one in schema["enum"])
    kind = schema.get("type")
    if kind == "string":
        return _text(schema)
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "array":
        return f"list{_count(schema, 'Items', 'items')}; each: {in_words(schema.get('items', {}), root)}"
    if kind == "object" and "properties" not in schema:
        return _map(schema, root)
    return _SIMPLE.get(str(kind), "anything")


def _fields(schema: Schema, root: Schema, before: str) -> Iterator[FieldInWords]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        path = f"{before}{name}"
        default = None if name in required else json.dumps(field.get("default"), ensure_ascii=False)
        yield FieldInWords(path, in_words(field, root), default)
        for one in _alternatives(field, root):
            if "properties" in one:
                yield from _fields(one, root, f"{path}.")
            elif one.get("type") == "array":
                for item in _alternatives(one.get("items", {}), root):
                    yield from _fields(item, root, f"{path}[].")


def _at(schema: Schema, path: tuple[str | int, ...]) -> Schema | None:
    at: Schema | None = schema
    for step in path:
        at = _inside(at, step, schema) if at is not None else None
    return at


def _inside(schema: Schema, step: str | int, root: Schema) -> Schema | None:
    for one in _alternatives(schema, root):
        if isinstance(step, int):
            if one.get("type") == "array":
                return dict(one.get("items", {}))
            continue
        if step in one.get("properties", {}):
            return dict(one["properties"][step])
        if values := _values_of_map(one):
            return values
    return None


def _values_of_map(schema: Schema) -> Schema | None:
    named = list(schema.get("patternProperties", {}).values())
    other = schema.get("additionalProperties")
    return named[0] if named else other if isinstance(other, dict) else None


def _alternatives(schema: Schema, root: Schema) -> Iterator[Schema]:
    schema = _resolved(schema, root)
    if "anyOf" not in schema:
        yield schema
    for one in schema.get("anyOf", ()):
        yield from _alternatives(one, root)


def _resolved(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Any = root
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return _resolved(found, root)


def _text(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return "time with a zone, such as 2027-05-20T00:30:00Z"
    pattern = schema.get("pattern")
    words = _PATTERNS.get(pattern, f"text of the form {pattern}") if pattern else "text"
    return words + _count(schema, "Length", "characters")


def _number(schema: Schema) -> str:
    words = "whole number" if schema["type"] == "integer" else "number"
    least, most = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        least = schema["exclusiveMinimum"] + 1
    if most is not None and most >= _TOLD_MAX:
        most = None
    if least is not None and most is not None:
        words += f", {least} to {most:,}"
    elif least is not None:
        words += f", {least} or more"
    elif most is not None:
        words += f", at most {most:,}"
    return words + (f", in steps of {schema['multipleOf']}" if "multipleOf" in schema else "")


def _map(schema: Schema, root: Schema) -> str:
    names = [_PATTERNS.get(one, one) for one in schema.get("patternProperties", {})]
    named = f"; each name: {names[0]}" if names else ""
    values = _values_of_map(schema)
    each = f"; each value: {in_words(values, root)}" if values else ""
    return f"object{_count(schema, 'Properties', 'fields')}{named}{each}"


def _count(schema: Schema, of: str, what: str) -> str:
    least, most = schema.get(f"min{of}"), schema.get(f"max{of}")
    if least and most:
        return f", {least} to {most:,} {what}" if least != most else f", {most:,} {what}"
    if most is not None:
        return f", at most {most:,} {what}"
    return f", at least {least} {what}" if least else ""
