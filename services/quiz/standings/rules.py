"""
The order of results, and the policy for ties. All functions are pure.

More points come first, then less time, then who finished earlier. A result's order is one whole number, and a
participant's standing is the highest order of all results. So the standing is the same if results come twice,
late or in a different sequence.

Tie policy: equal points in equal whole seconds share a rank. The one who finished earlier is only listed
first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# The bits of an order: up to 400 half points, a day and its grace in seconds, 366 days in milliseconds.
HALF_POINTS_BITS = 9
TIME_BITS = 17
FINISH_BITS = 35
HALF_POINTS_MAX = (1 << HALF_POINTS_BITS) - 1
TIME_SECONDS_MAX = (1 << TIME_BITS) - 1
FINISH_MS_MAX = (1 << FINISH_BITS) - 1
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class OrderParts:
    """What an order is made of."""

    half_points: int
    time_used_seconds: int
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A participant's best result and its rank, 1 at the top."""

    rank: int
    participant_id: str
    parts: OrderParts


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


def parts_of(order_: int, opens_at: datetime) -> OrderParts:
    """What an order is made of."""
    return OrderParts(
        half_points=order_ >> (TIME_BITS + FINISH_BITS),
        time_used_seconds=TIME_SECONDS_MAX - ((order_ >> FINISH_BITS) & TIME_SECONDS_MAX),
        finished_at=opens_at + timedelta(milliseconds=FINISH_MS_MAX - (order_ & FINISH_MS_MAX)),
    )


def half_points_in(order_: int) -> int:
    """The half points of an order."""
    return order_ >> (TIME_BITS + FINISH_BITS)


def least_better(order_: int) -> int:
    """The lowest order with a better rank than this one: more points, or equal points in less time."""
    return ((order_ >> FINISH_BITS) + 1) << FINISH_BITS


def ranked(best_first: Sequence[tuple[str, int]], opens_at: datetime) -> list[Standing]:
    """
    Participants with their ranks: participants in a tie share a rank, and the next rank counts them (1, 2, 2,
    4).

    Args:
        best_first: participants and their orders, beginning with the best of the quiz.
    """
    standings: list[Standing] = []
    for position, (participant_id, order_) in enumerate(best_first, start=1):
        tied = standings and order_ >> FINISH_BITS == best_first[position - 2][1] >> FINISH_BITS
        rank = standings[-1].rank if tied else position
        standings.append(Standing(rank, participant_id, parts_of(order_, opens_at)))
    return standings
