"""The event by which awards hears of a name."""

from datetime import datetime

from services.registration.award_names.rules import Named
from services.registration.participants.rules import ToName
from shared.contracts import sealing
from shared.contracts.events import ParticipantNamed
from shared.contracts.origin import Origin
from shared.contracts.sources import REGISTRATION
from shared.messaging.publisher import Record, record_of

# Of a fingerprint, in the cause of an event.
MARK_CHARS = 16


class NameSealer:
    """
    Seals names and addresses for awards, each record with a key of its own.

    Attributes:
        public_key: that of awards, in base64.
    """

    def __init__(self, public_key: str) -> None:
        self.public_key = public_key
        self._box = sealing.KeyBox(public_key)

    def named(self, one: ToName, content: Named, mark: str, origin: Origin, now: datetime) -> Record:
        """
        Awards hears of this participant.

        Args:
            mark: the fingerprint of the content. The same version may be told again with another content, if
                awards has another key.
        """
        key = sealing.new_key()
        told = {
            "participant_id": one.participant_id,
            "version": one.version,
            "kind": content.kind,
            "group_id": content.group_id,
            "district": content.district,
            "shown": content.shown,
            "name_locked": content.name and sealing.encrypt_words(content.name, key),
            "address_locked": content.address and sealing.encrypt_words(content.address, key),
            "key_sealed": self._box.seal(key),
        }
        cause = f"{one.participant_id}/{one.version}/{mark[:MARK_CHARS]}"
        return record_of(ParticipantNamed, told, cause, origin, now, source=REGISTRATION)
