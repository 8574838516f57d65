"""
Intake: validate a submission, append it to the log, answer 202 when Kafka has acknowledged it.

This is the hot path of the peak week. It normally makes no query: the attempt token contains the owner and
the deadline, and the quizzes are in memory. Concurrent submissions share one write
(shared/messaging/group_commit.py).

Only the first submission of an attempt counts. A client that lost the answer sends the same body again, and
this process answers with the first receipt. Another body gets 409 with the first receipt. And nobody can fill
the log with one token.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from services.quiz.attempts.answers import answers_of
from services.quiz.attempts.events import submitted_record
from services.quiz.attempts.late import ClockDoubtful, check_moment, check_more_time
from services.quiz.attempts.latest import Latest
from services.quiz.attempts.receipts import AlreadySubmitted, Receipt
from services.quiz.attempts.submission import Answers, Submission, encoder
from services.quiz.attempts.tokens import AttemptClaims, AttemptTokens
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import Offered
from shared.messaging.appended import Appended, when_appended
from shared.messaging.group_commit import WAITING_MAX, GroupCommit
from shared.messaging.publisher import Publisher, Record
from shared.runtime import clock
from shared.runtime.errors import Forbidden, Unavailable
from shared.runtime.ids import random_id
from shared.web.hot import Begun, HotRequest
from shared.web.tokens import bearer

# Kafka's cost depends on the number of batches and partitions, hardly on the number of records. So a busy
# intake waits for more submissions.
WINDOW_SECONDS = 0.04
# A group of this size is written without waiting for more: some forty submissions for each partition. Larger
# groups would save hardly anything, and their senders would wait longer.
FULL_GROUP_ITEMS = 500
# One group may hold all submissions that wait (8,000, 7 MB): few large writes cost the event loop less than
# many small ones.
ITEMS_MAX = WAITING_MAX
# Less than LOG_DELAY_SECONDS_MAX of quizzes/rules.py, so that grading accepts everything that was
# acknowledged.
ACCEPTED_SECONDS_MAX = 12.0
ACCEPTED = 202
# After a doubt about our clock nothing is written for so long: each try would leave a record that is refused.
DOUBTED_SECONDS = 1.0
# About 400 bytes each.
RECEIPTS_MAX = 50_000


class Intake:
    """Accepts submissions."""

    def __init__(
        self,
        tokens: AttemptTokens,
        catalogue: Catalogue,
        erased: Erased,
        publisher: Publisher,
        *,
        waiting_max: int = WAITING_MAX,
        receipts_max: int = RECEIPTS_MAX,
        accepted_seconds_max: float = ACCEPTED_SECONDS_MAX,
    ) -> None:
        self._tokens = tokens
        self._catalogue = catalogue
        self._erased = erased
        self._publisher = publisher
        self._log: GroupCommit[Record, Appended | None] = GroupCommit(
            "intake",
            self._append,
            items_max=ITEMS_MAX,
            waiting_max=waiting_max,
            window_seconds=WINDOW_SECONDS,
            full_group_items=FULL_GROUP_ITEMS,
            seconds_max=accepted_seconds_max,
        )
        self._accepted_seconds_max = accepted_seconds_max
        self._doubted_until = 0.0
        self._under_way: set[str] = set()
        self._receipts: Latest[Receipt] = Latest(receipts_max)

    async def submit(self, request: HotRequest) -> tuple[int, bytes]:
        """
        Take the answers of one attempt; 202 with a receipt once they are in the log.

        Raises:
            Rejected: the token, the answers or the time are wrong; nothing was accepted.
            AlreadySubmitted: other answers of this attempt were accepted before.
            Overloaded: too many submissions wait; this one was not written.
            Unavailable: it may be in the log or not. Send it again; the first submission counts.
        """
        # This check comes first: requests that are refused must not slow down those that are accepted.
        self._log.check_not_full()
        claims = self.claims_of(request)
        if (first := self._receipts.get(claims.attempt_id)) is not None:
            if first.of != hash(request.body):
                raise AlreadySubmitted(claims.attempt_id, first)
            return ACCEPTED, first.json
        self._erased.check(claims.participant_id)
        # The quiz is in memory. The database is asked only if another process published the quiz a moment
        # ago, or if this process stood still for some time and may have missed an early close.
        offered = await self._catalogue.current(claims.quiz_id, claims.quiz_version)
        begun = self._take(request, claims, offered)
        try:
            await begun.done
        finally:
            self._under_way.discard(claims.attempt_id)
        return begun.answer()

    def begin(self, request: HotRequest) -> Begun | None:
        """What `submit` does, if it has to wait for the log only; None, or an error: nothing was done."""
        if self._log.is_full:
            return None
        claims = self.claims_of(request)
        offered = self._catalogue.current_if_fresh(claims.quiz_id, claims.quiz_version)
        if offered is None or self._receipts.get(claims.attempt_id) is not None:
            return None
        self._erased.check(claims.participant_id)
        return self._take(request, claims, offered)

    def _take(self, request: HotRequest, claims: AttemptClaims, offered: Offered) -> Begun:
        attempt_id = claims.attempt_id
        if attempt_id in self._under_way:
            raise Unavailable(f"attempt {attempt_id} is being taken in; send it again")
        if time.monotonic() < self._doubted_until:
            raise ClockDoubtful("the clock of this process seems to be wrong; send it again in a second")
        # Another process began the attempt. Its clock may be a little ahead of ours.
        now = max(clock.now(), clock.from_epoch_ms(claims.started_ms))
        answers = answers_of(request.body, offered.paper(attempt_id))
        if offered.schedule.is_over(clock.from_epoch_ms(claims.deadline_ms), now):
            check_more_time(offered, claims, now)
        receipt_id = random_id()
        written = self._log.add(submitted_record(_submission(claims, answers, now), receipt_id))
        self._under_way.add(attempt_id)
        return Begun(
            written, partial(self._receipt, written, attempt_id, receipt_id, now, hash(request.body))
        )

    def _receipt(
        self,
        written: asyncio.Future[Appended | None],
        attempt_id: str,
        receipt_id: str,
        now: datetime,
        of: int,
    ) -> tuple[int, bytes]:
        self._under_way.discard(attempt_id)
        try:
            check_moment(now, written.result(), clock.now(), self._accepted_seconds_max)
        except ClockDoubtful:
            self._doubted_until = time.monotonic() + DOUBTED_SECONDS
            raise
        receipt = encoder.encode({"receipt_id": receipt_id, "attempt_id": attempt_id, "received_at": now})
        self._receipts.add(attempt_id, Receipt(receipt, of))
        return ACCEPTED, receipt

    def claims_of(self, request: HotRequest) -> AttemptClaims:
        """What the attempt token of a request carries; as in `claims`, if it was not checked before."""
        who = request.who
        return who if isinstance(who, AttemptClaims) else self.claims(request.id, request.authorization)

    def claims(self, attempt_id: str, authorization: bytes) -> AttemptClaims:
        """
        What the attempt token of a request carries.

        Raises:
            NotAuthenticated: the token is missing, malformed or forged.
            Forbidden: the token is for another attempt.
        """
        claims = self._tokens.verify(
            bearer(
                authorization,
                missing="give the attempt token in the header Authorization: Bearer …",
                code="attempt_token_missing",
            )
        )
        if attempt_id != claims.attempt_id:
            raise Forbidden(f"the token is not for attempt {attempt_id}", code="attempt_foreign")
        return claims

    def receipt(self, attempt_id: str) -> Receipt | None:
        """The receipt that this process gave for an attempt, if it is remembered."""
        return self._receipts.get(attempt_id)

    async def _append(self, records: Sequence[Record]) -> Sequence[Appended | None]:
        appended = await when_appended(self._publisher.write(records))
        return [appended] * len(records)


def _submission(claims: AttemptClaims, answers: Answers, now: datetime) -> Submission:
    return Submission(
        attempt_id=claims.attempt_id,
        quiz_id=claims.quiz_id,
        participant_id=claims.participant_id,
        number=claims.number,
        started_at=clock.from_epoch_ms(claims.started_ms),
        submitted_at=now,
        answers=answers,
        group_id=claims.group_id,
        district=claims.district,
        quiz_version=claims.quiz_version,
    )
