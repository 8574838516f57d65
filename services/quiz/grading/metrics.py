"""The outcomes that `kepu_submissions_graded_total` counts, by quiz."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, get_args

from shared.runtime import metrics
from shared.runtime.declared import OTHER

# `rejected`: the submission was refused.
Outcome = Literal["graded", "repeated", "waiting", "rejected", "erased"]

# The counters start at 0. So Prometheus sees the first one as an increase. Those of a quiz start when the
# process has read it (services/quiz/quizzes/metrics.py). Submissions to a quiz that does not exist count
# as "other".
metrics.SUBMISSIONS_GRADED.begin([OTHER], get_args(Outcome))


def count(outcome: Outcome, quiz_ids: Iterable[str]) -> None:
    """Count a submission with this outcome for each of these quizzes."""
    for quiz_id, submissions in Counter(quiz_ids).items():
        metrics.SUBMISSIONS_GRADED.labels(quiz_id, outcome).inc(submissions)
