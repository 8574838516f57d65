"""
Somebody gives a code that was sent to a contact. So the contact is theirs, and they get the participant's
token.
"""

from datetime import datetime

from msgspec.structs import replace

from services.registration.booking.confirm import PlaceConfirmation
from services.registration.participants import events
from services.registration.participants.codes import ContactCodes, address_of
from services.registration.participants.rules import (
    KnownContact,
    Participant,
    ParticipantId,
    Profile,
    contact_known,
)
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.notify_entered import notify_entered
from services.registration.rosters.store import RosterStore
from services.registration.sign_ins.rules import (
    AGAIN_AFTER,
    SIGN_IN_KEPT,
    TRIES_MAX,
    SignIn,
    SignInId,
    code_wrong,
    tokens_end_at,
)
from services.registration.sign_ins.store import SignInStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, decrypt_contact, encrypt_contact, plain
from shared.runtime import clock
from shared.runtime.errors import Forbidden, NotFound, Rejected
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class ContactVerification:
    """Checks codes, and marks contacts as verified."""

    def __init__(
        self,
        database: Database,
        participants: ParticipantStore,
        sign_ins: SignInStore,
        codes: ContactCodes,
        confirmation: PlaceConfirmation,
        ended_tokens: EndedTokens,
        *,
        members: RosterStore,
        groups: GroupStore,
    ) -> None:
        self._database = database
        self._participants = participants
        self._sign_ins = sign_ins
        self._codes = codes
        self._confirmation = confirmation
        self._ended_tokens = ended_tokens
        self._members = members
        self._groups = groups

    async def verify(self, id_: str, typed: str, origin: Origin) -> Participant:
        """
        Verify a contact by its code. A code works once.

        Then the participant is verified, and held places are confirmed. Tokens that were given before the
        contact was verified end, since somebody else may have them. If the contact takes the place of a
        verified one, the reader of that one is told.

        Returns: the participant, who may have a token.
        Raises:
            NotFound: there is no such sign-in, or it is over (`sign_in_unknown`). A change is over when the
                tokens end by one of which it was asked for.
            Forbidden: it is another code (`code_wrong`), or too many were given (`code_tries_exhausted`).
            Conflict: somebody has registered with the new contact meanwhile (`contact_known`).
        """
        sign_in = await self._try_once(id_)

        async def work(unit: UnitOfWork) -> Participant:
            now = clock.now()
            owners, freed = await self._participants.contacts.look_up(unit, [sign_in.contact_hash])
            known = owners.get(sign_in.contact_hash)
            id_ = sign_in.changes or (known.participant_id if known else None)
            if id_ is None:
                raise code_wrong(sign_in.tries)
            participant, profile, key = await self._living(unit, id_, sign_in)
            # A contact that was verified since keeps its spelling, and only codes to that one are good.
            renews = sign_in.contact_locked is not None and (
                sign_in.changes is not None or participant.verified_at is None
            )
            if sign_in.changes is not None and sign_in.tokens_from != participant.tokens_from:
                raise _unknown()
            address = address_of(sign_in.contact_locked if renews else profile.contact_locked, key)
            if renews or participant.verified_at is None:
                # That is where it was sent.
                address = plain(address)
            round_ = known.round if known else freed.get(sign_in.contact_hash, 1)
            if not self._codes.accepts(typed, address, round_, now):
                raise code_wrong(sign_in.tries)
            had_proved = participant.has_verified_contact
            if sign_in.changes is not None and had_proved and profile.contact_locked is not None:
                unit.publish(events.contact_changed(participant, origin, now))
            if renews:
                participant = await self._changed(unit, sign_in, known, participant, key)
            after = KnownContact(participant.participant_id, round_ + 1, proved=True)
            await self._participants.contacts.put(unit, sign_in.contact_hash, after)
            await self._sign_ins.remove(unit, sign_in.sign_in_id)
            left_at = await self._participants.contacts.left_at(unit, sign_in.contact_hash)
            # A member who has claimed by a code on paper competes only from the first contact on.
            if left_at is not None and not had_proved:
                participant = replace(participant, contest_from=left_at + AGAIN_AFTER)
            return await self._verified(unit, participant, origin, now, changed=renews)

        return await save_together(self._database, work)

    async def _try_once(self, id_: str) -> SignIn:
        """The sign-in, after one more try is counted. The try stays counted after a crash or a refusal."""
        now = clock.now()
        sign_in = await self._sign_ins.try_once(id_, now)
        if sign_in is None:
            # The first sign-in of a newcomer has the participant's id.
            contact_hash = await self._participants.contact_to_verify(id_)
            if contact_hash is None:
                raise _unknown()
            first = SignIn(SignInId(id_), contact_hash, now + SIGN_IN_KEPT)
            sign_in = await self._sign_ins.begin(first, now)
        if sign_in.tries > TRIES_MAX:
            raise Forbidden("too many codes were given; sign in again", code="code_tries_exhausted")
        return sign_in

    async def _living(
        self, unit: UnitOfWork, id_: ParticipantId, sign_in: SignIn
    ) -> tuple[Participant, Profile, bytes]:
        """The participant, with profile and key."""
        participant = (await self._participants.lock(unit, [id_])).get(id_)
        key = (await self._participants.keys(unit, [id_])).get(id_)
        if participant is None or participant.profile is None or key is None:
            # The erasure has just freed the contact.
            raise code_wrong(sign_in.tries)
        return participant, participant.profile, key

    async def _changed(
        self,
        unit: UnitOfWork,
        sign_in: SignIn,
        known: KnownContact | None,
        participant: Participant,
        key: bytes,
    ) -> Participant:
        """The participant with the new contact."""
        assert participant.profile is not None and sign_in.contact_locked is not None  # noqa: S101, PT018
        if known is not None and known.participant_id != participant.participant_id:
            raise contact_known()
        if participant.contact_hash not in (None, sign_in.contact_hash):
            await self._participants.contacts.remove(unit, participant.contact_hash)
        contact = _with_name_of(participant.profile.contact_locked, sign_in.contact_locked, key)
        by_phone = contact.phone is not None
        locked = encrypt_contact(contact, key)
        return replace(
            participant,
            profile=replace(participant.profile, contact_locked=locked, by_phone=by_phone),
            contact_hash=sign_in.contact_hash,
        )

    async def _verified(
        self, unit: UnitOfWork, participant: Participant, origin: Origin, now: datetime, *, changed: bool
    ) -> Participant:
        first = participant.verified_at is None
        if not first and not changed:
            return participant
        verified = replace(participant, version=participant.version + 1)
        if first:
            verified = replace(
                verified, verified_at=now, tokens_from=tokens_end_at(now, participant.tokens_from)
            )
        await self._participants.save(unit, verified)
        unit.publish(events.changed(verified, origin, now))
        if verified.tokens_from is not None and first:
            await self._ended_tokens.end({verified.participant_id: verified.tokens_from}, unit.session)
        if first:
            await self._notify_of_groups(unit, verified, origin, now)
            await self._confirmation.confirm_held(unit, verified, origin, now)
        return verified

    async def _notify_of_groups(
        self, unit: UnitOfWork, verified: Participant, origin: Origin, now: datetime
    ) -> None:
        """Until now somebody else may have read the inbox: whoever gave this contact without having it."""
        for one in await self._members.of_participants(unit, [verified.participant_id]):
            if (group := await self._groups.read_in(unit, one.group_id)) is not None:
                await notify_entered(unit, self._members, group, [verified.participant_id], origin, now)


def _unknown() -> NotFound:
    return NotFound("there is no such sign-in, or it is over", code="sign_in_unknown")


def _with_name_of(present: str | None, wished: str, key: bytes) -> Contact:
    """The wished contact with the present name, which may have been changed since. Both are encrypted."""
    contact = decrypt_contact(wished, key, private_key="")
    try:
        name = decrypt_contact(present or "", key, private_key="").name
    except Rejected:
        return contact
    return contact.model_copy(update={"name": name})
