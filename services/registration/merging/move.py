"""Places and waits of those who went: moved to the one who stays, or given back, one in each transaction."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events, metrics
from services.registration.booking.cancel import Cancellation
from services.registration.booking.ids import registration_id
from services.registration.booking.promote import Promotion
from services.registration.booking.rules import BY_MERGE, Registration, cancelled, give_back
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.erasure.finish import FORGOTTEN_MAX, Forget
from services.registration.merging.rules import moves, taken_over
from services.registration.merging.stay import who_stays
from services.registration.merging.store import MergeStore
from services.registration.participants.ensure_keys import ensure_keys
from services.registration.participants.keys import KeySealer
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

REGISTRATIONS_MAX = 10
REQUESTS_MAX = 1_000


class UnfinishedMerges:
    """
    Moves what participants who went have left.

    Args:
        forget: a function of each other room that has something of a participant. It is called again until
            nothing is left.
    """

    def __init__(
        self,
        database: Database,
        merges: MergeStore,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        *,
        sealer: KeySealer,
        tickets: TicketOffice,
        promotion: Promotion,
        cancellation: Cancellation,
        forget: Sequence[Forget] = (),
    ) -> None:
        self._database = database
        self._merges = merges
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._sealer = sealer
        self._tickets = tickets
        self._promotion = promotion
        self._cancellation = cancellation
        self._forget = forget
        self.loop = Backlog("merging", merges.unfinished, self.go_on).loop

    async def go_on(self, participant_id: str, limit: int = REGISTRATIONS_MAX) -> bool:
        """
        Move a few more registrations, each in a transaction of its own; then forget the rest.

        Who went cannot register. So nothing new appears, and what a killed process has not moved is found
        again.

        Returns: whether something may be left.
        """
        some = await self._registrations.not_erased(participant_id, limit)
        for id_ in some:
            await self.move(id_)
        if some or await self._registrations.forget_requests(participant_id, REQUESTS_MAX):
            return True
        for forget in self._forget:
            if await forget(participant_id, FORGOTTEN_MAX):
                return True
        await self._merges.finish(participant_id)
        return False

    async def move(self, id_: str) -> None:
        """Move one registration, or give it back; a visit stays where it was. A repeat changes nothing."""

        async def work(unit: UnitOfWork) -> Counter[str]:
            moved = (await self._registrations.by_id(unit, [id_]))[id_]
            counts = Counter[str]()
            if moved.status in ("held", "offered", "confirmed", "waitlisted"):
                counts = await self._move(unit, moved)
            await self._registrations.drop_ticket(unit, id_)
            return counts

        metrics.count(**await save_together(self._database, work))

    async def _move(self, unit: UnitOfWork, moved: Registration) -> Counter[str]:
        # First the session, as in every booking. It was read before this lock: see Cancellation.cancel_in.
        session = (await self._sessions.lock(unit, [moved.session_id]))[moved.session_id]
        stays = await who_stays(unit, self._merges, self._participants, moved.participant_id)
        if stays is None or session.cancelled is not None:
            return await self._give_back(unit, moved)
        own_id = registration_id(stays.participant_id, moved.session_id)
        own = (await self._registrations.by_id(unit, [own_id])).get(own_id)
        if not moves(moved, own, verified=stays.is_verified):
            return await self._give_back(unit, moved)
        one = taken_over(moved, own, stays.participant_id, own_id, verified=stays.is_verified)
        if one.status == "confirmed":
            id_ = stays.participant_id
            keys = await ensure_keys(unit, [id_], self._participants, self._sealer, Origin(), clock.now())
            ticket = self._tickets.new_ticket(keys[id_])
            one = replace(one, ticket_hash=ticket.hash, ticket_locked=ticket.encrypted)
        return await self._save(unit, session, moved, own, one)

    async def _give_back(self, unit: UnitOfWork, moved: Registration) -> Counter[str]:
        return (await self._cancellation.cancel_in(unit, moved, BY_MERGE, Origin()))[1]

    async def _save(
        self,
        unit: UnitOfWork,
        session: Session,
        moved: Registration,
        own: Registration | None,
        one: Registration,
    ) -> Counter[str]:
        now, had_wait = clock.now(), own is not None and own.status in ("waitlisted", "offered")
        # The number in the session goes with the place or wait. The old registration gets a new one, since no
        # two of a session have the same.
        session = replace(session, sequence=session.sequence + 1)
        gone = replace(cancelled(moved), sequence=session.sequence)
        await self._registrations.save(unit, [gone])
        await (self._registrations.save if own else self._registrations.add)(unit, [one])
        unit.publish(events.cancelled(gone, session, BY_MERGE, Origin(), now))
        await self._publish(unit, session, moved, one, now, promoted=had_wait)
        counts = Counter[str]()
        if own is not None and own.is_active:
            # The less sure one of the two is free.
            session, counts = await self._promotion.promote(unit, give_back(session, own), Origin(), now)
        await self._sessions.save(unit, [session])
        return counts

    async def _publish(
        self,
        unit: UnitOfWork,
        session: Session,
        moved: Registration,
        one: Registration,
        now: datetime,
        *,
        promoted: bool,
    ) -> None:
        if one.status == "waitlisted":
            # As many are ahead as were ahead of the one who goes.
            position = await self._registrations.position(moved)
            unit.publish(events.waitlisted(one, session, position or 1, Origin(), now))
        elif one.status == "held":
            unit.publish(events.held(one, session, Origin(), now, promoted=promoted))
        else:
            unit.publish(events.confirmed(one, session, Origin(), now, promoted=promoted))
