"""Rotas follow their sessions: what the programme does with a session, in the same transaction."""

from collections.abc import Collection

from services.registration.rotas.checks import check_moved, check_nobody
from services.registration.rotas.rules import following
from services.registration.rotas.store import RotaStore
from services.registration.sessions.rules import Session
from shared.runtime import clock
from shared.storage.unit_of_work import UnitOfWork


async def follow(unit: UnitOfWork, rotas: RotaStore, sessions: Collection[Session]) -> None:
    """
    Move or close the rotas of these sessions, as far as they have any; their people hear of it later.

    Raises:
        Rejected, Conflict: a shift cannot be where its session would take it (checks.py, `check_moved`).
    """
    after: dict[str, Session] = {session.session_id: session for session in sessions}
    found = await rotas.lock(unit, after.keys())
    moved = [(rota, following(rota, after[id_])) for id_, rota in found.items()]
    now = clock.now()
    for before, new in moved:
        if not new.closed:
            check_moved(after[new.session_id], before, new, now)
    await rotas.save(unit, [new for rota, new in moved if new != rota])


async def leave_out(
    unit: UnitOfWork, rotas: RotaStore, kept: Collection[Session], gone: Collection[Session]
) -> None:
    """
    Close the rotas of sessions that are removed; delete those of sessions of which nothing is kept.

    Raises:
        Conflict: somebody is on such a rota, or has volunteered.
    """
    ids = [session.session_id for session in (*kept, *gone)]
    for rota in (await rotas.lock(unit, ids)).values():
        check_nobody(rota)
    await rotas.remove(unit, [session.session_id for session in gone])
    await follow(unit, rotas, kept)
