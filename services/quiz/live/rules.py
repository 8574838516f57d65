"""What is told about a quiz while its standings are streamed. All functions are pure."""

from datetime import datetime
from typing import Literal, NamedTuple

from services.quiz.quizzes.record import Status

Told = Literal["frozen", "thawed", "closed", "cancelled", "removed", "withheld"]
"""The names of the events that tell of a change, beside that of the standings themselves."""


class State(NamedTuple):
    """
    The state of a quiz, as far as it is told.

    Attributes:
        withholds: only organisers may learn scores now.
    """

    status: Status | Literal["removed"]
    frozen_at: datetime | None = None
    withholds: bool = False


def told(before: State | None, now: State, *, sees_withheld: bool) -> list[Told]:
    """
    What a listener is told, in order.

    Args:
        before: what it was told last; None if it was told nothing yet.
        sees_withheld: it is an organiser.
    """
    if now.status == "removed":
        return ["removed"]
    if now.withholds and not sees_withheld:
        # Before it opens, a quiz may change from showing scores to withholding them.
        return ["withheld"]
    names: list[Told] = []
    if now.frozen_at != (before.frozen_at if before else None):
        names.append("frozen" if now.frozen_at else "thawed")
    if now.status in ("closed", "cancelled"):
        names.append("closed" if now.status == "closed" else "cancelled")
    return names


def ends(names: list[Told]) -> bool:
    """Whether nothing follows what is told."""
    return bool(names) and names[-1] not in ("frozen", "thawed")


def shows_standings(names: list[Told]) -> bool:
    """Whether the standings may be shown beside what is told."""
    return names not in (["removed"], ["withheld"])
