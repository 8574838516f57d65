"""
When the time of an attempt is over and nothing was submitted, what was saved is handed in.

First every save must be kept that was in the log at that time: a worker that was away, or is behind in a
rush, has stored only older ones.

A hand-in is a submission in the log, after everything that came in time. So grading needs no rule of its own
for it: the first submission in the log counts. Its event's id is computed from the attempt. So it makes no
difference if two workers hand in the same answers, or if one dies and another one repeats it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.quiz.attempts.events import submitted_record
from services.quiz.attempts.store import AttemptStore
from services.quiz.grading.store import WaitingStore
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue, UnreadError
from services.quiz.quizzes.store import QuizStore
from services.quiz.results.rules import AttemptId
from services.quiz.results.store import ResultStore
from services.quiz.saving.log_states import KeptSaves
from services.quiz.saving.rules import HAND_IN_AFTER, due_at, handed_in
from services.quiz.saving.store import LOOKED_AGAIN, OPEN_MAX, Open, SavedStore
from shared.contracts.envelope import event_id
from shared.contracts.events import QuizSubmitted
from shared.messaging.publisher import Publisher
from shared.runtime import clock
from shared.runtime.background import Loop, each
from shared.runtime.errors import NotFound

log = logging.getLogger(__name__)

LOOP = "handing in"
LOOK_SECONDS = 1.0
# What was saved in a cancelled quiz counts no more, as all of it.
ACCEPTED_BY = ("open", "closing")
# A hand-in without a result: it was refused, because the broker's clock is behind ours, or grading is late.
HANDED_AGAIN = timedelta(seconds=60)
HANDED_MAX = 10


class HandInError(Exception):
    """A quiz cannot be read, so what was saved of it cannot be handed in now."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Where it is seen what became of an attempt."""

    saved: SavedStore
    attempts: AttemptStore
    results: ResultStore
    waiting: WaitingStore

    async def settled(self, due: Sequence[Open]) -> set[str]:
        """Those of these attempts that are graded, will be, or were refused after the hand-in."""
        ids = [AttemptId(one.sheet.attempt_id) for one in due]
        handed = [AttemptId(one.sheet.attempt_id) for one in due if one.handed]
        graded = await self.results.of_attempts(ids)
        waiting = await self.waiting.attempts_among(ids)
        # Only after the hand-in: a late submission may have been refused before, and what was saved counts.
        begun = await self.attempts.started(handed) if handed else {}
        refused = [id_ for id_, attempt in begun.items() if attempt.refused is not None]
        return {*graded, *waiting, *refused}


class HandIn:
    """Hands in what was saved and not submitted."""

    def __init__(
        self,
        looking: Looking,
        quizzes: QuizStore,
        catalogue: Catalogue,
        erased: Erased,
        publisher: Publisher,
        kept: KeptSaves,
    ) -> None:
        self._kept = kept
        self._looking = looking
        self._saved = looking.saved
        self._quizzes = quizzes
        self._catalogue = catalogue
        self._erased = erased
        self._publisher = publisher
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """Hand in what is due now; returns seconds to rest."""
        return 0.0 if await self.hand_in_due(clock.now()) == OPEN_MAX else LOOK_SECONDS

    async def hand_in_due(self, now: datetime) -> int:
        """
        Look at the sheets that are due; returns how many there were.

        Raises:
            Unavailable: a server does not answer; call again.
        """
        quiz_ids = [one.record.quiz_id for one in self._catalogue.all() if one.record.status in ACCEPTED_BY]
        if not quiz_ids:
            return 0
        if over := await self._quizzes.over(now - HAND_IN_AFTER):
            await self._saved.make_due(over, now)
        if not await self._saved.due(quiz_ids, now, most=1):
            return 0
        due = await self._saved.due(quiz_ids, await self._kept.until(now))
        if not due:
            return 0
        await self._erased.keep_fresh()
        by_quiz: dict[str, list[Open]] = {}
        for one in due:
            by_quiz.setdefault(one.sheet.quiz_id, []).append(one)

        async def put_off(quiz_id: str, _: str) -> None:
            ids = [one.sheet.attempt_id for one in by_quiz[quiz_id]]
            await self._saved.look_again(ids, now + HANDED_AGAIN)

        await each(LOOP, by_quiz, lambda quiz_id: self._look_at(by_quiz[quiz_id], now), aside=put_off)
        return len(due)

    async def _look_at(self, due: Sequence[Open], now: datetime) -> None:
        settled = await self._looking.settled(due)
        to_hand_in: list[Open] = []
        for one in due:
            attempt_id = one.sheet.attempt_id
            if attempt_id in settled or one.sheet.participant_id in self._erased.ids:
                settled.add(attempt_id)
            elif one.handed >= HANDED_MAX:
                log.error("saved answers cannot be handed in", extra={"attempt_id": attempt_id})
                settled.add(attempt_id)
            elif one.handed_at is None or now - one.handed_at >= HANDED_AGAIN:
                to_hand_in.append(one)
        handed = await self._hand_in(to_hand_in, now)
        await self._saved.settle(list(settled))
        looked_at = {*settled, *handed}
        rest = [one.sheet.attempt_id for one in due if one.sheet.attempt_id not in looked_at]
        await self._saved.look_again(rest, now)

    async def _hand_in(self, to_hand_in: Sequence[Open], now: datetime) -> list[str]:
        if not to_hand_in:
            return []
        named = [(one.sheet.quiz_id, one.sheet.quiz_version) for one in to_hand_in]
        # What is handed in is graded for good: by the end as it is stored now.
        await self._catalogue.learn_anew(set(named))
        records, ids, put_off = [], [], []
        for one, wanted in zip(to_hand_in, named, strict=True):
            attempt_id = one.sheet.attempt_id
            try:
                schedule = self._catalogue.find(*wanted).schedule
            except UnreadError as error:
                # Only this quiz has a problem: the sheets of the others are handed in.
                raise HandInError(error.message) from error
            except NotFound as why:
                # It could never be graded, and must not keep the sheets of the others.
                log.warning(
                    "saved answers cannot be handed in", extra={"attempt_id": attempt_id, "code": why.code}
                )
                await self._saved.settle([attempt_id])
                put_off.append(attempt_id)
                continue
            if (due := due_at(one.sheet, schedule)) > now:
                # The end of the quiz was moved since it was saved: the attempt has more time.
                await self._saved.look_again([attempt_id], due - LOOKED_AGAIN)
                put_off.append(attempt_id)
                continue
            records.append(submitted_record(handed_in(one.sheet, schedule), hand_in_id(attempt_id)))
            ids.append(attempt_id)
        # First write, then note it: after a crash in between, it is written again with the same id.
        await self._publisher.write(records)
        await self._saved.note_handed_in(ids, now)
        return [*ids, *put_off]


def hand_in_id(attempt_id: str) -> str:
    """The id of the event that hands in what was saved of an attempt."""
    return event_id(f"{attempt_id}/saved", QuizSubmitted.type)
