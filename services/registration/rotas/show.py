"""Rotas, assignments and own shifts, as they are shown to whoever asks."""

from collections.abc import Collection

from services.registration.rotas.bodies import AssignmentOut, OwnShiftOut
from services.registration.rotas.busy import Overlaps
from services.registration.rotas.rules import Assignment, Rota, session_unknown
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore


async def visible_rota(
    session_id: str, rotas: RotaStore, sessions: SessionStore, *, is_organiser: bool
) -> Rota | None:
    """
    The rota of a session; None: nobody has put a shift.

    Raises:
        NotFound: there is no such session, or only organisers know it.
    """
    session = (await sessions.by_id([session_id])).get(session_id)
    if session is None or session.removed or not (session.is_public or is_organiser):
        raise session_unknown(session_id)
    return await rotas.read(session_id)


async def shown_assignment(one: Assignment, rotas: RotaStore, warnings: Overlaps) -> AssignmentOut:
    """An assignment as organisers see it."""
    return AssignmentOut.of(one, await warnings.of([one], await rotas.by_id([one.session_id])))


async def own_shifts(
    some: Collection[Assignment], rotas: RotaStore, sessions: SessionStore, warnings: Overlaps
) -> list[OwnShiftOut]:
    """Assignments as their participant sees them."""
    ids = {one.session_id for one in some}
    of, asked_for = await rotas.by_id(ids), await sessions.by_id(ids)
    overlaps = await warnings.of(some, of)
    return [
        OwnShiftOut.of(
            one,
            of[one.session_id].find(one.shift_id) if one.session_id in of else None,
            asked_for[one.session_id],
            overlaps,
        )
        for one in some
    ]
