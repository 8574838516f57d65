"""
What quiz does with events: grade submissions, keep participants' profiles.

`grade_submissions` is where the design's one event goes through: rules, store, publish.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from services.quiz.catalogue import Catalogue, Offered
from services.quiz.completion import completed
from services.quiz.grading import mark
from services.quiz.papers import Paper
from services.quiz.ranking import order
from services.quiz.rules import (
    CLOCK_SKEW_SECONDS,
    SETTLE_SECONDS,
    AttemptId,
    ParticipantId,
    QuizId,
    attempt_id,
)
from services.quiz.standings import Orders, StandingKey
from services.quiz.store import Parked, Profile, QuizStore, Result
from services.quiz.submission import Submission, decode, encoder
from shared.contracts.envelope import Context, from_headers, to_headers
from shared.contracts.events import ParticipantErased, ParticipantJoined, QuizSubmitted
from shared.messaging.consumer import Batch, Following, Received, Subscription
from shared.messaging.publisher import Publisher, Record
from shared.runtime import clock, metrics
from shared.runtime.errors import Rejected

UNKNOWN = Profile(None, None)
DAY_SECONDS = 86_400
SKEW = timedelta(seconds=CLOCK_SKEW_SECONDS)


# No dataclass: this one is made by the thousand, in a tenth of the time.
class Sent(msgspec.Struct, frozen=True, gc=False):
    """A submission as the log has it, whether it comes from the topic or has waited; and its paper."""

    submission: Submission
    context: Context
    appended_at: datetime
    offered: Offered
    paper: Paper


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

    async def grade_submissions(self, batch: Batch[Submission]) -> Following:
        """Grade a batch; the first submission of an attempt counts, later ones change nothing."""
        quiz_ids = {received.event.quiz_id for received in batch}
        if any(self._catalogue.get(quiz_id) is None for quiz_id in quiz_ids):
            await self._catalogue.refresh()
        sound: list[Sent] = []
        for received in batch:
            try:
                sound.append(self._judge(received))
            except Rejected as why:
                metrics.SUBMISSIONS_GRADED.labels("rejected").inc()
                batch.reject(received, why)
        known, waiting = await self._with_profiles(sound)
        graded = await self._grade(known)
        if waiting:
            await self._store.park([_parked(sent) for sent in waiting])
            # A profile that came in between has looked for waiting ones before this one was there.
            await self._grade_parked({sent.submission.participant_id for sent in waiting})
        return graded

    async def keep_participants(self, batch: Batch[ParticipantJoined | ParticipantErased]) -> Following:
        """Keep profiles, and grade what waited for them."""
        profiles: dict[str, Profile | None] = {}
        for received in batch:
            event = received.event
            if isinstance(event, ParticipantErased):
                profiles[event.participant_id] = None
            elif profiles.get(event.participant_id, UNKNOWN) is not None:
                profiles[event.participant_id] = Profile(event.group_id, event.district)
        await self._store.save_profiles(profiles)
        await self._grade_parked(profiles.keys())
        return ()

    async def grade_rest(self, quiz_id: str) -> None:
        """At the close: grade what still waits, since accepted is accepted, known participant or not."""
        await self._catalogue.look_up(quiz_id)
        while parked := await self._store.parked_of_quiz(quiz_id):
            profiles = await self._store.profiles({one.participant_id for one in parked})
            await self._grade_waiting(parked, profiles)

    def _judge(self, received: Received[Submission]) -> Sent:
        submission, appended_at = received.event, received.appended_at
        offered = self._catalogue.find(submission.quiz_id)
        started_at, submitted_at = submission.started_at, submission.submitted_at
        # First, for what follows counts with these times.
        if not offered.opens_at <= started_at <= submitted_at:
            raise Rejected(f"attempt {submission.attempt_id}: its times cannot be", code="times_impossible")
        if submitted_at > appended_at + SKEW:
            raise Rejected(
                f"attempt {submission.attempt_id}: submitted after it was sent", code="times_impossible"
            )
        quiz_id, day = submission.quiz_id, offered.day_of(started_at)
        expected = attempt_id(quiz_id, submission.participant_id, day, submission.number)
        attempts_a_day = offered.record.quiz.attempts_per_day
        if submission.attempt_id != expected or submission.number > attempts_a_day:
            raise Rejected(
                f"attempt {submission.attempt_id} is none that this participant can have",
                code="attempt_unknown",
            )
        paper = offered.paper(expected)
        if not submission.answers.keys() <= paper.question_ids:
            raise Rejected(
                f"attempt {expected}: an answer is to a question not on its paper", code="question_unknown"
            )
        latest = offered.deadline(started_at)
        # The broker's own time of appending decides in the end: no sender's clock can stretch it.
        if submitted_at > latest or appended_at > latest + self._settle:
            raise Rejected(f"attempt {expected}: came after its deadline", code="attempt_late")
        return Sent(submission, received.context, appended_at, offered, paper)

    async def _with_profiles(self, sent: Sequence[Sent]) -> tuple[list[tuple[Sent, Profile]], list[Sent]]:
        """Who is known, with group and district, and who is not yet."""
        asked = {
            s.submission.participant_id for s in sent if not (s.submission.group_id or s.submission.district)
        }
        profiles, parked = await asyncio.gather(self._store.profiles(asked), self._store.any_parked())
        behind: set[str] = set()
        if parked:
            # Behind an earlier submission of the attempt that waits, whatever is known of this one.
            behind |= await self._store.parked_attempts([s.submission.attempt_id for s in sent])
        known: list[tuple[Sent, Profile]] = []
        waiting: list[Sent] = []
        for one in sent:
            submission = one.submission
            if submission.attempt_id in behind:
                waiting.append(one)
            elif submission.group_id or submission.district:
                known.append((one, Profile(submission.group_id, submission.district)))
            elif submission.participant_id in profiles:
                known.append((one, profiles[submission.participant_id]))
            else:
                metrics.SUBMISSIONS_GRADED.labels("waiting").inc()
                waiting.append(one)
                behind.add(submission.attempt_id)
        return known, waiting

    async def _grade(self, sent: Sequence[tuple[Sent, Profile]]) -> list[Record]:
        first: dict[str, tuple[Sent, Result]] = {}
        for one, profile in sent:
            if one.submission.attempt_id not in first:
                first[one.submission.attempt_id] = one, _result(one, profile)
        # Looked up before anything is written, and that is soon enough: see `_orders`.
        frozen = await self._store.frozen({result.quiz_id for _, result in first.values()})
        earlier = await self._store.add_results(
            [result for _, result in first.values()], self._orders(frozen)
        )
        counted: list[tuple[Context, Result, str]] = []
        graded = 0
        for id_, (one, result) in first.items():
            title = one.offered.record.quiz.title
            if id_ not in earlier:
                graded += 1
                counted.append((one.context, result, title))
            elif earlier[id_].submission_id == one.context.id:
                # The same submission again, after a crash: what followed may not have been published.
                counted.append((one.context, earlier[id_], title))
        metrics.SUBMISSIONS_GRADED.labels("graded").inc(graded)
        metrics.SUBMISSIONS_GRADED.labels("repeated").inc(len(sent) - len(counted))
        return completed(counted, clock.now())

    def _orders(self, frozen: Mapping[str, datetime]) -> Callable[[Iterable[Result]], Orders]:
        """
        What results make of the standings.

        What was submitted after a freeze is held. A freeze that begins just now concerns none
        of these results: it is told ahead, and they were submitted before. Of one that ends
        just now some are held all the same, and released with the others.
        """

        def orders(results: Iterable[Result]) -> Orders:
            best: dict[StandingKey, int] = {}
            for result in results:
                opens_at = self._catalogue.find(result.quiz_id).opens_at
                this = order(result.score_percent, result.time_used_seconds, result.submitted_at, opens_at)
                since = frozen.get(result.quiz_id)
                held = since if since is not None and result.submitted_at > since else None
                key = StandingKey(result.quiz_id, result.participant_id, held)
                best[key] = max(this, best.get(key, 0))
            return best

        return orders

    async def _grade_parked(self, participant_ids: Iterable[str]) -> None:
        profiles = await self._store.profiles(set(participant_ids))
        await self._grade_waiting(await self._store.parked(profiles.keys()), profiles)

    async def _grade_waiting(self, parked: Sequence[Parked], profiles: Mapping[str, Profile]) -> None:
        for quiz_id in {one.quiz_id for one in parked}:
            await self._catalogue.look_up(quiz_id)
        graded = await self._grade(
            [(self._unparked(one), profiles.get(one.participant_id, UNKNOWN)) for one in parked]
        )
        # Told before it is forgotten: after a crash in between, nothing else would bring it up again.
        await self._publisher.write(graded)
        await self._store.unpark([one.attempt_id for one in parked])

    def _unparked(self, parked: Parked) -> Sent:
        context = from_headers(parked.headers, appended_at=parked.appended_at, key=parked.attempt_id)
        offered = self._catalogue.find(parked.quiz_id)
        paper = offered.paper(parked.attempt_id)
        return Sent(decode([parked.value])[0], context, parked.appended_at, offered, paper)


def _result(sent: Sent, profile: Profile) -> Result:
    submission, pass_percent = sent.submission, sent.offered.record.quiz.pass_percent
    score_percent, answers = mark(submission.answers, sent.paper.answer_key)
    submitted_at = submission.submitted_at
    used = submitted_at - submission.started_at
    if submitted_at.tzinfo is not UTC:
        submitted_at = submitted_at.astimezone(UTC)
    if submitted_at.microsecond % 1_000:
        # As it will be read back, so that a repeat says the same.
        submitted_at = clock.to_milliseconds(submitted_at)
    return Result(
        AttemptId(submission.attempt_id),
        sent.context.id,
        QuizId(submission.quiz_id),
        ParticipantId(submission.participant_id),
        profile.group_id,
        profile.district,
        score_percent,
        score_percent >= pass_percent,
        used.days * DAY_SECONDS + used.seconds,
        submitted_at,
        answers,
    )


def _parked(sent: Sent) -> Parked:
    return Parked(
        sent.submission.attempt_id,
        sent.submission.participant_id,
        encoder.encode(sent.submission),
        tuple(to_headers(sent.context)),
        sent.appended_at,
        sent.submission.quiz_id,
    )


def subscriptions(grading: Grading) -> list[Subscription]:
    """What quiz reads."""
    return [
        Subscription(
            "quiz-grading", [QuizSubmitted], grading.grade_submissions, decoders={QuizSubmitted.topic: decode}
        ),
        Subscription("quiz-participants", [ParticipantJoined, ParticipantErased], grading.keep_participants),
    ]
