"""The counters that begin with 0 when a process learns of a quiz."""

from shared.runtime import metrics

_OUTCOMES = metrics.SUBMISSIONS_GRADED.values["outcome"].listed


def begin(quiz_id: str) -> None:
    """Make the counters of a quiz that exists."""
    metrics.SUBMISSIONS_GRADED.begin([quiz_id], _OUTCOMES)
