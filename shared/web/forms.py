"""
Bodies and pages: how bodies are read on every route, and how lists are cut into pages.

All routes, also the hot ones, read bodies strictly: `true`, "1" and 1.0 are not integers, a time is a text,
and an object must not have the same key twice.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import core_schema

from shared.contracts.checked import ID_PATTERN, YEARS
from shared.contracts.first_wrong import FirstWrong, to_first_wrong
from shared.runtime.errors import Fault, Invalid, Rejected
from shared.web.wording import field_words, field_wrong

# The largest body, unless the route declares another bound: `max_body_size` of a route of the framework,
# `body_bytes_max` of a hot endpoint.
BODY_BYTES_MAX = 16_384
PAGE = 50
PAGE_MAX = 200
AFTER_CHARS_MAX = 512
# This number of wrong fields is listed. The others are counted.
FAULTS_MAX = 20
# Commas and colons of a body. If a body is larger than BODY_BYTES_MAX and has more commas and colons than
# this, only the first wrong part of each list is listed and counted. To find the errors of all parts of 1 MB
# would take seconds.
SEPARATORS_MAX = BODY_BYTES_MAX // 2
PLACE_PARTS_MAX = 12
PLACE_PART_CHARS_MAX = 64
PLACE_NUMBER_MAX = 2**53
KEY_CHARS_MAX = 64
# Size of a cache: kinds of bodies that may be larger than BODY_BYTES_MAX. We have fewer than 64.
KINDS_MAX = 64

_HOLDS_PARTS = (BaseModel, dict, list, tuple)
_PYDANTICS = frozenset(get_args(core_schema.ErrorType))

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")

IdInPath = Annotated[str, Path(pattern=ID_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="how many to show at the most")]
After = Annotated[
    str | None,
    Query(
        max_length=AFTER_CHARS_MAX, description="`after` of the page before; leave it out for the first page"
    ),
]

Computed = Annotated[
    Any,
    Field(
        json_schema_extra={"readOnly": True},
        description="computed: part of an answer, and ignored in a request",
    ),
]
"""A field that a request may contain, so that one can PUT the answer of a GET unchanged."""


class Form(BaseModel):
    """A request's body. A body with an unknown field is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_form(kind: type[Model], body: bytes) -> Model:
    """
    A body as its form.

    Raises:
        Invalid: the body is not JSON, has a key twice, or has wrong fields: listed up to `FAULTS_MAX`.
    """
    return _read(kind.model_validate_json, kind, body)


def body_reader(kind: Any) -> Callable[[bytes], object]:
    """`read_form` for bodies of any type, such as a list."""
    validate = TypeAdapter(kind).validate_json

    def read(body: bytes) -> object:
        return _read(validate, kind, body)

    return read


@lru_cache(maxsize=KINDS_MAX)
def _to_first_wrong(kind: Any) -> Callable[..., Any]:
    return to_first_wrong(TypeAdapter(kind).core_schema).validate_json


def _read(validate: Callable[..., T], kind: Any, body: bytes) -> T:
    if not body:
        raise invalid([{"type": "missing", "loc": ()}], "body")
    if len(body) > BODY_BYTES_MAX and body.count(b",") + body.count(b":") > SEPARATORS_MAX:
        validate = _to_first_wrong(kind)
    try:
        form = validate(body, strict=True)
    except FirstWrong as first:
        raise invalid([{"type": first.type, "loc": (first.field,)}], "body") from None
    except ValidationError as error:
        # Without the cause, because its text contains the body.
        raise invalid(error.errors(include_url=False, include_input=False), "body") from None
    if body.count(b":") != _keys(form):
        # Either a key is there twice, or a text has a colon. A second reading shows which of the two it is.
        json.loads(body, object_pairs_hook=_each_key_once, parse_int=str)
    return form


def _keys(value: object) -> int:
    """How many different keys the objects of the body have, all together."""
    keys = 0
    parts: Iterable[object]
    if isinstance(value, BaseModel):
        fields = value.__dict__
        parts = [fields[name] for name in value.model_fields_set]
        keys = len(parts)
    elif isinstance(value, dict):
        parts = value.values()
        keys = len(value)
    else:
        parts = value if isinstance(value, list | tuple) else ()
    for part in parts:
        if isinstance(part, _HOLDS_PARTS):
            keys += _keys(part)
    return keys


