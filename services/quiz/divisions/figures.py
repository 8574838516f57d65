"""
Divisions against each other: by the mean points of the best people of each, or by how many of its people took
part. Pure.

No number is rounded before it decides a rank: sums of half points and fractions are compared.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

from services.quiz.divisions.counting import Board

By = Literal["mean", "participation"]


class Compared(NamedTuple):
    """
    A division beside the others of its kind.

    Attributes:
        rank: None if it is not ranked: it has fewer people than are compared, or nobody has put its size.
        value: what decides the rank: mean points in half points, or the share of its people; None without
            rank.
    """

    rank: int | None
    board: Board
    value: Fraction | None
    size: int | None

    @property
    def place(self) -> tuple[bool, Fraction, str]:
        """Sorts divisions: the best first, those without a rank last; equal ones by name."""
        return self.value is None, -(self.value or Fraction(0)), self.board.name


def compared(boards: Iterable[Board], by: By, best: int, sizes: Mapping[str, int]) -> list[Compared]:
    """All divisions of a kind, ranked (1, 2, 2, 4)."""
    unranked = [
        Compared(None, board, _value(board, by, best, sizes), sizes.get(board.name)) for board in boards
    ]
    ranked: list[Compared] = []
    for position, one in enumerate(sorted(unranked, key=lambda one: one.place), start=1):
        rank: int | None = position
        if one.value is None:
            rank = None
        elif ranked and ranked[-1].value == one.value:
            rank = ranked[-1].rank
        ranked.append(one._replace(rank=rank))
    return ranked


def _value(board: Board, by: By, best: int, sizes: Mapping[str, int]) -> Fraction | None:
    if by == "participation":
        size = sizes.get(board.name)
        return Fraction(board.people, size) if size else None
    return Fraction(sum(board.best[:best]), best) if board.people >= best else None
