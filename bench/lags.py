"""From a submission in the log to the award and the notice that follow from it, by the log's own times."""

from dataclasses import dataclass

from ops.audit.log import Log


@dataclass(frozen=True, slots=True)
class Lags:
    """Seconds from the submission's arrival in the log; sorted."""

    award: list[float]
    notice: list[float]


def lags_of(log: Log, since_ms: int, until_ms: int) -> Lags:
    """
    Of all submissions that came between two moments.

    An award's and a notice's time is that of its event, which is published after it is stored.
    """
    submitted = {
        entry.body["participant_id"]: entry.time_ms
        for entry in log.events("quiz.submitted")
        if since_ms <= entry.time_ms <= until_ms
    }
    # An award's key is its recipient: no body need be read for either.
    awarded = {entry.id: entry for entry in log.events("award.issued") if entry.key in submitted}
    award = [(entry.time_ms - submitted[entry.key]) / 1000 for entry in awarded.values()]
    notice = [
        (entry.time_ms - submitted[entry.key]) / 1000
        for entry in log.events("notification.delivered")
        if entry.key in submitted and entry.body["cause_id"] in awarded
    ]
    return Lags(sorted(award), sorted(notice))


def percentile(ordered: list[float], share: float) -> float:
    """Of a sorted list; nan of an empty one."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
