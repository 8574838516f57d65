"""
Means, ranks and outliers of experts' scores. All functions are pure.

Everything that decides is computed with fractions: two equal means are equal.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from statistics import fmean, pstdev
from typing import NamedTuple

from services.awards.judging.rules import Panel, Scores
from services.awards.selections.rules import Criterion

# The highest and the lowest may be left out from so many scores on.
EXTREMES_FROM = 5
# A score is shown as an outlier beyond so many standard deviations of so many others.
OUTLIER_DEVIATIONS = 2.0
OUTLIER_OTHERS_MIN = 3

Points = Mapping[str, tuple[int, ...]]
"""By expert, the points of a nominee."""


class Ranked(NamedTuple):
    """A nominee in the ranking; `mean` is of 100."""

    rank: int
    participant_id: str
    mean: Fraction
    experts: int


class Outlier(NamedTuple):
    """A score that is far from those of the others."""

    expert_id: str
    participant_id: str
    score: float
    others: float


def counted(panel: Panel, scores: Iterable[Scores], standing: Iterable[str]) -> dict[str, dict[str, Scores]]:
    """By nominee and expert, the scores that count: of those who judge, for those who stand."""
    found: dict[str, dict[str, Scores]] = {one: {} for one in standing}
    for one in scores:
        if one.given and one.participant_id in found and panel.judges(one.expert_id, one.participant_id):
            found[one.participant_id][one.expert_id] = one
    return found


def weighted(criteria: Sequence[Criterion], points: Sequence[int]) -> Fraction:
    """What an expert's points are together, of 100."""
    share = sum(
        (Fraction(one.weight * given, one.points_max) for one, given in zip(criteria, points, strict=True)),
        Fraction(0),
    )
    return share * 100 / sum(one.weight for one in criteria)


def mean_of(scores: Sequence[Fraction], *, drop_extremes: bool) -> Fraction:
    """The mean of the experts; without the highest and the lowest, if the selection says so."""
    kept = sorted(scores)
    if drop_extremes and len(kept) >= EXTREMES_FROM:
        kept = kept[1:-1]
    return sum(kept, Fraction(0)) / len(kept)


def ranked(
    criteria: Sequence[Criterion], points: Mapping[str, Points], *, drop_extremes: bool
) -> list[Ranked]:
    """The nominees with a score, best mean first; equal means share a rank, and the next one counts them."""
    means = {
        nominee: mean_of([weighted(criteria, one) for one in given.values()], drop_extremes=drop_extremes)
        for nominee, given in points.items()
        if given
    }
    order = sorted(means, key=lambda one: (-means[one], one))
    return [
        Ranked(1 + sum(mean > means[one] for mean in means.values()), one, means[one], len(points[one]))
        for one in order
    ]


def shown(mean: Fraction) -> str:
    """A mean with four decimals, for people. The fraction decides."""
    return f"{round(mean * 10_000) / 10_000:.4f}"


def outliers(criteria: Sequence[Criterion], points: Mapping[str, Points]) -> list[Outlier]:
    """The scores that are far from the mean of the others for the same nominee."""
    found = []
    for nominee, given in sorted(points.items()):
        of = {expert: float(weighted(criteria, one)) for expert, one in given.items()}
        for expert, score in sorted(of.items()):
            others = [other for by, other in of.items() if by != expert]
            if len(others) < OUTLIER_OTHERS_MIN:
                continue
            if abs(score - fmean(others)) > OUTLIER_DEVIATIONS * pstdev(others):
                found.append(Outlier(expert, nominee, score, fmean(others)))
    return found


def severity(criteria: Sequence[Criterion], points: Mapping[str, Points]) -> dict[str, float]:
    """By expert, how much higher than the others' mean the scores are, on the average; below 0: severe."""
    apart: dict[str, list[float]] = {}
    for given in points.values():
        of = {expert: float(weighted(criteria, one)) for expert, one in given.items()}
        for expert, score in of.items():
            if others := [other for by, other in of.items() if by != expert]:
                apart.setdefault(expert, []).append(score - fmean(others))
    return {expert: fmean(differences) for expert, differences in sorted(apart.items())}
