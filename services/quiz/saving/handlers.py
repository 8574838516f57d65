"""Keeps the latest saved answers of each attempt."""

from datetime import timedelta

import msgspec

from services.quiz.grading.handlers import DEAD_LETTER_CODES
from services.quiz.grading.judge import Judge
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX
from services.quiz.quizzes.store import QuizStore
from services.quiz.saving.rules import Sheet, due_at, latest
from services.quiz.saving.store import SavedStore
from shared.contracts.events import QuizAnswersSaved
from shared.contracts.topics import QUIZ_SAVING
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime.errors import Rejected

LOG_DELAY_MAX = timedelta(seconds=LOG_DELAY_SECONDS_MAX)


class SavedHandler:
    """Stores what was saved, if it could be submitted."""

    def __init__(self, saved: SavedStore, quizzes: QuizStore, catalogue: Catalogue, erased: Erased) -> None:
        self._saved = saved
        self._judge = Judge(catalogue, quizzes, LOG_DELAY_MAX)
        self._catalogue = catalogue
        self._erased = erased

    async def keep_saved(self, batch: Batch[QuizAnswersSaved]) -> Following:
        """Keep the latest sheet of each attempt; a repeat changes nothing."""
        await self._erased.keep_fresh()
        await self._catalogue.keep_fresh()
        await self._catalogue.learn({(one.event.quiz_id, one.event.quiz_version) for one in batch})
        present = [one for one in batch if one.event.participant_id not in self._erased.ids]
        read = [msgspec.convert(one.event, Sheet, from_attributes=True) for one in present]
        submissions = [sheet.submitted(sheet.saved_at) for sheet in read]
        good: list[Sheet] = []
        judged = await self._judge.judge(present, submissions)
        for received, sheet, candidate in zip(present, read, judged, strict=True):
            if isinstance(candidate, Rejected):
                batch.reject(received, candidate)
            else:
                good.append(sheet)
        sheets = latest(good)
        schedules = [self._catalogue.find(sheet.quiz_id, sheet.quiz_version).schedule for sheet in sheets]
        await self._saved.keep(sheets, list(map(due_at, sheets, schedules)))
        return ()


def subscriptions(handler: SavedHandler) -> list[Subscription]:
    """What this room reads."""
    return [Subscription(QUIZ_SAVING, [QuizAnswersSaved], handler.keep_saved, codes=DEAD_LETTER_CODES)]
