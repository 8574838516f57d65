"""
A submission judged: whether it can count, by which paper it is graded, and what result it makes.

What is judged is what the log has: the record's own time, and nothing that depends on which try it is.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from services.quiz.attempts.submission import Submission, encoder
from services.quiz.participants.store import Parked, Profile
from services.quiz.quizzes.catalogue import Catalogue, Offered
from services.quiz.quizzes.papers import Paper
from services.quiz.quizzes.rules import CLOCK_SKEW_SECONDS, AttemptId, ParticipantId, QuizId, attempt_id
from services.quiz.results.store import Result
from services.quiz.scoring.rules import mark, passes
from shared.contracts.envelope import Context, from_headers, to_headers
from shared.messaging.consumer import Received
from shared.runtime import clock
from shared.runtime.errors import Rejected

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


def judge(received: Received[Submission], catalogue: Catalogue, settle: timedelta) -> Sent:
    """
    The submission with the paper that it answers, of the version of the quiz that it names.

    Raises:
        Rejected: it can never count.
    """
    submission, appended_at = received.event, received.appended_at
    offered = catalogue.find(submission.quiz_id, submission.quiz_version)
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
    if submitted_at > latest or appended_at > latest + settle:
        raise Rejected(f"attempt {expected}: came after its deadline", code="attempt_late")
    return Sent(submission, received.context, appended_at, offered, paper)


def result_of(sent: Sent, profile: Profile) -> Result:
    """The result of a submission that counts."""
    submission, record = sent.submission, sent.offered.record
    halves, answers = mark(submission.answers, sent.paper.answer_key)
    halves_max = sent.paper.halves_max
    # As they will be read back, so that a repeat says the same.
    started_at, submitted_at = _kept(submission.started_at), _kept(submission.submitted_at)
    used = submitted_at - started_at
    return Result(
        AttemptId(submission.attempt_id),
        sent.context.id,
        QuizId(submission.quiz_id),
        record.version,
        ParticipantId(submission.participant_id),
        profile.group_id,
        profile.district,
        halves,
        halves_max,
        passes(halves, halves_max, record.quiz.pass_percent),
        used.days * DAY_SECONDS + used.seconds,
        submitted_at,
        answers,
    )


def _kept(moment: datetime) -> datetime:
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return clock.to_milliseconds(moment) if moment.microsecond % 1_000 else moment


def parked(sent: Sent) -> Parked:
    """A submission as it waits for its participant."""
    return Parked(
        sent.submission.attempt_id,
        sent.submission.participant_id,
        encoder.encode(sent.submission),
        tuple(to_headers(sent.context)),
        sent.appended_at,
        sent.submission.quiz_id,
    )


def unparked(parked: Parked, submission: Submission, offered: Offered) -> Sent:
    """A submission that waited, as it was before."""
    context = from_headers(parked.headers, appended_at=parked.appended_at, key=parked.attempt_id)
    return Sent(submission, context, parked.appended_at, offered, offered.paper(parked.attempt_id))
