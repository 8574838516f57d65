"""What a change of results would change in awards: the use case of `POST /quizzes/{quiz_id}/previews`."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from services.awards.following.facts import FactsReader
from services.awards.following.rules import Facts, compared, earned_now, ranked_by
from services.awards.issued.codes import award_id
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.issuing.touched import Touched
from services.awards.known.rules import check_quiz
from services.awards.known.store import KnownStore
from services.awards.results.rules import Closing, Decision
from services.awards.schemes.rules import RankTiers, Scheme
from services.awards.schemes.store import SchemeStore
from shared.contracts.events import FinalStanding
from shared.runtime import clock
from shared.runtime.errors import Rejected

# Awards that are looked at for one preview: each participant has at most one by each scheme.
PREVIEWED_AWARDS_MAX = 20_000

Effect = Literal["issued", "revoked", "upgraded", "downgraded", "not_earned"]
"""What would become of an award: a field of `Outcome`."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """
    What would be different.

    Attributes:
        points: by result, the points that it would have.
        participants: those whose results these are.
        disqualified: the participants who would be disqualified.
        standings: the final standings, if they would be others.
    """

    points: Mapping[str, float]
    participants: Collection[str]
    disqualified: Collection[str]
    standings: Sequence[FinalStanding] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would become of the awards of one scheme. `not_earned`: they are kept, and not earned."""

    scheme: Scheme
    issued: int = 0
    revoked: int = 0
    upgraded: int = 0
    downgraded: int = 0
    not_earned: int = 0


class Previews:
    """Computes what would change, and changes nothing."""

    def __init__(
        self,
        known: KnownStore,
        facts: FactsReader,
        schemes: SchemeStore,
        awards: AwardStore,
        touched: Touched,
    ) -> None:
        self._known = known
        self._facts = facts
        self._schemes = schemes
        self._awards = awards
        self._touched = touched

    async def preview(self, quiz_id: str, supposed: Supposed) -> list[Outcome]:
        """
        What would become of the awards of each scheme of a quiz.

        Raises:
            NotFound: the quiz is not known.
            Rejected: more than `PREVIEWED_AWARDS_MAX` awards are concerned.
        """
        check_quiz(quiz_id, known=await self._known.has_quiz(quiz_id))
        schemes = sorted(await self._schemes.of_quizzes([quiz_id]), key=lambda scheme: scheme.scheme_id)
        people = {*supposed.participants, *supposed.disqualified}
        closing = None
        if supposed.standings is not None:
            closing = Closing(quiz_id, len(supposed.standings), supposed.standings)
            people |= {one for _, one in await self._touched.by_closing(closing, schemes)}
        if len(people) * len(schemes) > PREVIEWED_AWARDS_MAX:
            raise Rejected(
                f"{len(people)} participants and {len(schemes)} schemes are more than one preview takes",
                code="preview_too_large",
                awards=PREVIEWED_AWARDS_MAX,
            )
        people -= await self._known.erased(people)
        facts = await self._facts.of_participants(quiz_id, sorted(people), schemes)
        facts = supposing(facts, supposed, closing, schemes)
        now = clock.now()
        return [await self._of_scheme(scheme, people, facts, now) for scheme in schemes]

    async def _of_scheme(
        self, scheme: Scheme, people: Collection[str], facts: Facts, now: datetime
    ) -> Outcome:
        existing = await self._awards.find([award_id(scheme.scheme_id, one) for one in people])
        changes: Counter[str] = Counter()
        for one in people:
            award = existing.get(award_id(scheme.scheme_id, one))
            if effect := effect_on(scheme, one, facts, award, now):
                changes[effect] += 1
        return Outcome(scheme, **changes)


def supposing(facts: Facts, supposed: Supposed, closing: Closing | None, schemes: Sequence[Scheme]) -> Facts:
    """The facts as they would be."""
    results = {
        one: [
            replace(result, points=supposed.points.get(result.result_id, result.points)) for result in theirs
        ]
        for one, theirs in facts.results.items()
    }
    barred = {one: Decision(facts.quiz_id, one, 1, disqualified=True) for one in supposed.disqualified}
    return Facts(
        facts.quiz_id,
        results,
        {**facts.decisions, **barred},
        closing or facts.closing,
        ranked_by(closing, schemes, facts.left_out) if closing else facts.by_rank,
        facts.ties_decided,
        facts.left_out,
    )


def effect_on(
    scheme: Scheme, participant_id: str, facts: Facts, award: Award | None, now: datetime
) -> Effect | None:
    """What would become of the award of a participant; None: it stays as it is."""
    earned = earned_now(scheme, participant_id, facts, award)
    if award is None:
        # What a scheme with a notice issues is proposed first.
        return "issued" if earned.due and not scheme.notice else None
    change = compared(award, earned, scheme, now)
    if (after := change.after) is None:
        return "not_earned" if any(change.note) else None
    if not after.is_valid:
        return "revoked"
    if not award.is_valid:
        return "issued"
    places = [tier.tier for tier in scheme.rule.tiers] if isinstance(scheme.rule, RankTiers) else []
    return "upgraded" if places.index(after.tier or "") < places.index(award.tier or "") else "downgraded"
