"""The event `quiz.disqualification_decided`. Pure: the same decision gives the same event every time."""

from services.quiz.disqualified.rules import Disqualification
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import QuizDisqualificationDecided
from shared.contracts.origin import Origin
from shared.contracts.sources import QUIZ


def decided_event(
    state: Disqualification, quiz_title: str, origin: Origin
) -> Envelope[QuizDisqualificationDecided]:
    """The event that an organiser has decided about somebody: the whole state after it."""
    decision = state.decisions[-1]
    event = QuizDisqualificationDecided(
        quiz_id=state.quiz_id,
        quiz_title=quiz_title,
        participant_id=state.participant_id,
        version=state.version,
        disqualified=decision.whole,
        result_ids=decision.attempt_ids,
        reason=decision.reason,
        decided_at=decision.at,
    )
    return enclose(
        event,
        source=QUIZ,
        cause=f"{state.quiz_id}/{state.participant_id}/{state.version}",
        now=decision.at,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
