"""
The order of results, and the policy for ties. All functions are pure.

More points come first, then less time, then who finished earlier. Where a quiz decides ties by the earlier
finish, the finish comes before the time. A result's order is one whole number. A participant's standing is
the order of the attempt that counts: the best, or the first or last that was handed in. So the standing is
the same if results come twice, late or in a different sequence.

Tie policy: the high bits of an order decide who shares a rank. By default equal points in equal whole seconds
share one, and the one who finished earlier is only listed first. docs/decisions/0065-ties-and-counts.md
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from services.quiz.quizzes.rules import Ranking
from shared.contracts.events import Ties

# The bits of an order: up to 400 half points, a day and its grace in seconds, 366 days in milliseconds.
HALF_POINTS_BITS = 9
TIME_BITS = 17
FINISH_BITS = 35
HALF_POINTS_MAX = (1 << HALF_POINTS_BITS) - 1
TIME_SECONDS_MAX = (1 << TIME_BITS) - 1
FINISH_MS_MAX = (1 << FINISH_BITS) - 1
MILLISECOND = timedelta(milliseconds=1)
TIME_USED: Ties = "time_used"
EARLIER_FINISH: Ties = "earlier_finish"
SHARED: Ties = "shared"
# The low bits of an order that do not decide a rank.
BITS_WITHOUT_RANK: dict[Ties, int] = {
    TIME_USED: FINISH_BITS,
    EARLIER_FINISH: TIME_BITS,
    SHARED: TIME_BITS + FINISH_BITS,
}


@dataclass(frozen=True, slots=True)
class OrderParts:
    """What an order is made of."""

    half_points: int
    time_used_seconds: int
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A participant's result that counts and its rank, 1 at the top."""

    rank: int
    participant_id: str
    parts: OrderParts


class Place(NamedTuple):
    """Where a page of standings ends: at this order, behind `passed` standings of exactly this order."""

    order: int
    passed: int


def place_behind(best_first: Sequence[tuple[str, int]], after: Place | None) -> Place:
    """
    Where the next page begins.

    Args:
        best_first: what this page shows, at least one standing.
        after: where this page began.
    """
    last = best_first[-1][1]
    passed = sum(order_ == last for _, order_ in best_first)
    return Place(last, passed + (after.passed if after and after.order == last else 0))


def order(
    half_points: int,
    time_used_seconds: int,
    finished_at: datetime,
    opens_at: datetime,
    ties: Ties = TIME_USED,
) -> int:
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
    if ties == EARLIER_FINISH:
        return (half_points << (TIME_BITS + FINISH_BITS)) | (finish << TIME_BITS) | time
    return (half_points << (TIME_BITS + FINISH_BITS)) | (time << FINISH_BITS) | finish


def parts_of(order_: int, opens_at: datetime, ties: Ties = TIME_USED) -> OrderParts:
    """What an order is made of."""
    # Moments of finishing are whole milliseconds, and the opening need not be one.
    begins = opens_at + timedelta(microseconds=-opens_at.microsecond % 1_000)
    time = order_ if ties == EARLIER_FINISH else order_ >> FINISH_BITS
    return OrderParts(
        half_points=order_ >> (TIME_BITS + FINISH_BITS),
        time_used_seconds=TIME_SECONDS_MAX - (time & TIME_SECONDS_MAX),
        finished_at=begins + timedelta(milliseconds=FINISH_MS_MAX - _earliness(order_, ties)),
    )


def half_points_in(order_: int) -> int:
    """The half points of an order."""
    return order_ >> (TIME_BITS + FINISH_BITS)


def that_counts(one: int, other: int, ranking: Ranking) -> int:
    """
    Of two orders of a participant, the one whose attempt counts.

    Repeats and any sequence give the same one. Of attempts that were handed in at the same millisecond, the
    better one counts.
    """
    if ranking.counts == "best":
        return max(one, other)
    sign = 1 if ranking.counts == "first" else -1
    return max(one, other, key=lambda order_: (sign * _earliness(order_, ranking.ties), order_))


def _earliness(order_: int, ties: Ties) -> int:
    return (order_ >> TIME_BITS if ties == EARLIER_FINISH else order_) & FINISH_MS_MAX


def least_better(order_: int, ties: Ties = TIME_USED) -> int:
    """The lowest order with a better rank than this one, such as equal points in less time."""
    bits = BITS_WITHOUT_RANK[ties]
    return ((order_ >> bits) + 1) << bits


def ranked(
    best_first: Sequence[tuple[str, int]],
    opens_at: datetime,
    ties: Ties = TIME_USED,
    *,
    position: int = 1,
    rank: int | None = None,
) -> list[Standing]:
    """
    Participants with their ranks: participants in a tie share a rank, and the next rank counts them (1, 2, 2,
    4).

    Args:
        best_first: participants and their orders.
        position: how many stand before the first one, and one more.
        rank: that of the first one, if it is not its position: somebody in its tie may stand before it.
    """
    standings: list[Standing] = []
    bits = BITS_WITHOUT_RANK[ties]
    decides: int | None = None
    for place, (participant_id, order_) in enumerate(best_first, start=position):
        if decides is None:
            rank = rank or place
        elif order_ >> bits != decides:
            rank = place
        decides = order_ >> bits
        standings.append(Standing(rank or place, participant_id, parts_of(order_, opens_at, ties)))
    return standings
