"""When people are on other rotas or have places: what a transaction decides on, and what answers warn of."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from services.registration.booking.store import RegistrationStore
from services.registration.rotas.rules import Assignment, Busy, Rota, overlapping
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from shared.storage.unit_of_work import UnitOfWork


async def on_other_rotas(unit: UnitOfWork, rotas: RotaStore, live: Sequence[Assignment]) -> list[Busy]:
    """When somebody is on a rota, by what these assignments of the locked participant say."""
    assigned = [one for one in live if one.status == "assigned"]
    of = await rotas.read_all(unit, {one.session_id for one in assigned})
    return [busy for one in assigned if (busy := _busy(one, of)) is not None]


class Overlaps:
    """Finds what people have at the time of their shifts. It may have come after the shift."""

    def __init__(self, rotas: RotaStore, sessions: SessionStore, registrations: RegistrationStore) -> None:
        self._rotas = rotas
        self._sessions = sessions
        self._registrations = registrations

    async def of(self, assignments: Collection[Assignment], rotas: Mapping[str, Rota]) -> dict[str, str]:
        """
        For each of these that is live and meets another time: the id of the registration or assignment there.

        Args:
            rotas: those of the assignments.
        """
        live = [one for one in assignments if one.is_live]
        people = {one.participant_id for one in live}
        if not people:
            return {}
        times: dict[str, list[Busy]] = defaultdict(list)
        assigned = await self._rotas.assigned_among(people)
        of = dict(rotas) | await self._rotas.by_id({one.session_id for one in assigned} - rotas.keys())
        for one in assigned:
            if (busy := _busy(one, of)) is not None:
                times[one.participant_id].append(busy)
        registered = await self._registrations.with_place(people)
        sessions = await self._sessions.by_id({session_id for _, _, session_id in registered})
        for id_, participant_id, session_id in registered:
            session = sessions[session_id]
            times[participant_id].append(Busy(id_, session.starts_at, session.ends_at))
        found: dict[str, str] = {}
        for one in live:
            own = _busy(one, of)
            others = [other for other in times[one.participant_id] if other.id != one.assignment_id]
            meets = overlapping((own.starts_at, own.ends_at), others) if own is not None else None
            if meets is not None:
                found[one.assignment_id] = meets.id
        return found


def _busy(assignment: Assignment, rotas: Mapping[str, Rota]) -> Busy | None:
    # Outside of a transaction, the shift may have been cancelled since the assignment was read.
    rota = rotas.get(assignment.session_id)
    shift = rota.find(assignment.shift_id) if rota else None
    return Busy(assignment.assignment_id, *shift.times) if shift else None
