"""An award, and how it is revoked. All functions are pure."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from shared.contracts.events import AwardKind
from shared.runtime.errors import Conflict, Rejected

# The first version of an award. A revocation is the next one, and so is each change by the rule.
ISSUED = 1
Unearned = Literal["not_earned", "disqualified"]
"""Why an award is not earned any more: the results of now do not reach it, or they do not count."""
Withdrawn = Literal["drawn_again", "not_entitled"]
"""Why the holder of a drawn award holds it no more: the draw is held again, or a reserve has moved up."""
# Public, as an organiser's reason is.
REASONS: dict[Unearned, str] = {
    "not_earned": "成绩更正后不再符合获奖条件 (not earned any more after a correction of results)",
    "disqualified": "成绩已取消 (the result has been disqualified)",
}
# Replaces an organiser's text when the recipient was erased.
ERASED_REASON = "revoked"


# A struct, since many are made at a time: making a frozen dataclass costs four times as much.
class Award(msgspec.Struct, frozen=True):
    """
    An award as it was issued; a revoked one stays, with time and reason.

    Attributes:
        cause: the result, the closed quiz or the conferral that it follows from.
        relayed: the outbox publishes `award.issued`, so no consumer has to.
        version: counts the changes: 1 when it was issued first, and one more for each revocation, each other
            tier and each time it is issued again.
        issued_at: when it was issued, or issued again, or got the tier of now.
        note, reason: organisers' words; both are removed when the recipient is erased.
        code: why the rule has taken it back. None: it is held, or an organiser has revoked it.
        tier_before: what the tier was before the last change by the rule, if that has changed it.
        noted: it is held, and a note for organisers says that it is not earned.
        place_free: an organiser has revoked it, and nobody moves up into its place.
        shared: more people share its rank than places were left, and so they share it (`ties: share`).
        superseded_by: the id of the award that an organiser gave in its place. It is revoked then.
        replaces: the id of the award in whose place it was given.
    """

    award_id: str
    award_code: str
    scheme_id: str
    scheme_title: str
    kind: AwardKind
    tier: str | None
    recipient_id: str
    cause: str
    issued_at: datetime
    relayed: bool
    version: int = ISSUED
    note: str | None = None
    revoked_at: datetime | None = None
    reason: str | None = None
    code: Unearned | Withdrawn | None = None
    tier_before: str | None = None
    noted: bool = False
    place_free: bool = False
    shared: bool = False
    superseded_by: str | None = None
    replaces: str | None = None

    @property
    def is_valid(self) -> bool:
        """True if the award was not revoked. Over HTTP its status is `held`."""
        return self.revoked_at is None

    @property
    def status(self) -> Literal["held", "revoked", "superseded"]:
        """How it stands: a superseded award is revoked, and another one takes its place."""
        if self.is_valid:
            return "held"
        return "superseded" if self.superseded_by else "revoked"

    @property
    def may_come_back(self) -> bool:
        """True if the rule has taken the award back. If it is earned again, it is issued again."""
        return self.code is not None


def revoked(award: Award, reason: str, now: datetime, *, erased: bool, place_free: bool = False) -> Award:
    """
    The award that an organiser has revoked; on a repeat, the same award.

    No rule undoes this, also if the rule had taken the award back before.

    Args:
        erased: the recipient was erased. Then no text of an organiser is stored or published any more, and a
            repeat may give any reason.
        place_free: nobody moves up. On a repeat it stays as it was.

    Raises:
        Conflict: it was revoked for another reason. That reason is public, and stays.
    """
    if not award.is_valid and not award.may_come_back:
        if award.reason not in (reason, None) and not erased:
            raise Conflict(
                f"award {award.award_id} was revoked for another reason, which stays", code="award_revoked"
            )
        return award
    why = ERASED_REASON if erased else reason
    award = replace(award, place_free=place_free)
    return replace(award, revoked_at=now, reason=why, code=None, version=award.version + 1)


def check_replaced_by_another(old_id: str, new_id: str) -> None:
    """
    Raises:
        Rejected: scheme and recipient are the same, so it would be the same award.
    """
    if old_id == new_id:
        raise Rejected(
            f"award {old_id} cannot replace itself: name another recipient, or another scheme",
            code="replacement_not_different",
        )


def superseded(award: Award, by: str, reason: str, now: datetime, *, erased: bool) -> Award:
    """
    The award that an organiser replaces by the award with the id `by`.

    Args:
        erased: the recipient was erased: no text of an organiser is stored or published any more.

    Raises:
        Conflict: it was revoked, or replaced before.
    """
    if award.superseded_by:
        raise _already_replaced(award)
    if not award.is_valid:
        raise Conflict(
            f"award {award.award_id} was revoked: reinstate it before you replace it", code="award_revoked"
        )
    why = ERASED_REASON if erased else reason
    return replace(award, revoked_at=now, reason=why, superseded_by=by, version=award.version + 1)


def is_repeat(award: Award, by: str, reason: str, *, erased: bool) -> bool:
    """
    True if this replacement was made before.

    Args:
        erased: the recipient of the replaced award was erased. Then a repeat may give any reason.
    """
    return award.superseded_by == by and (erased or award.reason in (reason, None))


def taken_back(award: Award, code: Unearned, now: datetime) -> Award:
    """The award that its rule takes back, since it is not earned any more."""
    return replace(award, revoked_at=now, reason=REASONS[code], code=code, version=award.version + 1)


def withdrawn(award: Award, code: Withdrawn, reason: str, now: datetime) -> Award:
    """The award that a draw takes back, for an organiser's reason. A later draw may give it again."""
    return replace(award, revoked_at=now, reason=reason, code=code, version=award.version + 1)


def issued_again(award: Award, cause: str, tier: str | None, now: datetime, *, shared: bool = False) -> Award:
    """The same award, with the same code, after the rule took it back; or with another tier."""
    return replace(
        award,
        cause=cause,
        tier=tier,
        tier_before=award.tier if tier != award.tier else None,
        shared=shared,
        issued_at=now,
        revoked_at=None,
        reason=None,
        code=None,
        version=award.version + 1,
        place_free=False,
    )


def reinstated(award: Award, now: datetime) -> Award:
    """
    The award that an organiser has revoked, held again; the same award if it is held.

    Raises:
        Conflict: its rule took it back. It comes back by the rule. Or another award takes its place.
    """
    if award.is_valid:
        return award
    if award.superseded_by:
        raise _already_replaced(award)
    if award.may_come_back:
        raise Conflict(
            f"award {award.award_id} was taken back by its rule, and comes back by it",
            code="award_not_earned",
        )
    return issued_again(award, award.cause, award.tier, now, shared=award.shared)


def check_not_revoked(award: Award) -> None:
    """
    Check that an award to be conferred was not revoked: a revoked one is never issued again.

    Raises:
        Conflict: it was revoked.
    """
    if not award.is_valid:
        raise Conflict(f"award {award.award_id} was revoked and cannot be issued again", code="award_revoked")


def _already_replaced(award: Award) -> Conflict:
    return Conflict(
        f"award {award.award_id} was replaced by award {award.superseded_by}, which stands in its place",
        code="award_replaced",
    )
