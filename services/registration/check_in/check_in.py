"""Tickets are shown at the door: one, several at once, or those that a door has noted without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.registration.booking import metrics as booking_metrics
from services.registration.booking.rules import Registration
from services.registration.check_in import metrics
from services.registration.check_in.judge import Judge, Lead, Settled, scan_of
from services.registration.check_in.rules import Booked, Found, Scan, Shown, another_ticket, since
from services.registration.check_in.store import ScanStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

SCANS_IN_ONE_MAX = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """
    A scan with its verdict, and what it led to.

    Attributes:
        since: when the first people of this ticket came in.
        repeated: the scan had come in before; nothing has changed.
    """

    scan: Scan
    registration: Registration | None
    session: Session | None
    since: datetime | None
    repeated: bool


class CheckIn:
    """Judges scans, and lets people in."""

    def __init__(self, database: Database, sessions: SessionStore, scans: ScanStore, judge: Judge) -> None:
        self._database = database
        self._sessions = sessions
        self._scans = scans
        self._judge = judge

    async def check_in(
        self, shown: Sequence[Shown], device: str, door: str | None, origin: Origin
    ) -> list[Judged]:
        """
        Judge scans of one device, in transactions of at most `SCANS_IN_ONE_MAX`.

        Args:
            door: the session at whose door they were made; None: of any session.

        Returns: a verdict for each scan. A scan that has come in before gets the verdict that it has now.

        Raises:
            NotFound: there is no such session.
            Unavailable: the database does not answer. Sending the same scans again is harmless.
        """
        session = (await self._sessions.by_id([door])).get(door) if door is not None else None
        if door is not None and session is None:
            raise NotFound(f"session {door} does not exist", code="session_unknown", session_id=door)
        judged: list[Judged] = []
        for start in range(0, len(shown), SCANS_IN_ONE_MAX):
            some = shown[start : start + SCANS_IN_ONE_MAX]

            async def work(unit: UnitOfWork, some: Sequence[Shown] = some) -> tuple[list[Judged], int]:
                return await self._judge_some(unit, some, device, session, origin)

            these, arrivals = await save_together(self._database, work)
            booking_metrics.count(checked_in=arrivals)
            metrics.count(one.scan.verdict for one in these if not one.repeated)
            judged += these
        return judged

    async def _judge_some(
        self, unit: UnitOfWork, shown: Sequence[Shown], device: str, door: Session | None, origin: Origin
    ) -> tuple[list[Judged], int]:
        """Returns the scans in the order given, and how many registrations are checked in by them."""
        earlier = await self._scans.by_id(unit, {one.scan_id for one in shown})
        # The first one of each id: a device that sends two scans under one id has sent one.
        fresh = {one.scan_id: one for one in reversed(shown) if one.scan_id not in earlier}
        leads = await self._judge.leads(unit, set(shown))
        ids = {lead.registration_id for lead in leads.values()}
        ids |= {scan.registration_id for scan in earlier.values()}
        known = await self._judge.found(unit, {id_ for id_ in ids if id_ is not None})
        # After the locks: a later decision on a registration has a later time.
        now = clock.now()
        found = {one: _found(lead, known) for one, lead in leads.items()}
        new = [scan_of(one, leads[one].means, found[one], device, door, now) for one in fresh.values()]
        settled = await self._judge.settle(unit, known, new, [], origin, now)
        judged = [_judged(settled, known, earlier, one, found[one]) for one in shown]
        arrivals = sum(
            after.status == "checked_in" and known[id_].registration.status != "checked_in"
            for id_, after in settled.registrations.items()
        )
        return judged, arrivals


def _found(lead: Lead, known: Mapping[str, Booked]) -> Found | None:
    booked = known.get(lead.registration_id or "")
    return Found(booked, lead.means, lead.round) if booked else None


def _judged(
    settled: Settled,
    known: Mapping[str, Booked],
    earlier: Mapping[str, Scan],
    one: Shown,
    found: Found | None,
) -> Judged:
    scan = settled.scans.get(one.scan_id) or earlier[one.scan_id]
    repeated = one.scan_id in earlier
    if scan.registration_id != (found.booked.registration.registration_id if found else None):
        # Never the verdict of another ticket: a device that begins to count again would open the door.
        return Judged(another_ticket(scan), None, None, None, repeated)
    booked = known.get(scan.registration_id or "")
    if booked is None:
        return Judged(scan, None, None, None, repeated)
    id_ = booked.registration.registration_id
    return Judged(
        scan=scan,
        registration=settled.registrations[id_],
        session=booked.session,
        since=since(settled.of_ticket.get(id_, [])),
        repeated=repeated,
    )
