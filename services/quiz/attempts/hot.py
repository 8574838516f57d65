"""
A sitting over HTTP: start, submit, read the result.

These three come by the thousand within minutes, so they are hot routes (shared/web/hot.py),
and concurrent ones share a look at the database.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.quiz.attempts.intake import Intake
from services.quiz.attempts.start import QUIZ_CHANGED, Start, start_attempts
from services.quiz.attempts.submission import encoder
from services.quiz.attempts.tokens import AttemptClaims, AttemptTokens
from services.quiz.quizzes.catalogue import Catalogue, Offered
from services.quiz.quizzes.rules import Attempt, AttemptId, ParticipantId
from services.quiz.results.store import Result
from services.quiz.store import QuizStore
from shared.contracts.checked import ID_PATTERN
from shared.messaging.group_commit import GroupCommit
from shared.runtime import clock
from shared.runtime.errors import NotFound, Rejected
from shared.web.hot import HotRequest, HotRoute
from shared.web.tokens import Participant, bearer

START_PATH = "/quizzes/{quiz_id}/attempts"
SUBMIT_PATH = "/attempts/{attempt_id}/submission"
RESULT_PATH = "/attempts/{attempt_id}/result"
FOUND, STARTED = 200, 201
# All answers that a submission may have take half of it.
SUBMISSION_BYTES_MAX = 32_768
# A start looks up every id that the participant's attempts can have: 20 a day, near midnight of two days.
STARTS_GROUP_MAX = 500
STARTS_WAITING_MAX = 12_000
STARTED_SECONDS_MAX = 15.0
# A look at the database costs the same for one as for fifty: a busy service waits for company.
WINDOW_SECONDS = 0.04
RESULTS_GROUP_MAX = 500
RESULTS_WAITING_MAX = 12_000
READ_SECONDS_MAX = 15.0
_ID = re.compile(ID_PATTERN.replace("$", r"\Z"))


@dataclass(frozen=True, slots=True)
class Sitting:
    """Answers the three requests; `verify` tells whose token one carries."""

    catalogue: Catalogue
    tokens: AttemptTokens
    intake: Intake
    verify: Callable[[str], Participant]
    starts: GroupCommit[Start, Attempt | Rejected]
    results: GroupCommit[str, Result | Attempt | None]

    def routes(self) -> list[HotRoute]:
        """What the service adds to its hot routes."""
        return [
            HotRoute("POST", SUBMIT_PATH, self.intake.submit, body_bytes_max=SUBMISSION_BYTES_MAX),
            HotRoute("POST", START_PATH, self.start),
            HotRoute("GET", RESULT_PATH, self.read_result),
        ]

    async def start(self, request: HotRequest) -> tuple[int, bytes]:
        """The paper and the attempt's token; starting again while an attempt is open gives it back."""
        quiz_id, who = request.id, self._who(request)
        # No older than an early close is told ahead, as for a submission.
        offered = self.catalogue.current_if_fresh(quiz_id) or await self.catalogue.current(_sound(quiz_id))
        begun = await self._begin(offered, who)
        if isinstance(begun, Rejected) and begun.code == QUIZ_CHANGED:
            await self.catalogue.refresh()
            begun = await self._begin(self.catalogue.find(quiz_id), who)
        if isinstance(begun, Rejected):
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

    async def _begin(self, offered: Offered, who: Participant) -> Attempt | Rejected:
        return await self.starts.add(Start(offered.record, ParticipantId(who.participant_id), clock.now()))

    async def read_result(self, request: HotRequest) -> tuple[int, bytes]:
        """What became of an attempt. Somebody else's is as unknown as one that never was."""
        attempt_id, who = _sound(request.id), self._who(request)
        found = await self.results.add(attempt_id)
        if found is None or found.participant_id != who.participant_id:
            raise NotFound(f"you have no attempt {attempt_id}", code="attempt_unknown")
        graded = found if isinstance(found, Result) else None
        result = {
            "attempt_id": attempt_id,
            "status": "graded" if isinstance(found, Result) else self._state_of(found),
            "code": None if isinstance(found, Result) else found.refused,
            "points": graded.points if graded else None,
            "points_max": graded.points_max if graded else None,
            "score_percent": graded.score_percent if graded else None,
            "passed": graded.passed if graded else None,
            "time_used_seconds": graded.time_used_seconds if graded else None,
        }
        return FOUND, encoder.encode(result)

    def _state_of(self, attempt: Attempt) -> str:
        if attempt.refused is not None:
            return "refused"
        # Whatever was accepted is graded before the close: only then is it sure that nothing comes.
        offered = self.catalogue.get(attempt.quiz_id)
        closed = offered is not None and offered.record.status == "closed"
        return "missed" if closed else "pending"

    def _who(self, request: HotRequest) -> Participant:
        token = bearer(
            request.authorization,
            missing="give your token in the header Authorization: Bearer …",
            code="token_missing",
        )
        who = self.verify(token)
        self.catalogue.erased.check(who.participant_id)
        return who


def starts_gathered(store: QuizStore) -> GroupCommit[Start, Attempt | Rejected]:
    """Concurrent starts share one write."""
    return GroupCommit(
        "starts",
        lambda starts: start_attempts(starts, store),
        items_max=STARTS_GROUP_MAX,
        waiting_max=STARTS_WAITING_MAX,
        window_seconds=WINDOW_SECONDS,
        seconds_max=STARTED_SECONDS_MAX,
    )


def results_gathered(store: QuizStore) -> GroupCommit[str, Result | Attempt | None]:
    """Concurrent looks at results share one query."""

    async def look(attempt_ids: Sequence[str]) -> list[Result | Attempt | None]:
        graded = await store.results.graded(attempt_ids)
        rest = [AttemptId(id_) for id_ in attempt_ids if id_ not in graded]
        begun = await store.results.attempts(rest) if rest else {}
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
        round(attempt.started_at.timestamp() * 1000),
        round(attempt.deadline_at.timestamp() * 1000),
        who.group_id,
        who.district,
        attempt.quiz_version,
    )


def _sound(id_: str) -> str:
    if not _ID.match(id_):
        raise Rejected(f"an id matches {ID_PATTERN}", code="invalid")
    return id_
