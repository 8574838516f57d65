"""
Booking: many requests for places, decided in order in one transaction.

HTTP and commands share it. A batch takes its sessions first, so batches at one session
follow each other, whichever process they run in; within a batch the order of the
requests decides (docs/decisions/0007-booking.md).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.registration import announcing
from services.registration.announcing import Announced, Origin
from services.registration.books import Books
from services.registration.records import Answer, Participant, Profile
from services.registration.rules import (
    Decision,
    ParticipantId,
    Registration,
    Session,
    SessionId,
    decide,
    registration_id,
)
from services.registration.store import RegistrationStore
from services.registration.tickets import new_ticket_code
from shared.runtime import clock, metrics
from shared.runtime.errors import Conflict, Forbidden, NotAuthenticated, NotFound, Rejected

BOOKINGS_MAX = 200


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """
    Somebody asks for places.

    `key` is this request's id here and `request_id` the asker's own, which events carry.
    `profile` makes a participant that does not exist yet. A command has nobody to answer
    to, so that whatever is refused is told by an event.
    """

    key: str
    fingerprint: str
    request_id: str
    participant_id: ParticipantId
    session_id: SessionId
    places: int
    profile: Profile | None
    origin: Origin
    is_command: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request. `repeated`: nothing changed, it was so before."""

    answer: Answer
    repeated: bool = False


async def book(requests: Sequence[BookingRequest], store: RegistrationStore) -> Sequence[Outcome | Rejected]:
    """
    Decide requests in order; their events leave through the outbox.

    Returns: for each its outcome, or why it cannot be considered at all: `session_unknown`
    (of a command that is an outcome), `participant_erased`, `participant_unknown`,
    `idempotency_key_reused`.
    Raises:
        Unavailable: the database does not answer; asking again with the same keys is harmless.
    """
    outcomes: list[Outcome | Rejected] = []
    for start in range(0, len(requests), BOOKINGS_MAX):
        some = requests[start : start + BOOKINGS_MAX]

        async def work(books: Books, some: Sequence[BookingRequest] = some) -> list[Outcome | Rejected]:
            return await _book(some, books)

        decided = await store.transaction(work)
        _count(decided)
        outcomes += decided
    return outcomes


async def _book(requests: Sequence[BookingRequest], books: Books) -> list[Outcome | Rejected]:
    sessions = await books.lock_sessions({request.session_id for request in requests})
    # Read once the sessions are taken: facts of one session then follow each other in time too.
    now = clock.now()
    # A newcomer's id is made for the request: without an answer to that there is nothing of them.
    known = [request for request in requests if request.profile is None or request.is_command]
    clerk = _Clerk(
        now,
        sessions=sessions,
        participants=await books.participants({request.participant_id for request in known}),
        registrations=await books.registrations(
            {registration_id(request.participant_id, request.session_id) for request in known}
        ),
        answers=await books.answers({request.key for request in requests}),
    )
    outcomes = [clerk.settle(request) for request in requests]
    await books.add_participants(clerk.new_participants)
    await books.add_registrations(list(clerk.new_registrations.values()))
    await books.save_registrations(list(clerk.renewed_registrations.values()))
    await books.add_answers(clerk.new_answers)
    await books.save_sessions([clerk.sessions[id_] for id_ in sorted(clerk.changed_sessions)])
    await books.tell(clerk.events)
    return outcomes


def _count(outcomes: Sequence[Outcome | Rejected]) -> None:
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        if isinstance(outcome, Rejected):
            counts["refused"] += 1
        else:
            counts["repeated" if outcome.repeated else outcome.answer.verdict] += 1
    for name, count in counts.items():
        metrics.REGISTRATIONS.labels(name).inc(count)


