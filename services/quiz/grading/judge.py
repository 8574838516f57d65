"""
Which submissions can count, by the quizzes in memory.

A refusal is for good, and a quiz in memory may be older than a later end by which intake accepts. So what is
refused is looked at once more, by the quizzes as they are stored then.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.quiz.attempts.submission import Submission
from services.quiz.grading.rules import Valid, check
from services.quiz.quizzes.catalogue import Catalogue
from shared.messaging.received import Received
from shared.runtime.errors import Rejected


async def judge(
    catalogue: Catalogue,
    batch: Sequence[Received[Any]],
    submissions: Sequence[Submission],
    log_delay_max: timedelta,
) -> list[Valid | Rejected]:
    """
    What each submission is, in order. The database is asked only if any is refused, and once for all.

    Args:
        submissions: those of the batch, in its order.
    Raises:
        Unavailable: the database does not answer, or a quiz could not be read.
    """

    def judged(received: Received[Any], submission: Submission) -> Valid | Rejected:
        try:
            offered = catalogue.find(submission.quiz_id, submission.quiz_version)
            return check(submission, received.context, received.appended_at, offered, log_delay_max)
        except Rejected as why:
            return why

    found = list(map(judged, batch, submissions))
    if refused := [place for place, one in enumerate(found) if isinstance(one, Rejected)]:
        named = [submissions[place] for place in refused]
        await catalogue.learn_anew({(one.quiz_id, one.quiz_version) for one in named})
        for place in refused:
            found[place] = judged(batch[place], submissions[place])
    return found
