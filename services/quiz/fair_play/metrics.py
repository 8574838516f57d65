"""The flags that nobody has judged, by kind."""

from collections.abc import Mapping

from services.quiz.fair_play.rules import KINDS
from shared.runtime import metrics

metrics.FLAGS_OPEN.begin(KINDS)


def show(counts: Mapping[str, int]) -> None:
    """Show how many flags of each kind are open."""
    for kind in KINDS:
        metrics.FLAGS_OPEN.labels(kind).set(counts.get(kind, 0))
