"""
A batch of requests for places: decides them one by one from what was read, and collects what is to be
written.

This module has more than 350 lines so that the way of a request through its decision stands in one place.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from services.registration.booking import events
from services.registration.booking.admission import Enrolled, overlapping, refused, trust_of
from services.registration.booking.ids import registration_id
from services.registration.booking.rules import ROUNDS_MAX, Answer, Decision, Registration, decide
from services.registration.booking.tickets import Ticket, TicketOffice, opened_ticket
from services.registration.participants.codes import ContactCodes, Proof
from services.registration.participants.events import code_requested, joined
from services.registration.participants.keys import ContactKey
from services.registration.participants.rules import (
    KnownContact,
    Participant,
    ParticipantId,
    Profile,
    contact_known,
)
from services.registration.sessions.rules import Session, SessionId
from shared.contracts.envelope import Envelope, Event
from shared.contracts.origin import Origin
from shared.contracts.sealing import decrypt_contact
from shared.messaging.publisher import Record
from shared.runtime.errors import Conflict, NotAuthenticated, NotFound, Rejected


class Newcomer(msgspec.Struct, frozen=True):
    """
    Somebody who may not exist yet.

    Attributes:
        contact_key: encrypts the contact in the profile.
        proof: the proof of the contact in its first round; None if an organiser or another system vouches for
            the contact.
        vouched_hash: the hash of a contact that an organiser vouches for. Contacts in commands of other
            systems are sealed, so they have no hash.
    """

    profile: Profile
    contact_key: ContactKey
    proof: Proof | None = None
    vouched_hash: str | None = None

    @property
    def contact_hash(self) -> str | None:
        """The hash of the contact, if registration can know it."""
        return self.proof.contact_hash if self.proof else self.vouched_hash


class BookingRequest(msgspec.Struct, frozen=True):
    """
    Somebody asks for places.

    Attributes:
        answer_id: the answer is stored under this id. A request that is sent again has the same id.
        fingerprint: equal requests have equal fingerprints.
        request_id: the id in the events: for a command the sender's id, over HTTP the same as `answer_id`.
        is_command: nobody waits for an answer. So a refusal is published as an event, and stored. Over HTTP a
            refusal is only the answer.
        vouched: another system or an organiser asks for this participant. So nothing has to be
            verified.
    """

    answer_id: str
    fingerprint: str
    request_id: str
    participant_id: ParticipantId
    session_id: SessionId
    places: int
    newcomer: Newcomer | None
    origin: Origin
    is_command: bool = False
    vouched: bool = False

    @property
    def contact_hash(self) -> str | None:
        """The hash of a newcomer's contact, if registration can know it."""
        return self.newcomer.contact_hash if self.newcomer else None


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of a request. `repeated`: it was decided before, and nothing has changed."""

    answer: Answer
    ticket_code: str | None = None
    repeated: bool = False


class BookingBatch:
    """
    Decides requests in order. Each decision uses what was read, and what the earlier decisions have changed.

    Args:
        sessions: the sessions of the requests, locked.
        participants: the participants who ask and exist, locked.
        erased: ids of erased participants, in this batch or in earlier answers.
        taken_over: participants of earlier answers who verified the contact, or ended their tokens, later.
        known_contacts: the newcomers' contacts that a participant has already.
        freed_code_rounds: the rounds of the codes of newcomers' contacts that are free again.
        contact_keys: the keys of the participants, and of newcomers who repeat a request.
        groups: the ids of groups that newcomers name and that exist.
        registrations: the registrations of the participants for these sessions.
        active_registrations: by participant, those with a place or a wait; only of people who exist.
        session_times: start and end of the sessions of `active_registrations`.
        hold: how long a place is held for somebody without a verified contact; None: no place is held.
        answers: the earlier answers to these requests.
        enrolled: what rosters say of the participants who ask for a session that needs a roster.
    """

    def __init__(
        self,
        now: datetime,
        tickets: TicketOffice,
        codes: ContactCodes,
        *,
        sessions: dict[str, Session],
        participants: dict[str, Participant],
        erased: Collection[str],
        taken_over: Collection[str],
        known_contacts: dict[str, KnownContact],
        freed_code_rounds: Mapping[str, int],
        contact_keys: dict[str, bytes],
        groups: Collection[str],
        registrations: dict[str, Registration],
        active_registrations: dict[str, list[Registration]],
        session_times: dict[str, tuple[datetime, datetime]],
        answers: dict[str, Answer],
        enrolled: Mapping[str, Enrolled],
        hold: timedelta | None,
    ) -> None:
        self.now = self._now = now
        self._tickets = tickets
        self._codes = codes
        self.freed_code_rounds = freed_code_rounds
        self._sessions = sessions
        self._participants = participants
        self._erased = erased
        self._taken_over = taken_over
        self._known_contacts = known_contacts
        self._contact_keys = contact_keys
        self._groups = set(groups)
        self._registrations = registrations
        self._active_registrations = active_registrations
        self._session_times = session_times
        self._answers = answers
        self._enrolled = enrolled
        self._held_until = None if hold is None else now + hold
        self.changed_sessions: dict[str, Session] = {}
        self.new_participants: list[Participant] = []
        self.new_contact_keys: dict[str, bytes] = {}
        self.new_registrations: dict[str, Registration] = {}
        self.renewed_registrations: dict[str, Registration] = {}
        self.new_answers: list[Answer] = []
        self.events: list[Envelope[Event] | Record] = []

    def decide(self, request: BookingRequest) -> Outcome | Rejected:
        """Decide one request; a refusal over HTTP changes nothing."""
        earlier = self._answers.get(request.answer_id)
        if earlier is not None:
            return self._repeat(request, earlier)
        refusal = self._refusal_of(request)
        if refusal is not None:
            return self._refuse(request, refusal)
        session = self._sessions[request.session_id]
        existing = self._existing(request)
        # A cancelled session loses its registrations in the background (programme/notify.py). Until then
        # this one is still active, but the answer must not say that the participant has a place.
        if existing is not None and existing.is_active and session.cancelled is None:
            return self._already_registered(request, existing)
        if existing is not None and existing.round >= ROUNDS_MAX and not request.vouched:
            why = f"you have registered here {ROUNDS_MAX} times; ask the organisers"
            return self._refuse(request, Conflict(why, code="rounds_too_many", rounds=ROUNDS_MAX))
        trust = trust_of(self._participants.get(request.participant_id), vouched=request.vouched)
        until = self._held_until if trust == "unverified" else None
        active = self._active_registrations.get(request.participant_id, ())
        other = overlapping(session, trust, active, self._session_times) if active else None
        refusal = refused(
            session,
            request.places,
            trust,
            active,
            other,
            held=until is not None,
            enrolled=self._enrolled.get(request.participant_id),
        )
        if refusal is not None:
            return self._refuse(request, refusal)
        decision, after = decide(session, request.places, self._now, until)
        if decision.status == "rejected":
            refusal = Conflict(decision.reason or "", code=decision.code, capacity=session.capacity)
            return self._refuse(request, refusal)
        # This check is the last one. Otherwise anybody could find out which contacts are known, with requests
        # that leave no trace.
        known = self._known_contacts.get(request.contact_hash) if request.contact_hash else None
        if known is not None:
            # An organiser may know who has the contact.
            shown = {"participant_id": known.participant_id} if request.vouched else {}
            return self._refuse(request, contact_known(**shown))
        if other is not None:
            decision = replace(decision, overlaps_with=other.registration_id)
        return self._book(request, existing, after, decision)

    def _repeat(self, request: BookingRequest, earlier: Answer) -> Outcome | Rejected:
        # The fingerprint is deleted a little later than the participant (erasure/finish.py).
        if earlier.fingerprint is None or earlier.participant_id in self._erased:
            # A repeated command was carried out before, so there is nothing to publish.
            return Outcome(earlier, repeated=True) if request.is_command else _erased()
        if earlier.fingerprint != request.fingerprint:
            return Conflict(
                "this Idempotency-Key came with another request before; take a fresh one",
                code="idempotency_key_reused",
            )
        proved = request.newcomer is not None and request.newcomer.proof is not None
        if proved and earlier.participant_id in self._taken_over:
            # Another person may have verified the contact. This has ended the token of this request.
            return contact_known()
        return Outcome(earlier, self._ticket_code(earlier), repeated=True)

    def _refusal_of(self, request: BookingRequest) -> Rejected | None:
        """Why a request cannot be considered, also if places are free; None if it can."""
        participant = self._participants.get(request.participant_id)
        if participant is None and request.newcomer is None:
            return NotAuthenticated(
                "the token's participant does not exist here; register anew", code="participant_unknown"
            )
        if request.participant_id in self._erased:
            return _erased()
        group_id = request.newcomer.profile.group_id if request.newcomer else None
        if participant is None and group_id is not None and group_id not in self._groups:
            return Rejected(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
        if request.session_id not in self._sessions:
            return NotFound(
                f"session {request.session_id} does not exist",
                code="session_unknown",
                session_id=request.session_id,
            )
        return None

    def _existing(self, request: BookingRequest) -> Registration | None:
        if request.participant_id not in self._participants:
            # A newcomer has no registration, so its id need not be computed.
            return None
        return self._registrations.get(registration_id(request.participant_id, request.session_id))

    def _refuse(self, request: BookingRequest, refusal: Rejected) -> Outcome | Rejected:
        if not request.is_command:
            return refusal
        if refusal.code != "group_unknown":
            # The newcomer joins, so that notifications can send the rejection. Not with an unknown group: the
            # participant would become a member of it.
            self._admit(request)
        self.events.append(
            events.rejected(
                answer_id=request.answer_id,
                request_id=request.request_id,
                participant_id=request.participant_id,
                session_id=request.session_id,
                code=refusal.code,
                reason=refusal.message,
                origin=request.origin,
                now=self._now,
            )
        )
        return self._answer(request, None, Decision("rejected", None, refusal.code, refusal.message))

    def _already_registered(self, request: BookingRequest, existing: Registration) -> Outcome | Rejected:
        reason = f"registered for session {request.session_id} already"
        if request.is_command:
            # The sender waits for an event with this request id. A second confirmation would be wrong.
            return self._refuse(request, Conflict(reason, code="already_registered"))
        decision = Decision(
            existing.status if existing.status in ("held", "offered", "waitlisted") else "confirmed",
            until=existing.held_until,
            code="already_registered",
            reason=reason,
        )
        # This answer is not stored: after a cancellation it would be wrong.
        answer = self._answer_of(request, existing, decision)
        return Outcome(answer, self._ticket_code(answer), repeated=True)

    def _book(
        self, request: BookingRequest, before: Registration | None, session: Session, decision: Decision
    ) -> Outcome:
        self._admit(request)
        self._sessions[session.session_id] = session
        self.changed_sessions[session.session_id] = session
        ticket = (
            self._tickets.new_ticket(self._contact_keys[request.participant_id])
            if decision.status == "confirmed"
            else None
        )
        registration = self._registration(request, before, session, decision, ticket)
        self._registrations[registration.registration_id] = registration
        written = self.renewed_registrations if before else self.new_registrations
        written[registration.registration_id] = registration
        if request.newcomer is None or request.is_command:
            # A newcomer over HTTP has a new id with each request. So no other request of the batch has this
            # id.
            self._active_registrations.setdefault(request.participant_id, []).append(registration)
            self._session_times[session.session_id] = session.starts_at, session.ends_at
        if decision.position is not None:
            event = events.waitlisted(registration, session, decision.position, request.origin, self._now)
        elif decision.status == "held":
            event = events.held(registration, session, request.origin, self._now)
        else:
            event = events.confirmed(registration, session, request.origin, self._now)
        self.events.append(event)
        return self._answer(request, registration, decision, ticket)

    def _admit(self, request: BookingRequest) -> None:
        """Let a newcomer join."""
        if request.newcomer is None or request.participant_id in self._participants:
            return
        id_, proof = request.participant_id, request.newcomer.proof
        profile, contact_key = request.newcomer.profile, request.newcomer.contact_key
        participant = Participant(
            id_,
            profile,
            verified_at=self._now if proof is None else None,
            contact_hash=request.newcomer.contact_hash,
        )
        self._participants[id_] = participant
        self._contact_keys[id_] = contact_key.key
        self.new_participants.append(participant)
        self.new_contact_keys[id_] = contact_key.key
        if profile.kind == "group":
            self._groups.add(id_)
        self.events += joined(participant, contact_key, request.origin, self._now)
        if participant.contact_hash is not None:
            self._known_contacts[participant.contact_hash] = KnownContact(id_)
        if proof is not None:
            # A newcomer's own id is the id of the first sign-in.
            round_ = self.freed_code_rounds.get(proof.contact_hash, 1)
            if round_ > 1:
                # Rare: somebody had this contact a few days ago.
                contact = decrypt_contact(proof.contact_locked, contact_key.key, private_key="")
                proof = self._codes.proof(
                    contact, contact_key.key, self._now, locked=proof.contact_locked, round_=round_
                )
            self.events.append(
                code_requested(
                    id_,
                    id_,
                    profile.language,
                    round_,
                    proof,
                    request.origin,
                    self._now,
                    by_phone=profile.by_phone,
                )
            )

    def _registration(
        self,
        request: BookingRequest,
        before: Registration | None,
        session: Session,
        decision: Decision,
        ticket: Ticket | None,
    ) -> Registration:
        return Registration(
            registration_id=(
                before.registration_id
                if before
                else registration_id(request.participant_id, request.session_id)
            ),
            participant_id=request.participant_id,
            session_id=request.session_id,
            request_id=request.request_id,
            places=request.places,
            status="waitlisted" if decision.position else "held" if decision.until else "confirmed",
            sequence=session.sequence,
            round=before.round + 1 if before else 1,
            asked_at=self._now,
            version=before.version + 1 if before else 1,
            told_version=session.version,
            held_until=decision.until,
            ticket_hash=ticket.hash if ticket else None,
            ticket_locked=ticket.encrypted if ticket else None,
        )

    def _answer(
        self,
        request: BookingRequest,
        registration: Registration | None,
        decision: Decision,
        ticket: Ticket | None = None,
    ) -> Outcome:
        """The outcome of a request that was decided now; a repeat gets the same."""
        answer = self._answer_of(request, registration, decision)
        self._answers[request.answer_id] = answer
        self.new_answers.append(answer)
        return Outcome(answer, ticket.code if ticket else None)

    def _answer_of(
        self, request: BookingRequest, registration: Registration | None, decision: Decision
    ) -> Answer:
        return Answer(
            answer_id=request.answer_id,
            fingerprint=None if request.participant_id in self._erased else request.fingerprint,
            participant_id=request.participant_id,
            session_id=request.session_id,
            registration_id=registration.registration_id if registration else None,
            verdict=decision.status,
            position=decision.position,
            ticket_locked=registration.ticket_locked if registration else None,
            code=decision.code,
            reason=decision.reason,
            answered_at=self._now,
            until=decision.until,
            overlaps_with=decision.overlaps_with,
        )

    def _ticket_code(self, answer: Answer) -> str | None:
        return opened_ticket(answer.ticket_locked, self._contact_keys.get(answer.participant_id))


def _erased() -> Rejected:
    return NotAuthenticated("this participant was erased", code="participant_erased")
