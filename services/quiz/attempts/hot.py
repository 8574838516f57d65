"""
The three requests of an attempt: start, submit, read the result.

Thousands of them come within minutes. So they are hot endpoints (shared/web/hot_endpoints.py), and concurrent
requests share a query.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.quiz.attempts.bodies import (
    AnswersIn,
    AttemptIdInPath,
    AttemptOut,
    ReceiptOut,
    ResultOut,
    StartIn,
)
from services.quiz.attempts.intake import ACCEPTED, Intake
from services.quiz.attempts.rules import Attempt, AttemptStatus, Trace, check_admitted, status_without_result
from services.quiz.attempts.start import QUIZ_CHANGED, Start, Starts
from services.quiz.attempts.store import AttemptStore
from services.quiz.attempts.submission import encoder
from services.quiz.attempts.tokens import AttemptClaims, AttemptTokens
from services.quiz.attempts.traces import Tracer, device_in
from services.quiz.disqualified.rules import Disqualification, check_may_take_part
from services.quiz.disqualified.store import Looks, id_of
from services.quiz.participants.erased import Erased
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import QUIZ_CANCELLED
from services.quiz.results.rules import AttemptId, Result
from services.quiz.results.store import ResultStore
from shared.contracts.checked import ID_PATTERN
from shared.messaging.group_commit import GroupCommit
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Rejected
from shared.web.hot import HotRequest, HotRoute
from shared.web.hot_endpoints import HotEndpoint
from shared.web.identity import AsParticipant
from shared.web.tokens import Participant, bearer

FOUND, STARTED = 200, 201
# Twice the size of the largest possible submission.
SUBMISSION_BYTES_MAX = 32_768
START_BYTES_MAX = 1_024
# A query costs the same for one result as for fifty: a busy service waits for more requests.
WINDOW_SECONDS = 0.04
RESULTS_GROUP_MAX = 500
RESULTS_WAITING_MAX = 12_000
READ_SECONDS_MAX = 15.0
_ID = re.compile(ID_PATTERN.replace("$", r"\Z"))

START = HotEndpoint(
    "POST",
    "/quizzes/{quiz_id}/attempts",
    name="start",
    summary="Start an attempt, or resume the open one",
    description="""\
The paper and the attempt's token. If an attempt is open, the answer is that attempt again.

The body may be empty. A `device` in it is a random token that the client keeps. Like the client's address
it is kept only as a keyed hash, for some weeks, and refuses nobody: organisers see which attempts share one.

Refused: `participant_erased` (401), `quiz_for_confirmed` (403: the contact is not verified),
`quiz_for_roster`, `disqualified` (403), `quiz_unknown` (404),
`quiz_not_open`, `quiz_closed`, `quiz_cancelled`, `quiz_changed`, `attempts_exhausted` (409),
`start_malformed` (422).""",
    status=STARTED,
    returns=AttemptOut,
    asks={"quiz_id": QuizIdInPath, "who": AsParticipant},
    openapi={
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": StartIn.model_json_schema()}},
        }
    },
    body_bytes_max=START_BYTES_MAX,
)
SUBMIT = HotEndpoint(
    "POST",
    "/attempts/{attempt_id}/submission",
    name="submit",
    summary="Submit the answers of an attempt (Authorization: Bearer <attempt_token>)",
    description="""\
202 with a receipt once Kafka has acknowledged; the first submission of an attempt counts.

If you send the same body again to the same process, you get the same receipt. Other answers get 409
`attempt_submitted`, with the first receipt in the field `receipt`. Another process does not know the first
submission: it answers with a new receipt, or after the deadline with `attempt_late`. Read the result: its
`receipt_id` says which submission counts.

