"""What a row of the list of winners has."""

import msgspec

from services.awards.issued.rules import Award
from services.awards.names.rules import FullName

# As they stand in the first line of a file.
COLUMNS = (
    "award_code",
    "tier",
    "name",
    "unit",
    "district",
    "address_recipient",
    "address_phone",
    "address_region",
    "address_street",
    "address_postal_code",
    "recipient_id",
    "issued_at",
)


class Winner(msgspec.Struct, frozen=True):
    """An award that is held, and what can be opened of its holder; None: awards has heard of no name yet."""

    award: Award
    who: FullName | None

    def cells(self) -> list[str | None]:
        """The values of `COLUMNS`."""
        award, who = self.award, self.who
        at = who.address if who else None
        return [
            award.award_code,
            award.tier,
            who.text if who else None,
            who.unit if who else None,
            who.district if who else None,
            at.recipient if at else None,
            at.phone if at else None,
            at.region if at else None,
            at.street if at else None,
            at.postal_code if at else None,
            award.recipient_id,
            award.issued_at.isoformat(),
        ]
