"""
Does a submission count, and what is its result? All functions are pure.

The submission, the time at which the broker appended it, and the quiz decide, not a clock of ours. So every
try makes the same decision. Only an early close of the quiz between two tries can change it:
`SubmissionHandler._refuse` (handlers.py) takes care of that.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from services.quiz.attempts.rules import attempt_id
from services.quiz.attempts.submission import Submission
from services.quiz.participants.rules import ParticipantId, Profile
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.papers import Paper
from services.quiz.quizzes.rules import QuizId
from services.quiz.results.rules import AttemptId, Result
from services.quiz.scoring.rules import mark, passes
from shared.contracts.envelope import Context
from shared.runtime.clock import to_milliseconds
from shared.runtime.errors import Rejected

DAY_SECONDS = 86_400
# A sender's clock may be ahead of the broker's clock by this time.
SKEW = timedelta(seconds=60)


# A struct, since one is made for each submission: a dataclass takes ten times as long.
class Valid(msgspec.Struct, frozen=True, gc=False):
    """
    A submission that counts if it is the first of its attempt, with its version of the quiz and its paper.
    """

    submission: Submission
    context: Context
    appended_at: datetime
    offered: Offered
    paper: Paper


def check(
    submission: Submission,
    context: Context,
    appended_at: datetime,
    offered: Offered,
    log_delay_max: timedelta,
) -> Valid:
    """
    Accept a submission that can count.

    Args:
        appended_at: the broker's time.
        offered: the version of the quiz that the submission names.
        log_delay_max: intake may append accepted submissions for this time after deadline and grace.
    Raises:
        Rejected: the submission can never count, for example because it came after deadline and grace.
    """
    started_at, submitted_at = submission.started_at, submission.submitted_at
    # These checks come first, since all later checks use the times.
    schedule = offered.schedule
    if not schedule.opens_at <= started_at <= submitted_at:
        raise Rejected(f"attempt {submission.attempt_id}: its times are impossible", code="times_impossible")
    if submitted_at > appended_at + SKEW:
        raise Rejected(
            f"attempt {submission.attempt_id}: submitted after it was sent", code="times_impossible"
        )
    quiz_id, day = submission.quiz_id, offered.day_of(started_at)
    expected = attempt_id(quiz_id, submission.participant_id, day, submission.number)
    attempts_a_day = offered.record.quiz.attempts_per_day
    if submission.attempt_id != expected or submission.number > attempts_a_day:
        raise Rejected(
            f"attempt {submission.attempt_id} is not an attempt that this participant can have",
            code="attempt_unknown",
        )
    paper = offered.paper(expected)
    if not submission.answers.keys() <= paper.question_ids:
        raise Rejected(
            f"attempt {expected}: an answer is to a question that is not on its paper",
            code="question_unknown",
        )
    deadline_at = schedule.last_moment(started_at)
    # A sender's clock that is behind gives nobody more time: the broker's time of the append is checked too.
    # A clock that is ahead makes the sender's own submissions late.
    is_after = appended_at > deadline_at + log_delay_max
    if submission.automatic and not is_after:
        # A submission that came in time may still follow it, and must count.
        raise Rejected(
            f"attempt {expected}: handed in before the time of submissions was over", code="times_impossible"
        )
    if submitted_at > deadline_at or (is_after and not submission.automatic):
        raise Rejected(f"attempt {expected}: came after its deadline", code="attempt_late")
    return Valid(submission, context, appended_at, offered, paper)


def result_of(valid: Valid, profile: Profile) -> Result:
    """The result of a submission that counts."""
    submission, record = valid.submission, valid.offered.record
    half_points, answers = mark(submission.answers, valid.paper.answer_key)
    half_points_max = valid.paper.half_points_max
    # MongoDB rounds times. Round them now, so that a repeat, which reads them back, makes the same event.
    started_at, submitted_at = _stored(submission.started_at), _stored(submission.submitted_at)
    used = submitted_at - started_at
    return Result(
        AttemptId(submission.attempt_id),
        valid.context.id,
        QuizId(submission.quiz_id),
        record.version,
        ParticipantId(submission.participant_id),
        profile.group_id,
        profile.district,
        half_points,
        half_points_max,
        passes(half_points, half_points_max, record.quiz.pass_percent),
        used.days * DAY_SECONDS + used.seconds,
        submitted_at,
        answers,
        automatic=submission.automatic,
    )


def _stored(moment: datetime) -> datetime:
    """The moment as it is read back: in UTC, and MongoDB stores only whole milliseconds."""
    if moment.tzinfo is UTC and not moment.microsecond % 1_000:
        return moment
    return to_milliseconds(moment.astimezone(UTC))
