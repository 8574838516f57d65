"""People come on a rota: they volunteer and an organiser accepts, or an organiser assigns them."""

from services.registration.consents.judge import EnrolledMembers
from services.registration.participants.rules import Participant
from services.registration.participants.store import ParticipantStore
from services.registration.rotas import events
from services.registration.rotas.busy import on_other_rotas
from services.registration.rotas.checks import (
    check_assignable,
    check_consent,
    check_free,
    check_may_volunteer,
    check_may_work,
    check_own_number,
    check_takes_place,
)
from services.registration.rotas.ids import assignment_id
from services.registration.rotas.rules import (
    Assignment,
    Rota,
    Status,
    accepted,
    assignment_unknown,
    new_assignment,
    shift_unknown,
    with_new,
)
from services.registration.rotas.store import RotaStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotAuthenticated, NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Assigning:
    """
    Puts people on rotas.

    Each transaction locks the rota and the participant. So of two for the last place at a shift one comes
    first, and so of two shifts of one person at the same time.
    """

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        participants: ParticipantStore,
        rotas: RotaStore,
        enrolled: EnrolledMembers,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._rotas = rotas
        self._enrolled = enrolled

    async def volunteer(
        self, participant_id: str, session_id: str, shift_id: str, origin: Origin
    ) -> tuple[Assignment, bool]:
        """
        Somebody would take a shift. Who has volunteered or is on the rota already stays so.

        Returns: the assignment, and whether it is new.

        Raises:
            NotFound: there is no such session or shift.
            NotAuthenticated: the participant does not exist, or is erased.
            Forbidden, Conflict: this participant, or nobody, may volunteer for it now (checks.py).
        """

        async def work(unit: UnitOfWork) -> tuple[Assignment, bool]:
            rota, session = await self._lock(unit, session_id, shift_id)
            participant = await self._participant(unit, participant_id)
            if participant is None:
                raise NotAuthenticated(
                    "the token's participant does not exist here", code="participant_unknown"
                )
            if participant.profile is None:
                raise NotAuthenticated("this participant is erased", code="participant_erased")
            before = await self._rotas.assignment(unit, assignment_id(participant_id, session_id, shift_id))
            if before is not None and before.is_live:
                return before, False
            check_may_work(participant)
            if session.minors_need_consent:
                check_consent((await self._enrolled.among(unit, [participant_id])).get(participant_id))
            now = clock.now()
            shift = rota.shift(shift_id)
            check_may_volunteer(shift, before, now)
            live = await self._rotas.live_of(unit, participant_id)
            check_own_number(len(live))
            check_free(shift, await on_other_rotas(unit, self._rotas, live))
            return await self._add(
                unit, rota, session, participant, shift_id, "volunteered", before, origin
            ), True

        return await save_together(self._database, work)

    async def assign(
        self, session_id: str, shift_id: str, participant_id: str, origin: Origin
    ) -> tuple[Assignment, bool]:
        """
        An organiser puts somebody on the rota, who may have volunteered or not. A repeat changes nothing.

        Returns: the assignment, and whether anything has changed.

        Raises:
            NotFound: there is no such session, shift or participant.
            Forbidden, Conflict: this participant, or nobody, can be put on it now (checks.py).
        """

        async def work(unit: UnitOfWork) -> tuple[Assignment, bool]:
            rota, session = await self._lock(unit, session_id, shift_id)
            id_ = assignment_id(participant_id, session_id, shift_id)
            before = await self._rotas.assignment(unit, id_)
            if before is not None and before.status == "assigned":
                return before, False
            if before is not None and before.is_live:
                return await self._accept(unit, rota, session, before, origin), True
            participant = await self._existing(unit, participant_id)
            await self._check(unit, rota, shift_id, participant)
            return await self._add(
                unit, rota, session, participant, shift_id, "assigned", before, origin
            ), True

        return await save_together(self._database, work)

    async def accept(self, id_: str, origin: Origin) -> Assignment:
        """
        Put somebody on the rota who has volunteered. A repeat changes nothing.

        Raises:
            NotFound: there is no such assignment, or its participant is erased.
            Conflict: it has ended, or nobody can be put on it now (checks.py).
        """

        async def work(unit: UnitOfWork) -> Assignment:
            assignment = await self._rotas.assignment(unit, id_)
            if assignment is None:
                raise assignment_unknown(id_)
            if assignment.status == "assigned":
                return assignment
            if not assignment.is_live:
                raise Conflict("this assignment has ended; assign the shift anew", code="assignment_ended")
            # It was read before this lock, and is still so: each change of an assignment writes its rota.
            rota, session = await self._lock(unit, assignment.session_id, assignment.shift_id)
            return await self._accept(unit, rota, session, assignment, origin)

        return await save_together(self._database, work)

    async def _lock(self, unit: UnitOfWork, session_id: str, shift_id: str) -> tuple[Rota, Session]:
        rota = (await self._rotas.lock(unit, [session_id])).get(session_id)
        found = (await self._sessions.read_all(unit, [session_id])).get(session_id)
        session = check_takes_place(found, session_id)
        if rota is None:
            raise shift_unknown(session_id, shift_id)
        rota.shift(shift_id)
        return rota, session

    async def _participant(self, unit: UnitOfWork, participant_id: str) -> Participant | None:
        return (await self._participants.lock(unit, [participant_id])).get(participant_id)

    async def _existing(self, unit: UnitOfWork, participant_id: str) -> Participant:
        participant = await self._participant(unit, participant_id)
        if participant is None or participant.profile is None:
            raise NotFound(
                f"there is no participant {participant_id}",
                code="person_unknown",
                participant_id=participant_id,
            )
        return participant

    async def _check(self, unit: UnitOfWork, rota: Rota, shift_id: str, participant: Participant) -> None:
        check_may_work(participant)
        shift = rota.shift(shift_id)
        check_assignable(shift, clock.now())
        live = await self._rotas.live_of(unit, participant.participant_id)
        others = [one for one in live if (one.session_id, one.shift_id) != (rota.session_id, shift_id)]
        check_own_number(len(others))
        check_free(shift, await on_other_rotas(unit, self._rotas, others))

    async def _accept(
        self, unit: UnitOfWork, rota: Rota, session: Session, assignment: Assignment, origin: Origin
    ) -> Assignment:
        participant = await self._existing(unit, assignment.participant_id)
        await self._check(unit, rota, assignment.shift_id, participant)
        rota, after = accepted(rota, assignment, clock.now())
        return await self._save(unit, rota, session, after, origin)

    async def _add(
        self,
        unit: UnitOfWork,
        rota: Rota,
        session: Session,
        participant: Participant,
        shift_id: str,
        status: Status,
        before: Assignment | None,
        origin: Origin,
    ) -> Assignment:
        rota = with_new(rota, shift_id, status)
        id_ = assignment_id(participant.participant_id, rota.session_id, shift_id)
        new = new_assignment(rota, shift_id, id_, participant.participant_id, status, before, clock.now())
        return await self._save(unit, rota, session, new, origin)

    async def _save(
        self, unit: UnitOfWork, rota: Rota, session: Session, assignment: Assignment, origin: Origin
    ) -> Assignment:
        await self._rotas.save(unit, [rota])
        await self._rotas.save_assignments(unit, [assignment])
        shift = rota.shift(assignment.shift_id)
        unit.publish(events.taken(assignment, shift, session, origin, clock.now()))
        return assignment
