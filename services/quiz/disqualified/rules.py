"""
Who is disqualified in a quiz, as a whole or with single attempts, and what organisers have decided about it.

All functions are pure.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from shared.runtime.errors import Conflict, Forbidden

# The event names at most so many.
ATTEMPTS_MAX = 100
# Decisions about one participant in a quiz.
DECISIONS_MAX = 100
# The reason of the decision that a removal makes; its participant reads it.
REMOVED = "竞赛已撤下 / The quiz was removed"
# Participants of a quiz about whom something was decided.
PEOPLE_MAX = 10_000


class Decision(msgspec.Struct, frozen=True):
    """
    What an organiser has decided, as a whole: the state after it.

    Attributes:
        whole: the participant is disqualified, with all results.
        attempt_ids: only these do not count.
    """

    whole: bool
    attempt_ids: tuple[str, ...]
    reason: str
    who: str
    at: datetime


class Disqualification(msgspec.Struct, frozen=True):
    """
    The state of a participant in a quiz.

    Attributes:
        decisions: in order; the last one is the state. `version` is their number.
    """

    quiz_id: QuizId
    participant_id: ParticipantId
    decisions: tuple[Decision, ...] = ()

    @property
    def version(self) -> int:
        """Counts the decisions."""
        return len(self.decisions)

    @property
    def whole(self) -> bool:
        """Whether the participant is disqualified, with all results."""
        return bool(self.decisions) and self.decisions[-1].whole

    @property
    def attempt_ids(self) -> tuple[str, ...]:
        """The single attempts that do not count."""
        return self.decisions[-1].attempt_ids if self.decisions else ()

    @property
    def reason(self) -> str:
        """Of the last decision."""
        return self.decisions[-1].reason if self.decisions else ""

    def leaves_out(self, attempt_id: str) -> bool:
        """True if the result of this attempt does not count."""
        return (bool(self.decisions) and self.decisions[-1].whole) or attempt_id in self.attempt_ids


LeftOut = Mapping[tuple[str, str], Disqualification]
"""States by quiz and participant."""

NOBODY: LeftOut = {}


def counts(left_out: LeftOut, quiz_id: str, participant_id: str, attempt_id: str) -> bool:
    """True if the result of an attempt counts."""
    state = left_out.get((quiz_id, participant_id))
    return state is None or not state.leaves_out(attempt_id)


def check_may_take_part(state: Disqualification | None) -> None:
    """
    Accept everybody who is not disqualified with all results.

    Raises:
        Forbidden: the participant is; it says why.
    """
    if state is not None and state.whole:
        raise Forbidden(
            f"you are disqualified in quiz {state.quiz_id}: {state.reason}",
            code="disqualified",
            reason=state.reason,
        )


def disqualified(
    state: Disqualification, attempt_ids: Collection[str] | None, reason: str, who: str, at: datetime
) -> Disqualification | None:
    """
    The state after a disqualification; None if it is so already.

    Args:
        attempt_ids: only these; None: the participant, with all results.
    Raises:
        Conflict: too many attempts or decisions.
    """
    if attempt_ids is None:
        return _decided(state, Decision(True, state.attempt_ids, reason, who, at))
    both = tuple(sorted({*state.attempt_ids, *attempt_ids}))
    if len(both) > ATTEMPTS_MAX:
        raise Conflict(
            f"at most {ATTEMPTS_MAX} single attempts can be disqualified: disqualify the participant",
            code="too_many_disqualified",
        )
    return _decided(state, Decision(state.whole, both, reason, who, at))


def reinstated(
    state: Disqualification, attempt_ids: Collection[str] | None, reason: str, who: str, at: datetime
) -> Disqualification | None:
    """
    The state after a reinstatement; None if it is so already.

    Args:
        attempt_ids: only these count again; None: all results count again.
    Raises:
        Conflict: too many decisions.
    """
    if attempt_ids is None:
        return _decided(state, Decision(False, (), reason, who, at))
    left = tuple(id_ for id_ in state.attempt_ids if id_ not in set(attempt_ids))
    return _decided(state, Decision(state.whole, left, reason, who, at))


def taken_back(state: Disqualification, who: str, at: datetime) -> Disqualification:
    """The state after the removal of its quiz: nothing is left of it, however many decisions there were."""
    return replace(state, decisions=(*state.decisions, Decision(False, (), REMOVED, who, at)))


def _decided(state: Disqualification, decision: Decision) -> Disqualification | None:
    if (decision.whole, decision.attempt_ids) == (state.whole, state.attempt_ids):
        return None
    if state.version >= DECISIONS_MAX:
        raise Conflict(
            f"{DECISIONS_MAX} decisions about this participant are made already", code="too_many_decisions"
        )
    return replace(state, decisions=(*state.decisions, decision))
