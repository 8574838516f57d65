"""Sessions that nobody uses are taken out of the programme."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from services.registration.programme import events
from services.registration.programme.rules import REMOVED, Activity, check_removable, leaves_no_trace
from services.registration.programme.store import ActivityStore
from services.registration.rotas.follow import leave_out
from services.registration.rotas.store import RotaStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.storage.unit_of_work import UnitOfWork


async def take_out(
    unit: UnitOfWork,
    activity: Activity,
    sessions: Sequence[Session],
    *,
    activities: ActivityStore,
    store: SessionStore,
    rotas: RotaStore,
    origin: Origin,
    now: datetime,
) -> None:
    """
    Take these sessions out, which this unit of work has locked, and publish that they do not take place.

    A session that some event or registration names stays stored: its people still see when and where it
    was, and its versions go on if it is put again. Nobody else sees it.

    Raises:
        Conflict: somebody uses a session.
    """
    for session in sessions:
        check_removable(session)
    await store.remove(unit, [one.session_id for one in sessions if leaves_no_trace(one)])
    kept: list[Session] = []
    for session in sessions:
        if leaves_no_trace(session) or session.removed:
            continue
        gone = replace(session, removed=True, untold=False, owed=0)
        await activities.remove_earlier_versions(unit, session.session_id)
        # Others know it unless it is a draft, and if it was cancelled, they know that it does not take place.
        if session.is_public and session.cancelled is None:
            gone = replace(gone, revision=gone.revision + 1)
            unit.publish(events.cancelled(activity, gone, REMOVED, None, origin, now))
        kept.append(gone)
    await store.save(unit, kept)
    await leave_out(unit, rotas, kept, [one for one in sessions if leaves_no_trace(one)])
