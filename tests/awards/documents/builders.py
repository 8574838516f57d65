"""Templates, pictures and recipients' names for the tests of documents."""

import base64
import struct
import zlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import pypdfium2

from services.awards.documents.faces import Face, face
from services.awards.documents.rules import Template
from services.awards.issued.rules import Award
from services.awards.names.rules import Named, ShownName

AT = datetime(2023, 5, 25, 9, tzinfo=UTC)
URL = "https://kepu.example.cn"
ISSUER = "濮阳市科技活动周组织委员会"


def template(**changes: Any) -> Template:
    """A page with the name alone, in a box that a usual name fits into, unless told otherwise."""
    fields: dict[str, Any] = {"template_id": "of-names", "title": "荣誉证书", "blocks": [block()]}
    return Template.model_validate(fields | changes)


def block(zh: str = "{name}", **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"x": 20, "y": 20, "width": 200, "height": 20, "size": 28}
    return fields | {"text": {"zh": zh}} | changes


def award(**changes: Any) -> Award:
    fields: dict[str, Any] = {
        "award_id": "of-somebody",
        "award_code": "KW-7Q2MA-X4D0P",
        "scheme_id": "contest-prize",
        "scheme_title": "科普知识竞赛",
        "kind": "prize",
        "tier": "一等奖",
        "recipient_id": "somebody",
        "cause": "result",
        "issued_at": AT,
        "relayed": False,
    }
    return Award(**(fields | changes))


def page(of: Template, name: str, unit: str | None = None, **changes: Any) -> Face:
    """The page of somebody's award."""
    return face(award(**changes), ShownName(name, "person", unit), of, "zh-CN", URL, ISSUER)


def png(width: int = 60, height: int = 40, depth: int = 8, rows: int | None = None) -> str:
    """A red picture in base64, which may claim more rows than it has."""
    pixels = (b"\0" + b"\xc8\x14\x1a\xff" * width) * (height if rows is None else rows)
    head = struct.pack(">IIBBBBB", width, height, depth, 6, 0, 0, 0)
    return chunks((b"IHDR", head), (b"tEXt", b"Author\0Li"), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))


def chunks(*parts: tuple[bytes, bytes]) -> str:
    """A picture of these parts in base64."""
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
            for kind, content in parts
        )
    ).decode()


def texts(pdf: bytes) -> list[str]:
    """The text of each page, as another library reads it, without its line breaks."""
    document = pypdfium2.PdfDocument(pdf)
    return [one.get_textpage().get_text_range().replace("\r\n", "") for one in document]


class KnownNames:
    """Names that some recipients show, and their full names."""

    def __init__(self, shown: Mapping[str, str], full: Mapping[str, str] | None = None) -> None:
        self._shown = shown
        self._full = full or shown

    async def shown(self, recipient_ids: Collection[str]) -> Mapping[str, Named]:
        return {one: ShownName(self._shown[one], "person") for one in recipient_ids if one in self._shown}

    async def full(self, recipient_ids: Collection[str]) -> Mapping[str, Named]:
        return {one: ShownName(self._full[one], "person") for one in recipient_ids if one in self._full}
