"""Who is due an award by which rule. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.awards.schemes.rules import PassMark, RankTiers, Scheme, Tier
from shared.contracts.events import STANDINGS_MAX, AwardKind, FinalStanding
from shared.runtime.errors import Rejected

# The first version of an award; nothing but its revocation changes it.
ISSUED = 1


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

    `relayed`: the outbox tells of it, so no consumer has to. `version` counts its changes: 1 when it
    was issued, 2 when it was revoked.
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
    version: int = ISSUED
    note: str | None = None
    revoked_at: datetime | None = None
    reason: str | None = None

    @property
    def held(self) -> bool:
        """Whether it still holds."""
        return self.revoked_at is None


class Result(msgspec.Struct, frozen=True):
    """A graded attempt, as far as awards look at it: `points` of `points_max`, in halves."""

    result_id: str
    quiz_id: str
    participant_id: str
    points: float
    points_max: float
    time_used_seconds: int
    completed_at: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """A quiz's final standings: the best of `participants` in all, best first."""

    quiz_id: str
    participants: int
    standings: Sequence[FinalStanding]

    @property
    def last(self) -> FinalStanding | None:
        """The last standing that is listed."""
        return max(self.standings, key=lambda standing: standing.rank, default=None)


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
    What the standings that are listed earn by a scheme of tiers, best rank first.

    A tier goes to everyone whose rank is within its places and those of the tiers
    before it, so a tie at the edge widens the better tier and empties the next: two
    golds and a tie for second make three golds and no silver. A rank alone tells the
    tier, so these awards are certain, whoever is not listed: see `is_open`.

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


def is_open(closing: Closing, scheme: Scheme) -> bool:
    """Whether someone whom the closing does not list may be due an award by rank too."""
    rule = scheme.rule
    if not isinstance(rule, RankTiers) or rule.quiz_id != closing.quiz_id:
        return False
    last = closing.last
    return closing.participants > len(closing.standings) and (last is None or last.rank <= rule.places)


def due_by_tie(results: Iterable[Result], closing: Closing, scheme: Scheme) -> Iterator[Due]:
    """
    What results earn whose participants share the rank of the last standing that is listed.

    Equal points in equal time share a rank. Who is not listed and has such a result has no
    better one, or would be listed.
    """
    rule, last = scheme.rule, closing.last
    if not isinstance(rule, RankTiers) or last is None or not is_open(closing, scheme):
        return
    tier = tier_of(last.rank, rule.tiers)
    listed = {standing.participant_id for standing in closing.standings}
    tied = (last.points, last.time_used_seconds)
    for result in results:
        if (result.points, result.time_used_seconds) == tied and result.participant_id not in listed:
            yield Due(scheme, result.participant_id, cause=closing.quiz_id, tier=tier)


def is_decided_by_tie(closing: Closing, scheme: Scheme, participants: int) -> bool:
    """
    Whether nobody else can be due an award once those tied with the last listed have theirs.

    Args:
        participants: of how many participants of the quiz awards has results.
    """
    rule = scheme.rule
    # Who is not tied with the last one ranks behind the list.
    beyond = isinstance(rule, RankTiers) and len(closing.standings) >= rule.places
    return beyond and participants >= closing.participants


def check_decidable(scheme: Scheme) -> None:
    """
    Refuse what no close of a quiz could decide.

    Raises:
        Rejected: the tiers have more places than a closed quiz lists standings.
    """
    if isinstance(scheme.rule, RankTiers) and scheme.rule.places > STANDINGS_MAX:
        raise Rejected(
            f"the tiers have {scheme.rule.places} places together, and a closed quiz lists "
            f"{STANDINGS_MAX} standings at the most",
            code="places_above_standings",
            listed=STANDINGS_MAX,
        )


def tier_of(rank: int, tiers: Sequence[Tier]) -> str | None:
    """The name of the tier that a rank (from 1, equal for equals) falls into, if any."""
    places = 0
    for tier in tiers:
        places += tier.places
        if rank <= places:
            return tier.tier
    return None
