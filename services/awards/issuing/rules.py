"""
Who should get an award. All functions are pure.

- `due_by_conferral`: an organiser names the recipient.
- `due_by_pass_mark`: a result reaches a mark.
- `due_by_rank`: prizes by rank, and what a tie at the end of a tier does.
- `list_may_miss_winners`, `due_by_tie_after_list`, `tie_is_decided`: a tie that goes on after the list ends.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

import msgspec

from services.awards.issued.codes import award_id
from services.awards.results.rules import Closing, Result
from services.awards.schemes.rules import Conferred, PassMark, RankTiers, Scheme, Tier, check_announced
from shared.contracts.events import FinalStanding
from shared.runtime.errors import Conflict, Rejected


class Propose(Protocol):
    """
    Says that who is due by these schemes may have changed. They issue after a notice (room `proposals`).
    """

    async def __call__(self, scheme_ids: Collection[str], *, closed: bool) -> None:
        """
        Args:
            closed: their quiz is closed. Before the close nothing is proposed.
        """


# A struct, because each result makes some of them. A frozen dataclass would cost four times as much.
class PlannedAward(msgspec.Struct, frozen=True):
    """An award that a rule or an organiser decided, before we check if it exists."""

    scheme: Scheme
    recipient_id: str
    cause: str
    tier: str | None = None
    note: str | None = None
    shared: bool = False


def check_issued_at_once(scheme: Scheme) -> None:
    """
    Raises:
        Conflict: its awards are issued after a notice only, or it is a draft.
    """
    check_announced(scheme)
    if scheme.notice is not None:
        raise Conflict(
            f"scheme {scheme.scheme_id} issues its awards after a public notice: propose the recipients",
            code="scheme_after_notice",
        )


def due_by_conferral(scheme: Scheme, recipient_id: str, note: str | None) -> PlannedAward:
    """
    The award that an organiser confers.

    Raises:
        Rejected: the scheme's awards follow from a rule, not from an organiser.
    """
    if not isinstance(scheme.rule, Conferred):
        raise Rejected(
            f"awards of scheme {scheme.scheme_id} follow from its rule; nobody confers them",
            code="scheme_not_conferred",
        )
    cause = award_id(scheme.scheme_id, recipient_id)
    return PlannedAward(scheme, recipient_id, cause=cause, note=note)


def due_by_pass_mark(result: Result, schemes: Iterable[Scheme]) -> Iterator[PlannedAward]:
    """The awards of a result: one for each scheme where the points are at least the pass mark."""
    for scheme in schemes:
        rule = scheme.rule
        if not isinstance(rule, PassMark) or rule.quiz_id != result.quiz_id:
            continue
        # Points are half numbers and a percentage is whole, so both products are exact.
        if result.points_max > 0 and result.points * 100 >= rule.score_percent * result.points_max:
            yield PlannedAward(scheme, result.participant_id, cause=result.result_id)


def due_by_rank(
    closing: Closing, scheme: Scheme, barred: Collection[str] = frozenset()
) -> list[PlannedAward]:
    """
    The awards of the listed standings by a scheme of tiers, best rank first.

    A tier goes to everyone whose rank is within its places and those of the tiers before it. So a tie at the
    end of a tier makes this tier larger and the next one smaller. Example: with two places for gold and one
    for silver, a tie at rank 2 makes three golds and no silver. `ties` of the rule says what else may happen
    there: the gold is shared, who finished earlier has the better rank, or nobody in the tie is due before
    lots are drawn.

    Only the rank decides the tier. So these awards are certain, even if the list is not complete: see
    `list_may_miss_winners`.

    Args:
        barred: they get nothing, since an objection was upheld or an organiser has revoked their award
            (`places.py`). If the scheme says `next_in_rank`, others move up (`tier_moved_up`).

    Source: DOMjudge, medals; docs/decisions/0009-award-ids-and-ties.md, point 6 (the end of a tier);
    0018-ties-at-the-end-of-the-list.md (the end of the list); 0082-ties-of-tiers.md (`ties`)
    """
    rule = scheme.rule
    if not isinstance(rule, RankTiers) or rule.quiz_id != closing.quiz_id:
        return []
    ranked = ranked_by(rule, closing)
    gone = [one.rank for one in ranked if one.participant_id in barred]
    due: dict[str, PlannedAward] = {}
    for one in ranked:
        if one.participant_id in barred:
            continue
        tier = tier_of(one.rank, rule.tiers)
        if gone and rule.next_in_rank:
            tier = tier_moved_up(one.rank, gone, scheme)
        crosses = rule.ties in ("share", "lots") and _crosses(one, closing, rule)
        if tier is not None and not (crosses and rule.ties == "lots"):
            planned = PlannedAward(
                scheme, one.participant_id, cause=closing.quiz_id, tier=tier, shared=crosses
            )
            due.setdefault(one.participant_id, planned)
    return list(due.values())


class Ranked(NamedTuple):
    """
    A listed participant by a scheme's rule.

    Attributes:
        of: how many of the list have this rank.
        is_last: no worse rank is listed.
    """

    participant_id: str
    rank: int
    of: int
    is_last: bool


def ranked_by(rule: RankTiers, closing: Closing) -> list[Ranked]:
    """The listed standings, best first; with `earlier_finish` who finished earlier is before the others."""
    by_place = _by_finish if rule.ties == "earlier_finish" else _by_rank
    groups = [
        list(same)
        for _, same in groupby(
            sorted(closing.standings, key=lambda one: (*by_place(one), one.participant_id)), by_place
        )
    ]
    found: list[Ranked] = []
    of_rank, before = 0, 0
    for number, same in enumerate(groups, 1):
        # Whoever has the same rank in the closing, and finished earlier, is before these.
        of_rank, before = same[0].rank, before if same[0].rank == of_rank else 0
        is_last = number == len(groups)
        found += [Ranked(one.participant_id, of_rank + before, len(same), is_last) for one in same]
        before += len(same)
    return found


class Lot(NamedTuple):
    """
    A tie that lots decide.

    Attributes:
        tier: the tier at whose end it is.
        prizes: the places that are left for those in it, best tier first.
        listed: who is in it, as far as the closing lists them.
        goes_on: others are in it whom the closing does not list.
    """

    tier: str
    rank: int
    listed: tuple[str, ...]
    prizes: tuple[tuple[str, int], ...]
    goes_on: bool


def lots_of(closing: Closing, scheme: Scheme) -> list[Lot]:
    """The ties that lots have to decide, best rank first."""
    rule = scheme.rule
    if not isinstance(rule, RankTiers) or rule.ties != "lots" or rule.quiz_id != closing.quiz_id:
        return []
    found: list[Lot] = []
    for rank, of_rank in groupby(ranked_by(rule, closing), lambda one: one.rank):
        same = list(of_rank)
        if not _crosses(same[0], closing, rule):
            continue
        goes_on = same[0].is_last and closing.participants > len(closing.standings)
        end = rule.places if goes_on else rank - 1 + len(same)
        prizes, places = [], 0
        for tier in rule.tiers:
            left = min(places + tier.places, end) - max(places, rank - 1)
            places += tier.places
            if left > 0:
                prizes.append((tier.tier, left))
        names = tuple(one.participant_id for one in same)
        found.append(Lot(prizes[0][0], rank, names, tuple(prizes), goes_on))
    return found


def _by_rank(standing: FinalStanding) -> tuple[int, float]:
    return standing.rank, 0.0


def _by_finish(standing: FinalStanding) -> tuple[int, float]:
    # Without a time nobody in the tie is before the others.
    return standing.rank, standing.finished_at.timestamp() if standing.finished_at else 0.0


def _crosses(one: Ranked, closing: Closing, rule: RankTiers) -> bool:
    """True if more people share this rank than its tier has places left."""
    places = 0
    for tier in rule.tiers:
        places += tier.places
        if one.rank <= places:
            goes_on = one.is_last and closing.participants > len(closing.standings)
            return goes_on or one.rank - 1 + one.of > places
    return False


def tier_of(rank: int, tiers: Sequence[Tier]) -> str | None:
    """
    The name of the tier that a rank falls into, if any.

    Ranks begin with 1, and participants in a tie share one.
    """
    places = 0
    for tier in tiers:
        places += tier.places
        if rank <= places:
            return tier.tier
    return None


def tier_moved_up(rank: int, gone: Sequence[int], scheme: Scheme) -> str | None:
    """
    The tier of a rank if those with better ranks among `gone` are left out.

    Whoever has a tier keeps it, and whoever moves up gets the last tier: nobody overtakes a better rank. If
    the scheme follows the results, everybody behind moves up by one rank for each who is left out.
    """
    rule = scheme.rule
    assert isinstance(rule, RankTiers)  # noqa: S101 (only ranks move up)
    moved = tier_of(rank - sum(1 for one in gone if one < rank), rule.tiers)
    if scheme.follows or moved is None:
        return moved
    return tier_of(rank, rule.tiers) or rule.tiers[-1].tier


def list_may_miss_winners(closing: Closing, scheme: Scheme) -> bool:
    """True if somebody who is not listed in the closing may get an award by rank too."""
    rule = scheme.rule
    if not isinstance(rule, RankTiers) or rule.quiz_id != closing.quiz_id:
        return False
    if closing.participants <= len(closing.standings):
        return False
    last = last_rank(rule, closing)
    # A tie that passes the end of the list passes the end of a tier too: lots decide it.
    return last is None or (
        last <= rule.places and not (rule.ties == "lots" and tie_can_be_decided(closing, scheme))
    )


def last_rank(rule: RankTiers, closing: Closing) -> int | None:
    """The last listed rank by a scheme's rule."""
    if rule.ties != "earlier_finish":
        return closing.last.rank if closing.last else None
    return max((one.rank for one in ranked_by(rule, closing)), default=None)


