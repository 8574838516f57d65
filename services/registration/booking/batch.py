"""The clerk: settles requests for places one by one, by what is stored, and keeps what is to be written."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from services.registration.booking import events as announcing
from services.registration.booking.events import Announced, Origin
from services.registration.booking.rules import (
    Decision,
    ParticipantId,
    Registration,
    Session,
    SessionId,
    decide,
    registration_id,
)
from services.registration.participants import events as rush_events
from services.registration.participants.keys import ContactKey, Lockbox, Ticket, opened_ticket
from services.registration.participants.rules import Answer, Participant, Profile
from shared.runtime.errors import Conflict, Forbidden, NotAuthenticated, NotFound, Rejected


class Newcomer(msgspec.Struct, frozen=True):
    """Somebody who may not exist yet; the key locks what the profile holds locked."""

    profile: Profile
    key: ContactKey


class BookingRequest(msgspec.Struct, frozen=True):
    """
    Somebody asks for places.

    `key` is this request's id here and `request_id` the asker's own, which events carry.
    A command has nobody to answer to: whatever is refused is told by an event and kept. Over
    HTTP a refusal is the answer, and nothing is kept of it.
    """

    key: str
    fingerprint: str
    request_id: str
    participant_id: ParticipantId
    session_id: SessionId
    places: int
    newcomer: Newcomer | None
    origin: Origin
    is_command: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """What became of a request. `repeated`: nothing changed, it was so before."""

    answer: Answer
    ticket_code: str | None = None
    repeated: bool = False


class Clerk:
    """Settles requests one by one, and keeps what each leaves behind for the next and for the database."""

    def __init__(
        self,
        now: datetime,
        lockbox: Lockbox,
        *,
        sessions: dict[str, Session],
        participants: dict[str, Participant],
        keys: dict[str, bytes],
        groups: Collection[str],
        registrations: dict[str, Registration],
        answers: dict[str, Answer],
    ) -> None:
        self._now = now
        self._lockbox = lockbox
        self.sessions = sessions
        self._participants = participants
        self._keys = keys
        self._groups = set(groups)
        self._registrations = registrations
        self._answers = answers
        self.changed_sessions: set[str] = set()
        self.new_participants: list[Participant] = []
        self.new_keys: dict[str, bytes] = {}
        self.new_registrations: dict[str, Registration] = {}
        self.renewed_registrations: dict[str, Registration] = {}
        self.new_answers: list[Answer] = []
        self.events: list[Announced] = []

    def settle(self, request: BookingRequest) -> Outcome | Rejected:
        """Decide one request."""
        earlier = self._answers.get(request.key)
        if earlier is not None:
            return self._repeated(request, earlier)
        refused = self._unfit(request)
        if refused is not None:
            return self._refuse(request, refused)
        session = self.sessions[request.session_id]
        standing = self._standing(request)
        if standing is not None and standing.holds_or_waits:
            return self._already_registered(request, standing)
        decision, after = decide(session, request.places, self._now)
        if decision.verdict == "rejected":
            refused = Conflict(decision.reason or "", code=decision.code, capacity=session.capacity)
            return self._refuse(request, refused)
        return self._book(request, standing, after, decision)

    def _standing(self, request: BookingRequest) -> Registration | None:
        if request.participant_id not in self._participants:
            # Whoever does not exist yet has nothing, and an id need not be derived to see it.
            return None
        return self._registrations.get(registration_id(request.participant_id, request.session_id))

    def _unfit(self, request: BookingRequest) -> Rejected | None:
        """Why a request cannot be considered, whatever places there are."""
        participant = self._participants.get(request.participant_id)
        if participant is None and request.newcomer is None:
            return NotAuthenticated(
                "the token's participant does not exist here; register anew", code="participant_unknown"
            )
        if participant is not None and participant.profile is None:
            return _erased()
        group_id = request.newcomer.profile.group_id if request.newcomer else None
        if participant is None and group_id is not None and group_id not in self._groups:
            return Rejected(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
        if request.session_id not in self.sessions:
            return NotFound(
                f"session {request.session_id} does not exist",
                code="session_unknown",
                session_id=request.session_id,
            )
        return None

    def _refuse(self, request: BookingRequest, refused: Rejected) -> Outcome | Rejected:
        if not request.is_command:
            return refused
        if refused.code != "group_unknown":
            # Somebody is to be told of the rejection. One of an unknown group would join that group.
            self._admit(request)
        self.events.append(
            announcing.rejected(
                key=request.key,
                request_id=request.request_id,
                participant_id=request.participant_id,
                session_id=request.session_id,
                code=refused.code,
                reason=refused.message,
                origin=request.origin,
                now=self._now,
            )
        )
        return self._answer(request, None, Decision("rejected", None, refused.code, refused.message))

    def _admit(self, request: BookingRequest) -> None:
        """A newcomer joins."""
        if request.newcomer is None or request.participant_id in self._participants:
            return
        profile, key = request.newcomer.profile, request.newcomer.key
        participant = Participant(request.participant_id, profile)
        self._participants[request.participant_id] = participant
        self._keys[request.participant_id] = key.key
        self.new_participants.append(participant)
        self.new_keys[request.participant_id] = key.key
        if profile.kind == "group":
            self._groups.add(request.participant_id)
        self.events += rush_events.joined(participant, key, request.origin, self._now)

    def _already_registered(self, request: BookingRequest, standing: Registration) -> Outcome | Rejected:
        reason = f"registered for session {request.session_id} already"
        if request.is_command:
            # Its sender waits for an event with this request id; a second confirmation would be a lie.
            return self._refuse(request, Conflict(reason, code="already_registered"))
        verdict = "waitlisted" if standing.status == "waitlisted" else "confirmed"
        decision = Decision(
            "waitlisted" if verdict == "waitlisted" else "confirmed", None, "already_registered", reason
        )
        # Told, and not kept: a cancellation would make a lie of it.
        answer = self._told(request, standing, decision)
        return Outcome(answer, self._opened(answer), repeated=True)

    def _book(
        self, request: BookingRequest, before: Registration | None, session: Session, decision: Decision
    ) -> Outcome:
        self._admit(request)
        self.sessions[session.session_id] = session
        self.changed_sessions.add(session.session_id)
        ticket = (
            self._lockbox.new_ticket(self._keys[request.participant_id])
            if decision.verdict == "confirmed"
            else None
        )
        registration = self._registration(request, before, session, decision, ticket)
        self._registrations[registration.registration_id] = registration
        kept = self.renewed_registrations if before else self.new_registrations
        kept[registration.registration_id] = registration
        if decision.position is None:
            event = rush_events.confirmed(registration, session, request.origin, self._now)
        else:
            event = rush_events.waitlisted(
                registration, session, decision.position, request.origin, self._now
            )
        self.events.append(event)
        return self._answer(request, registration, decision, ticket)

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
            status="confirmed" if decision.verdict == "confirmed" else "waitlisted",
            sequence=session.sequence,
            round=before.round + 1 if before else 1,
            asked_at=self._now,
            version=before.version + 1 if before else 1,
            told_version=session.version,
            ticket_hash=ticket.hash if ticket else None,
            ticket_locked=ticket.locked if ticket else None,
        )

    def _answer(
        self,
        request: BookingRequest,
        registration: Registration | None,
        decision: Decision,
        ticket: Ticket | None = None,
    ) -> Outcome:
        answer = self._told(request, registration, decision)
        self._answers[request.key] = answer
        self.new_answers.append(answer)
        return Outcome(answer, ticket.code if ticket else None)

    def _told(self, request: BookingRequest, registration: Registration | None, decision: Decision) -> Answer:
        participant = self._participants.get(request.participant_id)
        is_erased = participant is not None and participant.profile is None
        return Answer(
            key=request.key,
            fingerprint=None if is_erased else request.fingerprint,
            participant_id=request.participant_id,
            session_id=request.session_id,
            registration_id=registration.registration_id if registration else None,
            verdict=decision.verdict,
            position=decision.position,
            ticket_locked=registration.ticket_locked if registration else None,
            code=decision.code,
            reason=decision.reason,
            answered_at=self._now,
        )

    def _repeated(self, request: BookingRequest, earlier: Answer) -> Outcome | Rejected:
        if earlier.fingerprint is None:
            # Of an erased participant. A command that comes again was carried out: there is nothing to tell.
            return Outcome(earlier, repeated=True) if request.is_command else _erased()
        if earlier.fingerprint != request.fingerprint:
            return Conflict(
                "this Idempotency-Key came with another request before; take a fresh one",
                code="idempotency_key_reused",
            )
        return Outcome(earlier, self._opened(earlier), repeated=True)

    def _opened(self, answer: Answer) -> str | None:
        return opened_ticket(answer.ticket_locked, self._keys.get(answer.participant_id))


def _erased() -> Rejected:
    return Forbidden("the participant is erased", code="participant_erased")
