"""Who is due an award by which rule. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.awards.schemes import PassMark, RankTiers, Scheme, Tier
from shared.contracts.events import AwardKind, FinalStanding
from shared.runtime.errors import Rejected


# Structs, since every result makes some: a frozen dataclass costs four times as much to make.
class Due(msgspec.Struct, frozen=True):
    """An award that a rule or an organiser grants, before it is looked up or issued."""

    scheme: Scheme
    recipient_id: str
    cause: str
    tier: str | None = None
    note: str | None = None


class Award(msgspec.Struct, frozen=True):
    """
    An award as it was issued; a revoked one stays, with when and why.

    `relayed`: the outbox tells of it, so no consumer has to.
    """

    award_id: str
    award_code: str
    scheme_id: str
    scheme_title: str
    kind: AwardKind
    tier: str | None
    recipient_id: str
    cause: str
    issued_at: datetime
    relayed: bool
    note: str | None = None
    revoked_at: datetime | None = None
    reason: str | None = None

    @property
    def held(self) -> bool:
        """Whether it still holds."""
        return self.revoked_at is None


class Result(msgspec.Struct, frozen=True):
    """A graded attempt, as far as awards look at it."""

    result_id: str
    quiz_id: str
    participant_id: str
    score_percent: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A quiz's final standings: the best of `participants` in all."""

    quiz_id: str
    participants: int
    standings: Sequence[FinalStanding]


def due_by_pass_mark(result: Result, schemes: Iterable[Scheme]) -> Iterator[Due]:
    """What a result earns by those of the schemes whose mark it reaches; exactly the mark passes."""
    for scheme in schemes:
        rule = scheme.rule
        if not isinstance(rule, PassMark) or rule.quiz_id != result.quiz_id:
            continue
        if result.score_percent >= rule.score_percent:
            yield Due(scheme, result.participant_id, cause=result.result_id)


def due_by_rank(closing: Closing, scheme: Scheme) -> list[Due]:
    """
    What the final standings earn by a scheme of tiers, best rank first.

    A tier goes to everyone whose rank is within its places and those of the tiers
    before it, so a tie at the edge widens the better tier and empties the next: two
    golds and a tie for second make three golds and no silver.

    Raises:
        Rejected: someone whom the closing does not list may be due an award.

    Source: DOMjudge, medals; docs/decisions/0009-award-ids-and-ties.md
    """
    rule = scheme.rule
    if not isinstance(rule, RankTiers) or rule.quiz_id != closing.quiz_id:
        return []
    ranked = sorted(closing.standings, key=lambda standing: (standing.rank, standing.participant_id))
    if closing.participants > len(ranked) and (not ranked or ranked[-1].rank <= rule.places):
        raise Rejected(
            f"scheme {scheme.scheme_id} awards {rule.places} places, but the closing of {closing.quiz_id} "
            f"lists {len(ranked)} of {closing.participants} participants",
            code="standings_too_short",
        )
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
    """The name of the tier that a rank (from 1, equal for equals) falls into, if any."""
    places = 0
    for tier in tiers:
        places += tier.places
        if rank <= places:
            return tier.tier
    return None
