"""
Which submissions can count, by the quizzes in memory.

A refusal is for good, and a quiz in memory may be older than a later end by which intake accepts. So what is
refused is looked at once more, by the quizzes as they are stored then.

What can count marks its quiz as begun, before anything is stored of it: so nobody changes or removes the quiz
any more. If that comes too late, the quiz or its version is gone, and the submission is refused.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.quiz.attempts.submission import Submission
from services.quiz.grading.rules import Valid, check
from services.quiz.quizzes.begun import Begun, Version
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.store import QuizStore
from shared.messaging.received import Received
from shared.runtime.errors import Rejected, Unavailable

Judged = list[Valid | Rejected]


class Judge:
    """Judges batches of submissions."""

    def __init__(self, catalogue: Catalogue, quizzes: QuizStore, log_delay_max: timedelta) -> None:
        self._catalogue = catalogue
        self._begun = Begun(quizzes.database)
        self._log_delay_max = log_delay_max

    async def judge(self, batch: Sequence[Received[Any]], submissions: Sequence[Submission]) -> Judged:
        """
        What each submission is, in order. The database is asked only if any is refused, and once for all; and
        once for each version that this process has not seen begun.

        Args:
            submissions: those of the batch, in its order.
        Raises:
            Unavailable: the database does not answer, a quiz could not be read, or it changes too fast.
        """
        found = list(map(self._judged, batch, submissions))
        gone = await self._begin(found)
        again = [place for place, one in enumerate(found) if _refused_or_of(one, gone)]
        if not again:
            return found
        named = [submissions[place] for place in again]
        await self._catalogue.learn_anew({(one.quiz_id, one.quiz_version) for one in named}, gone)
        for place in again:
            found[place] = self._judged(batch[place], submissions[place])
        if await self._begin([found[place] for place in again]):
            raise Unavailable("a quiz is changed or removed at this moment")
        return found

    def _judged(self, received: Received[Any], submission: Submission) -> Valid | Rejected:
        try:
            offered = self._catalogue.find(submission.quiz_id, submission.quiz_version)
            return check(submission, received.context, received.appended_at, offered, self._log_delay_max)
        except Rejected as why:
            return why

    async def _begin(self, found: Judged) -> set[Version]:
        return await self._begun.mark({_version(one) for one in found if isinstance(one, Valid)})


def _refused_or_of(one: Valid | Rejected, gone: set[Version]) -> bool:
    return isinstance(one, Rejected) or (bool(gone) and _version(one) in gone)


def _version(valid: Valid) -> Version:
    return valid.submission.quiz_id, valid.offered.record.version
