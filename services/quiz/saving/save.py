"""
Save the answers of an attempt so far: append them to the log, answer 202 when Kafka has acknowledged.

A save is like a submission, but it has a queue of its own: many saves must not keep a submission waiting.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from services.quiz.attempts.answers import saved_of
from services.quiz.attempts.intake import ACCEPTED, Intake
from services.quiz.attempts.late import check_moment, check_more_time
from services.quiz.attempts.receipts import AlreadySubmitted
from services.quiz.attempts.submission import encoder
from services.quiz.attempts.tokens import AttemptClaims
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import Offered
from services.quiz.saving.events import saved_record
from services.quiz.saving.pace import Pace
from services.quiz.saving.rules import Sheet
from shared.messaging.appended import Appended, when_appended
from shared.messaging.group_commit import GroupCommit
from shared.messaging.publisher import Publisher, Record
from shared.runtime import clock
from shared.runtime.ids import random_id
from shared.web.hot import Begun, HotRequest
from shared.web.problems import NotHttp

# Nobody waits for a save. So a busy service gathers more of them than of submissions.
SAVES_WINDOW_SECONDS = 0.1
SAVES_WAITING_MAX = 4_000
SAVED_SECONDS_MAX = 12.0
# A client saves after each answer, and waits this long between two saves.
SAVE_EVERY_SECONDS = 1.0


class Saves:
    """Accepts saves."""

    def __init__(
        self,
        intake: Intake,
        catalogue: Catalogue,
        erased: Erased,
        publisher: Publisher,
        *,
        every_seconds: float = SAVE_EVERY_SECONDS,
        waiting_max: int = SAVES_WAITING_MAX,
    ) -> None:
        self._intake = intake
        self._catalogue = catalogue
        self._erased = erased
        self._publisher = publisher
        self._pace = Pace(every_seconds)
        self._log: GroupCommit[Record, Appended | None] = GroupCommit(
            "saves",
            self._append,
            items_max=waiting_max,
            waiting_max=waiting_max,
            window_seconds=SAVES_WINDOW_SECONDS,
            seconds_max=SAVED_SECONDS_MAX,
        )

    async def save(self, request: HotRequest) -> tuple[int, bytes]:
        """
        Save the answers of one attempt; 202 once they are in the log.

        Raises:
            Rejected: the token, the answers or the time are wrong, or saves come too fast; nothing was saved.
            Overloaded: too many saves wait; this one was not written.
            Unavailable: it may be in the log or not. Send it again with the same revision.
        """
        self._log.check_not_full()
        claims = self._intake.claims_of(request)
        self._check_may_save(claims)
        offered = await self._catalogue.current(claims.quiz_id, claims.quiz_version)
        begun = self._take(request, claims, offered)
        await begun.done
        return begun.answer()

    def begin(self, request: HotRequest) -> Begun | None:
        """What `save` does, if it has to wait for the log only; None, or an error: nothing was done."""
        if self._log.is_full:
            return None
        claims = self._intake.claims_of(request)
        offered = self._catalogue.current_if_fresh(claims.quiz_id, claims.quiz_version)
        if offered is None:
            return None
        self._check_may_save(claims)
        return self._take(request, claims, offered)

    def _check_may_save(self, claims: AttemptClaims) -> None:
        attempt_id = claims.attempt_id
        if (receipt := self._intake.receipt(attempt_id)) is not None:
            raise AlreadySubmitted(attempt_id, receipt)
        if self._pace.is_too_fast(attempt_id):
            raise NotHttp(
                429,
                f"attempt {attempt_id} was saved a moment ago; wait a second and save again",
                code="saves_too_fast",
                headers=[("retry-after", "1")],
            )
        self._erased.check(claims.participant_id)

    def _take(self, request: HotRequest, claims: AttemptClaims, offered: Offered) -> Begun:
        # Another process began the attempt. Its clock may be a little ahead of ours.
        attempt_id, now = claims.attempt_id, max(clock.now(), clock.from_epoch_ms(claims.started_ms))
        answers, revision = saved_of(request.body, offered.paper(attempt_id))
        if offered.schedule.is_over(clock.from_epoch_ms(claims.deadline_ms), now):
            check_more_time(offered, claims, now)
        sheet = Sheet(
            attempt_id,
            claims.quiz_id,
            claims.participant_id,
            claims.number,
            clock.from_epoch_ms(claims.started_ms),
            now,
            revision,
            answers,
            claims.group_id,
            claims.district,
            claims.quiz_version,
        )
        saved = self._log.add(saved_record(sheet, random_id()))
        # Noted before the write: of two at once, one is too fast.
        self._pace.note(attempt_id)
        return Begun(saved, partial(_answer, saved, attempt_id, revision, now))

    async def _append(self, records: Sequence[Record]) -> Sequence[Appended | None]:
        appended = await when_appended(self._publisher.write(records))
        return [appended] * len(records)


def _answer(
    saved: asyncio.Future[Appended | None], attempt_id: str, revision: int, now: datetime
) -> tuple[int, bytes]:
    check_moment(now, saved.result(), clock.now(), SAVED_SECONDS_MAX)
    return ACCEPTED, encoder.encode({"attempt_id": attempt_id, "revision": revision, "saved_at": now})
