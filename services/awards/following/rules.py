"""
What the results of now earn, and what that changes in an award. All functions are pure.

- `earned_now`: the award that a participant should have from a scheme.
- `compared`: what becomes of the award that is there.

Source: docs/decisions/0063-awards-that-follow.md
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.awards.issued.rules import Award, Unearned, issued_again, taken_back
from services.awards.issuing.rules import (
    PlannedAward,
    due_by_pass_mark,
    due_by_rank,
    due_by_tie_after_list,
    list_may_miss_winners,
)
from services.awards.results.rules import Closing, Decision, Result, counts, ranked_among
from services.awards.schemes.rules import PassMark, Scheme


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of a quiz and of some of its participants.

    Attributes:
        results: all results of these participants that are kept, in the order of their submission.
        by_rank: what the standings of the closing earn, by scheme and participant.
        left_out: by scheme, who has left a place to the next in rank, and who cannot move up.
        ties_decided: the schemes for which the tie at the end of the list is decided.
    """

    quiz_id: str
    results: Mapping[str, Sequence[Result]]
    decisions: Mapping[str, Decision]
    closing: Closing | None
    by_rank: Mapping[tuple[str, str], PlannedAward]
    ties_decided: frozenset[str] = frozenset()
    left_out: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EarnedNow:
    """
    What a participant should have from a scheme.

    Attributes:
        due: the award; None if there should be none.
        why: why there should be none.
        is_certain: False if what had earned the award is not kept any more. Then the award stays as it is.
    """

    due: PlannedAward | None
    why: Unearned = "not_earned"
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Compared:
    """
    What becomes of an award.

    Attributes:
        after: the changed award, in its next version. None: it does not change.
        note: for organisers: why a held award is not earned, or the tier that is earned. Both None: nothing.
    """

    after: Award | None = None
    note: tuple[Unearned | None, str | None] = (None, None)


def ranked_by(
    closing: Closing | None, schemes: Iterable[Scheme], left_out: Mapping[str, Collection[str]]
) -> dict[tuple[str, str], PlannedAward]:
    """What the standings of a closing earn, by scheme and participant."""
    if closing is None:
        return {}
    return {
        (scheme.scheme_id, due.recipient_id): due
        for scheme in schemes
        for due in due_by_rank(closing, scheme, left_out.get(scheme.scheme_id, ()))
    }


def earned_now(scheme: Scheme, participant_id: str, facts: Facts, award: Award | None) -> EarnedNow:
    """
    What the results of now earn.

    A pass mark is reached if one result that counts reaches it. Prizes follow from the standings of the
    closing with the highest version. A disqualified participant earns nothing, also if the standings still
    list this participant.

    Args:
        award: the award that the participant has or had from this scheme.
    """
    decision = facts.decisions.get(participant_id)
    results = facts.results.get(participant_id, ())
    if decision is not None and decision.disqualified:
        return EarnedNow(None, "disqualified")
    if isinstance(scheme.rule, PassMark):
        return _by_pass_mark(scheme, results, decision, award)
    if facts.closing is None:
        return EarnedNow(None)
    return _by_rank(scheme, participant_id, facts.closing, facts, award)


def _by_pass_mark(
    scheme: Scheme, results: Sequence[Result], decision: Decision | None, award: Award | None
) -> EarnedNow:
    passing = [due for result in results for due in due_by_pass_mark(result, [scheme])]
    counting = [due for due in passing if counts(due.cause, decision)]
    if counting:
        return EarnedNow(counting[0])
    # Results are kept for some months only.
    is_certain = award is None or any(result.result_id == award.cause for result in results)
    return EarnedNow(None, "disqualified" if passing else "not_earned", is_certain)


def _by_rank(
    scheme: Scheme, participant_id: str, closing: Closing, facts: Facts, award: Award | None
) -> EarnedNow:
    if ranked := facts.by_rank.get((scheme.scheme_id, participant_id)):
        return EarnedNow(ranked)
    is_listed = any(standing.participant_id == participant_id for standing in closing.standings)
    if is_listed or not list_may_miss_winners(closing, scheme):
        return EarnedNow(None)
    results = facts.results.get(participant_id, ())
    decision = facts.decisions.get(participant_id)
    counting = [result for result in results if counts(result.result_id, decision)]
    tied = due_by_tie_after_list(ranked_among(counting, closing.counts), closing, scheme)
    # Before the tie is decided, only `apply` issues to those who are not listed. What they have, they keep.
    if (due := next(tied, None)) and (award is not None or scheme.scheme_id in facts.ties_decided):
        return EarnedNow(due)
    return EarnedNow(None, is_certain=bool(results))


def compared(award: Award, earned: EarnedNow, scheme: Scheme, now: datetime) -> Compared:
    """
    What becomes of an award that is there. A missing one is simply issued.

    What an organiser has revoked stays revoked. If the scheme keeps its awards, nothing changes, and a note
    says what is not earned.
    """
    due = earned.due
    if not award.is_valid and not award.may_come_back:
        return Compared()
    if due is None:
        if not award.is_valid or not earned.is_certain:
            return Compared()
        if scheme.follows:
            return Compared(taken_back(award, earned.why, now))
        return Compared(note=(earned.why, None))
    if award.is_valid and award.tier == due.tier and (award.shared == due.shared or not scheme.follows):
        return Compared()
    if scheme.follows:
        return Compared(issued_again(award, due.cause, due.tier, now, shared=due.shared))
    return Compared(note=(None, due.tier))
