"""The week's programme as organisers put it: activities with their sessions, and groups."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.registration import announcing
from services.registration.announcing import Announced, Origin
from services.registration.books import Books
from services.registration.cancelling import move_up
from services.registration.records import Activity, Group, Participant, Profile
from services.registration.rules import ParticipantId, Session, check_capacity
from services.registration.store import RegistrationStore
from shared.runtime import clock, metrics
from shared.runtime.errors import Conflict


async def put_activity(
    activity: Activity,
    sessions: Sequence[Session],
    store: RegistrationStore,
    origin: Origin,
) -> None:
    """
    Save an activity with exactly these sessions; who waits moves up where there is more room now.

    Raises:
        Conflict: a session is another activity's, somebody has asked for a session that would go,
            or more places are taken or waited for than there would be.
    """

    async def work(books: Books) -> int:
        existing = {one.session_id: one for one in await books.lock_sessions_of(activity.activity_id)}
        foreign = await books.lock_sessions({one.session_id for one in sessions} - existing.keys())
        for session_id, session in foreign.items():
            raise Conflict(
                f"session {session_id} belongs to activity {session.activity_id}", code="session_elsewhere"
            )
        gone = existing.keys() - {one.session_id for one in sessions}
        for session_id in gone:
            if existing[session_id].sequence:
                raise Conflict(f"session {session_id}: somebody has registered for it", code="session_in_use")
        # Read once the sessions are taken, as in booking.
        now = clock.now()
        events: list[Announced] = []
        saved: list[Session] = []
        for session in sessions:
            if (before := existing.get(session.session_id)) is not None:
                session, promoted = await _changed(books, before, session, origin, now)
                events += promoted
            saved.append(session)
        await books.remove_sessions(gone)
        await books.save_sessions(saved)
        await books.save_activity(activity)
        await books.tell(events)
        return len(events)

    metrics.REGISTRATIONS.labels("promoted").inc(await store.transaction(work))


async def _changed(
    books: Books, before: Session, after: Session, origin: Origin, now: datetime
) -> tuple[Session, list[Announced]]:
    if after.capacity < before.capacity:
        largest = await books.largest_wait(before.session_id) if before.waiting else 0
        check_capacity(before, after.capacity, largest)
    after = replace(after, taken=before.taken, waiting=before.waiting, sequence=before.sequence)
    return await move_up(books, after, origin, now)


async def put_group(group: Group, profile: Profile, store: RegistrationStore, origin: Origin) -> None:
    """
    Save a group, which is a participant too; unchanged, it is told of once only.

    Raises:
        Conflict: the id is a person's.
    """

    async def work(books: Books) -> None:
        id_ = ParticipantId(group.group_id)
        existing = (await books.participants([id_])).get(id_)
        if existing is not None and (existing.profile is None or existing.profile.kind != "group"):
            raise Conflict(f"{id_} is the id of a participant that is no group", code="group_id_taken")
        before = await books.group(group.group_id)
        if existing is not None and before is not None and before.fingerprint == group.fingerprint:
            return
        participant = Participant(id_, profile, existing.version + 1 if existing else 1)
        await books.save_group(group)
        await books.save_participant(participant)
        await books.tell([announcing.joined(participant, origin, clock.now())])

    await store.transaction(work)
