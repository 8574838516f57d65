"""Scans are judged in a transaction: what each ticket leads to, and how many people come in."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from services.registration.booking import events
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.check_in.rules import (
    Booked,
    Found,
    Means,
    Scan,
    Shown,
    admit,
    arrived,
    concerns,
    counted_at_most,
    places_of,
    refusal,
    refused,
    since,
)
from services.registration.check_in.store import ScanStore
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.tickets.keys import TicketKey, plain
from services.registration.tickets.rules import looks_signed
from shared.contracts.origin import Origin
from shared.storage.unit_of_work import UnitOfWork


class Lead(NamedTuple):
    """Where a scan leads: the id of a registration, if it is one's. `round`: as in `Found`."""

    means: Means
    registration_id: str | None
    round: int | None = None


class Settled(NamedTuple):
    """
    What has become of scans and their registrations.

    Attributes:
        scans: the new ones and those that count as decided, by id.
        of_ticket: those of each registration.
    """

    scans: dict[str, Scan]
    of_ticket: dict[str, list[Scan]]
    registrations: dict[str, Registration]


class Judge:
    """Finds what scans lead to, decides them, and saves what becomes of their registrations."""

    def __init__(
        self,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        scans: ScanStore,
        tickets: TicketOffice,
        key: TicketKey,
    ) -> None:
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._scans = scans
        self._tickets = tickets
        self._key = key

    async def leads(self, unit: UnitOfWork, shown: Collection[Shown]) -> dict[Shown, Lead]:
        """Where each of these scans leads. What was scanned or typed is a ticket or its code, never an id."""
        leads: dict[Shown, Lead] = {}
        hashes: dict[Shown, str] = {}
        for one in shown:
            if one.ticket is None:
                leads[one] = Lead("list", one.registration_id)
            elif looks_signed(plain(one.ticket)):
                ticket = self._key.read(one.ticket)
                leads[one] = (
                    Lead("ticket", ticket.registration_id, ticket.round) if ticket else Lead("ticket", None)
                )
            else:
                hashes[one] = self._tickets.hash_of(one.ticket)
        by_hash = await self._registrations.with_tickets(unit, set(hashes.values()))
        return leads | {one: Lead("code", by_hash.get(hash_)) for one, hash_ in hashes.items()}

    async def found(self, unit: UnitOfWork, registration_ids: Collection[str]) -> dict[str, Booked]:
        """
        The existing ones of these registrations, locked, with their sessions, and whether they are erased.

        The sessions are not locked, since no counter changes. A cancellation at the same time conflicts with
        the lock of the registration.
        """
        registrations = await self._registrations.lock(unit, registration_ids)
        sessions = {
            id_: await self._sessions.read(unit, id_)
            for id_ in sorted({one.session_id for one in registrations.values()})
        }
        holders = {one.participant_id for one in registrations.values()}
        erased = await self._participants.erased(unit, holders)
        return {
            id_: Booked(one, sessions[one.session_id], one.participant_id in erased)
            for id_, one in registrations.items()
        }

    async def settle(
        self,
        unit: UnitOfWork,
        known: Mapping[str, Booked],
        new: Collection[Scan],
        changed: Collection[Scan],
        origin: Origin,
        now: datetime,
    ) -> Settled:
        """
        Decide the scans of these registrations that count again, with new and changed ones, and save all.

        Args:
            known: the registrations of the scans, locked.
            new: scans that are not stored yet; refused ones are stored as they are.
        """
        of_ticket = await self._scans.counted(unit, known)
        new = _bounded(known, of_ticket, new)
        before = {scan.scan_id: scan for scans in of_ticket.values() for scan in scans}
        together: dict[str, dict[str, Scan]] = defaultdict(dict)
        for scan in (*before.values(), *changed, *new):
            booked = known.get(scan.registration_id or "")
            if booked is not None and concerns(scan, booked.registration):
                together[booked.registration.registration_id][scan.scan_id] = scan
        decided = {
            id_: admit(places_of(known[id_].registration), scans.values()) for id_, scans in together.items()
        }
        after = {scan.scan_id: scan for scan in new} | {
            scan.scan_id: scan for scans in decided.values() for scan in scans
        }
        new_ids = {scan.scan_id for scan in new}
        await self._scans.add(unit, [after[id_] for id_ in sorted(new_ids)])
        changes = [after[id_] for id_, scan in before.items() if after.get(id_, scan) != scan]
        await self._scans.save(unit, changes)
        registrations = await self._save_arrivals(unit, known, decided, origin, now)
        return Settled(after, decided, registrations)

    async def _save_arrivals(
        self,
        unit: UnitOfWork,
        known: Mapping[str, Booked],
        decided: Mapping[str, list[Scan]],
        origin: Origin,
        now: datetime,
    ) -> dict[str, Registration]:
        registrations = {id_: one.registration for id_, one in known.items()}
        saved: list[Registration] = []
        for id_, scans in decided.items():
            before, session, _ = known[id_]
            after = arrived(before, scans)
            if after == before:
                continue
            registrations[id_] = after
            saved.append(after)
            if after.status == before.status:
                continue
            if (first := since(scans)) is not None:
                unit.publish(events.checked_in(after, session, first, origin, now))
            else:
                unit.publish(events.check_in_undone(after, session, origin, now))
        await self._registrations.save(unit, saved)
        return registrations


def _bounded(
    known: Mapping[str, Booked], counted: Mapping[str, Collection[Scan]], new: Collection[Scan]
) -> list[Scan]:
    """The new scans; see `counted_at_most`."""
    of_each: dict[str, list[Scan]] = defaultdict(list)
    for scan in new:
        of_each[scan.registration_id or ""].append(scan)
    bounded: list[Scan] = []
    for id_, some in of_each.items():
        before = [one for one in counted.get(id_, ()) if concerns(one, known[id_].registration)]
        bounded += counted_at_most(len(before), some)
    return bounded


def scan_of(
    one: Shown, means: Means, found: Found | None, device: str, door: Session | None, now: datetime
) -> Scan:
    """A new scan, not yet compared with the others of its ticket."""
    at = one.scanned_at or now
    booked = found.booked if found else None
    own = booked.session.session_id if booked else None
    scan = Scan(
        scan_id=one.scan_id,
        device=device,
        session_id=door.session_id if door else own,
        registration_id=booked.registration.registration_id if booked else None,
        round=booked.registration.round if booked else 0,
        scanned_at=at,
        received_at=now,
        refusal=None,
        asked=one.people,
        let_in=one.let_in,
        waited=one.let_in is None,
        means=means,
        clock_off_seconds=one.clock_off_seconds,
    )
    verdict = refusal(found, door, at)
    return scan if verdict is None else refused(scan, verdict)
