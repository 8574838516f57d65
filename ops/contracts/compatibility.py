"""
Checks if a contract may change from one JSON Schema to another: FULL_TRANSITIVE.

Readers of any release must read the records of any other release, earlier or later. So a contract can only
get new optional fields: all readers ignore fields that they do not know. Any other change breaks one side.
A narrower schema refuses records that exist. A wider schema allows records that released readers refuse.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

# Keywords for people. They refuse no value.
_ANNOTATIONS = frozenset(
    {"title", "description", "examples", "deprecated", "$schema", "$id", "$defs", "$ref"}
)
_STRUCTURE = frozenset(
    {"properties", "required", "items", "anyOf", "patternProperties", "additionalProperties"}
)
_UPPER_BOUNDS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_ABSENT = object()
_NARROWED = "readers would refuse records that exist"
_WIDENED = "released readers would refuse new records"


def breaks(old: Schema, new: Schema) -> list[str]:
    """A sentence for each change from `old` to `new` that breaks readers or records. Empty if none does."""
    return list(_compare(old, new, "", old, new))


def _compare(old: Schema, new: Schema, place: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    yield from _constraints(old, new, place or "body")
    yield from _fields(old, new, place, old_root, new_root)
    yield from _alternatives(old, new, place, old_root, new_root)
    for keyword, inside in (("items", f"{place}[]"), ("additionalProperties", f"{place}.*")):
        if keyword in old or keyword in new:
            yield from _compare(_schema(old, keyword), _schema(new, keyword), inside, old_root, new_root)
    old_names, new_names = old.get("patternProperties", {}), new.get("patternProperties", {})
    if set(old_names) != set(new_names):
        yield f"{place}: the pattern of names was {sorted(old_names)}, is now {sorted(new_names)}"
    for pattern in set(old_names) & set(new_names):
        yield from _compare(old_names[pattern], new_names[pattern], f"{place}.*", old_root, new_root)


def _fields(old: Schema, new: Schema, place: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    old_required, new_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in old_fields:
        if name not in new_fields:
            yield f"{_join(place, name)} was removed or renamed: {_WIDENED}"
        else:
            yield from _compare(old_fields[name], new_fields[name], _join(place, name), old_root, new_root)
    for name in sorted(new_required - old_required):
        what = "is newly required" if name in old_fields else "is new and required: give it a default"
        yield f"{_join(place, name)} {what}; {_NARROWED}"
    for name in sorted((old_required - new_required) & set(new_fields)):
        yield f"{_join(place, name)} is no longer required: {_WIDENED}"


def _alternatives(old: Schema, new: Schema, place: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    old_any, new_any = old.get("anyOf", ()), new.get("anyOf", ())
    if len(old_any) > len(new_any):
        yield f"{place} takes fewer kinds of value ({len(old_any)}, now {len(new_any)}): {_NARROWED}"
    elif len(old_any) < len(new_any):
        yield f"{place} takes more kinds of value ({len(old_any)}, now {len(new_any)}): {_WIDENED}"
    else:
        for one, other in zip(old_any, new_any, strict=True):
            yield from _compare(one, other, place, old_root, new_root)


def _constraints(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for keyword in sorted((set(old) | set(new)) - _ANNOTATIONS - _STRUCTURE):
        before, after = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
        if keyword == "enum" and before is not _ABSENT and after is not _ABSENT:
            if gone := [word for word in before if word not in after]:
                yield f"{place}: {gone} is no longer allowed: {_NARROWED}"
            if added := [word for word in after if word not in before]:
                yield f"{place}: {added} is newly allowed: {_WIDENED}"
        elif before != after:
            side = _side(keyword, before, after)
            yield f"{place}: {keyword} was {_shown(before)}, is now {_shown(after)}: {side}"


def _side(keyword: str, before: Any, after: Any) -> str:
    if keyword == "default":
        return "records without it would mean something else"
    if before is _ABSENT:
        return _NARROWED
    if after is _ABSENT:
        return _WIDENED
    if keyword in _UPPER_BOUNDS | _LOWER_BOUNDS:
        smaller = after < before if keyword in _UPPER_BOUNDS else after > before
        return _NARROWED if smaller else _WIDENED
    return _NARROWED


def _resolved(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    name = str(schema["$ref"]).removeprefix("#/$defs/")
    found: Schema = root["$defs"][name]
    return {**found, **{keyword: schema[keyword] for keyword in schema if keyword != "$ref"}}


def _schema(schema: Schema, keyword: str) -> Schema:
    found = schema.get(keyword, {})
    # `false` and `true` are schemas too: they accept nothing and everything.
    return found if isinstance(found, Mapping) else {"not": {}} if found is False else {}


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _shown(value: Any) -> str:
    return "absent" if value is _ABSENT else repr(value)
