"""A report as it is shown."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.quiz.literacy.figures import By, Figures
from services.quiz.literacy.rules import TIERS_MAX, Interval, Measure
from services.quiz.literacy.store import State


class IntervalOut(BaseModel):
    """An estimate in percent, and the interval of 95 %."""

    percent: float = Field(examples=[18.4])
    low: float = Field(examples=[15.2])
    high: float = Field(examples=[22.1])

    @classmethod
    def of(cls, interval: Interval) -> "IntervalOut":
        """The interval as it is shown."""
        percent, low, high = (round(one, 2) for one in interval)
        return cls(percent=percent, low=low, high=high)


class TierOut(BaseModel):
    """The people of a cell who are in a tier."""

    name: str
    people: int
    share: IntervalOut


class CellOut(BaseModel):
    """The people of one audience, district or unit; everything but the name is empty if they are hidden."""

    name: str | None = Field(description="null: people who have none", examples=["华龙区"])
    hidden: bool = Field(description="too few people, or others could be computed from them")
    people: int | None
    mean: IntervalOut | None = Field(description="points in percent of all points")
    tiers: list[TierOut] = Field(max_length=TIERS_MAX)

    @classmethod
    def of(cls, figures: Figures, measure: Measure) -> "CellOut":
        """The figures as they are shown."""
        return cls(
            name=figures.name,
            hidden=figures.people is None,
            people=figures.people,
            mean=IntervalOut.of(figures.mean) if figures.mean else None,
            tiers=[
                TierOut(name=tier.name, people=people, share=IntervalOut.of(share))
                for tier, (people, share) in zip(measure.tiers, figures.tiers, strict=False)
            ],
        )


class CountOut(BaseModel):
    """When people were counted, and whether they are being counted anew."""

    quiz_id: str
    due: bool = Field(description="people are being counted anew", examples=[False])
    percent: int = Field(description="how much of that is done")
    counted_at: datetime | None = Field(description="null: nobody is counted yet")
    final: bool = Field(description="counted after the close")

    @classmethod
    def of(cls, quiz_id: str, state: State) -> "CountOut":
        """The state as it is shown."""
        return cls(
            quiz_id=quiz_id,
            due=state.due,
            percent=state.percent,
            counted_at=state.counted_at,
            final=state.final,
        )


class LiteracyOut(CountOut):
    """A report: everybody, and the cells of one kind."""

    measure: Measure
    by: By
    all: CellOut | None
    cells: list[CellOut]
    after: str | None = Field(description="for the next page; null on the last one")

    @classmethod
    def made(
        cls,
        quiz_id: str,
        state: State,
        by: By,
        everybody: Figures | None,
        cells: list[Figures],
        after: str | None,
    ) -> "LiteracyOut":
        """The report as it is shown."""
        return cls(
            **CountOut.of(quiz_id, state).model_dump(),
            measure=state.measure,
            by=by,
            all=CellOut.of(everybody, state.measure) if everybody else None,
            cells=[CellOut.of(cell, state.measure) for cell in cells],
            after=after,
        )
