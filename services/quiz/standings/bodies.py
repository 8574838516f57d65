"""Standings as they are shown, and where their pages begin."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.quiz.quizzes.offered import Offered
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, PERCENT_SHOWN, score_percent
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.rules import Place, Standing
from shared.runtime.errors import Rejected
from shared.web.forms import after_of, place_after

HALF_BITS = 31
FROZEN_AT = "standings are shown as of this moment's submissions; null where they are not frozen"


class StandingOut(BaseModel):
    """The result of somebody that counts. Only organisers and the participant read whose it is."""

    rank: int = Field(examples=[1])
    alias: str = Field(
        description="the participant's pseudonym on the pages of this quiz, always the same",
        examples=["7K3QM0R9"],
    )
    yours: bool = Field(description="it is that of the participant whose token the request carries")
    participant_id: str | None = Field(description="only with an organiser's key, and of your own; else null")
    points: float = Field(examples=[19])
    score_percent: int = Field(description=PERCENT_SHOWN, examples=[95])
    time_used_seconds: int = Field(examples=[312])
    finished_at: datetime


def place_of(after: str | None) -> Place | None:
    """
    Where a page begins.

    Raises:
        Rejected: `after` does not come from a page.
    """
    place = place_after(after, int, int, int)
    if place is None:
        return None
    high, low, passed = place
    if not (0 <= high < 1 << HALF_BITS and 0 <= low < 1 << HALF_BITS and passed >= 0):
        raise Rejected("`after` is not one that a page gave", code="after_invalid")
    return Place(high << HALF_BITS | low, passed)


def place_to_go_on(place: Place) -> str:
    """`after` of a page."""
    # In halves: a place has no numbers beyond 53 bits.
    return after_of(place.order >> HALF_BITS, place.order & (1 << HALF_BITS) - 1, place.passed)


def standing_out(
    standing: Standing, offered: Offered, aliases: Aliases, *, yours: bool, is_organiser: bool
) -> StandingOut:
    """A standing as it is shown."""
    half_points = standing.parts.half_points
    return StandingOut(
        rank=standing.rank,
        alias=aliases.of(offered.record.quiz_id, standing.participant_id),
        yours=yours,
        participant_id=standing.participant_id if yours or is_organiser else None,
        points=half_points / HALF_POINTS_A_POINT,
        # Until results are graded again, a standing may have points of a question that is taken out.
        score_percent=min(100, score_percent(half_points, offered.half_points_max)),
        time_used_seconds=standing.parts.time_used_seconds,
        finished_at=standing.parts.finished_at,
    )
