"""A link is made for a minor; who has it reads the text, signs it, and takes it back by the same link."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.consents import rules
from services.registration.consents.receipts import Receipts
from services.registration.consents.rules import LINK_VALID, TEXT_HASH, Consent
from services.registration.consents.store import ConsentStore
from services.registration.managers.codes import hash_of, new_code
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.admit import opened
from services.registration.rosters.edit_member import member_unknown
from services.registration.rosters.store import RosterStore
from shared.contracts.sealing import decrypt_words, encrypt_words
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Asked(msgspec.Struct, frozen=True):
    """
    What the holder of a link sees.

    Attributes:
        minor: the first character of the name, and no more (rules.py, `shown_name`).
    """

    consent: Consent
    minor: str


class Consents:
    """Asks for consents, takes them and takes them back."""

    def __init__(
        self,
        database: Database,
        consents: ConsentStore,
        members: RosterStore,
        participants: ParticipantStore,
        receipts: Receipts,
    ) -> None:
        self._database = database
        self._consents = consents
        self._members = members
        self._participants = participants
        self._receipts = receipts

    async def ask(self, group_id: str, member_id: str) -> tuple[str, datetime]:
        """
        Make a link for a minor's guardian; one that was made before, and not signed, ends.

        Returns: the code of the link, which is not stored, and until when it can be signed.
        Raises:
            NotFound: there is no such member of this group.
            Conflict: the member is no minor, or the consent is given.
        """
        code = new_code()

        async def work(unit: UnitOfWork) -> datetime:
            # With the group locked, as in every change of a roster: the member is not removed meanwhile.
            await self._participants.lock(unit, [group_id])
            member = (await self._members.by_id(unit, group_id, [member_id])).get(member_id)
            if member is None:
                raise member_unknown(member_id)
            if not member.is_minor:
                raise Conflict("this member is no minor", code="member_no_minor")
            rules.check_askable(await self._consents.of_member(unit, member_id))
            expires_at = clock.now() + LINK_VALID
            await self._consents.save(unit, Consent(member_id, group_id, hash_of(code), expires_at))
            return expires_at

        return code, await save_together(self._database, work)

    async def sign(self, code: str, guardian: str, text_version: str) -> Consent:
        """
        A guardian agrees; signing again changes nothing.

        Raises:
            NotFound: there is no such link.
            Conflict: the text has changed, or the consent was taken back.
        """

        async def work(unit: UnitOfWork) -> Consent:
            now = clock.now()
            consent = rules.check_link(await self._consents.by_link(unit, hash_of(code)), now)
            if consent.status == "given":
                return consent
            rules.check_signable(consent, text_version)
            await self._participants.lock(unit, [consent.group_id])
            members = await self._members.by_id(unit, consent.group_id, [consent.member_id])
            who = [member.participant_id for member in members.values()]
            keys = await self._participants.keys(unit, who)
            if not keys:
                raise rules.link_unknown()
            given = replace(
                consent,
                status="given",
                guardian_locked=encrypt_words(guardian, keys[who[0]]),
                text_version=text_version,
                text_hash=TEXT_HASH,
                signed_at=now,
                receipt=self._receipts.sign(
                    consent.member_id, consent.group_id, text_version, TEXT_HASH, now
                ),
            )
            await self._consents.save(unit, given)
            return given

        return await save_together(self._database, work)

    async def revoke(self, code: str) -> Consent:
        """
        A guardian takes the consent back; a repeat changes nothing. Places that are booked stay.

        Raises:
            NotFound: there is no such link.
            Conflict: nobody has agreed yet.
        """

        async def work(unit: UnitOfWork) -> Consent:
            now = clock.now()
            consent = rules.check_link(await self._consents.by_link(unit, hash_of(code)), now)
            after = rules.revoked(consent, now)
            await self._consents.save(unit, after)
            return after

        return await save_together(self._database, work)

    async def read(self, group_id: str, member_id: str) -> tuple[Consent, str | None]:
        """
        A consent, and the guardian's name once it is signed.

        Raises:
            NotFound: nobody was asked for it, or the member is another group's.
        """

        async def work(unit: UnitOfWork) -> tuple[Consent, str | None]:
            member = (await self._members.by_id(unit, group_id, [member_id])).get(member_id)
            consent = await self._consents.of_member(unit, member_id)
            if member is None or consent is None:
                raise NotFound("nobody was asked for this consent", code="consent_unknown")
            key = (await self._participants.keys(unit, [member.participant_id])).get(member.participant_id)
            encrypted = consent.guardian_locked
            return consent, decrypt_words(encrypted, key) if encrypted and key else None

        return await save_together(self._database, work)

    async def view(self, code: str) -> Asked:
        """
        The consent of a link, and for whom it is.

        Raises:
            NotFound: there is no such link, or the minor is erased.
        """

        async def work(unit: UnitOfWork) -> Asked:
            consent = rules.check_link(await self._consents.by_link(unit, hash_of(code)), clock.now())
            members = await self._members.by_id(unit, consent.group_id, [consent.member_id])
            keys = await self._participants.keys(unit, [one.participant_id for one in members.values()])
            details = next((opened(one, keys) for one in members.values()), None)
            if details is None:
                raise rules.link_unknown()
            return Asked(consent, rules.shown_name(details.name))

        return await save_together(self._database, work)
