"""Divisions as they are shown, and what organisers put."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.quiz.divisions.boards import frozen_at
from services.quiz.divisions.figures import By, Compared
from services.quiz.divisions.rules import BEST_MAX, BEST_MIN, OWN_MAX, SIZE_MAX, SIZES_MAX, Kind, State
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import QuizRecord
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from services.quiz.standings.bodies import StandingOut
from shared.contracts.checked import LineAsKey
from shared.runtime.versions import version_of
from shared.web.forms import PAGE_MAX, Form

FROZEN_AT = "shown as of this moment: it is frozen, or the whole quiz is; null where it is not"


class MadeOut(BaseModel):
    """When boards were made."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    version: int = Field(description="counts how often boards were made; 0: not yet", examples=[12])
    as_of: datetime | None = Field(
        description="they are made of the standings of this moment, or a little later"
    )
    final: bool = Field(description="they are made of the final standings")

    @classmethod
    def of(cls, record: QuizRecord, state: State) -> "MadeOut":
        """The state as it is shown."""
        final = record.status == "closed" and state.final > 0
        return cls(quiz_id=record.quiz_id, version=state.version, as_of=state.as_of, final=final)


class BoardOut(MadeOut):
    """A page of the standings of a division, best first."""

    kind: Kind
    name: str = Field(examples=["华龙区"])
    frozen_at: datetime | None = Field(description=FROZEN_AT)
    participants: int
    points_max: float = Field(examples=[20])
    standings: list[StandingOut]
    after: str | None = Field(description="where the next page begins; null on the last one")


class OwnDivisionOut(BaseModel):
    """Where you stand in a division."""

    kind: Kind
    name: str = Field(examples=["华龙区"])
    frozen_at: datetime | None = Field(description=FROZEN_AT)
    hidden: bool = Field(description="its board is for organisers only, and so is your rank")
    participants: int
    standing: StandingOut | None


class OwnDivisionsOut(MadeOut):
    """Where you stand in each of your divisions."""

    points_max: float = Field(examples=[20])
    divisions: list[OwnDivisionOut] = Field(max_length=OWN_MAX)


class ComparedOut(BaseModel):
    """A division beside the others of its kind."""

    rank: int | None = Field(description="null: fewer people than are compared, or no size", examples=[1])
    name: str = Field(examples=["华龙区"])
    frozen_at: datetime | None = Field(description=FROZEN_AT)
    hidden: bool = Field(description="its board and its mean are for organisers only")
    people: int = Field(description="with a result", examples=[312])
    mean_points: float | None = Field(
        description="of its best people; null: it has fewer, or is hidden", examples=[18.25]
    )
    size: int | None = Field(description="how many people it has in all, as organisers have put it")
    participation_percent: float | None = Field(examples=[12.5])

    @classmethod
    def of(cls, one: Compared, offered: Offered, state: State, best: int, *, open_: bool) -> "ComparedOut":
        """
        A division as it is shown.

        Args:
            open_: also what is for organisers only.
        """
        board, is_shown = one.board, open_ or not one.board.hidden
        mean = sum(board.best[:best]) / (best * HALF_POINTS_A_POINT) if board.people >= best else None
        return cls(
            rank=one.rank,
            name=board.name,
            frozen_at=frozen_at(offered.record, state, board.kind, board.name),
            hidden=board.hidden,
            people=board.people,
            mean_points=round(mean, 4) if mean is not None and is_shown else None,
            size=one.size,
            participation_percent=(round(100 * board.people / one.size, 4) if one.size else None),
        )


class ComparisonOut(MadeOut):
    """Divisions of a kind against each other, best first; those without a rank last."""

    kind: Kind
    by: By
    best: int = Field(ge=BEST_MIN, le=BEST_MAX)
    frozen_at: datetime | None = Field(description=FROZEN_AT)
    points_max: float = Field(examples=[20])
    divisions: list[ComparedOut] = Field(max_length=PAGE_MAX)
    after: str | None = Field(description="where the next page begins; null on the last one")


class DivisionFreezeOut(BaseModel):
    quiz_id: str = Field(examples=["puyang-2023-contest"])
    kind: Kind
    name: str | None = Field(description="null: all of the kind")
    frozen_at: datetime | None = Field(description="null: not frozen for itself")

    @classmethod
    def made(cls, quiz_id: str, kind: Kind, name: str | None, state: State) -> "DivisionFreezeOut":
        """A freeze as it is shown."""
        return cls(quiz_id=quiz_id, kind=kind, name=name, frozen_at=state.frozen_at(kind, name))


class Sizes(Form):
    """How many people divisions have in all. A division that is not there has no size."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sizes": {"华龙区": 610000, "范县": 480000}}]})

    sizes: Annotated[dict[LineAsKey, Annotated[int, Field(ge=1, le=SIZE_MAX)]], Field(max_length=SIZES_MAX)]

    @property
    def version(self) -> str:
        """Sizes that are alike have the same version."""
        return version_of(sorted(self.sizes.items()))
