"""
What quiz does with events: grade submissions, keep participants' profiles.

`Grading.grade_submissions` is where the design's one event goes through: rules, store, publish.
Whatever a batch has stored is told from what is stored. So a repeat after a crash anywhere tells all
that the first try may not have told.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from services.quiz.attempts.submission import Submission, decode
from services.quiz.grading.completed import Told, completed
from services.quiz.grading.rules import Sent, judge, parked, result_of, unparked
from services.quiz.participants.store import Change, Parked, Profile
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.rules import SETTLE_SECONDS
from services.quiz.results.store import Result
from services.quiz.standings.rules import order
from services.quiz.standings.store import Orders, StandingKey
from services.quiz.store import QuizStore
from shared.contracts.events import ParticipantErased, ParticipantJoined, QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING, QUIZ_PARTICIPANTS
from shared.messaging.consumer import Batch, Following, Received, Subscription
from shared.messaging.publisher import Publisher, Record
from shared.runtime import clock, metrics
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)

UNKNOWN = Profile(None, None)
OUTCOMES = ("graded", "repeated", "waiting", "rejected", "erased")
# Of these attempts the submission names the one who sat: only they are told of the refusal.
REFUSALS_TOLD = frozenset({"attempt_late", "question_unknown"})


class Grading:
    """Grades submissions and keeps the profiles that grading needs."""

    def __init__(
        self,
        store: QuizStore,
        catalogue: Catalogue,
        publisher: Publisher,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._publisher = publisher
        self._settle = timedelta(seconds=settle_seconds)
        # Born at 0, so that a first one shows as an increase.
        self._counts = {outcome: metrics.SUBMISSIONS_GRADED.labels(outcome) for outcome in OUTCOMES}

    async def grade_submissions(self, batch: Batch[Submission]) -> Following:
        """Grade a batch; the first submission of an attempt counts, later ones change nothing."""
        await self._catalogue.erased.keep_fresh()
        await self._catalogue.learn(
            {(received.event.quiz_id, received.event.quiz_version) for received in batch}
        )
        first, later, told_before = await self._first_of_each(batch)
        await self._store.quizzes.begin_present({sent.submission.quiz_id for sent in first.values()})
        known, waiting, behind = await self._with_profiles(first)
        graded = await self._grade(known, later)
        await self._store.participants.park([parked(sent) for sent in waiting])
        if unsettled := [*waiting, *(first[attempt_id] for attempt_id in behind)]:
            # A profile that came in between has looked for waiting ones before this one was there.
            await self._grade_parked({sent.submission.participant_id for sent in unsettled})
        return [*told_before, *graded]

    async def keep_participants(self, batch: Batch[ParticipantJoined | ParticipantErased]) -> Following:
        """Keep profiles, and grade what waited for them; forget what waited for the erased."""
        changes: dict[str, Change] = {}
        for received in batch:
            event = received.event
            change = (
                Change(event.version, None)
                if isinstance(event, ParticipantErased)
                else Change(event.version, Profile(event.group_id, event.district))
            )
            changes[event.participant_id] = _later(changes.get(event.participant_id), change)
        await self._store.participants.save(changes)
        await self._grade_parked(changes.keys())
        return ()

    async def grade_rest(self, quiz_id: str) -> None:
        """At the close: grade what still waits, since accepted is accepted, known participant or not."""
        await self._catalogue.look_up(quiz_id)
        while waiting := await self._store.participants.parked_of_quiz(quiz_id):
            profiles = await self._store.participants.profiles({one.participant_id for one in waiting})
            await self._grade_waiting(waiting, profiles)

    async def _first_of_each(
        self, batch: Batch[Submission]
    ) -> tuple[dict[str, Sent], dict[str, set[str]], list[Record]]:
        """
        The first good submission of each attempt, the ids of later ones, and what is told of those refused.
        """
        first: dict[str, Sent] = {}
        later: dict[str, set[str]] = {}
        refused: list[tuple[Received[Submission], Rejected]] = []
        erased = self._catalogue.erased.ids
        dropped = 0
        for received in batch:
            if received.event.participant_id in erased:
                dropped += 1
                continue
            try:
                sent = judge(received, self._catalogue, self._settle)
            except Rejected as why:
                refused.append((received, why))
                continue
            attempt_id = sent.submission.attempt_id
            if first.setdefault(attempt_id, sent) is not sent:
                later.setdefault(attempt_id, set()).add(sent.context.id)
                self._counts["repeated"].inc()
        if dropped:
            self._counts["erased"].inc(dropped)
        return first, later, await self._refuse(batch, refused) if refused else []

    async def _refuse(
        self, batch: Batch[Submission], refused: Sequence[tuple[Received[Submission], Rejected]]
    ) -> list[Record]:
        """
        Send refused submissions to the dead letters, and remember why for those who sat.

        One that was graded by an earlier try counts, though it would be refused now, say since the
        quiz was closed early in between: it is told.
        """
        graded = await self._store.results.graded({received.event.attempt_id for received, _ in refused})
        told: list[Told] = []
        codes: dict[str, str] = {}
        for received, why in refused:
            attempt_id = received.event.attempt_id
            result = graded.get(attempt_id)
            if result and result.submission_id == received.context.id:
                self._counts["repeated"].inc()
                told.append((received.context, result, self._title(result)))
                continue
            self._counts["rejected"].inc()
            batch.reject(received, why)
            if why.code in REFUSALS_TOLD and result is None:
                codes.setdefault(attempt_id, why.code)
        await self._store.results.refuse(codes)
        return completed(told, clock.now())

    async def _with_profiles(
        self, first: Mapping[str, Sent]
    ) -> tuple[list[tuple[Sent, Profile]], list[Sent], frozenset[str]]:
        """
        What can be graded, with group and district; what has to wait; of which attempts something waits.
        """
        asked = {
            sent.submission.participant_id
            for sent in first.values()
            if not (sent.submission.group_id or sent.submission.district)
        }
        participants = self._store.participants
        profiles, any_parked = await asyncio.gather(participants.profiles(asked), participants.any_parked())
        # Behind an earlier submission of the attempt that waits, whatever is known of this one.
        behind = await participants.parked_attempts(first) if any_parked else frozenset()
        known: list[tuple[Sent, Profile]] = []
        waiting: list[Sent] = []
        for attempt_id, sent in first.items():
            submission = sent.submission
            if attempt_id in behind:
                waiting.append(sent)
            elif submission.group_id or submission.district:
                known.append((sent, Profile(submission.group_id, submission.district)))
            elif profile := profiles.get(submission.participant_id):
                if profile.erased:
                    self._counts["erased"].inc()
                else:
                    known.append((sent, profile))
            else:
                waiting.append(sent)
        if not waiting:
            return known, waiting, behind
        # What is graded already does not wait, nor does it keep another waiting: a repeat of it is told.
        graded = await self._store.results.graded({sent.submission.attempt_id for sent in waiting})
        known += [(sent, UNKNOWN) for sent in waiting if sent.submission.attempt_id in graded]
        waiting = [sent for sent in waiting if sent.submission.attempt_id not in graded]
        self._counts["waiting"].inc(len(waiting))
        return known, waiting, behind

    async def _grade(
        self,
        sent: Sequence[tuple[Sent, Profile]],
        later: Mapping[str, Collection[str]],
        *,
        tell_all: bool = False,
    ) -> list[Record]:
        """
        Store what is not graded yet; returns what is told, made from what is stored.

        Args:
            sent: one submission an attempt.
            later: the ids of further ones. The submission that was graded tells, wherever in the batch
                it is: it comes again until its batch is committed.
            tell_all: tell of each attempt, whichever submission was graded.
        """
        results = [result_of(one, profile) for one, profile in sent]
        # Looked up before anything is written, and that is soon enough: see `_orders`.
        frozen = await self._store.quizzes.frozen({result.quiz_id for result in results}) if results else {}
        earlier = await self._store.results.add(results, self._orders(frozen))
        told: list[Told] = []
        for (one, _), result in zip(sent, results, strict=True):
            stored = earlier.get(result.attempt_id)
            if stored is None:
                told.append((one.context, result, one.offered.record.quiz.title))
            elif (
                tell_all
                or stored.submission_id == one.context.id
                or stored.submission_id in later.get(stored.attempt_id, ())
            ):
                context = msgspec.structs.replace(one.context, id=stored.submission_id)
                told.append((context, stored, self._title(stored)))
        self._counts["graded"].inc(len(results) - len(earlier))
        if earlier:
            self._counts["repeated"].inc(len(earlier))
        return completed(told, clock.now())

    def _title(self, result: Result) -> str:
        offered = self._catalogue.get(result.quiz_id, result.quiz_version) or self._catalogue.find(
            result.quiz_id
        )
        return offered.record.quiz.title

    def _orders(self, frozen: Mapping[str, datetime]) -> Callable[[Iterable[Result]], Orders]:
        """
        What results make of the standings.

        What was submitted after a freeze is held. A freeze that begins while this batch runs concerns
        none of these results: it is told ahead, and they were submitted before. If a freeze ends while
        this batch runs, some results are still held. The next look at what is held releases them.
        """

        def orders(results: Iterable[Result]) -> Orders:
            best: dict[StandingKey, int] = {}
            for result in results:
                opens_at = self._catalogue.find(result.quiz_id).opens_at
                this = order(result.halves, result.time_used_seconds, result.submitted_at, opens_at)
                since = frozen.get(result.quiz_id)
                held = since if since is not None and result.submitted_at > since else None
                key = StandingKey(result.quiz_id, result.participant_id, held)
                best[key] = max(this, best.get(key, 0))
            return best

        return orders

    async def _grade_parked(self, participant_ids: Iterable[str]) -> None:
        participants = self._store.participants
        profiles = await participants.profiles(set(participant_ids))
        await self._grade_waiting(await participants.parked(profiles.keys()), profiles)

    async def _grade_waiting(self, waiting: Sequence[Parked], profiles: Mapping[str, Profile]) -> None:
        if not waiting:
            return
        known: list[tuple[Sent, Profile]] = []
        for one in waiting:
            profile = profiles.get(one.participant_id, UNKNOWN)
            if profile.erased or one.participant_id in self._catalogue.erased.ids:
                self._counts["erased"].inc()
            elif sent := await self._unparked(one):
                known.append((sent, profile))
        # Told before it is forgotten: after a crash in between, nothing else would bring it up again.
        await self._publisher.write(await self._grade(known, {}, tell_all=True))
        await self._store.participants.unpark([one.attempt_id for one in waiting])

    async def _unparked(self, one: Parked) -> Sent | None:
        try:
            submission = decode([one.value])[0]
            offered = await self._catalogue.look_up(one.quiz_id, submission.quiz_version)
            return unparked(one, submission, offered)
        except Rejected as why:
            # It was good when it came. The others that wait must not wait for it.
            self._counts["rejected"].inc()
            log.warning("a submission that waited cannot be graded", extra={"code": why.code})
            return None


def _later(one: Change | None, other: Change) -> Change:
    if one is None or other.profile is None:
        return other
    return one if one.profile is None or one.version >= other.version else other


def subscriptions(grading: Grading) -> list[Subscription]:
    """What quiz reads."""
    return [
        Subscription(
            QUIZ_GRADING, [QuizSubmitted], grading.grade_submissions, decoders={QuizSubmitted.topic: decode}
        ),
        Subscription(QUIZ_PARTICIPANTS, [ParticipantJoined, ParticipantErased], grading.keep_participants),
    ]
