"""
Who stands before whom: one whole number that orders results. Pure.

More points first, then less time, then who finished earlier. Because the order is one
number, the best result is its maximum: `$max` gives the same standing whatever comes
twice, late or out of order. Equal points and equal seconds share a rank; who finished
earlier is only listed first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# 400 half points, a day and its grace in seconds, 366 days in milliseconds.
HALF_POINTS_BITS = 9
TIME_BITS = 17
FINISH_BITS = 35
HALF_POINTS_MAX = (1 << HALF_POINTS_BITS) - 1
TIME_SECONDS_MAX = (1 << TIME_BITS) - 1
FINISH_MS_MAX = (1 << FINISH_BITS) - 1
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """What an order stands for."""

    half_points: int
    time_used_seconds: int
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A participant's best result and its rank, 1 at the top."""

    rank: int
    participant_id: str
    place: Place


def order(half_points: int, time_used_seconds: int, finished_at: datetime, opens_at: datetime) -> int:
    """
    The number that orders a result, higher is better; fits a signed 64-bit integer.

    Args:
        half_points: half points, 0 to `HALF_POINTS_MAX`.
        time_used_seconds: whole seconds; clipped to `TIME_SECONDS_MAX`.
        opens_at: the quiz's opening, from which `finished_at` is counted in milliseconds.
    """
    finish_ms: int = (finished_at - opens_at) // MILLISECOND
    time = TIME_SECONDS_MAX - min(max(time_used_seconds, 0), TIME_SECONDS_MAX)
    finish = FINISH_MS_MAX - min(max(finish_ms, 0), FINISH_MS_MAX)
    return (half_points << (TIME_BITS + FINISH_BITS)) | (time << FINISH_BITS) | finish


def place(order_: int, opens_at: datetime) -> Place:
    """What an order stands for."""
    return Place(
        half_points=order_ >> (TIME_BITS + FINISH_BITS),
        time_used_seconds=TIME_SECONDS_MAX - ((order_ >> FINISH_BITS) & TIME_SECONDS_MAX),
        finished_at=opens_at + timedelta(milliseconds=FINISH_MS_MAX - (order_ & FINISH_MS_MAX)),
    )


def least_better(order_: int) -> int:
    """The least order that ranks before this one: more points, or equal points in less time."""
    return ((order_ >> FINISH_BITS) + 1) << FINISH_BITS


def ranked(best_first: Sequence[tuple[str, int]], opens_at: datetime) -> list[Standing]:
    """
    Give (participant, order) pairs their ranks: ties share one, the next counts them (1, 2, 2, 4).

    `best_first` starts with the best of all.
    """
    standings: list[Standing] = []
    for position, (participant_id, order_) in enumerate(best_first, start=1):
        tied = standings and order_ >> FINISH_BITS == best_first[position - 2][1] >> FINISH_BITS
        rank = standings[-1].rank if tied else position
        standings.append(Standing(rank, participant_id, place(order_, opens_at)))
    return standings
