"""Somebody asks to sign in with a contact: its code is sent there, if anybody has registered with it."""

from msgspec.structs import replace

from services.registration.participants import events
from services.registration.participants.codes import ContactCodes
from services.registration.participants.rules import Participant, contact_known
from services.registration.participants.store import ParticipantStore
from services.registration.sign_ins.rules import SIGN_IN_KEPT, SignIn, SignInId
from services.registration.sign_ins.store import SignInStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, decrypt_contact, encrypt_contact
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
        been sent already. Of a participant whose contact nobody has verified, it goes to the plain spelling,
        whatever is given here; who gives it has the spelling that was given here from then on
        (docs/decisions/0052-codes-of-mailboxes.md).
        """
        hash_ = self._codes.hash_of(address)

        async def work(unit: UnitOfWork) -> SignIn:
            now = clock.now()
            sign_in = SignIn(SignInId(random_id()), hash_, now + SIGN_IN_KEPT)
            known = (await self._participants.contacts.known(unit, [hash_])).get(hash_)
            id_ = known.participant_id if known else None
            participant = (await self._participants.lock(unit, [id_])).get(id_) if id_ else None
            key = (await self._participants.keys(unit, [id_])).get(id_) if id_ else None
            if known is None or participant is None or participant.profile is None or key is None:
                await self._sign_ins.add(unit, sign_in)
                return sign_in
            profile = participant.profile
            contact = decrypt_contact(profile.contact_locked or "", key, private_key="")
            if participant.verified_at is None:
                if contact.address != address:
                    # A stranger may have joined with this mailbox. Who reads it decides its spelling.
                    contact = contact.model_copy(update={"email": address})
                    sign_in = replace(sign_in, contact_locked=encrypt_contact(contact, key))
                contact = contact.plainly
            await self._sign_ins.add(unit, sign_in)
            unit.publish(
                events.code_requested(
                    sign_in.sign_in_id,
                    participant.participant_id,
                    profile.language,
                    known.round,
                    self._codes.proof(contact, key, now, round_=known.round),
                    origin,
                    now,
                    by_phone=profile.by_phone,
                )
            )
            return sign_in

        return await save_together(self._database, work)

    async def ask_to_change(
        self, unit: UnitOfWork, participant: Participant, contact: Contact, key: bytes, origin: Origin
    ) -> SignIn:
        """
        Begin to change a participant's contact: the code goes to the new one, in its plain spelling.

        Args:
            participant: locked.
            contact: name and contact as they shall be, with an e-mail address or a phone number.
            key: the participant's own.

        Raises:
            Conflict: somebody has registered with it.
        """
        participant_id = participant.participant_id
        now = clock.now()
        hash_ = self._codes.hash_of(contact.address or "")
        owners, freed = await self._participants.contacts.look_up(unit, [hash_])
        known = owners.get(hash_)
        if known is not None and known.participant_id != participant_id:
            raise contact_known()
        sign_in = SignIn(
            SignInId(random_id()),
            hash_,
            now + SIGN_IN_KEPT,
            changes=participant_id,
            contact_locked=encrypt_contact(contact, key),
            tokens_from=participant.tokens_from,
        )
        await self._sign_ins.add(unit, sign_in)
        language = participant.profile.language if participant.profile else "zh-CN"
        round_ = known.round if known else freed.get(hash_, 1)
        if hash_ in freed:
            await self._participants.contacts.keep_round(unit, hash_, now)
        proof = self._codes.proof(contact.plainly, key, now, round_=round_)
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
            )
        )
        return sign_in
