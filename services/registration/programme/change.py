"""An organiser puts an activity with its sessions: makes it, publishes it, or changes it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import metrics
from services.registration.booking.promote import PROMOTED_MAX, Promotion
from services.registration.booking.store import RegistrationStore
from services.registration.programme import events
from services.registration.programme.rules import (
    Activity,
    EarlierVersion,
    Matching,
    changed,
    check_capacity,
    check_not_into_the_past,
    check_session_stays_published,
    check_stays_published,
    check_version,
    check_waiting_max,
    check_waiting_policy,
    has_moved,
    to_be_notified,
)
from services.registration.programme.store import ActivityStore
from services.registration.programme.take_out import take_out
from services.registration.reminders.plan import plan_reminders
from services.registration.reminders.store import ReminderStore
from services.registration.rotas.follow import follow
from services.registration.rotas.store import RotaStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class ProgrammeChanges:
    """Changes activities and sessions. Those registered are notified later (`notify.py`)."""

    def __init__(
        self,
        database: Database,
        activities: ActivityStore,
        sessions: SessionStore,
        registrations: RegistrationStore,
        reminders: ReminderStore,
        rotas: RotaStore,
        promotion: Promotion,
        *,
        promoted_max: int = PROMOTED_MAX,
    ) -> None:
        self._database = database
        self._activities = activities
        self._sessions = sessions
        self._registrations = registrations
        self._reminders = reminders
        self._rotas = rotas
        self._promotion = promotion
        self._promoted_max = promoted_max

    async def put_activity(
        self, activity: Activity, sessions: Sequence[Session], matches: Matching, origin: Origin
    ) -> Activity:
        """
        Save an activity with exactly these sessions; where there is more room now, the waiting list moves up.

        The first `PROMOTED_MAX` move up at once, the others in the background (booking/promote_owed.py).

        Returns: the activity as it is saved, with its version.

        Raises:
            Outdated: it is not the version that was read.
            Conflict: a session is another activity's or would have ended already, somebody uses a session
                that would be removed, more places are taken or waited for than there would be, or something
                published would become a draft.
            Rejected, Conflict: a shift cannot be where its session would take it.
        """

        async def work(unit: UnitOfWork) -> tuple[Activity, Counter[str]]:
            return await self._put(unit, activity, sessions, matches, origin)

        saved, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return saved

    async def _put(
        self,
        unit: UnitOfWork,
        put: Activity,
        sessions: Sequence[Session],
        matches: Matching,
        origin: Origin,
    ) -> tuple[Activity, Counter[str]]:
        """Returns how many registrations were promoted, and cancelled because their participant is erased."""
        existing = await self._sessions.lock_of_activity(unit, put.activity_id)
        await self._check_none_elsewhere(unit, sessions, existing)
        before = await self._activities.of(unit, put.activity_id)
        check_version(matches(before.version if before and not before.removed else None), put.activity_id)
        if before is not None:
            check_stays_published(before, put)
        # Only now, with the sessions locked, as in `book`.
        now = clock.now()
        saved: list[Session] = []
        counts = Counter[str]()
        for session in sessions:
            if (known := existing.get(session.session_id)) is not None:
                room = self._promoted_max - counts.total()
                session, more = await self._change(unit, known, session, origin, now, room)
                counts += more
            await plan_reminders(unit, self._reminders, known, session, now)
            saved.append(_announced(unit, before, put, known, session, origin, now))
        ids = {session.session_id for session in saved}
        gone = [one for id_, one in sorted(existing.items()) if id_ not in ids and not one.removed]
        await take_out(
            unit,
            before or put,
            gone,
            activities=self._activities,
            store=self._sessions,
            rotas=self._rotas,
            origin=origin,
            now=now,
        )
        await self._sessions.save(unit, saved)
        await follow(unit, self._rotas, saved)
        after = _next_version(before, put, sessions_changed=bool(gone) or _differ(existing, saved))
        await self._activities.save(unit, after)
        return after, counts

    async def _check_none_elsewhere(
        self, unit: UnitOfWork, sessions: Sequence[Session], existing: Mapping[str, Session]
    ) -> None:
        ids = {session.session_id for session in sessions}
        for foreign in (await self._sessions.lock(unit, ids - existing.keys())).values():
            raise Conflict(
                f"session {foreign.session_id} belongs to activity {foreign.activity_id}",
                code="session_elsewhere",
                session_id=foreign.session_id,
            )

    async def _change(
        self, unit: UnitOfWork, before: Session, put: Session, origin: Origin, now: datetime, room: int
    ) -> tuple[Session, Counter[str]]:
        """Args: room: how many may still be promoted in this transaction."""
        check_session_stays_published(before, put)
        if put.capacity < before.capacity:
            largest = await self._registrations.largest_wait(unit, before.session_id) if before.waiting else 0
            check_capacity(before, put.capacity, largest)
        check_waiting_policy(before, put)
        check_not_into_the_past(before, put, now)
        after = changed(before, put)
        if has_moved(before, after):
            await self._activities.add_earlier_version(unit, EarlierVersion.of(before))
            after = to_be_notified(after)
        after, counts = await self._promotion.promote(unit, after, origin, now, limit=room)
        check_waiting_max(before, after)
        return after, counts


def _announced(
    unit: UnitOfWork,
    activity_before: Activity | None,
    activity: Activity,
    before: Session | None,
    session: Session,
    origin: Origin,
    now: datetime,
) -> Session:
    """The session after its event, if there is one: published for the first time or again, or changed."""
    if not session.is_public or session.cancelled is not None:
        return session
    after = replace(session, revision=session.revision + 1)
    # Of a session that an earlier release has stored there is no event yet.
    if activity_before is None or before is None or not before.is_public or not before.revision:
        unit.publish(events.published(activity, after, origin, now))
        return after
    plan_before = events.plan_of(activity_before, before)
    if plan_before == events.plan_of(activity, session):
        return session
    unit.publish(events.changed(activity, after, plan_before, origin, now))
    return after


def _differ(existing: Mapping[str, Session], saved: Sequence[Session]) -> bool:
    """True if an organiser's words about these sessions are other ones than before."""
    return any(
        (before := existing.get(one.session_id)) is None or before.removed or changed(before, one) != before
        for one in saved
    )


def _next_version(before: Activity | None, put: Activity, *, sessions_changed: bool) -> Activity:
    """The activity as it is put, in a new version if that changes anything."""
    if before is None:
        return put
    same = replace(put, version=before.version)
    return same if same == before and not sessions_changed else replace(put, version=before.version + 1)
