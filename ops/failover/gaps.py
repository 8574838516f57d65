"""The longest time in which nothing was acknowledged. Pure."""

from collections.abc import Iterable


def longest_gap(moments: Iterable[float], since: float, until: float) -> float:
    """
    The longest time between two moments that follow each other, in seconds.

    The beginning and the end count as moments: who hears nothing until the end has waited until then.
    """
    within = sorted(moment for moment in moments if since < moment < until)
    return max(after - before for before, after in zip([since, *within], [*within, until], strict=True))
