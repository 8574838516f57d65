"""How long after a submission its award and its notice are published, by the times in the log."""

from dataclasses import dataclass

from ops.audit.log import Log


@dataclass(frozen=True, slots=True)
class Lags:
    """Seconds from the submission's arrival in the log, sorted."""

    award: list[float]
    notice: list[float]


def lags_of(log: Log, since_ms: int, until_ms: int) -> Lags:
    """
    The lags of all submissions that came between two moments.

    The time of an award or a notice is the time of its event, which is published after it is stored.
    """
    submitted = {
        entry.body["participant_id"]: entry.time_ms
        for entry in log.events("quiz.submitted")
        if since_ms <= entry.time_ms <= until_ms
    }
    # The key of an award's event is its recipient, so no body has to be read.
    awarded = {entry.id: entry for entry in log.events("award.issued") if entry.key in submitted}
    award = [(entry.time_ms - submitted[entry.key]) / 1000 for entry in awarded.values()]
    notice = [
        (entry.time_ms - submitted[entry.key]) / 1000
        for entry in log.events("notification.delivered")
        if entry.key in submitted and entry.body["cause_id"] in awarded
    ]
    return Lags(sorted(award), sorted(notice))


def percentile(ordered: list[float], share: float) -> float:
    """A percentile of a sorted list, nan if the list is empty."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
