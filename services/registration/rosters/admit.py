"""Members become participants: each with a key of its own, which encrypts what the group says about them."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.participants import events
from services.registration.participants.codes import ContactCodes
from services.registration.participants.keys import ContactKey, KeySealer
from services.registration.participants.rules import Group, Participant, ParticipantId, Profile
from services.registration.rosters.rules import Details, Member, fingerprint_of
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.contracts.sealing import Contact, decrypt_words, encrypt_contact, encrypt_words
from shared.messaging.publisher import Record
from shared.runtime.ids import ordered_id
from shared.runtime.keyed_hash import KeyedHash

_details = msgspec.json.Decoder(Details)


class Admitted(msgspec.Struct, frozen=True):
    """A new member, the participant, the key, and the events that tell the other services."""

    member: Member
    participant: Participant
    key: ContactKey
    events: tuple[Record, Record]


class MemberAdmission:
    """
    Makes members, and changes what is said about them.

    Attributes:
        hash: by which members and their details are recognised.
        sealer: makes the participants' keys.
    """

    def __init__(self, sealer: KeySealer, keyed_hash: KeyedHash, codes: ContactCodes) -> None:
        self.hash = keyed_hash
        self.sealer = sealer
        self._codes = codes

    def address_hash(self, details: Details) -> str | None:
        """The hash of a member's e-mail address; None: the group names none."""
        return self._codes.hash_of(details.email) if details.email else None

    def admit(self, group: Group, identity: str, details: Details, origin: Origin, now: datetime) -> Admitted:
        """A member whose address nobody has registered with, or who has none."""
        key = self.sealer.new_key()
        participant = Participant(
            ParticipantId(ordered_id(now)),
            _profile(group, details, key.key),
            contact_hash=self.address_hash(details),
        )
        member = self.member(group, identity, details, participant.participant_id, key.key, now)
        return Admitted(member, participant, key, events.joined(participant, key, origin, now))

    def member(
        self,
        group: Group,
        identity: str,
        details: Details,
        participant_id: ParticipantId,
        key: bytes,
        now: datetime,
        *,
        was_known: bool = False,
    ) -> Member:
        """A new member; what the group says is encrypted with the participant's key."""
        return Member(
            member_id=ordered_id(now),
            group_id=group.group_id,
            participant_id=participant_id,
            identity_hash=identity,
            details_fingerprint=fingerprint_of(details, self.hash),
            details_locked=encrypt_words(msgspec.json.encode(details).decode(), key),
            audience=details.audience,
            is_minor=details.is_minor,
            added_at=now,
            was_known=was_known,
        )

    def change(self, member: Member, identity: str, details: Details, key: bytes) -> Member:
        """The member with other details."""
        return replace(
            member,
            identity_hash=identity,
            details_fingerprint=fingerprint_of(details, self.hash),
            details_locked=encrypt_words(msgspec.json.encode(details).decode(), key),
            audience=details.audience,
            is_minor=details.is_minor,
            version=member.version + 1,
        )

    def renew(
        self,
        participant: Participant,
        group: Group,
        details: Details,
        key: bytes,
        now: datetime,
    ) -> tuple[Participant, tuple[Record, Record]]:
        """The participant of a member who was changed, and the events about it."""
        renewed = replace(
            participant,
            profile=_profile(group, details, key),
            version=participant.version + 1,
            contact_hash=self.address_hash(details),
        )
        return renewed, events.joined(renewed, self.sealer.seal(key), UNKNOWN_ORIGIN, now)


def opened(member: Member, keys: Mapping[str, bytes]) -> Details | None:
    """What the group said about a member; None once the key is deleted."""
    key = keys.get(member.participant_id)
    return _details.decode(decrypt_words(member.details_locked, key)) if key is not None else None


def _profile(group: Group, details: Details, key: bytes) -> Profile:
    return Profile(
        kind="person",
        group_id=group.group_id,
        district=group.district,
        audience=details.audience,
        language=group.language,
        # The form or the file was checked already.
        contact_locked=encrypt_contact(Contact.model_construct(name=details.name, email=details.email), key),
    )