def _each_key_once(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise invalid([{"type": "key_doubled", "loc": (), "ctx": {"key": key[:KEY_CHARS_MAX]}}], "body")
        seen.add(key)


def invalid(errors: Sequence[Mapping[str, Any]], *before: str) -> Invalid:
    """
    Pydantic's errors as ours.

    The place of each error begins with `before`. No error contains a value that was sent.
    """
    if any(error["type"] == "too_short" for error in errors):
        errors = _without_echoes(errors)
    return Invalid([_fault(error, before) for error in islice(errors, FAULTS_MAX)], len(errors))


def _without_echoes(errors: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """
    Leave out that a tuple is too short if an item of it is wrong: pydantic counts only the right ones.
    """
    lists_with_wrong_items = {
        error["loc"][:at] for error in errors for at, part in enumerate(error["loc"]) if isinstance(part, int)
    }
    return [
        error
        for error in errors
        if error["type"] != "too_short" or error["loc"] not in lists_with_wrong_items
    ]


def _fault(error: Mapping[str, Any], before: Sequence[str]) -> Fault:
    code, values = error["type"], error.get("ctx", {})
    # Readers of JSON count the position of a syntax error differently.
    place = error["loc"][:1] if code == "json_invalid" else error["loc"]
    parts = [str(part)[:PLACE_PART_CHARS_MAX] for part in (*before, *place)]
    return Fault(".".join(parts[:PLACE_PARTS_MAX]), code, _detail(error, values), values)


def _detail(error: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """What is wrong, in English. Texts of other libraries could contain the input, so they are not used."""
    if error["type"] == "value_error":
        return str(values["error"])
    return field_words(error["type"], values, "en") or _ours(error) or field_wrong("en")


def _ours(error: Mapping[str, Any]) -> str | None:
    # The message of a PydanticCustomError of ours. The table has all types that pydantic itself uses.
    return None if error["type"] in _PYDANTICS else str(error["msg"])


def check_same_id(in_body: str | None, in_path: str, *, code: str = "id_differs") -> None:
    """
    Check that the body has the same id as the path, or has no id.

    Raises:
        Rejected: the body has another id.
    """
    if in_body not in (None, in_path):
        raise Rejected(f"the path says {in_path} and the body says {in_body}", code=code)


def after_of(*place: Any) -> str:
    """Where the next page begins: the sort values of the last item shown, as `after` of an answer."""
    return urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


async def one_page(
    read: Callable[[int], Awaitable[Sequence[T]]], limit: int, place: Callable[[T], tuple[Any, ...]]
) -> tuple[Sequence[T], str | None]:
    """
    The items of a page, and its `after`: null if no other page follows.

    All lists use it, with two exceptions in registration. It filters the list of a session after reading it.
    And it ends a page of activities, or of a group's registrations, that would become too large. So these
    pages may be short although another page follows. Awards also gives an `after` for a scheme that is
    applied in steps: it says where the next step begins.

    Args:
        read: reads the first items, at most the number that it gets. That is one more than the page shows.
        place: the sort values of an item.
    """
    found = await read(limit + 1)
    shown = found[:limit]
    return shown, after_of(*place(shown[-1])) if len(found) > limit else None


def place_after(after: str | None, *kinds: Any) -> tuple[Any, ...] | None:
    """
    The sort values that `after_of` wrote, each of the given kind; None for the first page.

    Raises:
        Rejected: this `after` does not come from one of our answers (`after_invalid`).
    """
    if after is None:
        return None
    try:
        content = urlsafe_b64decode(after + "=" * (-len(after) % 4))
        place: tuple[Any, ...] = msgspec.msgpack.decode(content, type=tuple[kinds])  # type: ignore[valid-type]
    except (Base64Error, ValueError, msgspec.MsgspecError):
        raise _after_invalid() from None
    if not all(map(_storable, place)):
        raise _after_invalid()
    return place


def _storable(value: object) -> bool:
    """Whether a database can compare its own values with this one."""
    if isinstance(value, datetime):
        # The year as it is written: near the ends of the calendar, the change to UTC would overflow.
        return value.tzinfo is not None and value.year in YEARS
    return not isinstance(value, int) or abs(value) <= PLACE_NUMBER_MAX


def _after_invalid() -> Rejected:
    return Rejected("`after` is not one that a page gave", code="after_invalid")
