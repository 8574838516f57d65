"""The contracts as types of TypeScript."""

import json
from collections.abc import Iterator, Sequence

from ops.contracts.typed import Field, Kind, ListOf, MapOf, OneOf, RecordNamed, TypedRecord

NAME = "typescript/kepu-events.d.ts"
_SIMPLE = {"text": "string", "time": "string", "whole": "number", "number": "number", "truth": "boolean"}
_HEAD = """\
// The data of each event of Kepu Week. Made by python -m ops.contracts.documents; do not edit.
//
// Times are RFC 3339. A field with "?" may be missing, and has its default value then. Ignore fields that are
// not here, and expect texts that a later release adds.
"""


def typescript(records: Sequence[TypedRecord]) -> str:
    """The text of a declaration file: an interface for each record, and all events by their `ce_type`."""
    return "\n".join([_HEAD, *_lines(records)]) + "\n"


def _lines(records: Sequence[TypedRecord]) -> Iterator[str]:
    yield "/** The data of an event, by its `ce_type`. */"
    yield "export interface KepuEvents {"
    yield from (f"  {json.dumps(one.type)}: {one.name};" for one in records if one.type)
    yield "}"
    for one in records:
        yield ""
        yield from _comment(one)
        yield f"export interface {one.name} {{"
        for field in one.fields:
            if field.default is not None:
                yield f"  /** By default {json.dumps(field.default, ensure_ascii=False)}. */"
            yield f"  readonly {_field(field)};"
        yield "}"


def _comment(record: TypedRecord) -> Iterator[str]:
    yield "/**"
    yield from (f" * {line}".rstrip() for line in record.about.splitlines())
    if record.topic:
        yield " *"
        yield f" * Topic {record.topic}, key {record.key}."
    yield " */"


def _field(field: Field) -> str:
    null = " | null" if field.nullable else ""
    return f"{field.name}{'' if field.required else '?'}: {_type(field.kind)}{null}"


def _type(kind: Kind) -> str:
    match kind:
        case ListOf(of):
            return f"readonly ({_type(of)})[]"
        case MapOf(of):
            return f"Readonly<Record<string, {_type(of)}>>"
        case OneOf(words):
            return " | ".join(json.dumps(word, ensure_ascii=False) for word in words)
        case RecordNamed(name):
            return name
        case simple:
            return _SIMPLE[simple]
