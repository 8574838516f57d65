"""Participants: people and groups."""

import re
from datetime import datetime
from typing import Annotated, NewType

import msgspec
from pydantic import StringConstraints

from shared.contracts.checked import Line
from shared.contracts.events import Audience, Language, NameShown, ParticipantKind
from shared.runtime.errors import Conflict, NotAuthenticated, NotFound
from shared.runtime.versions import version_of

ParticipantId = NewType("ParticipantId", str)

# It is in the token, which has a limited length.
DISTRICT_CHARS_MAX = 60
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
District = Annotated[Line, StringConstraints(max_length=DISTRICT_CHARS_MAX)]


class Profile(msgspec.Struct, frozen=True):
    """
    The data of a participant. The contact is encrypted with the participant's own key.

    `by_phone`: it is a mobile phone number, and no e-mail address.
    """

    kind: ParticipantKind
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language
    contact_locked: str | None
    by_phone: bool = False


class Participant(msgspec.Struct, frozen=True):
    """
    A person or group; without a profile after an erasure.

    Attributes:
        version: counts the changes, from 1.
        verified_at: when the participant proved that the contact is theirs, or when somebody vouched for the
            participant: who claims a membership by a code on paper has no contact.
        contact_hash: the keyed hash of the e-mail address or phone number; None if registration has never
            seen it.
        tokens_from: tokens that were issued before have ended.
        contest_from: until then tokens do not say that the contact is verified. So nobody gets another
            attempt at a quiz by leaving and joining again on the same day.
        roster_from: what tokens from before this moment say of rosters does not hold any more.
    """

    participant_id: ParticipantId
    profile: Profile | None
    version: int = 1
    erased_at: datetime | None = None
    verified_at: datetime | None = None
    contact_hash: str | None = None
    tokens_from: datetime | None = None
    contest_from: datetime | None = None
    roster_from: datetime | None = None

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None

    @property
    def has_verified_contact(self) -> bool:
        """False also for somebody without a contact, for whom only a group vouches."""
        return self.is_verified and self.contact_hash is not None

    def check_token(self, issued_at: int) -> None:
        """
        Check that a token of that time, in seconds since 1970, has not ended.

        Each process learns of an end within two seconds. What gives lasting power over a participant checks
        the token again in its transaction.

        Raises:
            NotAuthenticated: it has ended (`token_ended`).
        """
        if self.tokens_from is not None and issued_at < self.tokens_from.timestamp():
            raise NotAuthenticated("the token was ended; sign in to get a new one", code="token_ended")

    def may_compete(self, at: datetime) -> bool:
        """Whether a token of that time says that the contact is verified."""
        return self.has_verified_contact and (self.contest_from is None or self.contest_from <= at)

    @property
    def is_group(self) -> bool:
        """True for a school, unit or service team."""
        return self.profile is not None and self.profile.kind == "group"

    @property
    def gives_way(self) -> bool:
        """
        Whether an organiser's group takes over this id.

        We give people ids that are UUIDs, and other systems should. A person with an id of another form comes
        from a command, and has never had a token. Such an id is the organisers' to give: otherwise another
        system could take the ids of groups that are still to come.
        """
        person = self.profile is not None and self.profile.kind == "person"
        return person and self.contact_hash is None and not _UUID.fullmatch(self.participant_id)


class KnownContact(msgspec.Struct, frozen=True):
    """
    Whose a contact is.

    Attributes:
        round: counts the codes of this contact that were used, from 1, also by those who had it before.
        proved: this participant has used one. Others may only vouch for a contact.
    """

    participant_id: ParticipantId
    round: int = 1
    proved: bool = False


class NameChoice(msgspec.Struct, frozen=True):
    """
    What a participant chose. Spelling and address are encrypted with the participant's own key.

    Attributes:
        shown: None: as at first, which depends on the kind of the participant.
        spelling_locked: the name as awards shall have it; None: that of the contact.
        address_locked: where a prize is sent.
    """

    participant_id: str
    shown: NameShown | None = None
    spelling_locked: str | None = None
    address_locked: str | None = None

    @property
    def version(self) -> str:
        """Another one after each change: what is encrypted differs each time."""
        return version_of(self.shown, self.spelling_locked, self.address_locked)


class ToName(msgspec.Struct, frozen=True):
    """
    What awards shall hear of a participant.

    Attributes:
        named: the fingerprint of what awards has heard; None: nothing yet.
    """

    participant_id: str
    version: int
    kind: ParticipantKind
    group_id: str | None
    district: str | None
    contact_locked: str | None
    named: str | None


class Group(msgspec.Struct, frozen=True):
    """
    A school, unit or service team.

    Attributes:
        contact_fingerprint: a keyed hash of the contact. It shows if somebody puts the same contact again.
        version: counts the changes, from 1.
    """

    group_id: str
    name: str
    kind: str
    district: str
    language: Language
    remarks: str = ""
    contact_fingerprint: str | None = None
    version: int = 1


class Kept(msgspec.Struct, frozen=True):
    """
    What of a group stays as it was when somebody puts the rest.

    Attributes:
        contact: nobody can read it, so nobody can put it again.
        language: if there was one.
        kind: only organisers change it. So the group is there already.
    """

    contact: bool = False
    language: bool = False
    kind: bool = False


NOTHING_KEPT = Kept()


def group_unknown(group_id: str) -> NotFound:
    """The refusal of a group that does not exist."""
    return NotFound(f"there is no group {group_id}", code="group_unknown", group_id=group_id)


def contact_known(**values: object) -> Conflict:
    """The refusal of a contact that another participant has."""
    return Conflict(
        "somebody has registered with this contact; if it is yours, sign in with it",
        code="contact_known",
        **values,
    )
