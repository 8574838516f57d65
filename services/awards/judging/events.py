"""The event of a score: who has scored whom, and a commitment to the points."""

from services.awards.judging.rules import Scores, commitment
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import SelectionScored
from shared.contracts.origin import Origin
from shared.contracts.sources import AWARDS


def scored(scores: Scores, origin: Origin) -> Envelope[SelectionScored]:
    """The event of the last version of a score."""
    given = scores.last
    event = SelectionScored(
        selection_id=scores.selection_id,
        expert_id=scores.expert_id,
        participant_id=scores.participant_id,
        version=given.version,
        commitment=commitment(scores, given),
        scored_at=given.at,
    )
    return enclose(
        event,
        source=AWARDS,
        cause=f"{scores.selection_id}/{scores.expert_id}/{scores.participant_id}/{given.version}",
        now=given.at,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
