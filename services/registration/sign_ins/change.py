"""Participants see and correct their own data, and end their tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from services.registration.participants import events
from services.registration.participants.rules import Participant, ParticipantId, Profile
from services.registration.participants.store import ParticipantStore
from services.registration.sign_ins.ask import Asking
from services.registration.sign_ins.join import check_group
from services.registration.sign_ins.rules import SignIn, tokens_end_at
from shared.contracts.events import Audience, Language
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, decrypt_contact, encrypt_contact
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotAuthenticated, Rejected
from shared.runtime.versions import Matching, always, check_version
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Changes(msgspec.Struct, frozen=True):
    """What becomes of a profile. `fields`: the names of those that are given; the others stay."""

    fields: frozenset[str]
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    group_id: str | None = None
    district: str | None = None
    audience: Audience = "other"
    language: Language = "zh-CN"


@dataclass(frozen=True, slots=True)
class Self:
    """
    A participant's own data.

    `contact` is None if it cannot be opened here: another system or an organiser has sealed it. `sign_in` is
    under way if the contact shall change.
    """

    participant: Participant
    profile: Profile
    contact: Contact | None
    sign_in: SignIn | None = None

    def __repr__(self) -> str:
        return f"Self({self.participant.participant_id})"


class OwnData:
    """Reads and changes the data of whoever asks."""

    def __init__(
        self, database: Database, participants: ParticipantStore, asking: Asking, ended_tokens: EndedTokens
    ) -> None:
        self._database = database
        self._participants = participants
        self._asking = asking
        self._ended_tokens = ended_tokens

    async def read(self, participant_id: str) -> Self:
        """
        One's own data.

        Raises:
            NotAuthenticated: the participant does not exist, or is erased.
        """
        participant = await self._participants.read(participant_id)
        profile = _profile_of(participant)
        key = await self._participants.read_key(participant_id)
        assert participant is not None  # noqa: S101 (it has a profile)
        return Self(participant, profile, _opened(profile, key))

    async def change(
        self,
        participant_id: str,
        changes: Changes,
        origin: Origin,
        *,
        issued_at: int,
        matches: Matching = always,
    ) -> Self:
        """
        Change one's own data. A new contact takes effect when it is verified by its code.

        Args:
            issued_at: of the token of this request, in seconds since 1970.

        Raises:
            NotAuthenticated: the participant does not exist, or is erased, or the token has ended.
            Outdated: it is not the version that was read.
            Conflict: it is no person (`not_a_person`), or somebody has the new contact (`contact_known`).
            Rejected: there is no such group (`group_unknown`), or the name is needed too (`name_missing`), or
                the contact (`contact_missing`).
        """
        id_ = ParticipantId(participant_id)

        async def work(unit: UnitOfWork) -> Self:
            before, profile, key = await self._locked(unit, id_, issued_at)
            check_version(matches, before.version, f"participant {id_}")
            if profile.kind != "person":
                raise Conflict("organisers keep the data of groups", code="not_a_person")
            given: dict[str, Any] = {
                name: getattr(changes, name)
                for name in ("group_id", "district", "audience", "language")
                if name in changes.fields
            }
            contact, wanted = _opened(profile, key), changes.fields & {"name", "email", "phone"}
            wished: Contact | None = None
            if wanted:
                wished = _wished(contact, changes)
            if wished is not None and contact is not None:
                # The address stays until the new one is verified.
                contact = contact.model_copy(update={"name": wished.name})
                given["contact_locked"] = encrypt_contact(contact, key)
            if given.get("group_id") != profile.group_id:
                await check_group(unit, self._participants, given.get("group_id"))
            after = before
            if given and (renewed := replace(profile, **given)) != profile:
                after = replace(before, profile=renewed, version=before.version + 1)
                await self._participants.save(unit, after)
                unit.publish(events.changed(after, origin, clock.now()))
            sign_in = None
            if wished is not None and (contact is None or wished.address != contact.address):
                sign_in = await self._asking.ask_to_change(unit, after, wished, key, origin)
            return Self(after, _profile_of(after), contact, sign_in)

        return await save_together(self._database, work)

    async def end_tokens(self, participant_id: str, origin: Origin, *, issued_at: int) -> datetime:
        """
        End all tokens of a participant, also the one of this request; at the other services within seconds.

        Args:
            issued_at: of the token of this request, in seconds since 1970.

        Returns: from when on tokens are good.
        Raises:
            NotAuthenticated: the participant does not exist, or is erased, or the token has ended.
        """
        id_ = ParticipantId(participant_id)

        async def work(unit: UnitOfWork) -> datetime:
            before, _, _ = await self._locked(unit, id_, issued_at)
            now = clock.now()
            good_from = tokens_end_at(now, before.tokens_from)
            after = replace(before, tokens_from=good_from, version=before.version + 1)
            await self._participants.save(unit, after)
            await self._ended_tokens.end({id_: good_from}, unit.session)
            unit.publish(events.changed(after, origin, now))
            return good_from

        return await save_together(self._database, work)

    async def _locked(
        self, unit: UnitOfWork, id_: ParticipantId, issued_at: int
    ) -> tuple[Participant, Profile, bytes]:
        participant = (await self._participants.lock(unit, [id_])).get(id_)
        profile = _profile_of(participant)
        key = (await self._participants.keys(unit, [id_])).get(id_)
        if participant is None or key is None:
            raise _unknown()
        participant.check_token(issued_at)
        return participant, profile, key


def _profile_of(participant: Participant | None) -> Profile:
    if participant is None:
        raise _unknown()
    if participant.profile is None:
        raise NotAuthenticated("this participant was erased", code="participant_erased")
    return participant.profile


def _unknown() -> NotAuthenticated:
    return NotAuthenticated(
        "the token's participant does not exist here; register anew", code="participant_unknown"
    )


def _opened(profile: Profile, key: bytes | None) -> Contact | None:
    """The contact, unless it was sealed for notifications before it came here."""
    if profile.contact_locked is None or key is None:
        return None
    try:
        return decrypt_contact(profile.contact_locked, key, private_key="")
    except Rejected:
        return None


def _wished(contact: Contact | None, changes: Changes) -> Contact:
    """
    The contact as it shall be.

    Raises:
        Rejected: the present one cannot be opened, and name or contact is not given.
    """
    name = changes.name or (contact and contact.name)
    if not name:
        raise Rejected("give the name, too: the present one cannot be read here", code="name_missing")
    if changes.email or changes.phone:
        # Copied: a name that was taken under an older rule stays.
        wished = contact or Contact(name=name)
        return wished.model_copy(update={"name": name, "email": changes.email, "phone": changes.phone})
    if contact is None or contact.address is None:
        raise Rejected("give an e-mail address or a mobile phone number, too", code="contact_missing")
    return contact.model_copy(update={"name": name})
