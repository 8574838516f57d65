"""Requests for places that an organiser makes for somebody else."""

import msgspec

from services.registration.booking.batch import BookingRequest, Newcomer, Outcome
from services.registration.booking.book import Booking
from services.registration.booking.idempotency import RequestKeys
from services.registration.participants.codes import ContactCodes
from services.registration.participants.keys import KeySealer
from services.registration.participants.rules import ParticipantId, Profile
from services.registration.sessions.rules import SessionId
from shared.contracts.events import Audience, Language
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, encrypt_contact
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotAuthenticated, NotFound, Rejected
from shared.runtime.ids import ordered_id


class Person(msgspec.Struct, frozen=True):
    """Somebody new, as an organiser describes them."""

    contact: Contact
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language

    def __repr__(self) -> str:
        return "Person(sealed)"


class OnBehalf:
    """Registers people for organisers."""

    def __init__(self, booking: Booking, keys: RequestKeys, sealer: KeySealer, codes: ContactCodes) -> None:
        self._booking = booking
        self._keys = keys
        self._sealer = sealer
        self._codes = codes

    async def register(
        self,
        key: str,
        session_id: str,
        places: int,
        who: ParticipantId | Person,
        content: bytes,
        origin: Origin,
    ) -> Outcome:
        """
        Register somebody; the same key with the same content registers once.

        Args:
            content: of the request, by which a repeat is recognised.

        Raises:
            NotFound: there is no such session or participant.
            Conflict: a participant has the contact of this person (`person_known`).
            Rejected: the request cannot be considered, or there is no place.
            Unavailable: it may be booked or not; with the same key it is booked once.
        """
        answer_id = self._keys.of_organiser(session_id, key)
        newcomer, participant_id = self._newcomer(who) if isinstance(who, Person) else (None, who)
        request = BookingRequest(
            answer_id=answer_id,
            fingerprint=self._keys.fingerprint(content),
            request_id=answer_id,
            participant_id=participant_id,
            session_id=SessionId(session_id),
            places=places,
            newcomer=newcomer,
            origin=origin,
            vouched=True,
        )
        [outcome] = await self._booking.book([request])
        if isinstance(outcome, NotAuthenticated):
            # Words for somebody with a token. The organiser's key is good.
            raise NotFound(f"there is no participant {participant_id}", code="person_unknown") from outcome
        if isinstance(outcome, Rejected) and outcome.code == "contact_known":
            has_it = outcome.values["participant_id"]
            raise Conflict(
                f"participant {has_it} has this contact; register that one",
                code="person_known",
                participant_id=has_it,
            ) from outcome
        if isinstance(outcome, Rejected):
            raise outcome
        return outcome

    def _newcomer(self, person: Person) -> tuple[Newcomer, ParticipantId]:
        contact_key = self._sealer.new_key()
        profile = Profile(
            kind="person",
            group_id=person.group_id,
            district=person.district,
            audience=person.audience,
            language=person.language,
            contact_locked=encrypt_contact(person.contact, contact_key.key),
            by_phone=person.contact.phone is not None,
        )
        address = person.contact.address
        vouched_hash = self._codes.hash_of(address) if address else None
        newcomer = Newcomer(profile, contact_key, vouched_hash=vouched_hash)
        # A repeat is answered with the participant of the first request.
        return newcomer, ParticipantId(ordered_id(clock.now()))
