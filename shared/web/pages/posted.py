"""
Bodies that a form of a page sends. They become JSON where they enter.

So a route has one declaration of its body, and both kinds are read, bounded and refused by the same code.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from shared.web.forms import KEY_CHARS_MAX, Form, invalid

FIELDS_MAX = 32
_URLENCODED = re.compile(rb"application/x-www-form-urlencoded\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)


class PageForm(Form):
    """A body that a form of a page may send too. All its fields are texts: a form sends nothing else."""


def is_posted(content_type: bytes | None) -> bool:
    """Whether a body of this content type was sent by a form of a page."""
    return content_type is not None and _URLENCODED.fullmatch(content_type) is not None


def as_json(body: bytes) -> bytes:
    """
    The fields of a form as a JSON object.

    Raises:
        Invalid: a field is there twice, is not UTF-8, or there are more than `FIELDS_MAX`.
    """
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except UnicodeDecodeError:
        raise invalid([{"type": "string_unicode", "loc": ()}], "body") from None
    except ValueError:
        raise invalid([{"type": "too_long", "loc": (), "ctx": {"max_length": FIELDS_MAX}}], "body") from None
    named = dict(fields)
    if len(named) < len(fields):
        names = [name for name, _ in fields]
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid([{"type": "key_doubled", "loc": (), "ctx": {"key": twice[:KEY_CHARS_MAX]}}], "body")
    return msgspec.json.encode(named)


def posted_by_page(kind: type[PageForm]) -> dict[str, Any]:
    """In a route's `openapi_extra`: its body may also be sent by a form of a page."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}}
