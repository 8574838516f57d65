"""What doors send, and what they are answered."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.registration.check_in.check_in import Judged
from services.registration.check_in.rules import Means, Scan, Verdict
from shared.contracts.checked import Id, MomentIn
from shared.contracts.events import GROUP_PLACES_MAX
from shared.web.forms import Form

# A scanner may add spaces and line ends to the longest ticket.
SCANNED_CHARS_MAX = 300
BATCH_SCANS_MAX = 100
QUEUED_SCANS_MAX = 500
BATCH_BYTES_MAX = 65_536
QUEUED_BYTES_MAX = 262_144

Scanned = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=SCANNED_CHARS_MAX)] | None,
    Field(description="the text of a QR code, or a typed code", examples=["7K3QX-M0R9T"]),
]
Picked = Annotated[
    Id | None,
    Field(
        description="without a ticket: the registration that the people at the door have picked from the"
        " list. Never what somebody shows: the id of a registration is no secret"
    ),
]
Device = Annotated[Id, Field(description="which door or device has scanned", examples=["door-1"])]
ScanId = Annotated[
    Id,
    Field(
        description="the device's own id of the scan; the same if it is sent again",
        examples=["0d2f6a3e-5b0c-4c1b-9a57-1f6f3f1f0c11"],
    ),
]
DoorSession = Annotated[
    Id | None,
    Field(
        description="the session at whose door it is; without one any", examples=["outreach-street-0520-am"]
    ),
]
People = Annotated[
    int | None,
    Field(
        ge=1,
        le=GROUP_PLACES_MAX,
        description="how many come in; without it all who are not in yet",
        examples=[3],
    ),
]


class ShownIn(Form):
    """What was shown at the door: a ticket, or without one somebody was picked from the list."""

    ticket: Scanned = None
    registration_id: Picked = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ticket is None) == (self.registration_id is None):
            raise PydanticCustomError("ticket_or_list", "give a ticket or a registration_id, one of both")
        return self


class CheckInIn(ShownIn):
    """A ticket at the door."""

    people: People = None
    session_id: DoorSession = None
    device: Device = "door"
    scan_id: ScanId | None = None


class ScanIn(ShownIn):
    """One of several scans."""

    scan_id: ScanId
    people: People = None


class CheckInsIn(Form):
    """Several tickets at the door, such as those of a class."""

    session_id: DoorSession = None
    device: Device = "door"
    scans: list[ScanIn] = Field(min_length=1, max_length=BATCH_SCANS_MAX)


class QueuedScanIn(ShownIn):
    """A scan that a door has noted without a network. `let_in`: what the door has done."""

    scan_id: ScanId
    people: People = None
    scanned_at: MomentIn = Field(description="by the device's clock")
    let_in: bool


class QueuedScansIn(Form):
    """What a door has noted without a network. `sent_at`: now, by the same clock as the scans."""

    device: Device
    sent_at: MomentIn
    scans: list[QueuedScanIn] = Field(min_length=1, max_length=QUEUED_SCANS_MAX)


class UndoIn(Form):
    """The scan to undo."""

    device: Device = "door"
    scan_id: ScanId


class TicketSessionOut(BaseModel):
    """The session of a ticket, so that a door can say where and when to go."""

    session_id: str
    activity_title: str
    starts_at: datetime
    ends_at: datetime
    venue: str


class VerdictOut(BaseModel):
    """The verdict on a scan. Only `ok` lets people in."""

    scan_id: str
    verdict: Verdict
    people: int = Field(description="how many this scan lets in", examples=[3])
    people_in: int = Field(0, description="how many of this ticket are in now", examples=[3])
    places: int | None = Field(None, description="of the ticket", examples=[5])
    since: datetime | None = Field(None, description="when the first of this ticket came in")
    registration_id: str | None = None
    session: TicketSessionOut | None = None
    conflict: bool = Field(description="the door did something else than the verdict says")
    repeated: bool = Field(description="this scan came in before")

    @classmethod
    def of(cls, judged: Judged) -> "VerdictOut":
        scan, registration, session = judged.scan, judged.registration, judged.session
        return cls(
            scan_id=own_id(scan),
            verdict=scan.verdict,
            people=scan.people,
            people_in=registration.people_in if registration else 0,
            places=registration.places if registration else None,
            since=judged.since,
            registration_id=scan.registration_id,
            session=TicketSessionOut(
                session_id=session.session_id,
                activity_title=session.activity_title,
                starts_at=session.starts_at,
                ends_at=session.ends_at,
                venue=session.venue,
            )
            if session
            else None,
            conflict=scan.conflict,
            repeated=judged.repeated,
        )


class VerdictsOut(BaseModel):
    """A verdict for each scan, in the order in which they were sent."""

    verdicts: list[VerdictOut] = Field(max_length=BATCH_SCANS_MAX)


class QueuedVerdictsOut(BaseModel):
    """A verdict for each scan. A later upload by another door may still change it."""

    verdicts: list[VerdictOut] = Field(max_length=QUEUED_SCANS_MAX)
    clock_off_seconds: int = Field(
        description="how far the device's clock is ahead; the times were corrected by it. 0: it is right"
    )


class ScanOut(BaseModel):
    """A scan as it stands now."""

    device: str
    scan_id: str
    registration_id: str | None
    means: Means = Field(
        description="what was shown: the signed ticket, or its code. `list`: no ticket, the people at the"
        " door have picked the registration"
    )
    scanned_at: datetime
    received_at: datetime
    verdict: Verdict
    people: int
    let_in: bool = Field(description="what the door has done")
    conflict: bool
    clock_off_seconds: int
    undone_at: datetime | None

    @classmethod
    def of(cls, scan: Scan) -> "ScanOut":
        return cls(
            device=scan.device,
            scan_id=own_id(scan),
            registration_id=scan.registration_id,
            means=scan.means,
            scanned_at=scan.scanned_at,
            received_at=scan.received_at,
            verdict=scan.verdict,
            people=scan.people,
            let_in=bool(scan.let_in),
            conflict=scan.conflict,
            clock_off_seconds=scan.clock_off_seconds,
            undone_at=scan.undone_at,
        )


class ScansOut(BaseModel):
    """A page of scans."""

    scans: list[ScanOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class DoorListOut(BaseModel):
    """A page of a signed list for a door without a network."""

    list: str = Field(description="JSON, exactly as it is signed")
    version: str = Field(examples=["5c1e0b7a9d3f4e21"])
    key_id: str = Field(examples=["9f3c1a2b"])
    signature: str = Field(description="Ed25519 over `kepu-door-list-1`, a line feed and `list`; base64")
    after: int | None = Field(None, description="where the next page begins; null on the last one")


def own_id(scan: Scan) -> str:
    """The device's own id of a scan."""
    return scan.scan_id.removeprefix(f"{scan.device}/")
