"""What an award is, and how it is revoked. Pure."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from shared.contracts.events import AwardKind
from shared.runtime.errors import Conflict

# The first version of an award; nothing but its revocation changes it.
ISSUED = 1
# Stands in place of an organiser's words when the recipient was erased.
ERASED_REASON = "revoked"


# A struct, since many are made at a time: a frozen dataclass costs four times as much to make.
class Award(msgspec.Struct, frozen=True):
    """
    An award as it was issued; a revoked one stays, with when and why.

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
    def held(self) -> bool:
        """Whether it still holds."""
        return self.revoked_at is None


def revoked(award: Award, reason: str, now: datetime, *, erased: bool) -> Award:
    """
    The award once it is revoked; on a repeat, the award itself.

    Args:
        erased: the recipient was erased. Then no words of an organiser are kept or published any more, and a
            repeat may give any reason.

    Raises:
        Conflict: it was revoked for another reason. That reason is public, and stays.
    """
    if not award.held:
        if award.reason not in (reason, None) and not erased:
            raise Conflict(
                f"award {award.award_id} was revoked for another reason, which stays", code="award_revoked"
            )
        return award
    why = ERASED_REASON if erased else reason
    return replace(award, revoked_at=now, reason=why, version=award.version + 1)


def check_held(award: Award) -> None:
    """
    See that an award that is to be conferred was not revoked: a revoked one is never issued again.

    Raises:
        Conflict: it was revoked.
    """
    if not award.held:
        raise Conflict(f"award {award.award_id} was revoked and cannot be issued again", code="award_revoked")
