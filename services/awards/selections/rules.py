"""
A selection, its phases and its nominees. All functions are pure.

What a selection is in follows from its times and from what was decided. No phase is stored.
"""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.checked import Id, Line, MomentIn, Text
from shared.runtime.errors import Conflict, Forbidden, NotFound, Rejected

PLACES_MAX = 80
NOMINEES_MAX = 100
CRITERIA_MAX = 20
EXPERTS_PER_NOMINEE_MAX = 15
NOTICE_SECONDS_MAX = 2_592_000
# A week, as public notices of such selections last.
NOTICE_SECONDS = 604_800
ELIGIBILITY_CHARS_MAX = 2_000
# 差额评选: so many candidates for each hundred places, at least.
CANDIDATES_PERCENT_MIN = 120

Nominator = Literal["person", "group", "organiser"]
# Of nominees, and of the nominations of one: so much may be filled by persons, and by persons and groups.
# Anybody may register, so the rest is kept for those whom organisers know.
SHARE_PERCENT: dict[Nominator, int] = {"person": 60, "group": 80, "organiser": 100}
Phase = Literal["preparing", "nominating", "scoring", "ranking", "notice", "deciding", "decided"]
AdmissionCode = Literal["eligible", "not_eligible", "incomplete", "untrue", "other_field", "doubled"]
# What may not change once somebody is nominated, and once somebody has scored.
KEPT_WITH_NOMINEES = ("scheme_id", "places", "candidates_at_most", "nominators")
KEPT_WITH_SCORES = ("criteria", "drop_extremes", "experts_per_nominee", "nominations_until")


class Criterion(BaseModel):
    """What experts give points for. `weight` is its share, whatever its points are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    title: Line
    title_en: Line | None = None
    weight: Annotated[int, Field(ge=1, le=100)]
    points_max: Annotated[int, Field(ge=1, le=100)]


class Terms(BaseModel):
    """A selection as organisers put it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Line = Field(examples=["最美科技工作者评选"])
    scheme_id: Id = Field(
        description="its rule is `selected`, and no other selection has it", examples=["finest"]
    )
    places: int = Field(ge=1, le=PLACES_MAX, examples=[10])
    candidates_at_most: int = Field(ge=2, le=NOMINEES_MAX, examples=[15])
    nominations_from: MomentIn = Field(examples=["2026-05-01T00:00:00+08:00"])
    nominations_until: MomentIn = Field(examples=["2026-05-15T00:00:00+08:00"])
    scoring_until: MomentIn = Field(examples=["2026-05-25T00:00:00+08:00"])
    notice_seconds: int = Field(NOTICE_SECONDS, ge=1, le=NOTICE_SECONDS_MAX)
    nominators: tuple[Nominator, ...] = Field(("person", "group", "organiser"), min_length=1, max_length=3)
    eligibility: Annotated[Text, Field(max_length=ELIGIBILITY_CHARS_MAX)] = ""
    criteria: tuple[Criterion, ...] = Field(
        min_length=1,
        max_length=CRITERIA_MAX,
        examples=[[{"id": "work", "title": "科技贡献", "weight": 60, "points_max": 100}]],
    )
    experts_per_nominee: int = Field(3, ge=1, le=EXPERTS_PER_NOMINEE_MAX)
    drop_extremes: bool = Field(
        False, description="with five scores or more, the highest and the lowest do not count"
    )


class Selection(Terms):
    """A selection with its id."""

    selection_id: Id


class Course(NamedTuple):
    """
    How far a selection is, beside its times.

    Attributes:
        version: of what organisers have put.
        nominees: number of those who were ever nominated.
        scored: an expert has scored somebody.
        notice_until: the end of the public notice. None: there are no candidates yet.
        decided_at: when the committee's votes were recorded.
    """

    version: int
    nominees: int = 0
    scored: bool = False
    notice_until: datetime | None = None
    decided_at: datetime | None = None


class Nominee(msgspec.Struct, frozen=True):
    """
    Somebody who was nominated.

    Attributes:
        version: counts the changes.
        withdrawn_at: the nominee has withdrawn (`withdrew`), or all who nominated.
        admitted: None until organisers have checked; `code` says why not.
    """

    selection_id: str
    participant_id: str
    version: int
    changed_at: datetime
    withdrawn_at: datetime | None = None
    withdrew: bool = False
    admitted: bool | None = None
    code: AdmissionCode | None = None

    @property
    def stands(self) -> bool:
        """True if experts judge the nominee."""
        return self.admitted is True and self.withdrawn_at is None


class Nomination(msgspec.Struct, frozen=True):
    """
    Somebody's words about a nominee. They are in no event.

    Attributes:
        nominator_id: None is an organiser.
    """

    nomination_id: str
    selection_id: str
    participant_id: str
    nominator_id: str | None
    statement_words: str
    evidence_words: tuple[str, ...]
    nominated_at: datetime
    withdrawn_at: datetime | None = None


