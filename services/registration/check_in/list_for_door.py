"""What a door loads before it works without a network: a signed list, in pages."""

import hashlib
from dataclasses import dataclass

import msgspec

from services.registration.booking.store import RegistrationStore
from services.registration.check_in.rules import DoorEntry, door_entry
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.tickets.keys import TicketKey
from services.registration.tickets.rules import window
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together
from shared.web.made_once import EachMadeOnce

# Numbers of a page. So pages begin at the same numbers for all doors, whatever they ask for.
REGISTRATIONS_A_PAGE = 1_000
# Before what is signed, as for tickets.
LIST_SIGNED_AS = b"kepu-door-list-1\n"
VERSION_CHARS = 16


@dataclass(frozen=True, slots=True)
class DoorList:
    """
    A page of the list.

    Attributes:
        version: of the content, without the time when it was made. The same version says the same.
        text: JSON, exactly as it is signed.
        after: where the next page begins; None on the last one.
    """

    version: str
    text: str
    key_id: str
    signature: str
    after: int | None


class DoorLists:
    """Makes lists for doors. All doors of a session get the same one."""

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        key: TicketKey,
        *,
        registrations_a_page: int = REGISTRATIONS_A_PAGE,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._key = key
        self._registrations_a_page = registrations_a_page
        self._once: EachMadeOnce[tuple[str, int], DoorList] = EachMadeOnce(self._made)

    async def read(self, session_id: str, after: int, who: str) -> DoorList:
        """
        The page that the registration after this number is in. `who` asks is the name of a key.

        Keys take turns, and the sessions that one key asks for take turns too. A number beyond the last
        registration stands for the last page: so nobody can ask for more pages than there are.

        Raises:
            NotFound: there is no such session.
            Overloaded: this key waits for too many other pages of the session.
        """
        session = await self._session(session_id)
        after = min(after, max(session.sequence - 1, 0))
        return await self._once.get((session_id, self._begins(after)), who, session_id)

    def _begins(self, after: int) -> int:
        """Where the page begins that the registration after this number is in."""
        return after - after % self._registrations_a_page

    async def _session(self, session_id: str) -> Session:
        session = (await self._sessions.by_id([session_id])).get(session_id)
        if session is None:
            raise NotFound(
                f"session {session_id} does not exist", code="session_unknown", session_id=session_id
            )
        return session

    async def _made(self, page: tuple[str, int]) -> DoorList:
        session_id, after = page
        session = await self._session(session_id)

        async def work(unit: UnitOfWork) -> tuple[list[DoorEntry], int | None]:
            return await self._entries(unit, session_id, after)

        entries, following = await save_together(self._database, work)
        content = self._content(session, entries, after, following)
        version = hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:VERSION_CHARS]
        text = msgspec.json.encode({**content, "version": version, "made_at": clock.now()})
        return DoorList(
            version=version,
            text=text.decode(),
            key_id=self._key.public.key_id,
            signature=self._key.signature_of(LIST_SIGNED_AS + text),
            after=following,
        )

    async def _entries(
        self, unit: UnitOfWork, session_id: str, after: int
    ) -> tuple[list[DoorEntry], int | None]:
        """The entries of a page, and where the next page begins."""
        size = self._registrations_a_page
        # One more than a page can have: it says where the next page begins.
        found = await self._registrations.all_of_session(unit, session_id, after, size + 1)
        some = [one for one in found if one.sequence <= after + size]
        erased = await self._participants.erased(unit, {one.participant_id for one in some})
        entries = [door_entry(one, erased=one.participant_id in erased) for one in some]
        following = self._begins(found[len(some)].sequence - 1) if len(some) < len(found) else None
        return [entry for entry in entries if entry is not None], following

    def _content(
        self, session: Session, entries: list[DoorEntry], after: int, following: int | None
    ) -> dict[str, object]:
        opens_at, closes_at = window(session)
        return {
            "session_id": session.session_id,
            "activity_title": session.activity_title,
            "venue": session.venue,
            "starts_at": session.starts_at,
            "ends_at": session.ends_at,
            "door_opens_at": opens_at,
            "door_closes_at": closes_at,
            "cancelled": session.cancelled is not None,
            "keys": [self._key.public],
            "entries": entries,
            "page_begins": after,
            "next_page": following,
        }
