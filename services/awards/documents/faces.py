"""What is on the page of an award: the values of its placeholders, and its texts. Pure."""

from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.awards.documents.rules import Template, filled
from services.awards.issued.rules import Award
from services.awards.names.rules import Named
from shared.contracts.events import Language

ZONE = ZoneInfo("Asia/Shanghai")
_DIGITS = "〇一二三四五六七八九"
# Where the holder has chosen no name, or awards does not know it.
_NAMELESS: Mapping[str, str] = {"zh-CN": "本证书持有者", "en": "The holder of this document"}


class Face(NamedTuple):
    """
    The page of one award.

    Attributes:
        texts: of the blocks of the template, None where a block is not drawn.
        address: where the QR code leads.
    """

    award_id: str
    texts: tuple[str | None, ...]
    address: str


def face(
    award: Award, name: Named | None, template: Template, language: Language, public_url: str, issuer: str
) -> Face:
    """The page of this award."""
    at = award.issued_at.astimezone(ZONE)
    address = address_of(award, public_url)
    values = {
        "name": (name and name.text) or _NAMELESS[language],
        "unit": (name and name.unit) or "",
        "scheme_title": award.scheme_title,
        "tier": award.tier or "",
        "date": f"{at:%Y-%m-%d}" if language == "en" else f"{at.year}年{at.month}月{at.day}日",
        "date_in_characters": f"{_digits(at.year)}年{_number(at.month)}月{_number(at.day)}日",
        "code": award.award_code,
        "issuer": issuer,
        "address": address,
    }
    texts = tuple(filled(block, values, language) for block in template.blocks)
    return Face(award.award_id, texts, address)


def address_of(award: Award, public_url: str) -> str:
    """The page of this award. It says of which version a printed document is."""
    return f"{public_url.rstrip('/')}/verify/{award.award_code}?version={award.version}"


def _digits(number: int) -> str:
    return "".join(_DIGITS[int(digit)] for digit in str(number))


def _number(number: int) -> str:
    """A number up to 31 as it is read: 二十五."""
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十") + (
        _DIGITS[ones] if ones else ""
    )
