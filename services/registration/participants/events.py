"""The events of participants: keyed, joined, named for awards, code requested, contact changed, erased."""

from datetime import datetime

from services.registration.participants.codes import Proof
from services.registration.participants.keys import ContactKey
from services.registration.participants.rules import Participant, ParticipantId
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import (
    Language,
    ParticipantCodeRequested,
    ParticipantContactChanged,
    ParticipantEntered,
    ParticipantErased,
    ParticipantJoined,
    ParticipantKeyed,
    ParticipantNamed,
)
from shared.contracts.origin import Origin, enclosed
from shared.contracts.sources import REGISTRATION
from shared.messaging.publisher import Record, record_of


def joined(participant: Participant, key: ContactKey, origin: Origin, now: datetime) -> tuple[Record, Record]:
    """The profile is new or has changed, and this key opens the participant's encrypted data."""
    id_, version = participant.participant_id, participant.version
    keyed = {"participant_id": id_, "version": version, "key_sealed": key.sealed}
    return (
        record_of(ParticipantKeyed, keyed, f"{id_}/{version}", origin, now, source=REGISTRATION),
        changed(participant, origin, now),
    )


def changed(participant: Participant, origin: Origin, now: datetime) -> Record:
    """The profile has changed, and the key has not."""
    profile = participant.profile
    assert profile is not None  # noqa: S101 (an erased participant does not join)
    known = {
        "participant_id": participant.participant_id,
        "version": participant.version,
        "kind": profile.kind,
        "group_id": profile.group_id,
        "district": profile.district,
        "audience": profile.audience,
        "language": profile.language,
        "contact_sealed": profile.contact_locked,
        "verified": participant.is_verified,
        "tokens_from": participant.tokens_from,
        "by_phone": profile.by_phone,
        "roster_from": participant.roster_from,
    }
    cause = f"{participant.participant_id}/{participant.version}"
    return record_of(ParticipantJoined, known, cause, origin, now, source=REGISTRATION)


def code_requested(
    sign_in_id: str,
    participant_id: str,
    language: Language,
    round_: int,
    proof: Proof,
    origin: Origin,
    now: datetime,
    *,
    by_phone: bool,
) -> Record:
    """
    Somebody asks for the code of a contact. `by_phone`: that contact is a phone number.

    The contact is in the event also where it is the profile's: a mail may wait, and the profile may have
    another contact then, whose reader must not get this code.
    """
    asked = {
        "sign_in_id": sign_in_id,
        "participant_id": participant_id,
        "language": language,
        "round": round_,
        "code_locked": proof.code_locked,
        "contact_locked": proof.contact_locked,
        "expires_at": proof.expires_at,
        "by_phone": by_phone,
    }
    return record_of(ParticipantCodeRequested, asked, sign_in_id, origin, now, source=REGISTRATION)


def contact_changed(before: Participant, origin: Origin, now: datetime) -> Envelope[Event]:
    """Who reads the contact from before is told that it was changed; not which one it is now."""
    profile, version = before.profile, before.version + 1
    assert profile is not None  # noqa: S101 (somebody with a contact has a profile)
    told = {
        "participant_id": before.participant_id,
        "version": version,
        "language": profile.language,
        "contact_locked": profile.contact_locked,
        "by_phone": profile.by_phone,
        "changed_at": now,
    }
    cause = f"{before.participant_id}/{version}"
    return enclosed(ParticipantContactChanged, told, cause, origin, now, source=REGISTRATION)


def entered(
    participant_id: str, group_id: str, group_name: str, origin: Origin, now: datetime
) -> Envelope[Event]:
    """A group has entered this participant on its roster: one event, however often the group does it."""
    told = {"participant_id": participant_id, "group_id": group_id, "group_name": group_name}
    cause = f"{group_id}/{participant_id}"
    return enclosed(ParticipantEntered, told, cause, origin, now, source=REGISTRATION)


def erased(
    participant_id: ParticipantId,
    version: int,
    origin: Origin,
    now: datetime,
    *,
    merged_into: ParticipantId | None = None,
) -> tuple[Envelope[Event], Envelope[Event], Envelope[Event]]:
    """The keys are deleted, and the profile is gone; the person goes on as another participant, or not."""
    keyed = {"participant_id": participant_id, "version": version, "key_sealed": None}
    unnamed = {"participant_id": participant_id, "version": version, "kind": None, "key_sealed": None}
    gone = {
        "participant_id": participant_id,
        "version": version,
        "erased_at": now,
        "merged_into": merged_into,
    }
    cause = f"{participant_id}/{version}"
    return (
        enclosed(ParticipantKeyed, keyed, cause, origin, now, source=REGISTRATION),
        enclosed(ParticipantNamed, unnamed, cause, origin, now, source=REGISTRATION),
        enclosed(ParticipantErased, gone, cause, origin, now, source=REGISTRATION),
    )
