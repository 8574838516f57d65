"""The events of the candidates of a selection, and of the committee's votes."""

from collections.abc import Iterable

from services.awards.choosing.rules import VERSION, Choice, Verdict
from services.awards.judging.rules import Scores
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import (
    CandidateVotes,
    RankedNominee,
    RevealedScore,
    SelectionDecided,
    SelectionShortlisted,
)
from shared.contracts.origin import Origin
from shared.contracts.sources import AWARDS


def shortlisted(choice: Choice, scores: Iterable[Scores], origin: Origin) -> Envelope[SelectionShortlisted]:
    """The event of the candidates, with all scores that count."""
    event = SelectionShortlisted(
        selection_id=choice.selection_id,
        version=VERSION,
        ranking=tuple(
            RankedNominee(
                rank=one.rank, participant_id=one.participant_id, score=one.score, experts=one.experts
            )
            for one in choice.ranking
        ),
        candidates=choice.candidates,
        scores=tuple(
            RevealedScore(
                expert_id=one.expert_id,
                participant_id=one.participant_id,
                version=one.last.version,
                salt=one.last.salt,
                points=one.last.points,
            )
            for one in scores
        ),
        shortlisted_at=choice.shortlisted_at,
        notice_until=choice.notice_until,
    )
    return enclose(
        event,
        source=AWARDS,
        cause=choice.selection_id,
        now=choice.shortlisted_at,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )


def decided(selection_id: str, verdict: Verdict, origin: Origin) -> Envelope[SelectionDecided]:
    """The event of the committee's votes."""
    event = SelectionDecided(
        selection_id=selection_id,
        version=VERSION,
        members=verdict.members,
        votes=tuple(
            CandidateVotes(
                participant_id=one.participant_id,
                votes_for=one.votes_for,
                against=one.against,
                abstained=one.abstained,
            )
            for one in verdict.votes
        ),
        left_out=verdict.left_out,
        winners=verdict.winners,
        decided_at=verdict.decided_at,
    )
    return enclose(
        event,
        source=AWARDS,
        cause=selection_id,
        now=verdict.decided_at,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
