"""
Submissions that were given up: their participants read why, and do not wait for a result.

It makes no difference who has given a submission up: grading, for what it says; the consumer, because the
record is malformed or our code failed on it; or operators, who have let the group pass it by. Only an attempt
that was begun here can say so, and only to the participant whom the submission names.
"""

from collections.abc import Sequence

import msgspec

from services.quiz.attempts.store import AttemptStore, GivenUp
from services.quiz.grading.store import WaitingStore
from services.quiz.results.store import ResultStore
from shared.messaging.received import Dead


class _Ids(msgspec.Struct):
    """What has to be readable of a malformed submission, so that somebody can be told of it."""

    attempt_id: str
    participant_id: str


_decode = msgspec.json.Decoder(_Ids).decode


class Refuse:
    """Stores why submissions were given up."""

    def __init__(self, attempts: AttemptStore, results: ResultStore, waiting: WaitingStore) -> None:
        self._attempts = attempts
        self._results = results
        self._waiting = waiting

    async def note(self, dead: Sequence[Dead]) -> None:
        """
        Store why these records, which the consumer has dead-lettered, were given up. It may say so again.

        If another submission of the attempt is graded or waits, that one counts.

        Raises:
            Unavailable: the database does not answer.
        """
        named = [found for one in dead if (found := given_up(one)) is not None]
        if not named:
            return
        ids = {one.attempt_id for one in named}
        counted = {*await self._results.of_attempts(ids), *await self._waiting.attempts_among(ids)}
        await self._attempts.refuse([one for one in named if one.attempt_id not in counted])


def given_up(dead: Dead) -> GivenUp | None:
    """Whose submission this is; None if its record does not say it."""
    try:
        ids = _decode(dead.record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return GivenUp(ids.attempt_id, ids.participant_id, dead.why.code)
