"""
Validators that stop at the first wrong part, so that a refusal costs no more than a good value.

pydantic makes an error of each wrong part, 4 us each: 64 KB of wrong parts would cost 0.1 s. Here a list or
an object ends at its first wrong part. And pydantic's error of a missing field holds the whole object as
Python's, once for each such field. Here the first missing or unknown field ends everything.
"""

from functools import partial
from typing import Any

import msgspec
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from shared.runtime.errors import Rejected

# What pydantic calls lists and objects in its schemas.
_CONTAINERS = ("list", "tuple", "set", "frozenset", "dict")


class FirstWrong(Exception):
    """A required field is missing, or an unknown field is there; pydantic's `type` of it, and the field."""

    def __init__(self, type_: str, field: str) -> None:
        super().__init__(type_, field)
        self.type = type_
        self.field = field


def to_first_wrong(schema: Any) -> SchemaValidator:
    """
    A validator by the same schema of pydantic.

    Beside pydantic's own error, its methods raise `FirstWrong`.
    """
    # Not the validator that pydantic keeps for the class.
    return SchemaValidator(_ending(schema, forbids=False), _use_prebuilt=False)


def check_numbers(value: bytes) -> None:
    """
    Refuse NaN and Infinity, which pydantic accepts in unknown fields. They are no JSON (RFC 8259, section 6),
    and other readers of the topic stumble over them.

    Raises:
        Rejected: the value has one of them, or is no JSON.
    """
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Rejected("the body is no JSON", code="bad_body") from None


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong, without the input, which may hold personal data."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{place}: {first['msg']}"


def _ending(schema: Any, *, forbids: bool) -> Any:
    if isinstance(schema, list):
        return [_ending(part, forbids=forbids) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "model":
        forbids = schema.get("config", {}).get("extra_fields_behavior") == "forbid"
    schema = {name: _ending(part, forbids=forbids) for name, part in schema.items()}
    if kind in _CONTAINERS:
        schema["fail_fast"] = True
    elif kind == "model-fields":
        for name, field in schema["fields"].items():
            if field["schema"]["type"] != "default":
                missing = partial(_raise_missing, name)
                field["schema"] = {"type": "default", "schema": field["schema"], "default_factory": missing}
        if forbids:
            unknown = {"type": "function-plain", "function": {"type": "no-info", "function": _raise_unknown}}
            schema |= {"extra_behavior": "allow", "extras_keys_schema": unknown}
    return schema


def _raise_missing(name: str) -> None:
    """
    Raises:
        FirstWrong: always.
    """
    raise FirstWrong("missing", name)


def _raise_unknown(name: str) -> None:
    """
    Raises:
        FirstWrong: always.
    """
    raise FirstWrong("extra_forbidden", name)
