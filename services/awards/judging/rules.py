"""Who judges whom, and what a score is. All functions are pure."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.awards.selections.rules import Criterion
from shared.runtime.errors import Conflict, Forbidden, Rejected

EXPERTS_MAX = 50
SCORE_VERSIONS_MAX = 20
CONFLICTS_MAX = 500

ConflictCode = Literal["family", "colleague", "teacher", "cooperation", "dispute", "other"]
Pair = tuple[str, str]
"""An expert and a nominee."""


class DeclaredConflict(msgspec.Struct, frozen=True):
    """An expert must not judge a nominee."""

    expert_id: str
    participant_id: str
    code: ConflictCode


class Panel(msgspec.Struct, frozen=True):
    """
    The experts of a selection.

    Attributes:
        assigned: by nominee, the experts who judge this one.
    """

    selection_id: str
    expert_ids: tuple[str, ...] = ()
    conflicts: tuple[DeclaredConflict, ...] = ()
    assigned: dict[str, tuple[str, ...]] = {}

    def judges(self, expert_id: str, participant_id: str) -> bool:
        """True if this expert judges this nominee."""
        return expert_id in self.assigned.get(participant_id, ())

    def nominees_of(self, expert_id: str) -> list[str]:
        """The nominees whom an expert judges."""
        return sorted(id_ for id_, experts in self.assigned.items() if expert_id in experts)


class GivenScore(msgspec.Struct, frozen=True):
    """The points that an expert has given at a time, in the order of the criteria."""

    version: int
    points: tuple[int, ...]
    salt: str
    at: datetime


class Scores(msgspec.Struct, frozen=True):
    """All that an expert has given a nominee; the last one counts."""

    selection_id: str
    expert_id: str
    participant_id: str
    given: tuple[GivenScore, ...] = ()

    @property
    def last(self) -> GivenScore:
        """What counts."""
        return self.given[-1]


def with_experts(panel: Panel, expert_ids: Collection[str]) -> Panel:
    """
    The panel with more experts.

    Raises:
        Conflict: there are too many.
    """
    both = tuple(sorted({*panel.expert_ids, *expert_ids}))
    if len(both) > EXPERTS_MAX:
        raise Conflict(
            f"a selection has at most {EXPERTS_MAX} experts", code="too_many_experts", most=EXPERTS_MAX
        )
    return replace(panel, expert_ids=both)


def without(panel: Panel, participant_id: str) -> Panel:
    """The panel without a person, as an expert and as a nominee."""
    return replace(
        panel,
        expert_ids=tuple(one for one in panel.expert_ids if one != participant_id),
        conflicts=tuple(
            one for one in panel.conflicts if participant_id not in (one.expert_id, one.participant_id)
        ),
        assigned={
            nominee: tuple(one for one in experts if one != participant_id)
            for nominee, experts in panel.assigned.items()
            if nominee != participant_id
        },
    )


def with_conflict(panel: Panel, conflict: DeclaredConflict) -> Panel:
    """
    The panel after an expert has declared a conflict of interest; the same one on a repeat.

    Raises:
        Forbidden: this is not an expert of the selection.
        Conflict: there are too many.
    """
    if conflict.expert_id not in panel.expert_ids:
        raise not_an_expert(panel.selection_id)
    pair = (conflict.expert_id, conflict.participant_id)
    if pair in {(one.expert_id, one.participant_id) for one in panel.conflicts}:
        return panel
    if len(panel.conflicts) >= CONFLICTS_MAX:
        raise Conflict(f"a selection has at most {CONFLICTS_MAX} conflicts", code="too_many_conflicts")
    return replace(panel, conflicts=(*panel.conflicts, conflict))


def assigned(panel: Panel, nominees: Iterable[str], barred: Collection[Pair], most: int) -> Panel:
    """
    The panel in which each of these nominees has `most` experts, if there are so many who may judge.

    Whoever judges a nominee already goes on. The next one is an expert who has fewest, beginning with the
    nominees whom few experts may judge. A digest decides between experts who have equally many. So the same
    input gives the same assignment, and nobody chooses who judges whom.

    Args:
        barred: pairs beside the conflicts declared, such as an expert who has nominated somebody.
    """
    never = {(one.expert_id, one.participant_id) for one in panel.conflicts} | set(barred)

    def may_judge(nominee: str) -> list[str]:
        return [one for one in panel.expert_ids if (one, nominee) not in never and one != nominee]

    able = {nominee: may_judge(nominee) for nominee in nominees}
    chosen = {
        nominee: [one for one in panel.assigned.get(nominee, ()) if one in experts][:most]
        for nominee, experts in able.items()
    }
    load = Counter(one for experts in chosen.values() for one in experts)
    for nominee in sorted(able, key=lambda one: (len(able[one]), one)):
        there = chosen[nominee]
        for _ in range(most - len(there)):
            free = [one for one in able[nominee] if one not in there]
            if not free:
                break
            next_one = min(free, key=lambda one: (load[one], _digest(panel.selection_id, nominee, one)))
            there.append(next_one)
            load[next_one] += 1
    return replace(panel, assigned={nominee: tuple(chosen[nominee]) for nominee in sorted(chosen)})


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("|".join(parts).encode()).digest()


def points_of(criteria: Sequence[Criterion], points: Mapping[str, int]) -> tuple[int, ...]:
    """
    The points in the order of the criteria.

    Raises:
        Rejected: a criterion has none, is not of the selection, or has more than its most.
    """
    if set(points) != {one.id for one in criteria}:
        raise Rejected(
            "give points for each criterion of the selection, and no others", code="criteria_differ"
        )
    for one in criteria:
        if not 0 <= points[one.id] <= one.points_max:
            raise Rejected(
                f"criterion {one.id} has 0 to {one.points_max} points",
                code="points_out_of_range",
                criterion=one.id,
                most=one.points_max,
            )
    return tuple(points[one.id] for one in criteria)


def scored(before: Scores, points: tuple[int, ...], salt: str, now: datetime) -> Scores:
    """
    The scores after an expert has given points; the same ones if they are given already.

    Raises:
        Conflict: they were changed too often.
    """
    if before.given and before.last.points == points:
        return before
    if len(before.given) >= SCORE_VERSIONS_MAX:
        raise Conflict(
            f"scores of a nominee change at most {SCORE_VERSIONS_MAX} times", code="too_many_score_versions"
        )
    new = GivenScore(len(before.given) + 1, points, salt, now)
    return replace(before, given=(*before.given, new))


def commitment(scores: Scores, given: GivenScore) -> str:
    """
    What is published of a score before all scores are: it fixes the points, and does not tell them.

    All parts are ids or numbers, so no other parts give the same text. The salt is random: nobody finds the
    points by trying all.
    """
    points = ",".join(map(str, given.points))
    text = (given.salt, scores.selection_id, scores.expert_id, scores.participant_id, given.version, points)
    return hashlib.sha256("|".join(map(str, text)).encode()).hexdigest()


def not_an_expert(selection_id: str) -> Forbidden:
    """Somebody who is not an expert, or does not judge this nominee."""
    return Forbidden(
        f"you are not an expert for this nominee of selection {selection_id}", code="not_an_expert"
    )
