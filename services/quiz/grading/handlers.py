"""
What quiz does with events: it grades submissions and stores participants' profiles.

A batch of submissions goes this way: submissions that can never count are refused, those without a profile
wait, the others are graded. Then `quiz.completed` is published. A refused submission becomes a dead letter,
and its participant reads `refused` (refuse.py).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from services.quiz.attempts.submission import Submission, decode
from services.quiz.grading.events import Completed
from services.quiz.grading.grade import Grader
from services.quiz.grading.grade_waiting import NO_PROFILE, WaitingGrader, to_waiting
from services.quiz.grading.judge import Judge
from services.quiz.grading.metrics import count
from services.quiz.grading.moved import Moved
from services.quiz.grading.refuse import Refuse
from services.quiz.grading.rules import Valid
from services.quiz.grading.store import WaitingStore
from services.quiz.participants.erased import Erased
from services.quiz.participants.off_roster import OffRoster
from services.quiz.participants.rules import Profile, ProfileChange, later_change
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX
from services.quiz.quizzes.store import QuizStore
from services.quiz.results.store import ResultStore
from shared.contracts.events import ParticipantErased, ParticipantJoined, QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING, QUIZ_PARTICIPANTS
from shared.messaging.publisher import Record
from shared.messaging.received import Batch, Following, Received, Subscription
from shared.runtime.errors import Rejected
from shared.storage.ended_tokens import EndedTokens

DEAD_LETTER_CODES = (
    "times_impossible",
    "attempt_unknown",
    "attempt_late",
    "question_unknown",
    "quiz_unknown",
    "quiz_version_unknown",
)


class Checked(NamedTuple):
    """
    The valid submissions of a batch.

    Attributes:
        first: by attempt, its first submission.
        later: by attempt, the ids of its later submissions.
        published_again: records of results that an earlier try has stored, although their submissions would
            be refused now. They are published again, because that try may have ended before publishing.
    """

    first: dict[str, Valid]
    later: dict[str, set[str]]
    published_again: list[Record]


class ByProfile(NamedTuple):
    """
    First submissions, by what is known of their participants.

    Attributes:
        to_grade: submissions that can be graded, with group and district; or that have a result already, and
            so need no profile.
        waiting: submissions that have to wait for their participants.
        had_waiting: attempts that already have a waiting submission.
    """

    to_grade: list[tuple[Valid, Profile]]
    waiting: list[Valid]
    had_waiting: frozenset[str]


class SubmissionHandler:
    """
    Grades submissions.

    Args:
        moved: finds what came before in other partitions; None for a topic that never gets more of them.
        log_delay_seconds_max: after the deadline, intake may append accepted submissions for this time.
    """

    def __init__(
        self,
        grader: Grader,
        waiting_grader: WaitingGrader,
        catalogue: Catalogue,
        erased: Erased,
        *,
        quizzes: QuizStore,
        results: ResultStore,
        participants: ParticipantStore,
        waiting: WaitingStore,
        moved: Moved | None = None,
        log_delay_seconds_max: float = LOG_DELAY_SECONDS_MAX,
    ) -> None:
        self._grader = grader
        self._waiting_grader = waiting_grader
        self._catalogue = catalogue
        self._erased = erased
        self._judge = Judge(catalogue, quizzes, timedelta(seconds=log_delay_seconds_max))
        self._results = results
        self._participants = participants
        self._waiting = waiting
        self._moved = moved

    async def grade_submissions(self, batch: Batch[Submission]) -> Following:
        """Grade a batch; the first submission of an attempt counts, later ones change nothing."""
        await self._erased.keep_fresh()
        await self._catalogue.keep_fresh()
        events = batch.events if self._moved is None else await self._moved.with_earlier(batch.events)
        await self._catalogue.learn(
            {(received.event.quiz_id, received.event.quiz_version) for received in events}
        )
        checked = await self._check(batch, events)
        first = checked.first
        by_profile = await self._with_profiles(first)
        graded = await self._grader.grade(by_profile.to_grade, checked.later)
        await self._waiting.add([to_waiting(valid) for valid in by_profile.waiting])
        if still_waiting := [
            *by_profile.waiting,
            *(first[attempt_id] for attempt_id in by_profile.had_waiting),
        ]:
            # The profile may have arrived before we stored the waiting submission. So look again.
            await self._waiting_grader.grade_of_participants(
                {valid.submission.participant_id for valid in still_waiting}
            )
        return [*checked.published_again, *graded]

    async def _check(self, batch: Batch[Submission], events: Sequence[Received[Submission]]) -> Checked:
        """
        Find the submissions that can count; drop or dead-letter the others.

        Args:
            events: those of the batch, and perhaps some that came before, in order. The partitions of these
                have batches of their own, in which they are refused.
        """
        first: dict[str, Valid] = {}
        later: dict[str, set[str]] = {}
        refused: list[tuple[Received[Submission], Rejected]] = []
        erased = self._erased.ids
        present = [received for received in events if received.event.participant_id not in erased]
        submissions = [received.event for received in present]
        judged = await self._judge.judge(present, submissions)
        for received, candidate in zip(present, judged, strict=True):
            if isinstance(candidate, Rejected):
                if events is batch.events or received in batch.events:
                    refused.append((received, candidate))
                continue
            attempt_id = candidate.submission.attempt_id
            if first.setdefault(attempt_id, candidate) is not candidate:
                later.setdefault(attempt_id, set()).add(candidate.context.id)
                count("repeated", [candidate.submission.quiz_id])
        count("erased", [one.event.quiz_id for one in batch if one.event.participant_id in erased])
        return Checked(first, later, await self._refuse(batch, refused) if refused else [])

    async def _refuse(
        self, batch: Batch[Submission], refused: Sequence[tuple[Received[Submission], Rejected]]
    ) -> list[Record]:
        """
        Dead-letter refused submissions.

        If an earlier try has graded a submission, it counts, also if it would be refused now: the quiz may
        have been closed early in between. Its result is published again.
        """
        graded = await self._results.of_attempts({received.event.attempt_id for received, _ in refused})
        to_publish: list[Completed] = []
        for received, why in refused:
            result = graded.get(received.event.attempt_id)
            if result and result.submission_id == received.context.id:
                count("repeated", [received.event.quiz_id])
                to_publish.append((received.context, result.as_first(), self._grader.title(result)))
                continue
            count("rejected", [received.event.quiz_id])
            batch.reject(received, why)
        return self._grader.records(to_publish)

    async def _with_profiles(self, first: Mapping[str, Valid]) -> ByProfile:
        """Which submissions can be graded now, and which have to wait."""
        asked = {
            valid.submission.participant_id
            for valid in first.values()
            if not (valid.submission.group_id or valid.submission.district)
        }
        profiles, any_waiting = await asyncio.gather(self._participants.profiles(asked), self._waiting.any())
        # If an earlier submission of the same attempt waits for the profile, the later one waits too,
        # although the profile may be known now: the first submission counts.
        had_waiting = await self._waiting.attempts_among(first) if any_waiting else frozenset()
        to_grade: list[tuple[Valid, Profile]] = []
        waiting: list[Valid] = []
        for attempt_id, valid in first.items():
            submission = valid.submission
            if attempt_id in had_waiting:
                waiting.append(valid)
            elif submission.group_id or submission.district:
                to_grade.append((valid, Profile(submission.group_id, submission.district)))
            elif profile := profiles.get(submission.participant_id):
                if profile.erased:
                    count("erased", [submission.quiz_id])
                else:
                    to_grade.append((valid, profile))
            else:
                waiting.append(valid)
        if not waiting:
            return ByProfile(to_grade, waiting, had_waiting)
        # An attempt that has a result needs no profile any more: its result is published again.
        graded = await self._results.of_attempts({valid.submission.attempt_id for valid in waiting})
        to_grade += [(valid, NO_PROFILE) for valid in waiting if valid.submission.attempt_id in graded]
        waiting = [valid for valid in waiting if valid.submission.attempt_id not in graded]
        count("waiting", [valid.submission.quiz_id for valid in waiting])
        return ByProfile(to_grade, waiting, had_waiting)


class ParticipantHandler:
    """Stores profiles, and grades submissions that waited for them."""

    def __init__(
        self,
        participants: ParticipantStore,
        waiting_grader: WaitingGrader,
        ended_tokens: EndedTokens,
        off_roster: OffRoster,
    ) -> None:
        self._participants = participants
        self._waiting_grader = waiting_grader
        self._ended_tokens = ended_tokens
        self._off_roster = off_roster

    async def keep_participants(self, batch: Batch[ParticipantJoined | ParticipantErased]) -> Following:
        """
        Store profiles, and grade submissions that waited for them; delete waiting submissions of erased
        people. Tokens that have ended are refused from now on, and what the others say of a roster that
        somebody has left does not hold any more.
        """
        joined = [one.event for one in batch if isinstance(one.event, ParticipantJoined)]
        await self._ended_tokens.keep(joined)
        await self._off_roster.keep(joined)
        changes: dict[str, ProfileChange] = {}
        for received in batch:
            event = received.event
            change = (
                ProfileChange(event.version, None)
                if isinstance(event, ParticipantErased)
                else ProfileChange(event.version, _profile_of(event))
            )
            changes[event.participant_id] = later_change(changes.get(event.participant_id), change)
        await self._participants.save(changes)
        await self._waiting_grader.grade_of_participants(changes.keys())
        return ()


def _profile_of(event: ParticipantJoined) -> Profile:
    """What quiz keeps of a profile."""
    return Profile(event.group_id, event.district, audience=event.audience)


def subscriptions(
    submissions: SubmissionHandler, participants: ParticipantHandler, refuse: Refuse
) -> list[Subscription]:
    """What quiz reads."""
    return [
        Subscription(
            QUIZ_GRADING,
            [QuizSubmitted],
            submissions.grade_submissions,
            decoders={QuizSubmitted.topic: decode},
            codes=DEAD_LETTER_CODES,
            given_up=refuse.note,
        ),
        Subscription(
            QUIZ_PARTICIPANTS,
            [ParticipantJoined, ParticipantErased],
            participants.keep_participants,
            codes=(),
        ),
    ]
