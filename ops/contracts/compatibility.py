"""
What changes from one JSON Schema to another, and what of that breaks readers: FULL_TRANSITIVE.

Readers of any release must read the records of any other release, earlier or later. So a contract can only
get new optional fields: all readers ignore fields that they do not know. Any other change breaks one side.
A narrower schema refuses records that exist. A wider schema allows records that released readers refuse.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ops.contracts.kinds import Change, Kind

Schema: TypeAlias = Mapping[str, Any]

# Keywords for people. They refuse no value.
_ANNOTATIONS = frozenset(
    {"title", "description", "examples", "deprecated", "$comment", "$schema", "$id", "$defs", "$ref"}
)
# `discriminator` only says which alternative is meant; the alternatives themselves are compared.
_STRUCTURE = frozenset(
    {
        "properties",
        "required",
        "items",
        "prefixItems",
        "anyOf",
        "oneOf",
        "allOf",
        "patternProperties",
        "additionalProperties",
        "discriminator",
    }
)
_UPPER_BOUNDS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_BOUNDS = _UPPER_BOUNDS | _LOWER_BOUNDS
_KINDS = {
    "type": Kind.type_changed,
    "const": Kind.constant_changed,
    "pattern": Kind.pattern_changed,
    "format": Kind.format_changed,
    "contentEncoding": Kind.format_changed,
    "multipleOf": Kind.step_changed,
    "default": Kind.default_changed,
}
# A unit stands in the name of a field. Where a description names one, it may not change either.
_UNITS = re.compile(r"\b(milliseconds|seconds|minutes|hours|days|weeks|percent|bytes|points|metres|yuan)\b")
_NULL = {"type": "null"}
_ABSENT = object()
_NARROWED = "readers would refuse records that exist"
_WIDENED = "released readers would refuse new records"


@dataclass(slots=True)
class _Pair:
    """Two whole schemas, and the pairs of parts that are being compared: a part may contain itself."""

    old: Schema
    new: Schema
    under_way: set[tuple[str, str]] = field(default_factory=set)


def changes(old: Schema, new: Schema) -> list[Change]:
    """Each change from `old` to `new`, harmless ones too, in the order of the fields."""
    return list(_compare(old, new, "", _Pair(old, new)))


def breaks(old: Schema, new: Schema) -> list[Change]:
    """Each change from `old` to `new` that breaks readers or records. Empty if none does."""
    return [change for change in changes(old, new) if change.rule]


def _compare(old: Schema, new: Schema, place: str, pair: _Pair) -> Iterator[Change]:
    names = (str(old.get("$ref", "")), str(new.get("$ref", "")))
    if all(names) and names in pair.under_way:
        return
    pair.under_way.add(names)
    old, new = _resolved(old, pair.old), _resolved(new, pair.new)
    yield from _words(old, new, place)
    yield from _constraints(old, new, place or "body")
    yield from _fields(old, new, place, pair)
    for keyword in ("anyOf", "oneOf"):
        yield from _alternatives(old, new, keyword, place, pair)
    for keyword, mark in (("allOf", ""), ("prefixItems", "[{}]")):
        yield from _positions(old, new, keyword, place, mark, pair)
    for keyword, inside in (("items", f"{place}[]"), ("additionalProperties", f"{place}.*")):
        if keyword in old or keyword in new:
            yield from _compare(_schema(old, keyword), _schema(new, keyword), inside, pair)
    old_names, new_names = old.get("patternProperties", {}), new.get("patternProperties", {})
    if set(old_names) != set(new_names):
        said = f"{place}: the pattern of names was {sorted(old_names)}, is now {sorted(new_names)}"
        yield Change(Kind.names_changed, place, said)
    for pattern in sorted(set(old_names) & set(new_names)):
        yield from _compare(old_names[pattern], new_names[pattern], f"{place}.*", pair)
    pair.under_way.discard(names)


def _words(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    before, after = str(old.get("description", "")), str(new.get("description", ""))
    units, now = (sorted(set(_UNITS.findall(words))) for words in (before, after))
    # The words about a whole event may name any unit.
    if "properties" not in old and units and now and units != now:
        said = f"{place}: the unit was {', '.join(units)}, is now {', '.join(now)}"
        yield Change(Kind.unit_changed, place, said)
    if before != after:
        yield Change(Kind.reworded, place, f"{place or 'the contract'} is described in other words")
    if new.get("deprecated") and not old.get("deprecated"):
        yield Change(Kind.deprecated, place, f"{place or 'the contract'} is deprecated")


def _fields(old: Schema, new: Schema, place: str, pair: _Pair) -> Iterator[Change]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    old_required, new_required = set(old.get("required", ())), set(new.get("required", ()))
    added = [name for name in new_fields if name not in old_fields]
    for name in old_fields:
        at = _join(place, name)
        if name in new_fields:
            yield from _compare(old_fields[name], new_fields[name], at, pair)
        elif other := _same(old_fields[name], {name: new_fields[name] for name in added}, pair):
            yield Change(Kind.field_renamed, at, f"{at} was renamed to {other}: {_WIDENED}")
        else:
            yield Change(Kind.field_removed, at, f"{at} was removed or renamed: {_WIDENED}")
    for name in added:
        at = _join(place, name)
        if name in new_required:
            said = f"{at} is new and required: give it a default; {_NARROWED}"
            yield Change(Kind.new_field_required, at, said)
        else:
            yield Change(Kind.field_added, at, f"{at} is new, and optional")
    for name in old_fields:
        at = _join(place, name)
        if name in new_required - old_required:
            yield Change(Kind.field_newly_required, at, f"{at} is newly required; {_NARROWED}")
        if name in new_fields and name in old_required - new_required:
            said = f"{at} is no longer required: {_WIDENED}"
            yield Change(Kind.field_no_longer_required, at, said)


def _same(old: Schema, added: Mapping[str, Schema], pair: _Pair) -> str | None:
    """The name of the new field that is the old one but for its name."""
    wanted = _without_words(_resolved(old, pair.old))
    return next(
        (name for name, new in added.items() if _without_words(_resolved(new, pair.new)) == wanted), None
    )


def _alternatives(old: Schema, new: Schema, keyword: str, place: str, pair: _Pair) -> Iterator[Change]:
    before, after = list(old.get(keyword, ())), list(new.get(keyword, ()))
    if not before and not after:
        return
    # Another order means nothing, so first those that are the same are put together.
    for one in list(before):
        if (same := next((other for other in after if not _breaks(one, other, pair)), None)) is not None:
            before.remove(one)
            after.remove(same)
            yield from _compare(one, same, place, pair)
    counts = f"({len(old.get(keyword, ()))}, now {len(new.get(keyword, ()))})"
    if len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from _compare(one, other, place, pair)
    elif len(before) > len(after):
        kind = Kind.null_refused if _NULL in before else Kind.alternatives_fewer
        yield Change(kind, place, f"{place} takes fewer kinds of value {counts}: {_NARROWED}")
    else:
        kind = Kind.null_allowed if _NULL in after else Kind.alternatives_more
        yield Change(kind, place, f"{place} takes more kinds of value {counts}: {_WIDENED}")


def _breaks(old: Schema, new: Schema, pair: _Pair) -> bool:
    found = _compare(old, new, "", _Pair(pair.old, pair.new, set(pair.under_way)))
    return any(change.rule for change in found)


def _positions(
    old: Schema, new: Schema, keyword: str, place: str, mark: str, pair: _Pair
) -> Iterator[Change]:
    before: Sequence[Schema] = old.get(keyword, ())
    after: Sequence[Schema] = new.get(keyword, ())
    if len(before) != len(after):
        said = f"{place}: {keyword} had {len(before)} parts, has now {len(after)}: {_NARROWED}"
        yield Change(Kind.rule_changed, place, said)
        return
    for at, (one, other) in enumerate(zip(before, after, strict=True)):
        yield from _compare(one, other, place + mark.format(at), pair)


def _constraints(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    if ("const" in old) != ("const" in new):
        # A constant against a list of words: a list of one.
        old, new = _as_list(old), _as_list(new)
    for keyword in sorted((set(old) | set(new)) - _ANNOTATIONS - _STRUCTURE):
        before, after = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
        if keyword == "enum" and before is not _ABSENT and after is not _ABSENT:
            if gone := [word for word in before if word not in after]:
                said = f"{place}: {gone} is no longer allowed: {_NARROWED}"
                yield Change(Kind.words_fewer, place, said)
            if added := [word for word in after if word not in before]:
                said = f"{place}: {added} is newly allowed: {_WIDENED}"
                yield Change(Kind.words_more, place, said)
        elif before != after:
            kind, side = _judged(keyword, before, after)
            said = f"{place}: {keyword} was {_shown(before)}, is now {_shown(after)}: {side}"
            yield Change(kind, place, said)


def _judged(keyword: str, before: Any, after: Any) -> tuple[Kind, str]:
    if keyword == "default":
        return Kind.default_changed, "records without it would mean something else"
    if keyword in _BOUNDS:
        if before is _ABSENT:
            return Kind.bound_added, _NARROWED
        if after is _ABSENT:
            return Kind.bound_removed, _WIDENED
        smaller = after < before if keyword in _UPPER_BOUNDS else after > before
        return (Kind.bound_narrowed, _NARROWED) if smaller else (Kind.bound_widened, _WIDENED)
    kind = _KINDS.get(keyword, Kind.rule_changed)
    if keyword == "not" and before is _ABSENT:
        kind = Kind.object_closed
    if keyword == "enum":
        kind = Kind.words_fewer if before is _ABSENT else Kind.words_more
    return kind, _WIDENED if after is _ABSENT else _NARROWED


def _resolved(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    name = str(schema["$ref"]).removeprefix("#/$defs/")
    found: Schema = root["$defs"][name]
    return {**found, **{keyword: schema[keyword] for keyword in schema if keyword != "$ref"}}


def _as_list(schema: Schema) -> Schema:
    if "const" not in schema:
        return schema
    return {**{name: schema[name] for name in schema if name != "const"}, "enum": [schema["const"]]}


def _without_words(schema: Schema) -> Schema:
    return {keyword: schema[keyword] for keyword in schema if keyword not in _ANNOTATIONS}


def _schema(schema: Schema, keyword: str) -> Schema:
    found = schema.get(keyword, {})
    # `false` and `true` are schemas too: they accept nothing and everything.
    return found if isinstance(found, Mapping) else {"not": {}} if found is False else {}


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _shown(value: Any) -> str:
    return "absent" if value is _ABSENT else repr(value)
