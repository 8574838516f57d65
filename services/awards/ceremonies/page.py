"""
The slides of a ceremony for the screen of a hall: one page has them all, and works without a network then.

The page loads its script and its style from here, by their hashes, and nothing else. It has names as their
holders show them.
"""

import base64
import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from starlette.responses import Response

from services.awards.ceremonies.rules import Call
from services.awards.ceremonies.script import Script
from services.awards.names.rules import Named
from shared.web.pages.templates import Pages
from shared.web.wording import Language

SECONDS = 8
SECONDS_MIN = 3
SECONDS_MAX = 120
# So many names in two columns are read from 30 m, if the screen is 3 m high.
NAMES_MAX = 10
ROWS_MAX = 5
# Half-width characters of a line: of one of two columns, and of a single one.
COLUMN_WIDTH = 18
LINE_WIDTH = 36
# So few leave a line for the unit of each.
WITH_UNITS_MAX = 4

FOLDER = Path(__file__).parent
SCRIPT = (FOLDER / "assets" / "slides.js").read_bytes()
STYLE = (FOLDER / "assets" / "slides.css").read_bytes()
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
PAGES = Pages(FOLDER / "templates")
WITHHELD: Mapping[Language, str] = {"zh-CN": "（姓名不公开）", "en": "(name not shown)"}


class Shown(msgspec.Struct, frozen=True):
    """A recipient on a slide."""

    name: str
    unit: str | None


class Slide(msgspec.Struct, frozen=True):
    """What the hall sees at a time; `layout` is a class of the style."""

    call: Call
    recipients: Sequence[Shown]
    layout: str


def _integrity(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


INTEGRITY: Mapping[str, str] = {"script": _integrity(SCRIPT), "style": _integrity(STYLE)}


def hall_page(script: Script, language: Language, seconds: int) -> Response:
    """The page with all slides."""
    title = script.ceremony.title
    if language == "en" and script.ceremony.title_en:
        title = script.ceremony.title_en
    page = PAGES.page(
        "slides.html",
        language,
        title=title,
        seconds=seconds,
        slides=slides_of(script, language),
        integrity=INTEGRITY,
    )
    page.headers["content-security-policy"] = POLICY
    return page


def slides_of(script: Script, language: Language) -> list[Slide]:
    """The slides of all calls. A call with many or long names has more than one."""
    slides: list[Slide] = []
    for call in script.calls:
        shown = [
            _shown(award.recipient_id, script.names.get(award.recipient_id), language)
            for award in call.awards
        ]
        for some in _parts(shown):
            if len(some) > WITH_UNITS_MAX or all(one.unit is None for one in some):
                layout = "columns" if len(some) > ROWS_MAX else "lines"
                some = [Shown(one.name, None) for one in some]
            else:
                layout = "units"
            slides.append(Slide(call, some, layout))
    return slides


def _shown(recipient_id: str, name: Named | None, language: Language) -> Shown:
    if name is None:
        return Shown(recipient_id, None)
    return Shown(name.text or WITHHELD[language], name.unit)


def _parts(shown: Sequence[Shown]) -> Iterator[list[Shown]]:
    """So many at a time as fit: in two columns if all names are short, else in lines."""
    if all(width(one.name) <= COLUMN_WIDTH for one in shown):
        for start in range(0, len(shown), NAMES_MAX):
            yield list(shown[start : start + NAMES_MAX])
        return
    some: list[Shown] = []
    rows = 0
    for one in shown:
        needs = -(-width(one.name) // LINE_WIDTH)
        if some and rows + needs > ROWS_MAX:
            yield some
            some, rows = [], 0
        some.append(one)
        rows += needs
    if some:
        yield some


def width(text: str) -> int:
    """How wide a text is, in half-width characters."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WFA" else 1
        for one in text
    )
