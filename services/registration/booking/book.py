"""
Booking: many requests for places, decided in order in one transaction.

HTTP and commands share it. A batch first locks its sessions, so batches at one session follow each other,
also if they run in different processes. Within a batch the order of the requests decides
(docs/decisions/0007-booking.md).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from services.registration.booking import metrics
from services.registration.booking.admission import Enrolled
from services.registration.booking.batch import BookingBatch, BookingRequest, Outcome
from services.registration.booking.ids import registration_id
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.participants.codes import ContactCodes
from services.registration.participants.ensure_keys import ensure_keys
from services.registration.participants.keys import KeySealer
from services.registration.participants.rules import Participant
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Rejected
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# A transaction has a dozen round trips for any number of requests. More requests than this would save little.
BOOKINGS_MAX = 400

EnrolledOf = Callable[[UnitOfWork, Collection[str]], Awaitable[Mapping[str, Enrolled]]]


class Booking:
    """
    Decides requests for places, and saves the outcomes.

    Args:
        hold: how long a place is held for somebody without a verified contact; None: no place is held.
        enrolled: what rosters say of these participants; participants who are not members are left out.
    """

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        *,
        sealer: KeySealer,
        tickets: TicketOffice,
        codes: ContactCodes,
        hold: timedelta | None,
        enrolled: EnrolledOf,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._sealer = sealer
        self._tickets = tickets
        self._codes = codes
        self._hold = hold
        self._enrolled = enrolled
        # By session: its activity, for the metric. Only of sessions that exist.
        self._activities: dict[str, str] = {}

    async def book(
        self, requests: Sequence[BookingRequest], *, contended_seconds_max: float | None = None
    ) -> Sequence[Outcome | Rejected]:
        """
        Decide requests in order.

        Returns: for each request its outcome, or why it is refused. A refusal is not stored: the same request
        may get another answer later. A refused command has an outcome too, except for
        `idempotency_key_reused`.

        Args:
            contended_seconds_max: how long to try again if another transaction has taken a session.

        Raises:
            Unavailable: the database does not answer. Requests that are sent again with the same keys are
                booked once.
            Contended: other transactions have kept a session for more than `contended_seconds_max`. If there
                are more than `BOOKINGS_MAX` requests, some of them may have been booked.
        """
        all_decided: list[Outcome | Rejected] = []
        for start in range(0, len(requests), BOOKINGS_MAX):
            some = requests[start : start + BOOKINGS_MAX]

            async def work(
                unit: UnitOfWork, some: Sequence[BookingRequest] = some
            ) -> list[Outcome | Rejected]:
                return await self.book_in(unit, some)

            decided = await save_together(self._database, work, contended_seconds_max=contended_seconds_max)
            self._count(some, decided)
            all_decided += decided
        return all_decided

    async def book_in(self, unit: UnitOfWork, requests: Sequence[BookingRequest]) -> list[Outcome | Rejected]:
        """Book at most `BOOKINGS_MAX` requests as a part of another transaction; no metric counts them."""
        sessions = await self._sessions.lock(unit, {request.session_id for request in requests})
        for id_, session in sessions.items():
            self._activities[id_] = session.activity_id
            metrics.begin(session.activity_id)
        # The time is read after the lock, so a later decision on a session has a later time.
        now = clock.now()
        # A newcomer over HTTP gets a new id with each request. Such a participant cannot exist yet.
        known = [request for request in requests if request.newcomer is None or request.is_command]
        participants = await self._participants.lock(unit, {request.participant_id for request in known})
        answers = await self._registrations.answers(unit, {request.answer_id for request in requests})
        not_erased = {id_ for id_, participant in participants.items() if participant.profile is not None}
        # A newcomer who repeats a request has a new id. The answer has the first id, which is not read yet.
        repeating = {answer.participant_id for answer in answers.values()} - participants.keys()
        erased = participants.keys() - not_erased | await self._participants.erased(unit, repeating)
        taken_over = await self._participants.taken_over(unit, repeating)
        contact_keys = await ensure_keys(unit, not_erased, self._participants, self._sealer, Origin(), now)
        # A newcomer who repeats a request gets the same ticket: the key opens it.
        with_ticket = {answer.participant_id for answer in answers.values() if answer.ticket_locked}
        contact_keys |= await self._participants.keys(unit, with_ticket - contact_keys.keys())
        active_registrations = await self._active_registrations(unit, participants, not_erased)
        known_contacts, freed_code_rounds = await self._participants.contacts.look_up(
            unit, _contacts_given(requests)
        )
        batch = BookingBatch(
            now,
            self._tickets,
            self._codes,
            # Drafts and removed sessions do not exist for people who ask for places.
            sessions={id_: session for id_, session in sessions.items() if session.is_public},
            participants=participants,
            erased=erased,
            taken_over=taken_over,
            known_contacts=known_contacts,
            freed_code_rounds=freed_code_rounds,
            contact_keys=contact_keys,
            groups=await self._participants.groups_among(unit, _groups_named(requests)),
            registrations=await self._registrations.by_id(
                unit, {registration_id(request.participant_id, request.session_id) for request in known}
            ),
            active_registrations=active_registrations,
            session_times=await self._session_times(unit, sessions, active_registrations),
            answers=answers,
            enrolled=await self._enrolled_among(unit, sessions, known),
            hold=self._hold,
        )
        decided = [batch.decide(request) for request in requests]
        await self._save(unit, batch)
        return decided

    def _count(self, requests: Sequence[BookingRequest], decided: Sequence[Outcome | Rejected]) -> None:
        verdicts = [*map(_verdict, decided)]
        metrics.count(**Counter(verdicts))
        activities = [self._activities.get(request.session_id) for request in requests]
        metrics.count_bookings(Counter(zip(activities, verdicts, strict=True)))

    async def _enrolled_among(
        self, unit: UnitOfWork, sessions: Mapping[str, Session], requests: Iterable[BookingRequest]
    ) -> Mapping[str, Enrolled]:
        """What rosters say of participants who ask. Most sessions need no roster, so nothing is read."""
        by_rosters = {
            id_ for id_, one in sessions.items() if one.admits == "roster" or one.minors_need_consent
        }
        if not by_rosters:
            return {}
        asking = {one.participant_id for one in requests if one.session_id in by_rosters}
        return await self._enrolled(unit, asking) if asking else {}

    async def _active_registrations(
        self, unit: UnitOfWork, participants: dict[str, Participant], not_erased: set[str]
    ) -> dict[str, list[Registration]]:
        """The registrations of people with a place or a wait; groups may have very many."""
        people = [id_ for id_ in not_erased if not participants[id_].is_group]
        active: dict[str, list[Registration]] = {}
        for one in await self._registrations.active_of(unit, people):
            active.setdefault(one.participant_id, []).append(one)
        return active

    async def _session_times(
        self, unit: UnitOfWork, locked: dict[str, Session], active: dict[str, list[Registration]]
    ) -> dict[str, tuple[datetime, datetime]]:
        """Start and end of the sessions of these registrations."""
        ids = {one.session_id for some in active.values() for one in some}
        known = locked | await self._sessions.read_all(unit, ids - locked.keys())
        return {id_: (known[id_].starts_at, known[id_].ends_at) for id_ in ids}

    async def _save(self, unit: UnitOfWork, batch: BookingBatch) -> None:
        await self._participants.add(unit, batch.new_participants)
        await self._participants.add_keys(unit, batch.new_contact_keys)
        await self._participants.contacts.add(
            unit, batch.new_participants, batch.now, batch.freed_code_rounds
        )
        await self._registrations.add(unit, batch.new_registrations.values())
        await self._registrations.save(unit, batch.renewed_registrations.values())
        await self._registrations.add_answers(unit, batch.new_answers)
        changed = batch.changed_sessions
        await self._sessions.save(unit, [changed[id_] for id_ in sorted(changed)])
        unit.publish(*batch.events)


def _groups_named(requests: Sequence[BookingRequest]) -> set[str]:
    named = (request.newcomer.profile.group_id for request in requests if request.newcomer)
    return {group_id for group_id in named if group_id is not None}


def _contacts_given(requests: Sequence[BookingRequest]) -> set[str]:
    given = (request.contact_hash for request in requests)
    return {hash_ for hash_ in given if hash_ is not None}


def _verdict(one: Outcome | Rejected) -> str:
    return "refused" if isinstance(one, Rejected) else "repeated" if one.repeated else one.answer.verdict
