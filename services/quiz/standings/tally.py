"""
The number of standings by points and time: ranks are computed from these numbers. All functions are pure.

A cell counts the standings with the same half points and the same second of time used. Above `EXACT_SECONDS`
a cell is `WIDE_SECONDS` wide. So a rank is a sum over some thousand numbers for any number of people, and the
size of a tally is limited.

Where the finish decides ties, its highest bits take the place of the time. So a "second" is 2**18 ms then.
"""

import struct
from array import array
from collections.abc import Iterable, Mapping
from itertools import accumulate

from services.quiz.standings.rules import FINISH_BITS, TIME_BITS, TIME_SECONDS_MAX

# So that all cells of a quiz fit a document of MongoDB.
EXACT_SECONDS = 4_096
WIDE_SECONDS = 256
CELLS_A_SCORE = EXACT_SECONDS + (TIME_SECONDS_MAX + 1 - EXACT_SECONDS) // WIDE_SECONDS
PAIR = struct.Struct("<ii")


def cell_of(order: int) -> int:
    """The cell of a standing: more points have a higher cell, and of equal points more time."""
    seconds = TIME_SECONDS_MAX - ((order >> FINISH_BITS) & TIME_SECONDS_MAX)
    score = order >> (TIME_BITS + FINISH_BITS)
    if seconds >= EXACT_SECONDS:
        seconds = EXACT_SECONDS + (seconds - EXACT_SECONDS) // WIDE_SECONDS
    return score * CELLS_A_SCORE + seconds


def end_of_cell(order: int) -> int:
    """The lowest order that is better than all orders of this one's cell."""
    score, seconds = divmod(cell_of(order), CELLS_A_SCORE)
    if seconds >= EXACT_SECONDS:
        seconds = EXACT_SECONDS + (seconds - EXACT_SECONDS) * WIDE_SECONDS
    return ((score << TIME_BITS) + TIME_SECONDS_MAX - seconds + 1) << FINISH_BITS


def is_exact(order: int) -> bool:
    """True if all standings of this order's cell share a rank."""
    return cell_of(order) % CELLS_A_SCORE < EXACT_SECONDS


def packed(changes: Mapping[int, int]) -> bytes:
    """The number of standings that each cell has gained or lost; cells without a change are left out."""
    return b"".join(PAIR.pack(cell, count) for cell, count in changes.items() if count)


def unpacked(changes: bytes) -> Iterable[tuple[int, int]]:
    """Cells and their changes, as `packed` has packed them."""
    return PAIR.iter_unpack(changes)


class Tally:
    """The standings of one quiz, counted."""

    def __init__(self) -> None:
        self._scores: dict[int, array[int]] = {}
        self._sums: dict[int, list[int]] = {}

    def add(self, changes: Iterable[tuple[int, int]]) -> None:
        """Count what has changed."""
        self._sums.clear()
        for cell, count in changes:
            score, place = divmod(cell, CELLS_A_SCORE)
            counts = self._scores.setdefault(score, array("i"))
            if place >= len(counts):
                counts.extend([0] * (place + 1 - len(counts)))
            counts[place] += count

    def cells(self) -> dict[int, int]:
        """The cells with standings in them."""
        return {
            score * CELLS_A_SCORE + place: count
            for score, counts in self._scores.items()
            for place, count in enumerate(counts)
            if count
        }

    @property
    def participants(self) -> int:
        """The number of standings."""
        return sum(self._sum(score)[-1] for score in self._scores)

    def better_cells(self, order: int) -> int:
        """The number of standings in cells that rank before this order's cell."""
        score, place = divmod(cell_of(order), CELLS_A_SCORE)
        above = sum(self._sum(other)[-1] for other in self._scores if other > score)
        within = self._sum(score) if score in self._scores else [0]
        return above + within[min(place, len(within) - 1)]

    def better_scores(self, order: int) -> int:
        """The number of standings with more points."""
        score = cell_of(order) // CELLS_A_SCORE
        return sum(self._sum(other)[-1] for other in self._scores if other > score)

    def _sum(self, score: int) -> list[int]:
        """By position, the number of standings of this score in the cells before it."""
        if score not in self._sums:
            self._sums[score] = list(accumulate(self._scores[score], initial=0))
        return self._sums[score]
