"""
Objections, and how many there may be. All functions are pure.

Source: docs/decisions/0085-one-kind-of-objection.md
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from shared.runtime.errors import Conflict, NotFound
from shared.runtime.owned_ids import owned_id

OBJECTIONS_MAX = 1_000
# Anybody may register and object. The rest is kept for those whom organisers write down.
OBJECTIONS_OF_PARTICIPANTS_MAX = 900
OBJECTIONS_OF_ONE_MAX = 5
# What an organiser writes down for somebody has no person in its id.
BY_ORGANISER = "organiser"
Outcome = Literal["upheld", "dismissed"]


class Subject(msgspec.Struct, frozen=True):
    """
    The public notice that objections are about: of a scheme, or of the selection for a scheme.

    Two are the same notice if they have the same `owner`.
    """

    scheme_id: str
    selection_id: str | None = None
    selection_title: str | None = None

    @property
    def owner(self) -> str:
        """What the ids of its objections begin with. A scheme and a selection may have the same id."""
        return f"selection/{self.selection_id}" if self.selection_id else self.scheme_id

    def __str__(self) -> str:
        return f"selection {self.selection_id}" if self.selection_id else f"scheme {self.scheme_id}"


class Objection(msgspec.Struct, frozen=True):
    """
    What somebody has against a recipient in a public notice. Only organisers read the words.

    Attributes:
        recipient_id: against whom; None after the erasure of this recipient.
        objector_id: the participant who objects; None: an organiser, or somebody who was erased.
        words: the text; None after the erasure of one of the two.
    """

    objection_id: str
    scheme_id: str
    selection_id: str | None
    recipient_id: str | None
    made_at: datetime
    objector_id: str | None = None
    words: str | None = None
    outcome: Outcome | None = None
    reason_words: str | None = None
    decided_at: datetime | None = None

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(self.scheme_id, self.selection_id)

    @property
    def version(self) -> int:
        """Of its event: 1 when it was made, 2 when it was decided."""
        return 1 if self.outcome is None else 2

    @property
    def is_open(self) -> bool:
        """True if organisers have to decide it. Nothing is to be decided about the erased."""
        return self.outcome is None and self.recipient_id is not None


def new_objection(
    subject: Subject, recipient_id: str, words: str, objector_id: str | None, now: datetime
) -> Objection:
    """
    An objection. Its id is the same on a repeat.

    A participant objects once against each recipient. What an organiser writes down is known by its words.
    """
    by = f"{objector_id}/{recipient_id}" if objector_id else f"{BY_ORGANISER}/{recipient_id}/{words}"
    id_ = owned_id(subject.owner, by)
    return Objection(id_, subject.scheme_id, subject.selection_id, recipient_id, now, objector_id, words)


def decided(before: Objection, outcome: Outcome, reason: str, now: datetime) -> Objection:
    """
    The objection that an organiser has decided; on a repeat, the same.

    Raises:
        Conflict: it was decided otherwise.
    """
    if before.outcome is None:
        return replace(before, outcome=outcome, reason_words=reason, decided_at=now)
    if before.outcome != outcome:
        raise Conflict(
            f"objection {before.objection_id} is {before.outcome} already", code="objection_decided"
        )
    return before


def check_may_object(subject: Subject, *, published: bool, runs: bool) -> None:
    """
    Raises:
        Conflict: nothing is published, or the time to object is over.
    """
    if not published:
        raise unpublished(subject)
    if not runs:
        raise Conflict(f"the notice of {subject} has ended", code="notice_ended")


def check_few(subject: Subject, there: Collection[Objection], objector_id: str | None) -> None:
    """
    Check that there may be one more objection.

    Args:
        there: those of this notice.
        objector_id: who objects once more; None: an organiser.

    Raises:
        Conflict: there are too many.
    """
    most = OBJECTIONS_MAX if objector_id is None else OBJECTIONS_OF_PARTICIPANTS_MAX
    if len(there) >= most:
        raise Conflict(
            f"{subject} has {most} objections: tell the organisers otherwise",
            code="too_many_objections",
        )
    own = sum(objector_id is not None and one.objector_id == objector_id for one in there)
    if own >= OBJECTIONS_OF_ONE_MAX:
        raise Conflict(
            f"you have made {OBJECTIONS_OF_ONE_MAX} objections to {subject}", code="too_many_objections"
        )


def check_all_decided(subject: Subject, open_: int) -> None:
    """
    Raises:
        Conflict: so many objections are not decided.
    """
    if open_:
        raise Conflict(
            f"{open_} objections to {subject} are not decided: decide them first",
            code="objections_undecided",
            open=open_,
        )


def unpublished(subject: Subject) -> Conflict:
    """Nothing is published yet."""
    return Conflict(f"the notice of {subject} is not published", code="notice_unpublished")


def not_in_notice(subject: Subject, recipient_id: str) -> NotFound:
    """Nobody can object against somebody who does not stand in the notice."""
    return NotFound(f"{recipient_id} is not in the notice of {subject}", code="not_in_notice")


def objection_unknown(objection_id: str) -> NotFound:
    """There is no such objection."""
    return NotFound(f"there is no objection {objection_id}", code="objection_unknown")
