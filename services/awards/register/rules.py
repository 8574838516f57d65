"""What an award is. Pure."""

from datetime import datetime

import msgspec

from shared.contracts.events import AwardKind

# The first version of an award; nothing but its revocation changes it.
ISSUED = 1


# A struct, since many are made at a time: a frozen dataclass costs four times as much to make.
class Award(msgspec.Struct, frozen=True):
    """
    An award as it was issued; a revoked one stays, with when and why.

    Attributes:
        relayed: the outbox publishes `award.issued`, so no consumer has to.
        version: counts the changes: 1 when it was issued, 2 when it was revoked.
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