def why_list_may_miss_winners(closing: Closing) -> str:
    """Why somebody who is not listed may still get an award."""
    return (
        f"the closing of {closing.quiz_id} lists {len(closing.standings)} of {closing.participants} "
        "participants, and others may share the last rank"
    )


def due_by_tie_after_list(
    results: Iterable[Result], closing: Closing, scheme: Scheme
) -> Iterator[PlannedAward]:
    """
    The awards of the results that share the rank of the last listed standing.

    The closing says who shares a rank. All better results that count are listed.

    Args:
        results: those that count. If only the first or the last attempt does, others may be better.
    """
    rule, last = scheme.rule, closing.last
    if not isinstance(rule, RankTiers) or last is None or not list_may_miss_winners(closing, scheme):
        return
    if rule.ties == "lots":
        return
    tier = tier_of(last_rank(rule, closing) or 0, rule.tiers)
    listed = {standing.participant_id for standing in closing.standings}
    finished_at = max(
        (one.finished_at for one in closing.standings if one.rank == last.rank and one.finished_at),
        default=None,
    )
    for result in results:
        if not closing.ties_with_last(result) or result.participant_id in listed:
            continue
        if rule.ties == "earlier_finish" and finished_at and result.completed_at != finished_at:
            continue
        yield PlannedAward(
            scheme,
            result.participant_id,
            cause=closing.quiz_id,
            tier=tier,
            shared=rule.ties == "share",
        )


def tie_is_decided(closing: Closing, scheme: Scheme, participants: int) -> bool:
    """
    True if nobody else can get an award by rank, after the awards of `due_by_tie_after_list` are issued.

    Args:
        participants: number of participants with a result in awards.
    """
    return tie_can_be_decided(closing, scheme) and all_results_are_there(closing, participants)


def tie_can_be_decided(closing: Closing, scheme: Scheme) -> bool:
    """True if only those who share the last listed rank can still get an award by rank."""
    rule = scheme.rule
    # Of those who are not listed, only the ones in this tie share the last rank. All others rank after it.
    return isinstance(rule, RankTiers) and len(closing.standings) >= rule.places


def all_results_are_there(closing: Closing, participants: int) -> bool:
    """True if awards has results of as many participants as the closing counts."""
    return participants >= closing.participants
