"""What bodies and pages over HTTP have in common."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Annotated, Any

import msgspec
from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

from shared.contracts.checked import ID_PATTERN
from shared.runtime.errors import Rejected

PAGE = 50
PAGE_MAX = 200
AFTER_CHARS_MAX = 512

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