Refused: `attempt_token_missing`, `attempt_token_invalid`, `participant_erased` (401),
`attempt_foreign` (403), `quiz_unknown` (404), `attempt_late`, `quiz_cancelled`, `attempt_submitted` (409),
`submission_malformed`, `question_unknown` (422).
503 with the code `overloaded`: the submission was not written. Any other 503: it may be in the log or not.
Send it again; the first submission counts.""",
    status=ACCEPTED,
    returns=ReceiptOut,
    asks={"attempt_id": AttemptIdInPath},
    openapi={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": AnswersIn.model_json_schema(),
                    "example": {"answers": {"q001": "B", "q017": "ACD"}},
                }
            },
        }
    },
    body_bytes_max=SUBMISSION_BYTES_MAX,
)
READ_RESULT = HotEndpoint(
    "GET",
    "/attempts/{attempt_id}/result",
    name="read_result",
    summary="The result of one's own attempt",
    description="""\
`pending`, `received`, `graded`, `expired`, `refused` or `delayed`. Somebody else's attempt is unknown (404).

If `shows_scores` of the quiz is `at_close`, it is `received` without points until the quiz is closed.
If it does not count, `disqualified` is true, and `reason` says why.

Refused: `attempt_unknown` (404).""",
    status=FOUND,
    returns=ResultOut,
    asks={"attempt_id": AttemptIdInPath, "who": AsParticipant},
)
ENDPOINTS = (START, SUBMIT, READ_RESULT)

Outcomes = GroupCommit[str, Result | Attempt | None]


@dataclass(frozen=True, slots=True)
class AttemptEndpoints:
    """
    Answers the three requests.

    Args:
        participant_of: reads the participant from a token.
    """

    catalogue: Catalogue
    erased: Erased
    tokens: AttemptTokens
    intake: Intake
    participant_of: Callable[[str], Participant]
    starts: Starts
    outcomes: Outcomes
    disqualified: Looks
    tracer: Tracer

    def routes(self) -> tuple[HotRoute, ...]:
        """What the service answers before the framework; the most frequent request first."""
        return (
            SUBMIT.answered_by(self.intake.submit, self.intake.claims, self.intake.begin),
            START.answered_by(self.start),
            READ_RESULT.answered_by(self.read_result),
        )

    async def start(self, request: HotRequest) -> tuple[int, bytes]:
        """
        The paper and the attempt's token; a second start while the attempt is open returns the same attempt.
        """
        quiz_id, who, device = request.id, self._participant(request), device_in(request.body)
        # The quiz's record must be fresh, as for a submission: it must show every early close that has begun.
        offered = self.catalogue.current_if_fresh(quiz_id)
        if offered is None:
            offered = await self.catalogue.current(_checked_id(quiz_id))
        trace = self.tracer.trace(quiz_id, request.address, device)
        begun = await self._begin(offered, who, trace)
        if isinstance(begun, Conflict) and begun.code == QUIZ_CHANGED:
            await self.catalogue.refresh()
            begun = await self._begin(self.catalogue.find(quiz_id), who, trace)
        if isinstance(begun, Conflict):
            raise begun
        head = encoder.encode(
            {
                "attempt_id": begun.attempt_id,
                "attempt_token": self.tokens.sign(_claims(begun, who)),
                "number": begun.number,
                "started_at": begun.started_at,
                "deadline_at": begun.deadline_at,
            }
        )
        # An open attempt that is resumed keeps the paper that it began with.
        drawn_from = self.catalogue.get(quiz_id, begun.quiz_version) or await self.catalogue.look_up(
            quiz_id, begun.quiz_version
        )
        # The paper was serialised once for all who get it.
        questions = drawn_from.paper(begun.attempt_id).questions_json
        return STARTED, head[:-1] + b',"questions":' + questions + b"}"

    async def _begin(self, offered: Offered, who: Participant, trace: Trace) -> Attempt | Conflict:
        check_admitted(offered.record, verified=who.verified, on_roster=who.on_roster)
        check_may_take_part(await self._disqualified(offered, who))
        return await self.starts.add(Start(offered, ParticipantId(who.participant_id), clock.now(), trace))

    async def read_result(self, request: HotRequest) -> tuple[int, bytes]:
        """The outcome of an attempt; somebody else's attempt is answered as unknown."""
        attempt_id, who = _checked_id(request.id), self._participant(request)
        found = await self.outcomes.add(attempt_id)
        if found is None or found.participant_id != who.participant_id:
            raise NotFound(f"you have no attempt {attempt_id}", code="attempt_unknown")
        graded = found if isinstance(found, Result) and not await self._is_withheld(found) else None
        state = await self._disqualified(self.catalogue.get(found.quiz_id), who)
        is_left_out = state is not None and state.leaves_out(attempt_id)
        result = {
            "attempt_id": attempt_id,
            "status": "graded" if graded else self._status(found),
            "code": None if isinstance(found, Result) else self._why(found),
            "points": graded.points if graded else None,
            "points_max": graded.points_max if graded else None,
            "score_percent": graded.score_percent if graded else None,
            "passed": graded.passed if graded else None,
            "time_used_seconds": graded.time_used_seconds if graded else None,
            "automatic": graded.automatic if graded else None,
            "receipt_id": graded.submission_id if graded else None,
            "disqualified": is_left_out,
            "reason": state.reason if state and is_left_out else None,
        }
        return FOUND, encoder.encode(result)

    async def _is_withheld(self, result: Result) -> bool:
        # If the quiz cannot be read now, we do not know it: the request must not be answered with a score.
        offered = self.catalogue.get(result.quiz_id) or await self.catalogue.look_up(result.quiz_id)
        return offered.record.withholds_scores

    async def _disqualified(self, offered: Offered | None, who: Participant) -> Disqualification | None:
        # No query for most quizzes: nobody was ever disqualified.
        if offered is None or not offered.record.decided:
            return None
        return await self.disqualified.add(id_of(offered.record.quiz_id, who.participant_id))

    def _status(self, attempt: Result | Attempt) -> AttemptStatus:
        if isinstance(attempt, Result):
            return "received"
        offered = self.catalogue.get(attempt.quiz_id)
        status = "open" if offered is None else offered.record.status
        return status_without_result(attempt, status)

    def _why(self, attempt: Attempt) -> str | None:
        offered = self.catalogue.get(attempt.quiz_id)
        is_cancelled = offered is not None and offered.record.status == "cancelled"
        return attempt.refused or (QUIZ_CANCELLED if is_cancelled else None)

    def _participant(self, request: HotRequest) -> Participant:
        who = self.participant_of(bearer(request.authorization))
        self.erased.check(who.participant_id)
        return who


