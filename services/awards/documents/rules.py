"""What a template is, and how its texts are filled. All functions are pure."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.checked import Id, Line
from shared.contracts.events import Language

BLOCKS_MAX = 30
PICTURES_MAX = 2
SCHEMES_OF_TEMPLATE_MAX = 100
SIDE_MM_MIN = 50
SIDE_MM_MAX = 2_000
SIZE_PT_MIN = 5
SIZE_PT_MAX = 1_000
# A little more than 256 KiB are in base64.
PICTURE_CHARS_MAX = 360_000

PLACEHOLDERS = frozenset(
    {"name", "unit", "scheme_title", "tier", "date", "date_in_characters", "code", "issuer", "address"}
)
# Without these a text is still a text: who gives the award and where it is checked are always known.
_ALWAYS = frozenset({"issuer", "address", "code", "date", "date_in_characters", "scheme_title", "name"})
_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
_SPACES = re.compile(" {2,}")
_PAPERS: Mapping[str, tuple[int, int]] = {
    "A4": (210, 297),
    "A4-landscape": (297, 210),
    "A3": (297, 420),
    "A3-landscape": (420, 297),
}

_EXAMPLE = {
    "x": 38,
    "y": 66,
    "width": 221,
    "height": 16,
    "text": {"zh": "{name}：", "en": "{name}"},
    "size": 28,
    "bold": True,
}

Millimetres = Annotated[float, Field(ge=0, le=SIDE_MM_MAX)]
Length = Annotated[float, Field(gt=0, le=SIDE_MM_MAX)]
Side = Annotated[int, Field(ge=SIDE_MM_MIN, le=SIDE_MM_MAX)]
Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
Align = Literal["left", "center", "right", "justify"]


class _Terms(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CustomPaper(_Terms):
    """A page of this size, such as a flag."""

    width: Side
    height: Side


Paper = Literal["A4", "A4-landscape", "A3", "A3-landscape"] | CustomPaper


class Words(_Terms):
    """A text in Chinese, and in English if it is another one."""

    zh: Line
    en: Line | None = None


class _Placed(_Terms):
    x: Millimetres
    y: Millimetres
    width: Length


class Block(_Placed):
    """
    A text on the page, in a box in millimetres from the top left corner.

    A text that does not fit into its box gets smaller. A text of one line gets smaller first, down to six
    tenths, and is then broken into lines. It is never cut.

    Attributes:
        size: of the letters in points, if they fit.
        lines: "one" if the text should stay in one line.
        indent: the first line begins two characters later, as Chinese paragraphs do.
    """

    height: Length
    text: Words
    size: Annotated[float, Field(ge=SIZE_PT_MIN, le=SIZE_PT_MAX)]
    align: Align = "left"
    font: Literal["serif", "sans"] = "serif"
    colour: Colour = "#1a1a1a"
    bold: bool = False
    lines: Literal["one", "many"] = "one"
    indent: bool = False


class Picture(_Placed):
    """A seal or a signature: a PNG in base64. It lies over the texts."""

    png: Annotated[str, Field(min_length=1, max_length=PICTURE_CHARS_MAX)]


class CodePlace(_Placed):
    """Where the QR code stands that leads to the page of the award."""

    width: Annotated[float, Field(ge=10, le=300)]


class Frame(_Terms):
    """One or two lines around the page."""

    inset: Annotated[float, Field(ge=1, le=200)]
    colour: Colour = "#b8860b"
    double: bool = True


class TemplateTerms(_Terms):
    """
    A kind of document, as organisers put it. Lengths are in millimetres.

    Attributes:
        schemes: whose documents are made with it.
    """

    title: Line = Field(examples=["获奖证书"])
    schemes: Annotated[tuple[Id, ...], Field(max_length=SCHEMES_OF_TEMPLATE_MAX)] = Field(
        (), description="the schemes whose documents are made with it", examples=[["contest-prize"]]
    )
    paper: Paper = "A4-landscape"
    background: Colour | None = None
    frame: Frame | None = None
    blocks: Annotated[tuple[Block, ...], Field(min_length=1, max_length=BLOCKS_MAX)] = Field(
        examples=[[_EXAMPLE]]
    )
    pictures: Annotated[tuple[Picture, ...], Field(max_length=PICTURES_MAX)] = ()
    qr: CodePlace | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height of the page in millimetres."""
        if isinstance(self.paper, CustomPaper):
            return self.paper.width, self.paper.height
        return _PAPERS[self.paper]

    @model_validator(mode="after")
    def _on_the_page(self) -> Self:
        if len(set(self.schemes)) < len(self.schemes):
            raise PydanticCustomError("scheme_twice", "the template names a scheme twice")
        width, height = self.sides
        below = [(one, one.height) for one in self.blocks]
        placed: list[tuple[_Placed, float]] = [*below, *((one, 0.0) for one in self.pictures)]
        if self.qr:
            placed.append((self.qr, self.qr.width))
        if any(one.x + one.width > width or one.y + deep > height for one, deep in placed):
            raise PydanticCustomError("beyond_page", "a part of the template lies beyond the page")
        return self

    @model_validator(mode="after")
    def _placeholders_known(self) -> Self:
        for block in self.blocks:
            for text in (block.text.zh, block.text.en or ""):
                rest = _PLACEHOLDER.sub("", text)
                if "{" in rest or "}" in rest or not placeholders(text) <= PLACEHOLDERS:
                    raise PydanticCustomError(
                        "placeholder_unknown",
                        "a text has a placeholder that is none of: {known}",
                        {"known": ", ".join(sorted(PLACEHOLDERS))},
                    )
        return self


class Template(TemplateTerms):
    """A template that has an id."""

    template_id: Id


def placeholders(text: str) -> set[str]:
    """The placeholders of a text."""
    return set(_PLACEHOLDER.findall(text))


def filled(block: Block, values: Mapping[str, str], language: Language) -> str | None:
    """
    The text of a block in this language, with these values.

    None: the block is about things that this award does not have, such as a tier or a unit.
    """
    text = block.text.en if language == "en" and block.text.en else block.text.zh
    named = placeholders(text)
    if named and not named & _ALWAYS and not any(values[name] for name in named):
        return None
    whole = _PLACEHOLDER.sub(lambda found: values[found[1]], text)
    # Where a placeholder has no value, two spaces may meet.
    return _SPACES.sub(" ", whole).strip()
