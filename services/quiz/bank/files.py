"""Files of questions over HTTP: how a request has one, and how an answer does."""

from typing import Annotated, Any

from fastapi import Header, Query, Response

from services.quiz.formats.rules import Format
from services.quiz.formats.write import MEDIA_TYPES, XLSX

OfFormat = Annotated[
    Format,
    Query(
        alias="format", description="gift, aiken, moodle_xml, qti22, qti30, csv or xlsx", examples=["gift"]
    ),
]
AcceptLanguage = Annotated[str, Header(description="zh-CN or en: the language of the messages")]

_BINARY = {
    "schema": {"type": "string", "format": "binary"},
    "example": "最大的行星是？\nA) 木星\nB) 土星\nANSWER: A\n",
}
_KINDS = ("text/plain", "text/csv", "application/xml", "text/xml", "application/zip", XLSX)
# The body is the file itself, so the framework cannot describe it.
FILE_BODY = {"requestBody": {"required": True, "content": dict.fromkeys(_KINDS, _BINARY)}}
FILE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {kind: _BINARY for kind, _ in MEDIA_TYPES.values()}},
}


def file_answer(content: bytes, kind: Format, name: str) -> Response:
    """A file that a browser saves under this name, with the ending of its format."""
    media_type, ending = MEDIA_TYPES[kind]
    headers = {"content-disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(content, media_type=media_type, headers=headers)
