"""The codes that registration asks for, and the mailboxes that get them: notifications' own bound decides."""

from collections import defaultdict
from datetime import UTC, datetime

from services.notifications.sending.code_limit import CodeLimit
from services.registration.participants.codes import address_of
from shared.contracts.events import ParticipantCodeRequested
from shared.contracts.sealing import decrypt_words
from shared.storage.mongo import Database
from tests.support.service import in_outbox


class Mailboxes:
    """
    Sends the codes that are in registration's outbox.

    Attributes:
        codes: what each address got, letter for letter.
        refused: addresses whose mail the bound has refused.
    """

    def __init__(self, registration: Database) -> None:
        self._registration = registration
        self._limit = CodeLimit(registration, "secret")
        self._seen = 0
        self.codes: dict[str, list[str]] = defaultdict(list)
        self.refused: list[str] = []

    async def deliver(self) -> None:
        """Send what was asked for since the last time. Of somebody erased since, nothing is sent."""
        asked = await in_outbox(self._registration, ParticipantCodeRequested.topic)
        for body in asked[self._seen :]:
            event = ParticipantCodeRequested.model_validate_json(body)
            found = await self._registration["contact_keys"].find_one({"_id": event.participant_id})
            if found is None:
                continue
            address = address_of(event.contact_locked, found["key"])
            admitted = await self._limit.admit(
                address, event.sign_in_id, event.round, event.expires_at, datetime.now(UTC)
            )
            if admitted:
                self.codes[address].append(decrypt_words(event.code_locked, found["key"]))
            else:
                self.refused.append(address)
        self._seen = len(asked)
