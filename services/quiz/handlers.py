"""
What quiz does with events: grade submissions, keep participants' profiles.

`grade_submissions` is where the design's one event goes through: rules, store, publish.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.quiz.catalogue import Catalogue, Offered
from services.quiz.grading import grade, packed
from services.quiz.ranking import order
from services.quiz.rules import (
    CLOCK_SKEW_SECONDS,
    SETTLE_SECONDS,
    AttemptId,
    ParticipantId,
    QuizId,
    attempt_id,
    day_of,
    deadline,
)
from services.quiz.store import Parked, Profile, QuizStore, Result
from services.quiz.submission import Submission, decode, encoder
from shared import clock, metrics
from shared.consumer import Batch, Following, Subscription
from shared.envelope import Context, Envelope, enclose, from_headers, to_headers
from shared.errors import Rejected
from shared.events import ParticipantErased, ParticipantJoined, QuizCompleted, QuizSubmitted
from shared.publisher import Publisher

SOURCE = "kepu/quiz"
UNKNOWN = Profile(None, None)


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission as the log has it, whether it comes from the topic or has waited."""

    submission: Submission
    context: Context
    appended_at: datetime


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
        if any(self._catalogue.get(received.event.quiz_id) is None for received in batch):
            await self._catalogue.refresh()
        sound: list[Sent] = []
        for received in batch:
            sent = Sent(received.event, received.context, received.appended_at)
            try:
                self._check(sent)
                sound.append(sent)
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

    def _check(self, sent: Sent) -> Offered:
        submission = sent.submission
        offered = self._catalogue.find(submission.quiz_id)
        record, quiz = offered.record, offered.record.quiz
        started_at, submitted_at = submission.started_at, submission.submitted_at
        # First, for what follows counts with these times.
        if not quiz.opens_at <= started_at <= submitted_at:
            raise Rejected(f"attempt {submission.attempt_id}: its times cannot be", code="times_impossible")
        if submitted_at > sent.appended_at + timedelta(seconds=CLOCK_SKEW_SECONDS):
            raise Rejected(
                f"attempt {submission.attempt_id}: submitted after it was sent", code="times_impossible"
            )
        expected = attempt_id(
            record.quiz_id, submission.participant_id, day_of(quiz, started_at), submission.number
        )
        if submission.attempt_id != expected or submission.number > quiz.attempts_per_day:
            raise Rejected(
                f"attempt {submission.attempt_id} is none that this participant can have",
                code="attempt_unknown",
            )
        if not submission.answers.keys() <= offered.paper(expected).question_ids:
            raise Rejected(
                f"attempt {expected}: an answer is to a question not on its paper", code="question_unknown"
            )
        latest = deadline(quiz, record.closes_at, started_at)
        # The broker's own time of appending decides in the end: no sender's clock can stretch it.
        if submitted_at > latest or sent.appended_at > latest + self._settle:
            raise Rejected(f"attempt {expected}: came after its deadline", code="attempt_late")
        return offered

    async def _with_profiles(self, sent: Sequence[Sent]) -> tuple[list[tuple[Sent, Profile]], list[Sent]]:
        """Who is known, with group and district, and who is not yet."""
        asked = {
            s.submission.participant_id for s in sent if not (s.submission.group_id or s.submission.district)
        }
        profiles = await self._store.profiles(asked)
        # Behind an earlier submission of the attempt that waits, whatever is known of this one.
        behind = set(await self._store.parked_attempts([s.submission.attempt_id for s in sent]))
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

    async def _grade(self, sent: Sequence[tuple[Sent, Profile]]) -> list[Envelope[QuizCompleted]]:
        first: dict[str, tuple[Context, Result]] = {}
        for one, profile in sent:
            if one.submission.attempt_id in first:
                metrics.SUBMISSIONS_GRADED.labels("repeated").inc()
            else:
                offered = self._catalogue.find(one.submission.quiz_id)
                first[one.submission.attempt_id] = one.context, _result(one, profile, offered)
        earlier = await self._store.add_results([result for _, result in first.values()])
        counted: list[tuple[Context, Result]] = []
        for id_, (context, result) in first.items():
            if id_ not in earlier:
                metrics.SUBMISSIONS_GRADED.labels("graded").inc()
                counted.append((context, result))
            elif earlier[id_].submission_id == context.id:
                # The same submission again, after a crash: what followed may not have been published.
                counted.append((context, earlier[id_]))
            else:
                metrics.SUBMISSIONS_GRADED.labels("repeated").inc()
        await self._raise_standings(result for _, result in counted)
        return [self._completed(context, result) for context, result in counted]

    async def _raise_standings(self, results: Iterable[Result]) -> None:
        best: dict[tuple[QuizId, ParticipantId], int] = {}
        for result in results:
            opens_at = self._catalogue.find(result.quiz_id).record.quiz.opens_at
            this = order(result.score_percent, result.time_used_seconds, result.submitted_at, opens_at)
            who = result.quiz_id, result.participant_id
            best[who] = max(this, best.get(who, 0))
        await self._store.raise_standings(best)

    async def _grade_parked(self, participant_ids: Iterable[str]) -> None:
        profiles = await self._store.profiles(set(participant_ids))
        await self._grade_waiting(await self._store.parked(profiles.keys()), profiles)

    async def _grade_waiting(self, parked: Sequence[Parked], profiles: Mapping[str, Profile]) -> None:
        for quiz_id in {one.quiz_id for one in parked}:
            await self._catalogue.look_up(quiz_id)
        graded = await self._grade(
            [(_unparked(one), profiles.get(one.participant_id, UNKNOWN)) for one in parked]
        )
        # Told before it is forgotten: after a crash in between, nothing else would bring it up again.
        await self._publisher.publish(graded)
        await self._store.unpark([one.attempt_id for one in parked])

    def _completed(self, context: Context, result: Result) -> Envelope[QuizCompleted]:
        event = QuizCompleted(
            result_id=result.attempt_id,
            quiz_id=result.quiz_id,
            quiz_title=self._catalogue.find(result.quiz_id).record.quiz.title,
            participant_id=result.participant_id,
            group_id=result.group_id,
            district=result.district,
            score_percent=result.score_percent,
            passed=result.passed,
            time_used_seconds=result.time_used_seconds,
            completed_at=result.submitted_at,
        )
        return enclose(event, source=SOURCE, cause=result.attempt_id, now=clock.now(), parent=context)


