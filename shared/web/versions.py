"""
Versions of what is read and put back: `ETag` and `If-Match`.

A client reads a thing with its `ETag`, changes it, and puts it with `If-Match`. If somebody else has changed
the thing meanwhile, the change is refused, and nobody's work is overwritten.

Source: RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2
"""

import re
from typing import Annotated, Any

from fastapi import Header

from shared.runtime.versions import Matching, Version, always
from shared.web.problems import answered

IF_MATCH_CHARS_MAX = 200

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=IF_MATCH_CHARS_MAX,
        description="the `ETag` of what was read: if it has changed since, the answer is 412",
        examples=['"7"'],
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=IF_MATCH_CHARS_MAX,
        description="`*`: only if there is no such thing yet; else the answer is 412",
        examples=["*"],
    ),
]

TAGGED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "ETag": {
                "description": "the version: for `If-Match` of a change",
                "schema": {"type": "string"},
                "example": '"7"',
            }
        }
    }
}
"""The header of an answer that names its version, in a route's `responses`."""
CHANGED: dict[int | str, dict[str, Any]] = {
    412: answered("Refused: somebody has changed it since it was read")
}
"""The refusal of these conditions, in a route's `responses`."""


def etag(version: Version, *, complete: bool = True) -> str:
    """
    The `ETag` of this version.

    Args:
        complete: the answer shows the thing with all its parts. If not, the tag is weak: it matches no
            condition, because putting back the answer would remove what it hides.
    """
    return f'"{version}"' if complete else f'W/"{version}"'


def matching(if_match: str | None, if_none_match: str | None = None) -> Matching:
    """
    The condition of these headers. Without a header it always holds.

    Of `If-None-Match` only `*` is a condition of a change: the thing must be new.
    """
    if if_none_match is not None and if_none_match.strip() == "*":
        return lambda version: version is None
    if if_match is None:
        return always
    if if_match.strip() == "*":
        return lambda version: version is not None
    strong = {found[2] for part in if_match.split(",") if (found := _TAG.fullmatch(part)) and not found[1]}
    return lambda version: str(version) in strong
