"""Templates and prints in requests and answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.awards.documents.prints import (
    CHARACTERS_TOLD_MAX,
    FILES_MAX,
    PRINTS_MAX,
    UNPRINTABLE_MAX,
    Print,
    PrintState,
)
from services.awards.documents.rules import SCHEMES_OF_TEMPLATE_MAX, Template, TemplateTerms
from services.awards.issued.bodies import AwardOut
from shared.contracts.checked import Id, Line
from shared.contracts.events import Language
from shared.web.forms import Form


class TemplateIn(TemplateTerms):
    """A template as an organiser puts it; its id, if given, is the path's."""

    template_id: Id | None = Field(None, examples=["contest-prize"])

    def of(self, template_id: str) -> Template:
        """The template of this id."""
        return Template(**dict(self) | {"template_id": template_id})


class TemplateLineOut(BaseModel):
    """A template in a list."""

    template_id: str
    title: str
    schemes: list[str] = Field(max_length=SCHEMES_OF_TEMPLATE_MAX)


class TemplatesOut(BaseModel):
    """A page of templates; `after` leads to the next one, null on the last."""

    templates: list[TemplateLineOut]
    after: str | None


class PrintIn(Form):
    """What to print."""

    language: Language = Field("zh-CN", examples=["zh-CN"])


class DocumentIn(PrintIn):
    """Why the full name is needed. The reason is kept in the log of acts: write no name into it."""

    reason: Line = Field(examples=["证书污损，重新打印"])


class UnprintableOut(BaseModel):
    """An award that is not in any file: no font has these characters of its document."""

    award_code: str
    characters: list[str] = Field(max_length=CHARACTERS_TOLD_MAX, examples=[["U+2195D"]])


class PrintFileOut(BaseModel):
    """A file of a print."""

    number: int
    pages: int
    bytes: int
    first_code: str
    last_code: str
    removed: bool = Field(description="somebody in it was erased: start another print")


class PrintLineOut(BaseModel):
    """How far a print is. Awards that were revoked, and those of erased people, are left out."""

    print_id: str
    scheme_id: str
    language: Language
    state: PrintState = Field(description="full: the scheme has more awards than a print has files for")
    started_at: datetime
    kept_until: datetime
    pages: int
    left_out: int
    unprintables: int = Field(description="awards without a page, since no font has a character of them")


class PrintOut(PrintLineOut):
    """A print and its files. They hold names: keep them as you keep a list of people."""

    unprintable: list[UnprintableOut] = Field(max_length=UNPRINTABLE_MAX, description="the first of them")
    files: list[PrintFileOut] = Field(max_length=FILES_MAX)


class PrintsOut(BaseModel):
    """A scheme's prints, the latest first."""

    prints: list[PrintLineOut] = Field(max_length=PRINTS_MAX)


def line_of(one: Print) -> PrintLineOut:
    """How far a print is."""
    return PrintLineOut.model_validate(one, from_attributes=True)


def whole_of(one: Print, there: set[int]) -> PrintOut:
    """A print, of whose files these are still there."""
    return PrintOut(
        **line_of(one).model_dump(),
        unprintable=[
            UnprintableOut(award_code=each.award_code, characters=list(each.characters))
            for each in one.unprintable
        ],
        files=[
            PrintFileOut(
                number=each.number,
                pages=each.pages,
                bytes=each.size,
                first_code=each.first_code,
                last_code=each.last_code,
                removed=each.number not in there,
            )
            for each in one.files
        ],
    )


class VerifiedOut(BaseModel):
    """What the page behind the QR code says."""

    award: AwardOut
    verdict: Literal["held", "revoked", "superseded", "replaced"] = Field(
        description="superseded: the award is held, and has changed since this document was made. "
        "replaced: it is not held, since another award takes its place"
    )
    superseded_by_code: str | None = Field(description="the code of the award that takes its place")
    name: str | None = Field(description="as the holder shows it")
