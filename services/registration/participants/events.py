"""The events of participants: keyed, joined, erased."""

from datetime import datetime

from services.registration.participants.keys import ContactKey
from services.registration.participants.rules import Participant, ParticipantId
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import ParticipantErased, ParticipantJoined, ParticipantKeyed
from shared.contracts.origin import Origin, enclosed
from shared.contracts.sources import REGISTRATION
from shared.messaging.publisher import Record, record_of


def joined(participant: Participant, key: ContactKey, origin: Origin, now: datetime) -> tuple[Record, Record]:
    """The profile is new or has changed, and this key opens the participant's locked data."""
    id_, version, profile = participant.participant_id, participant.version, participant.profile
    assert profile is not None  # noqa: S101 (an erased participant does not join)
    keyed = {"participant_id": id_, "version": version, "key_sealed": key.sealed}
    known = {
        "participant_id": id_,
        "version": version,
        "kind": profile.kind,
        "group_id": profile.group_id,
        "district": profile.district,
        "audience": profile.audience,
        "language": profile.language,
        "contact_sealed": profile.contact_locked,
    }
    cause = f"{id_}/{version}"
    return (
        record_of(ParticipantKeyed, keyed, cause, origin, now, source=REGISTRATION),
        record_of(ParticipantJoined, known, cause, origin, now, source=REGISTRATION),
    )


def erased(
    participant_id: ParticipantId, version: int, origin: Origin, now: datetime
) -> tuple[Envelope[Event], Envelope[Event]]:
    """The key is deleted, and the profile is gone."""
    keyed = {"participant_id": participant_id, "version": version, "key_sealed": None}
    gone = {"participant_id": participant_id, "version": version, "erased_at": now}
    cause = f"{participant_id}/{version}"
    return (
        enclosed(ParticipantKeyed, keyed, cause, origin, now, source=REGISTRATION),
        enclosed(ParticipantErased, gone, cause, origin, now, source=REGISTRATION),
    )
