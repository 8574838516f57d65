"""
Who is due an award by which rule. Pure.

- `due_by_conferral`: an organiser names the recipient.
- `due_by_pass_mark`: a result reaches a mark.
- `due_by_rank`, `tier_of`: prizes by rank, and what a tie does.
- `is_too_short`, `due_by_tie`, `tie_is_decided`: a tie that goes on behind the end of the listed standings.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from services.awards.issued.codes import award_id
from services.awards.results.rules import Closing, Result
from services.awards.schemes.rules import Conferred, PassMark, RankTiers, Scheme, Tier
from shared.runtime.errors import Rejected


# A struct, since every result makes some: a frozen dataclass costs four times as much to make.
class Due(msgspec.Struct, frozen=True):
    """An award that a rule or an organiser grants, before it is looked up or issued."""

    scheme: Scheme
    recipient_id: str
    cause: str
    tier: str | None = None
    note: str | None = None


def due_by_conferral(scheme: Scheme, recipient_id: str, note: str | None) -> Due:
    """
    What an organiser confers.

    Raises:
        Rejected: the scheme's awards follow from a rule, not from an organiser.
    """
    if not isinstance(scheme.rule, Conferred):
        raise Rejected(
            f"awards of scheme {scheme.scheme_id} follow from its rule; nobody confers them",
            code="scheme_not_conferred",
        )
    cause = award_id(scheme.scheme_id, recipient_id)
    return Due(scheme, recipient_id, cause=cause, note=note)


def due_by_pass_mark(result: Result, schemes: Iterable[Scheme]) -> Iterator[Due]:
    """What a result earns by those of the schemes whose mark its points reach; exactly the mark passes."""
    for scheme in schemes:
        rule = scheme.rule
        if not isinstance(rule, PassMark) or rule.quiz_id != result.quiz_id:
            continue
        # Points are halves and a percentage is whole: both products are exact.
        if result.points_max > 0 and result.points * 100 >= rule.score_percent * result.points_max:
            yield Due(scheme, result.participant_id, cause=result.result_id)


def due_by_rank(closing: Closing, scheme: Scheme) -> list[Due]:
    """
    What the listed standings earn by a scheme of tiers, best rank first.

    The tie policy: a tier goes to everyone whose rank is within its places and those of the tiers before it.
    So a tie at the edge makes the better tier larger and the next one smaller: two golds and a tie for second
    are three golds and no silver.

    The rank alone decides the tier. So these awards are certain, whoever is not listed: see `is_too_short`.

    Source: DOMjudge, medals; docs/decisions/0018-ties-at-the-end-of-the-list.md
    """
    rule = scheme.rule
    if not isinstance(rule, RankTiers) or rule.quiz_id != closing.quiz_id:
        return []
    ranked = sorted(closing.standings, key=lambda standing: (standing.rank, standing.participant_id))
    due: dict[str, Due] = {}
    for standing in ranked:
        tier = tier_of(standing.rank, rule.tiers)
        if tier is not None:
            due.setdefault(
                standing.participant_id,
                Due(scheme, standing.participant_id, cause=closing.quiz_id, tier=tier),
            )
    return list(due.values())


def tier_of(rank: int, tiers: Sequence[Tier]) -> str | None:
    """The name of the tier that a rank falls into, if any. Ranks begin with 1, and equals share one."""
    places = 0
    for tier in tiers:
        places += tier.places
        if rank <= places:
            return tier.tier
    return None


def is_too_short(closing: Closing, scheme: Scheme) -> bool:
    """Whether somebody whom the closing does not list may be due an award by rank too."""
    rule = scheme.rule
    if not isinstance(rule, RankTiers) or rule.quiz_id != closing.quiz_id:
        return False
    last = closing.last
    return closing.participants > len(closing.standings) and (last is None or last.rank <= rule.places)


def why_too_short(closing: Closing) -> str:
    """Why somebody may still be due an award, where `is_too_short`."""
    return (
        f"the closing of {closing.quiz_id} lists {len(closing.standings)} of {closing.participants} "
        "participants, and others may share the last rank"
    )


def due_by_tie(results: Iterable[Result], closing: Closing, scheme: Scheme) -> Iterator[Due]:
    """
    What those results earn that share the rank of the last listed standing.

    Equal points in equal time share a rank. A participant who is not listed and has such a result has no
    better one, or would be listed.
    """
    rule, last = scheme.rule, closing.last
    if not isinstance(rule, RankTiers) or last is None or not is_too_short(closing, scheme):
        return
    tier = tier_of(last.rank, rule.tiers)
    listed = {standing.participant_id for standing in closing.standings}
    tied = (last.points, last.time_used_seconds)
    for result in results:
        if (result.points, result.time_used_seconds) == tied and result.participant_id not in listed:
            yield Due(scheme, result.participant_id, cause=closing.quiz_id, tier=tier)


def tie_is_decided(closing: Closing, scheme: Scheme, participants: int) -> bool:
    """
    Whether nobody else can be due an award, once all that `due_by_tie` finds is issued.

    Args:
        participants: of how many participants of the quiz awards has results.
    """
    rule = scheme.rule
    # Whoever is not tied with the last one ranks behind the list.
    whole = isinstance(rule, RankTiers) and len(closing.standings) >= rule.places
    return whole and participants >= closing.participants
