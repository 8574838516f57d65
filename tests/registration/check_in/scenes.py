"""A ticket, its session and a door without a database: scans are judged as they come."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from ops.door.verifier import Door, DoorList, Entry, keys_of
from services.registration.booking.rules import Registration
from services.registration.check_in.rules import (
    Booked,
    Found,
    Means,
    Scan,
    admit,
    arrived,
    door_entry,
    refusal,
    refused,
)
from services.registration.sessions.rules import Session, SessionId
from services.registration.tickets.keys import TicketKey
from services.registration.tickets.rules import ticket_of, window
from tests.registration.builders import session, waiter

# 09:30 in the zone of the week: nothing within the day's scans is another day.
STARTS_AT = datetime(2023, 5, 20, 1, 30, tzinfo=UTC)
KEY = TicketKey(b"k" * 32)
OTHERS_KEY = TicketKey(b"o" * 32)
KEYS = keys_of({"keys": [{"key_id": KEY.public.key_id, "public_key": KEY.public.public_key}]})
ELSEWHERE = SessionId("elsewhere-1")


def session_at(starts_at: datetime = STARTS_AT, **changes: Any) -> Session:
    return session(starts_at=starts_at, ends_at=starts_at + timedelta(hours=2), **changes)


def holder(places: int = 1, **changes: Any) -> Registration:
    """A registration with a place and a ticket."""
    one = waiter(7, places, "confirmed")
    return replace(one, **{"ticket_hash": "h", "ticket_locked": "l"} | changes)


def scan(number: int, minutes: float = 0.0, **changes: Any) -> Scan:
    """An admissible scan, so many minutes after the start."""
    at = STARTS_AT + timedelta(minutes=minutes)
    fields: dict[str, Any] = {
        "scan_id": f"door-1/{number}",
        "device": "door-1",
        "session_id": "street-1",
        "registration_id": "r",
        "round": 1,
        "scanned_at": at,
        "received_at": at,
        "refusal": None,
        "asked": None,
        "let_in": True,
        "waited": False,
    }
    return Scan(**fields | changes)


class Scene:
    """
    One ticket at one door. The scans before it are stored as the service stores them.

    Attributes:
        scans: all admissible scans so far.
    """

    def __init__(self, registration: Registration, of: Session, *, erased: bool = False) -> None:
        self.registration = registration
        self.session = of
        self.erased = erased
        self.scans: list[Scan] = []
        self._number = 0

    def judge(
        self,
        at: datetime,
        *,
        door: Session | None,
        means: Means | None = "ticket",
        round_: int | None = None,
        people: int | None = None,
    ) -> Scan:
        """The scan with its verdict. Without `means` what was scanned leads nowhere."""
        self._number += 1
        new = scan(self._number, scanned_at=at, received_at=at, asked=people, let_in=None, waited=True)
        found = None
        if means is not None:
            found = Found(Booked(self.registration, self.session, self.erased), means, round_)
        if (verdict := refusal(found, door, at)) is not None:
            return refused(new, verdict)
        self._settle([*self.scans, new])
        return next(one for one in self.scans if one.scan_id == new.scan_id)

    def undo(self, scan_id: str, at: datetime) -> None:
        self._settle(
            [replace(one, undone_at=at, people=0) if one.scan_id == scan_id else one for one in self.scans]
        )

    def _settle(self, scans: list[Scan]) -> None:
        self.scans = admit(self.registration.places, scans)
        self.registration = arrived(self.registration, self.scans)

    def door_without_network(self) -> Door:
        """A door that has loaded its list now."""
        opens_at, closes_at = window(self.session)
        entry = door_entry(self.registration, erased=self.erased)
        entries = (
            {entry.registration_id: Entry(entry.round, entry.standing, entry.places, entry.people_in)}
            if entry
            else {}
        )
        zone_days = [moment + timedelta(hours=8) for moment in (self.session.starts_at, self.session.ends_at)]
        return Door(
            DoorList(
                session_id=self.session.session_id,
                days=frozenset(moment.date() for moment in zone_days),
                opens_at=opens_at,
                closes_at=closes_at,
                cancelled=self.session.cancelled is not None,
                made_at=self.session.starts_at,
                entries=entries,
            ),
            KEYS,
            {},
        )


def text_of(registration: Registration, of: Session, key: TicketKey = KEY) -> str:
    """The signed ticket that its holder had before anything happened to it."""
    holds = replace(registration, status="confirmed", ticket_locked="l")
    return key.sign(ticket_of(holds, of, KEY.public.key_id))
