"""The contracts as records of Java 17."""

import json
from collections.abc import Iterator, Sequence

from ops.contracts.typed import Field, Kind, ListOf, MapOf, OneOf, RecordNamed, TypedRecord

NAME = "java/KepuEvents.java"
_BOXED = {"text": "String", "time": "OffsetDateTime", "whole": "Long", "number": "Double", "truth": "Boolean"}
_PLAIN = {"whole": "long", "number": "double", "truth": "boolean"}
_RESERVED = frozenset({"default", "public", "final", "class", "package", "new", "return", "switch", "case"})
_HEAD = """\
// Made by python -m ops.contracts.documents; do not edit.
package kepu.events;

import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;

/**
 * The data of each event of Kepu Week.
 *
 * <p>A field of the JSON such as {@code participant_id} is {@code participantId} here. A field that may be
 * missing is null then, and has its default value. For Jackson: PropertyNamingStrategies.SNAKE_CASE, the
 * module for java.time, and FAIL_ON_UNKNOWN_PROPERTIES false, because a later release may add fields.
 */
public final class KepuEvents {
  private KepuEvents() {}
"""


def java(records: Sequence[TypedRecord]) -> str:
    """The text of one source file: a class that has each record."""
    return "\n".join([_HEAD, *_lines(records), "}"]) + "\n"


def _lines(records: Sequence[TypedRecord]) -> Iterator[str]:
    for number, one in enumerate(records):
        if number:
            yield ""
        yield from _comment(one)
        yield f"  public record {one.name}("
        yield ",\n".join(f"      {_field(field)}" for field in one.fields) + ") {"
        if one.type:
            yield f"    public static final String TYPE = {json.dumps(one.type)};"
            yield f"    public static final String TOPIC = {json.dumps(one.topic)};"
        yield "  }"


def _comment(record: TypedRecord) -> Iterator[str]:
    yield "  /**"
    yield from (f"   * {_escaped(line)}".rstrip() for line in record.about.splitlines())
    if record.topic:
        yield "   *"
        yield f"   * <p>Topic {{@code {record.topic}}}, key {{@code {record.key}}}."
    yield from (
        f"   * @param {_name(field.name)} {words}" for field in record.fields if (words := _words(field))
    )
    yield "   */"


def _words(field: Field) -> str:
    words = []
    if isinstance(field.kind, OneOf):
        words.append("one of " + ", ".join(field.kind.words))
    if field.default is not None:
        words.append(f"if missing, {json.dumps(field.default, ensure_ascii=False)}")
    return _escaped("; ".join(words))


def _escaped(text: str) -> str:
    # A comment of Java is HTML, and knows escapes of characters.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\\", "&#92;").replace("*/", "*&#47;")


def _field(field: Field) -> str:
    always = field.required and not field.nullable
    return f"{_type(field.kind, plain=always)} {_name(field.name)}"


def _type(kind: Kind, *, plain: bool = False) -> str:
    match kind:
        case ListOf(of):
            return f"List<{_type(of)}>"
        case MapOf(of):
            return f"Map<String, {_type(of)}>"
        case OneOf():
            # No enum: a later release may add a word, and old readers must not fail on it.
            return "String"
        case RecordNamed(name):
            return name
        case simple:
            return (plain and _PLAIN.get(simple)) or _BOXED[simple]


def _name(field: str) -> str:
    first, *others = field.split("_")
    name = first + "".join(word.capitalize() for word in others)
    return f"{name}_" if name in _RESERVED else name
