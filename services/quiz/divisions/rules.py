"""
The divisions of a quiz: what they are, when their boards are made, which are frozen, which are hidden. Pure.

A person is in the division of his or her audience, district and group, as the profile says them when a board
is made. The order, the ties and the attempt that counts are those of the quiz's standings.

Source: docs/decisions/0070-divisions.md
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from services.quiz.quizzes.record import QuizRecord
from shared.runtime.errors import NotFound

Kind = Literal["audience", "district", "group"]
KINDS: tuple[Kind, ...] = ("audience", "district", "group")

# Divisions of a kind that have a board each; whoever is in a further one is in none.
DIVISIONS_A_KIND_MAX = 2_000
# Boards of fewer people are for organisers only: everybody knows who takes part for a small unit.
PEOPLE_SHOWN_MIN = 5
# Two hidden boards together hide each other.
HIDDEN_TOGETHER_MIN = 2
# The best people of each division, whose mean is compared.
BEST = 10
BEST_MIN = 5
BEST_MAX = 100
FREEZES_MAX = 200
# Usually three. Whoever has moved is on a frozen board too.
OWN_MAX = 20
# How many people divisions have in all, as organisers put it.
SIZES_MAX = 2_000
SIZE_MAX = 100_000_000
SIZES_BYTES_MAX = 524_288
# Boards that were replaced are kept for whoever reads them at this moment.
REPLACED_KEPT = timedelta(seconds=60)

Place: TypeAlias = tuple[str | None, str | None]
"""A district and a group."""


class Division(NamedTuple):
    """One division of a quiz."""

    kind: Kind
    name: str


class Freeze(msgspec.Struct, frozen=True):
    """A division shows what it showed at this moment; without a name: all of the kind."""

    kind: Kind
    name: str | None
    at: datetime


class State(msgspec.Struct, frozen=True):
    """
    What is known of the boards of a quiz.

    Attributes:
        version: counts the boards that were made; 0: none yet.
        boards: the name of those of now in the store; `before` of those that they replaced.
        building: the name of those that a worker began last.
        as_of: they are made of the standings from this moment on.
        final: the version of the final standings that they are made of; 0: the quiz was not closed.
        work_seconds: what making them has cost.
        again_at: they are not made anew before.
        asked, answered: somebody has been erased so often, and they do not contain those any more.
        freezes: counts what was frozen and thawed.
    """

    version: int = 0
    boards: str = ""
    before: str = ""
    building: str = ""
    as_of: datetime | None = None
    replaced_at: datetime | None = None
    final: int = 0
    buckets: int = 1
    work_seconds: float = 0.0
    again_at: datetime | None = None
    asked: int = 0
    answered: int = 0
    frozen: tuple[Freeze, ...] = ()
    freezes: int = 0

    def frozen_at(self, kind: Kind, name: str | None = None) -> datetime | None:
        """Since when a division is frozen, or without a name all of the kind; None if it is not."""
        moments = [one.at for one in self.frozen if one.kind == kind and one.name in (None, name)]
        return min(moments, default=None)


NEVER_MADE = State()


def unknown(name: str) -> NotFound:
    """The refusal of a division that has no board."""
    return NotFound(f"nobody of {name} is on a board yet", code="division_unknown", name=name)


def is_due(record: QuizRecord, state: State, now: datetime) -> bool:
    """
    Whether boards have to be made: again and again while the quiz is open, once for each version of the final
    standings, and after an erasure.
    """
    if record.status == "closed" and record.regrading is None and state.final != record.final.version:
        return True
    if state.again_at is not None and now < state.again_at:
        return False
    is_under_way = record.status in ("open", "closing") and record.quiz.opens_at <= now
    return is_under_way or state.asked != state.answered


def is_to_clear(state: State, now: datetime) -> bool:
    """Whether boards that were replaced have been kept long enough."""
    return bool(state.before) and state.replaced_at is not None and now > state.replaced_at + REPLACED_KEPT


def hidden_divisions(
    people: Mapping[Kind, Mapping[str | None, int]], places: Mapping[Place, int]
) -> set[Division]:
    """
    The divisions whose boards are for organisers only: those of few people, and more of them if somebody
    could find out the few as those that are on no board.

    Everybody is on the standings of the quiz, by the same alias. So among all of a kind, and among the groups
    of each district, none or at least two are on no board, with `PEOPLE_SHOWN_MIN` people together.

    Args:
        people: how many are in each division; None: those who are in none of the kind.
    """
    sizes: dict[Kind, Mapping[str | None, int]] = {kind: people.get(kind, {}) for kind in KINDS}
    among = [*sizes.items()]
    of_districts: dict[str | None, dict[str | None, int]] = {}
    for (district, group), number in places.items():
        of_districts.setdefault(district, {})[group] = number
    among += [("group", groups) for groups in of_districts.values()]
    hidden = {
        Division(kind, name)
        for kind in KINDS
        for name, number in sizes[kind].items()
        if name is not None and number < PEOPLE_SHOWN_MIN
    }
    before = -1
    while len(hidden) > before:
        before = len(hidden)
        for kind, numbers in among:
            hidden |= {Division(kind, name) for name in _more_to_hide(kind, numbers, hidden, sizes[kind])}
    return hidden


def _more_to_hide(
    kind: Kind, numbers: Mapping[str | None, int], hidden: set[Division], sizes: Mapping[str | None, int]
) -> Iterable[str]:
    """The smallest ones that are shown, until those that are on no board hide each other."""
    shown = sorted(
        (name for name in numbers if name is not None and Division(kind, name) not in hidden),
        key=lambda name: (sizes[name], name),
    )
    are_shown = set(shown)
    without = [number for name, number in numbers.items() if name not in are_shown]
    if not any(name is not None and name not in are_shown for name in numbers):
        return
    for name in shown:
        if len(without) >= HIDDEN_TOGETHER_MIN and sum(without) >= PEOPLE_SHOWN_MIN:
            return
        without.append(numbers[name])
        yield name
