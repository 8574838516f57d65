"""An award, and how it is revoked. All functions are pure."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from shared.contracts.events import AwardKind
from shared.runtime.errors import Conflict

# The first version of an award; only its revocation changes it.
ISSUED = 1
# Replaces an organiser's text when the recipient was erased.
ERASED_REASON = "revoked"


# A struct, since many are made at a time: making a frozen dataclass costs four times as much.
class Award(msgspec.Struct, frozen=True):
    """
    An award as it was issued; a revoked one stays, with time and reason.

    Attributes:
        cause: the result, the closed quiz or the conferral that it follows from.
        relayed: the outbox publishes `award.issued`, so no consumer has to.
        version: counts the changes: 1 when it was issued, 2 when it was revoked.
        note, reason: organisers' words; both are removed when the recipient is erased.
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

    @property
    def is_valid(self) -> bool:
        """True if the award was not revoked. Over HTTP its status is `held`."""
        return self.revoked_at is None


def revoked(award: Award, reason: str, now: datetime, *, erased: bool) -> Award:
    """
    The revoked award; on a repeat, the same award.

    Args:
        erased: the recipient was erased. Then no text of an organiser is stored or published any more, and a
            repeat may give any reason.

    Raises:
        Conflict: it was revoked for another reason. That reason is public, and stays.
    """
    if not award.is_valid:
        if award.reason not in (reason, None) and not erased:
            raise Conflict(
                f"award {award.award_id} was revoked for another reason, which stays", code="award_revoked"
            )
        return award
    why = ERASED_REASON if erased else reason
    return replace(award, revoked_at=now, reason=why, version=award.version + 1)


def check_not_revoked(award: Award) -> None:
    """
    Check that an award to be conferred was not revoked: a revoked one is never issued again.

    Raises:
        Conflict: it was revoked.
    """
    if not award.is_valid:
        raise Conflict(f"award {award.award_id} was revoked and cannot be issued again", code="award_revoked")
