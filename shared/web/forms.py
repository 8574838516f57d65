"""What bodies and pages over HTTP have in common."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import core_schema

from shared.contracts.checked import ID_PATTERN
from shared.runtime.errors import Fault, Invalid, Rejected
from shared.web.wording import field_words, field_wrong

# What a body may have unless its route declares more: `max_body_size` of a route of the framework,
# `body_bytes_max` of a hot one.
BODY_BYTES_MAX = 16_384
PAGE = 50
PAGE_MAX = 200
AFTER_CHARS_MAX = 512
# Of a body of nothing but mistakes as many are listed; the rest is counted.
FAULTS_MAX = 20
PLACE_PARTS_MAX = 12
PLACE_PART_CHARS_MAX = 64

# The framework reads Python's objects where `read_form` reads JSON.
_SAME = {"model_attributes_type": "model_type"}
_PYDANTICS = frozenset(get_args(core_schema.ErrorType))

Model = TypeVar("Model", bound=BaseModel)

IdInPath = Annotated[str, Path(pattern=ID_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="how many to show at the most")]
After = Annotated[
    str | None,
    Query(
        max_length=AFTER_CHARS_MAX, description="`after` of the page before; leave it out for the first page"
    ),
]


class Form(BaseModel):
    """A request's body; a field that nobody knows is refused rather than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_form(kind: type[Model], body: bytes) -> Model:
    """
    A body as its form.

    Raises:
        Invalid: it is not JSON, or fields are wrong; all are listed up to `FAULTS_MAX`.
    """
    if not body:
        raise invalid([{"type": "missing", "loc": ()}], "body")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        # Without the cause: it quotes what was sent.
        raise invalid(error.errors(include_url=False, include_input=False), "body") from None


def invalid(errors: Sequence[Mapping[str, Any]], *before: str) -> Invalid:
    """Pydantic's errors as ours; their places begin with `before`. What was sent is not quoted."""
    return Invalid([_fault(error, before) for error in islice(errors, FAULTS_MAX)], len(errors))


def _fault(error: Mapping[str, Any], before: Sequence[str]) -> Fault:
    code, values = _SAME.get(error["type"], error["type"]), error.get("ctx", {})
    # Where JSON breaks off, readers of JSON count differently.
    place = error["loc"][:1] if code == "json_invalid" else error["loc"]
    parts = [str(part)[:PLACE_PART_CHARS_MAX] for part in (*before, *place)]
    return Fault(".".join(parts[:PLACE_PARTS_MAX]), code, _detail(error, values), values)


def _detail(error: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """In English. Of other libraries' words only those that this table knows: they could quote the input."""
    if error["type"] == "value_error":
        return str(values["error"])
    return field_words(error["type"], values, "en") or _ours(error) or field_wrong("en")


def _ours(error: Mapping[str, Any]) -> str | None:
    # A service's own PydanticCustomError has words of its own; pydantic's types are all in the table.
    return None if error["type"] in _PYDANTICS else str(error["msg"])


def after_of(*place: Any) -> str:
    """Where the next page begins, as `after` of an answer: the sort values of the last item shown."""
    return urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def place_after(after: str | None, *kinds: Any) -> tuple[Any, ...] | None:
    """
    The place that `after_of` wrote, each value of the kind given; None for the first page.

    Raises:
        Rejected: it is none that an answer gave (`after_invalid`).
    """
    if after is None:
        return None
    try:
        content = urlsafe_b64decode(after + "=" * (-len(after) % 4))
        place: tuple[Any, ...] = msgspec.msgpack.decode(content, type=tuple[kinds])  # type: ignore[valid-type]
    except (Base64Error, ValueError, msgspec.MsgspecError):
        raise Rejected("`after` is not one that a page gave", code="after_invalid") from None
    return place
