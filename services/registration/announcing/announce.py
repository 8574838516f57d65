"""
An organiser writes to the people of a session: noted at once, and sent in the background, a few at a time.

How far it has been sent is saved together with the commands of each slice. So after a crash the next slice
goes on where the last one ended, and nobody is told twice.
"""

from uuid import UUID

from msgspec.structs import replace

from services.registration.announcing import events
from services.registration.announcing.rules import Announcement, AnnouncementId, further
from services.registration.announcing.store import AnnouncementStore
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.store import SessionStore
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.ids import derived_id
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

ANNOUNCED_MAX = 100
# Of one session. Whoever needs more is not writing to a session.
ANNOUNCEMENTS_MAX = 50
ANNOUNCEMENT_IDS = UUID("c4a3d7a2-3b0f-5b7c-8c53-31b7f2c0e9d4")


def announcement_id(session_id: str, key: str) -> AnnouncementId:
    """The id of the announcement that came with this Idempotency-Key."""
    return AnnouncementId(derived_id(ANNOUNCEMENT_IDS, session_id, key))


class Announcements:
    """Takes announcements, and sends them."""

    def __init__(
        self,
        database: Database,
        announcements: AnnouncementStore,
        sessions: SessionStore,
        participants: ParticipantStore,
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._sessions = sessions
        self._participants = participants
        self.loop = Backlog("announcing", announcements.unfinished, self.tell).loop

    async def announce(self, asked: Announcement) -> Announcement:
        """
        Take an announcement to everybody who is registered now; a repeat changes nothing.

        Args:
            asked: its `until` is not looked at.

        Raises:
            NotFound: there is no such session.
            Conflict: its id came with another content, or the session has too many.
        """

        async def work(unit: UnitOfWork) -> Announcement:
            # Locked, so that whoever registers at the same moment comes clearly before or after it.
            session = (await self._sessions.lock(unit, [asked.session_id])).get(asked.session_id)
            if session is None:
                raise NotFound(
                    f"session {asked.session_id} does not exist",
                    code="session_unknown",
                    session_id=asked.session_id,
                )
            earlier = await self._announcements.lock(unit, asked.announcement_id)
            if earlier is not None:
                if not earlier.says_the_same(asked):
                    raise Conflict(
                        "this Idempotency-Key came with another message before; take a fresh one",
                        code="idempotency_key_reused",
                    )
                return earlier
            if await self._announcements.count(unit, asked.session_id) >= ANNOUNCEMENTS_MAX:
                raise Conflict(
                    f"a session gets at most {ANNOUNCEMENTS_MAX} messages",
                    code="too_many_messages",
                    messages=ANNOUNCEMENTS_MAX,
                )
            new = replace(asked, until=session.sequence)
            await self._announcements.add(unit, new)
            return new

        return await save_together(self._database, work)

    async def tell(self, id_: str, limit: int = ANNOUNCED_MAX) -> bool:
        """
        Tell the next few people of an announcement.

        Returns: whether somebody may still have to be told.
        """

        async def work(unit: UnitOfWork) -> bool:
            announcement = await self._announcements.lock(unit, id_)
            if announcement is None or not announcement.unfinished:
                return False
            some = await self._announcements.to_be_told(unit, announcement, limit)
            erased = await self._participants.erased(unit, {one.participant_id for one in some})
            alive = [
                one.participant_id
                for one in some
                if not one.is_anonymous and one.participant_id not in erased
            ]
            now = clock.now()
            unit.publish(*(events.requested(announcement, participant_id, now) for participant_id in alive))
            after = further(announcement, some, len(alive), limit)
            await self._announcements.save(unit, after)
            return after.unfinished

        return await save_together(self._database, work)