def _result(sent: Sent, profile: Profile, offered: Offered) -> Result:
    submission, quiz = sent.submission, offered.record.quiz
    key = offered.paper(submission.attempt_id).key
    score_percent = grade(submission.answers, key)
    return Result(
        attempt_id=AttemptId(submission.attempt_id),
        submission_id=sent.context.id,
        quiz_id=QuizId(submission.quiz_id),
        participant_id=ParticipantId(submission.participant_id),
        group_id=profile.group_id,
        district=profile.district,
        score_percent=score_percent,
        passed=score_percent >= quiz.pass_percent,
        time_used_seconds=int((submission.submitted_at - submission.started_at).total_seconds()),
        # As it will be read back, so that a repeat says the same.
        submitted_at=clock.to_milliseconds(submission.submitted_at.astimezone(UTC)),
        answers=packed(submission.answers, key),
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


def _unparked(parked: Parked) -> Sent:
    context = from_headers(parked.headers, appended_at=parked.appended_at, key=parked.attempt_id)
    return Sent(decode([parked.value])[0], context, parked.appended_at)


def subscriptions(grading: Grading) -> list[Subscription]:
    """What quiz reads."""
    return [
        Subscription(
            "quiz-grading", [QuizSubmitted], grading.grade_submissions, decoders={QuizSubmitted.topic: decode}
        ),
        Subscription("quiz-participants", [ParticipantJoined, ParticipantErased], grading.keep_participants),
    ]