def phase_of(selection: Selection, course: Course, now: datetime) -> Phase:
    """What a selection is in at this moment."""
    if course.decided_at is not None:
        return "decided"
    if course.notice_until is not None:
        return "notice" if now < course.notice_until else "deciding"
    if now < selection.nominations_from:
        return "preparing"
    if now < selection.nominations_until:
        return "nominating"
    return "scoring" if now < selection.scoring_until else "ranking"


def check_phase(selection: Selection, course: Course, now: datetime, *wanted: Phase) -> None:
    """
    Check that this may be done now.

    Raises:
        Conflict: the selection is in another phase.
    """
    phase = phase_of(selection, course, now)
    if phase not in wanted:
        raise Conflict(
            f"selection {selection.selection_id} is in the phase {phase}; this is done in the phase "
            f"{' or '.join(wanted)}",
            code="selection_in_other_phase",
            phase=phase,
            wanted=" / ".join(wanted),
        )


def check_terms(selection: Selection) -> None:
    """
    Refuse a selection that could not be held.

    Raises:
        Rejected: its times are not in order, two criteria have one id, or there are too few candidates for
            its places.
    """
    if not selection.nominations_from < selection.nominations_until < selection.scoring_until:
        raise Rejected(
            "a selection's nominations begin before they end, and its scoring ends after them",
            code="selection_times",
        )
    if len({one.id for one in selection.criteria}) < len(selection.criteria):
        raise Rejected("two criteria of the selection have the same id", code="criteria_alike")
    least = candidates_min(selection.places)
    if selection.candidates_at_most < least:
        raise Rejected(
            f"{selection.places} places need at least {least} candidates, "
            f"and at most {selection.candidates_at_most} are allowed",
            code="candidates_too_few",
            places=selection.places,
            least=least,
        )


def candidates_min(places: int) -> int:
    """The least number of candidates for so many places: a fifth more."""
    return -(-places * CANDIDATES_PERCENT_MIN // 100)


def check_change(before: Selection, course: Course, after: Selection) -> None:
    """
    Check that a selection may change so.

    Raises:
        Conflict: there are candidates already, or somebody relies on what would change.
    """
    if course.notice_until is not None:
        raise Conflict(
            f"selection {before.selection_id} has candidates: it does not change any more",
            code="selection_shortlisted",
        )
    kept = (KEPT_WITH_NOMINEES if course.nominees else ()) + (KEPT_WITH_SCORES if course.scored else ())
    for name in kept:
        if getattr(before, name) != getattr(after, name):
            raise Conflict(
                f"`{name}` of selection {before.selection_id} stays: there are nominees or scores already",
                code="selection_in_use",
                field=name,
            )


def most_for(by: Nominator, most: int) -> int:
    """How many of at most `most` may be there before one more of this kind."""
    return most * SHARE_PERCENT[by] // 100


def nominated(
    selection: Selection,
    course: Course,
    before: Nominee | None,
    participant_id: str,
    now: datetime,
    by: Nominator = "organiser",
) -> Nominee:
    """
    The nominee after one more nomination; the same one if nothing is new.

    Raises:
        Conflict: the nominee has withdrawn, or there are too many.
    """
    if before is None:
        if course.nominees >= (most := most_for(by, NOMINEES_MAX)):
            raise Conflict(
                f"a selection has at most {most} nominees of a {by}: ask the organisers to nominate",
                code="too_many_nominees",
                most=most,
            )
        return Nominee(selection.selection_id, participant_id, 1, now)
    if before.withdrew:
        raise Conflict(f"{participant_id} has withdrawn from this selection", code="nominee_withdrew")
    if before.withdrawn_at is None:
        return before
    return replace(before, version=before.version + 1, changed_at=now, withdrawn_at=None)


def withdrawn(before: Nominee, now: datetime, *, by_nominee: bool) -> Nominee:
    """The nominee after a withdrawal; the same one on a repeat."""
    if before.withdrew or (before.withdrawn_at is not None and not by_nominee):
        return before
    if before.withdrawn_at is not None:
        return replace(before, withdrew=True)
    return replace(before, version=before.version + 1, changed_at=now, withdrawn_at=now, withdrew=by_nominee)


def admitted(before: Nominee, code: AdmissionCode, now: datetime) -> Nominee:
    """The nominee after organisers have checked; the same one on a repeat."""
    is_admitted = code == "eligible"
    why = None if is_admitted else code
    if (before.admitted, before.code) == (is_admitted, why):
        return before
    return replace(before, version=before.version + 1, changed_at=now, admitted=is_admitted, code=why)


def check_may_nominate(selection: Selection, by: Nominator) -> None:
    """
    Check that somebody of this kind may nominate.

    Raises:
        Forbidden: not in this selection.
    """
    if by not in selection.nominators:
        raise Forbidden(
            f"in selection {selection.selection_id} nobody of the kind {by} nominates",
            code="may_not_nominate",
        )


def selection_unknown(selection_id: str) -> NotFound:
    """There is no such selection."""
    return NotFound(f"there is no selection {selection_id}", code="selection_unknown")


def nominee_unknown(participant_id: str) -> NotFound:
    """Nobody has nominated this participant."""
    return NotFound(f"{participant_id} is not nominated in this selection", code="nominee_unknown")