def grouped_outcomes(attempts: AttemptStore, results: ResultStore) -> Outcomes:
    """Concurrent requests for results share one query."""

    async def look(attempt_ids: Sequence[str]) -> list[Result | Attempt | None]:
        graded = await results.of_attempts(attempt_ids)
        rest = [AttemptId(id_) for id_ in attempt_ids if id_ not in graded]
        begun = await attempts.started(rest) if rest else {}
        return [graded.get(id_) or begun.get(id_) for id_ in attempt_ids]

    return GroupCommit(
        "results",
        look,
        items_max=RESULTS_GROUP_MAX,
        waiting_max=RESULTS_WAITING_MAX,
        window_seconds=WINDOW_SECONDS,
        seconds_max=READ_SECONDS_MAX,
    )


def _claims(attempt: Attempt, who: Participant) -> AttemptClaims:
    return AttemptClaims(
        attempt.attempt_id,
        attempt.quiz_id,
        attempt.participant_id,
        attempt.number,
        clock.epoch_ms(attempt.started_at),
        clock.epoch_ms(attempt.deadline_at),
        who.group_id,
        who.district,
        attempt.quiz_version,
    )


def _checked_id(id_: str) -> str:
    if not _ID.match(id_):
        raise Rejected(f"an id matches {ID_PATTERN}", code="invalid")
    return id_
