"""How a participant can be reached, in which language, and which of several profiles and keys is valid."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from shared.contracts.events import (
    Language,
    ParticipantJoined,
    ParticipantKeyed,
    ParticipantKind,
)
from shared.runtime.versions import version_of

How = Literal["addressed", "unverified", "keyless", "unaddressed", "erased"]
"""
How a mail or SMS gets to a participant whom we know.

A keyless participant has a contact, but the key that opens the contact has not come yet. Mails to them wait,
like mails to unknown participants. An unverified one has not proved that the contact is
theirs: only the code that proves it is sent, and all other messages wait.
"""


class Reach(NamedTuple):
    """How a participant whom we know can be reached; by SMS and not by e-mail if `by_phone`."""

    how: How
    by_phone: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """The data of a participant. The contact stays sealed until a mail is composed."""

    participant_id: str
    kind: ParticipantKind = "person"
    language: Language = "zh-CN"
    contact_sealed: str | None = None
    erased: bool = False

    def __repr__(self) -> str:
        return f"Recipient({self.participant_id})"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a participant has chosen. Without a chosen language, the profile's language is used."""

    email: bool = True
    sms: bool = True
    language: Language | None = None

    @property
    def version(self) -> str:
        """The same for the same choice."""
        return version_of(self.email, self.sms, self.language)

    def wants(self, channel: str) -> bool:
        """Whether messages may be sent there. An inbox cannot be turned off."""
        return {"email": self.email, "sms": self.sms}.get(channel, True)


def is_from_before(issued_at: int, proved_from: datetime | None) -> bool:
    """
    Whether somebody chose by a token from before the contact was verified: that may have been a stranger.

    Args:
        issued_at: of the token, in seconds since 1970.
        proved_from: tokens are good from then on; None: nobody had to verify the contact, or nobody has yet.
    """
    return proved_from is not None and issued_at < int(proved_from.timestamp())


def reach_of(*, erased: bool, has_contact: bool, has_key: bool, verified: bool) -> How:
    """How a mail can reach this participant."""
    if erased:
        return "erased"
    if not has_contact:
        return "unaddressed"
    if not has_key:
        return "keyless"
    return "addressed" if verified else "unverified"


def language_of(
    asked: Language | None, preferences: Preferences | None, recipient: Recipient | None
) -> Language:
    """The language to use: the one asked for, else the one chosen, else the profile's."""
    if asked is not None:
        return asked
    if preferences is not None and preferences.language is not None:
        return preferences.language
    return recipient.language if recipient is not None else "zh-CN"


def latest_profiles(joined: Iterable[ParticipantJoined]) -> list[ParticipantJoined]:
    """The profile with the highest version for each participant."""
    latest: dict[str, ParticipantJoined] = {}
    for event in joined:
        known = latest.setdefault(event.participant_id, event)
        if event.version > known.version:
            latest[event.participant_id] = event
    return list(latest.values())


def latest_keys(keyed: Iterable[ParticipantKeyed]) -> list[ParticipantKeyed]:
    """The key with the highest version for each participant. A destroyed key (None) always wins."""
    latest: dict[str, ParticipantKeyed] = {}
    for event in keyed:
        known = latest.setdefault(event.participant_id, event)
        if event.key_sealed is None or (known.key_sealed and event.version > known.version):
            latest[event.participant_id] = event
    return list(latest.values())
