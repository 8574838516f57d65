"""The answers about statistics."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, Field

from services.awards.statistics.rules import By, Cell, Count


class CountOut(BaseModel):
    """Some awards by what has become of them."""

    held: int = Field(examples=[57])
    revoked: int = Field(examples=[2])
    superseded: int = Field(description="revoked, and replaced by another award", examples=[1])
    recipients: int | None = Field(
        description="different people and groups; null by scheme, tier and kind", examples=[60]
    )

    @classmethod
    def of(cls, count: Count, *, of_people: bool) -> "CountOut":
        """The count as it is shown."""
        return cls(
            held=count.held,
            revoked=count.revoked,
            superseded=count.superseded,
            recipients=count.recipients if of_people else None,
        )


class CellOut(BaseModel):
    """The awards of one scheme, tier, kind, district, unit or audience."""

    name: str | None = Field(
        description="an id, a text or a code; null: awards without a tier, and recipients who have none or "
        "are erased",
        examples=["华龙区"],
    )
    title: str | None = Field(description="of a scheme; what a unit shows as its name")
    hidden: bool = Field(description="too few people, or others could be computed from them")
    count: CountOut | None = Field(description="null: it is hidden")

    @classmethod
    def of(cls, cell: Cell, titles: Mapping[str, str], *, of_people: bool) -> "CellOut":
        """The cell as it is shown."""
        count = cell.count
        return cls(
            name=cell.name,
            title=titles.get(cell.name) if cell.name else None,
            hidden=count is None,
            count=CountOut.of(count, of_people=of_people) if count else None,
        )


class StatisticsOut(BaseModel):
    """Awards in numbers, as they were when they were counted; `after` leads to the next page of cells."""

    by: By
    counted_at: datetime
    all: CountOut
    cells: list[CellOut]
    after: str | None
