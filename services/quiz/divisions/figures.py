"""
Divisions against each other: by the mean points of the best people of each, or by the share of its people who
took part. Pure.

No number is rounded before it decides a rank.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from services.quiz.divisions.counting import Board
from services.quiz.divisions.rules import SIZE_MAX

By = Literal["mean", "participation"]
Order: TypeAlias = tuple[bool, int, str]
# Two fractions of numbers up to `SIZE_MAX` that differ do so by more than one of these parts.
PARTS = 10 * SIZE_MAX * SIZE_MAX


class Value(NamedTuple):
    """What decides the rank: half points of so many people, or people of so many."""

    part: int
    whole: int

    @property
    def parts(self) -> int:
        """The value as a whole number: equal ones have the same, and no others."""
        return self.part * PARTS // self.whole


class Compared(NamedTuple):
    """
    A division beside the others of its kind.

    Attributes:
        rank: None if it is not ranked: it has fewer people than are compared, or nobody has put its size.
        value: None without rank.
    """

    rank: int | None
    board: Board
    value: Value | None
    size: int | None

    @property
    def order(self) -> Order:
        """Sorts divisions: the best first, those without a rank last; equal ones by name."""
        return order_of(self.value, self.board.name)


def order_of(value: Value | None, name: str) -> Order:
    """`Compared.order` of a division with this value and name."""
    return value is None, -value.parts if value else 0, name


def compared(boards: Iterable[Board], by: By, best: int, sizes: Mapping[str, int]) -> list[Compared]:
    """All divisions of a kind, ranked (1, 2, 2, 4)."""
    unranked = [
        Compared(None, board, _value(board, by, best, sizes), sizes.get(board.name)) for board in boards
    ]
    ranked: list[Compared] = []
    last, rank = 0, 0
    for position, (order, one) in enumerate(
        sorted(((one.order, one) for one in unranked), key=lambda pair: pair[0]), start=1
    ):
        if position == 1 or order[1] != last:
            last, rank = order[1], position
        ranked.append(one if one.value is None else one._replace(rank=rank))
    return ranked


def _value(board: Board, by: By, best: int, sizes: Mapping[str, int]) -> Value | None:
    if by == "participation":
        size = sizes.get(board.name)
        return Value(board.people, size) if size else None
    return Value(sum(board.best[:best]), best) if board.people >= best else None
