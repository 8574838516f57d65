"""Somebody asks to sign in with a contact: its code is sent there, if anybody has registered with it."""

from services.registration.participants import events
from services.registration.participants.codes import ContactCodes, address_of
from services.registration.participants.rules import ParticipantId, contact_known
from services.registration.participants.store import ParticipantStore
from services.registration.sign_ins.rules import SIGN_IN_KEPT, SignIn, SignInId
from services.registration.sign_ins.store import SignInStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, encrypt_contact
from shared.runtime import clock
from shared.runtime.ids import random_id
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Asking:
    """Begins sign-ins."""

    def __init__(
        self, database: Database, participants: ParticipantStore, sign_ins: SignInStore, codes: ContactCodes
    ) -> None:
        self._database = database
        self._participants = participants
        self._sign_ins = sign_ins
        self._codes = codes

    async def ask(self, address: str, origin: Origin) -> SignIn:
        """
        Begin to sign in with an e-mail address or phone number. The answer is the same whether it is known or
        not.

        The code goes out as an event; notifications decides whether a mail or SMS is due, or a good code has
        been sent already.
        """
        hash_ = self._codes.hash_of(address)

        async def work(unit: UnitOfWork) -> SignIn:
            now = clock.now()
            sign_in = SignIn(SignInId(random_id()), hash_, now + SIGN_IN_KEPT)
            await self._sign_ins.add(unit, sign_in)
            known = (await self._participants.contacts.known(unit, [hash_])).get(hash_)
            if known is None:
                return sign_in
            id_ = known.participant_id
            participant = (await self._participants.lock(unit, [id_])).get(id_)
            key = (await self._participants.keys(unit, [id_])).get(id_)
            if participant is not None and participant.profile is not None and key is not None:
                profile = participant.profile
                address = address_of(profile.contact_locked, key)
                proof = self._codes.proof(address, key, now, round_=known.round)
                unit.publish(
                    events.code_requested(
                        sign_in.sign_in_id,
                        id_,
                        profile.language,
                        known.round,
                        proof,
                        origin,
                        now,
                        contact_locked=profile.contact_locked,
                        by_phone=profile.by_phone,
                    )
                )
            return sign_in

        return await save_together(self._database, work)

    async def ask_to_change(
        self, unit: UnitOfWork, participant_id: ParticipantId, contact: Contact, key: bytes, origin: Origin
    ) -> SignIn:
        """
        Begin to change a participant's contact: the code goes to the new one.

        Args:
            unit: it has locked the participant.
            contact: name and contact as they shall be, with an e-mail address or a phone number.
            key: the participant's own.

        Raises:
            Conflict: somebody has registered with it.
        """
        now, address = clock.now(), contact.address or ""
        hash_ = self._codes.hash_of(address)
        owners, freed = await self._participants.contacts.look_up(unit, [hash_])
        known = owners.get(hash_)
        if known is not None and known.participant_id != participant_id:
            raise contact_known()
        encrypted = encrypt_contact(contact, key)
        sign_in = SignIn(
            SignInId(random_id()),
            hash_,
            now + SIGN_IN_KEPT,
            changes=participant_id,
            contact_locked=encrypted,
        )
        await self._sign_ins.add(unit, sign_in)
        participant = (await self._participants.lock(unit, [participant_id]))[participant_id]
        language = participant.profile.language if participant.profile else "zh-CN"
        round_ = known.round if known else freed.get(hash_, 1)
        if hash_ in freed:
            await self._participants.contacts.keep_round(unit, hash_, now)
        proof = self._codes.proof(address, key, now, round_=round_)
        unit.publish(
            events.code_requested(
                sign_in.sign_in_id,
                participant_id,
                language,
                round_,
                proof,
                origin,
                now,
                by_phone=contact.phone is not None,
                contact_locked=encrypted,
            )
        )
        return sign_in
