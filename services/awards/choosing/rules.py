"""Who becomes a candidate, and who wins. All functions are pure."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from services.awards.judging.ranking import Ranked
from services.awards.selections.rules import Selection, candidates_min
from shared.runtime.errors import Conflict, Rejected

MEMBERS_MAX = 1_000
# Of candidates, and of the votes about them. They do not change once they are published.
VERSION = 1


class Row(msgspec.Struct, frozen=True):
    """A nominee in the ranking as published."""

    rank: int
    participant_id: str
    score: str
    experts: int


class Ballot(msgspec.Struct, frozen=True):
    """How the committee has voted about a candidate."""

    participant_id: str
    votes_for: int
    against: int
    abstained: int


class Verdict(msgspec.Struct, frozen=True):
    """
    What the committee has decided.

    Attributes:
        left_out: candidates against whom an objection was upheld, or who have withdrawn.
    """

    members: int
    votes: tuple[Ballot, ...]
    left_out: tuple[str, ...]
    winners: tuple[str, ...]
    decided_at: datetime


class Choice(msgspec.Struct, frozen=True):
    """The candidates of a selection, and what was decided about them."""

    selection_id: str
    ranking: tuple[Row, ...]
    candidates: tuple[str, ...]
    shortlisted_at: datetime
    notice_until: datetime
    verdict: Verdict | None = None


def candidates_of(
    selection: Selection, ranking: Sequence[Ranked], named: Collection[str] | None, *, allow_fewer: bool
) -> tuple[str, ...]:
    """
    The candidates, best first.

    Args:
        named: only these; None: the first of the ranking, as many as there may be.
        allow_fewer: fewer than a fifth more than places.

    Raises:
        Conflict: a tie does not fit, or there are too few.
        Rejected: somebody is named who is not in the ranking, or not all who are better; or too many.
    """
    most = selection.candidates_at_most
    if named is None:
        chosen = [one.participant_id for one in ranking[:most]]
        if len(ranking) > most and ranking[most].rank == ranking[most - 1].rank:
            raise Conflict(
                f"a tie at rank {ranking[most].rank} has more than the {most} candidates: "
                "name the candidates, with all of this rank or none",
                code="candidates_tied",
                rank=ranking[most].rank,
                most=most,
            )
    else:
        chosen = [one.participant_id for one in ranking if one.participant_id in named]
        _check_named(ranking, named, chosen, most)
    least = candidates_min(selection.places)
    if not chosen or (len(chosen) < least and not allow_fewer):
        raise Conflict(
            f"{selection.places} places need at least {least} candidates, and there are {len(chosen)}; "
            "`allow_fewer` accepts that, if there is one at all",
            code="shortlist_too_short",
            places=selection.places,
            least=least,
        )
    return tuple(chosen)


def _check_named(ranking: Sequence[Ranked], named: Collection[str], chosen: Sequence[str], most: int) -> None:
    if len(chosen) < len(set(named)):
        raise Rejected("somebody named is not in the ranking", code="candidate_not_ranked")
    if len(chosen) > most:
        raise Rejected(f"there are at most {most} candidates", code="too_many_candidates", most=most)
    worst = max((one.rank for one in ranking if one.participant_id in named), default=0)
    if any(one.rank <= worst and one.participant_id not in named for one in ranking):
        raise Rejected(
            "somebody who is ranked as well as a named candidate, or better, is not named",
            code="candidate_passed_over",
        )


def check_votes(candidates: Collection[str], votes: Sequence[Ballot], members: int) -> None:
    """
    Check that the committee has voted about each of these candidates, and about nobody else.

    Raises:
        Rejected: it has not, or there are more votes than members.
    """
    about = [one.participant_id for one in votes]
    if sorted(about) != sorted(candidates):
        raise Rejected(
            "give the votes about each candidate who has neither withdrawn nor lost by an objection, "
            "and about nobody else",
            code="votes_differ",
        )
    if any(one.votes_for + one.against + one.abstained > members for one in votes):
        raise Rejected(f"a candidate has more votes than {members} members", code="votes_too_many")


def winners_of(votes: Sequence[Ballot], members: int, places: int) -> tuple[str, ...]:
    """
    Who has the votes of more than half of all members, most votes first, at most so many as places.

    Raises:
        Conflict: there are more, and those at the border have equally many votes.
    """
    elected = sorted(
        (one for one in votes if 2 * one.votes_for > members),
        key=lambda one: (-one.votes_for, one.participant_id),
    )
    if len(elected) > places and elected[places].votes_for == elected[places - 1].votes_for:
        raise Conflict(
            f"more candidates than places have {elected[places].votes_for} votes: vote again about these",
            code="votes_tied",
            votes=elected[places].votes_for,
        )
    return tuple(one.participant_id for one in elected[:places])