class _Clerk:
    """Settles requests one by one, and keeps what each leaves behind for the next and for the database."""

    def __init__(
        self,
        now: datetime,
        *,
        sessions: dict[str, Session],
        participants: dict[str, Participant],
        registrations: dict[str, Registration],
        answers: dict[str, Answer],
    ) -> None:
        self._now = now
        self.sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._answers = answers
        self.changed_sessions: set[str] = set()
        self.new_participants: list[Participant] = []
        self.new_registrations: dict[str, Registration] = {}
        self.renewed_registrations: dict[str, Registration] = {}
        self.new_answers: list[Answer] = []
        self.events: list[Announced] = []

    def settle(self, request: BookingRequest) -> Outcome | Rejected:
        """Decide one request."""
        earlier = self._answers.get(request.key)
        if earlier is not None:
            return _repeated(request, earlier)
        session = self.sessions.get(request.session_id)
        if session is None and not request.is_command:
            return NotFound(f"session {request.session_id} does not exist", code="session_unknown")
        refusal = self._admit(request)
        if refusal is not None:
            return refusal
        if self._participants[request.participant_id].profile is None:
            return self._reject(request, "participant_erased", "the participant is erased")
        if session is None:
            return self._reject(request, "session_unknown", f"session {request.session_id} does not exist")
        id_ = registration_id(request.participant_id, request.session_id)
        standing = self._registrations.get(id_)
        if standing is not None and standing.holds_or_waits:
            return self._already_registered(request, standing)
        decision, after = decide(session, request.places, self._now)
        if decision.verdict == "rejected":
            return self._reject(request, decision.code or "", decision.reason or "")
        self._move(after)
        registration = Registration(
            registration_id=id_,
            participant_id=request.participant_id,
            session_id=request.session_id,
            request_id=request.request_id,
            places=request.places,
            status=decision.verdict,
            sequence=after.sequence,
            round=standing.round + 1 if standing else 1,
            asked_at=self._now,
            ticket_code=new_ticket_code() if decision.verdict == "confirmed" else None,
        )
        self._keep(registration, renewed=standing is not None)
        self._tell(request, registration, after, decision)
        return self._answer(request, registration, decision)

    def _admit(self, request: BookingRequest) -> Rejected | None:
        """See that the participant exists; a newcomer joins."""
        participant = self._participants.get(request.participant_id)
        if participant is None:
            if request.profile is None:
                return NotAuthenticated(
                    "the token's participant does not exist here; register anew", code="participant_unknown"
                )
            participant = Participant(request.participant_id, request.profile)
            self._participants[request.participant_id] = participant
            self.new_participants.append(participant)
            self.events.append(announcing.joined(participant, request.origin, self._now))
        elif participant.profile is None and not request.is_command:
            return _erased()
        return None

    def _already_registered(self, request: BookingRequest, standing: Registration) -> Outcome:
        reason = f"registered for session {request.session_id} already"
        if request.is_command:
            # Its sender waits for an event with this request id; a second confirmation would be a lie.
            return self._reject(request, "already_registered", reason)
        verdict = "waitlisted" if standing.status == "waitlisted" else "confirmed"
        decision = Decision(
            "waitlisted" if verdict == "waitlisted" else "confirmed", None, "already_registered", reason
        )
        return replace(self._answer(request, standing, decision), repeated=True)

    def _reject(self, request: BookingRequest, code: str, reason: str) -> Outcome:
        self.events.append(
            announcing.rejected(
                key=request.key,
                request_id=request.request_id,
                participant_id=request.participant_id,
                session_id=request.session_id,
                code=code,
                reason=reason,
                origin=request.origin,
                now=self._now,
            )
        )
        return self._answer(request, None, Decision("rejected", None, code, reason))

    def _move(self, session: Session) -> None:
        self.sessions[session.session_id] = session
        self.changed_sessions.add(session.session_id)

    def _keep(self, registration: Registration, *, renewed: bool) -> None:
        self._registrations[registration.registration_id] = registration
        kept = self.renewed_registrations if renewed else self.new_registrations
        kept[registration.registration_id] = registration

    def _tell(
        self, request: BookingRequest, registration: Registration, session: Session, decision: Decision
    ) -> None:
        if decision.position is None:
            event = announcing.confirmed(registration, session, request.origin, self._now)
        else:
            event = announcing.waitlisted(registration, session, decision.position, request.origin, self._now)
        self.events.append(event)

    def _answer(
        self, request: BookingRequest, registration: Registration | None, decision: Decision
    ) -> Outcome:
        answer = Answer(
            key=request.key,
            fingerprint=request.fingerprint,
            participant_id=request.participant_id,
            session_id=request.session_id,
            registration_id=registration.registration_id if registration else None,
            verdict=decision.verdict,
            position=decision.position,
            ticket_code=registration.ticket_code if registration else None,
            code=decision.code,
            reason=decision.reason,
            answered_at=self._now,
        )
        self._answers[request.key] = answer
        self.new_answers.append(answer)
        return Outcome(answer)


def _repeated(request: BookingRequest, earlier: Answer) -> Outcome | Rejected:
    if earlier.fingerprint is None:
        return _erased()
    if earlier.fingerprint != request.fingerprint:
        return Conflict(
            "this Idempotency-Key came with another request before; take a fresh one",
            code="idempotency_key_reused",
        )
    return Outcome(earlier, repeated=True)


def _erased() -> Rejected:
    return Forbidden("the participant is erased", code="participant_erased")
