"""
What a signed ticket says, and how it is written: short, and in characters that every scanner reads.

The text is `KW1` and base32 (RFC 4648, without padding) of these bytes:

    1        version of the form: 1
    4        id of the key
    16       registration id, a UUID
    2        round of the registration: a later round has another ticket
    1        places
    4, 4     valid from and until, seconds since 1970
    1 to 64  session id, ASCII
    64       Ed25519 signature over `SIGNED_AS` and all the bytes before

A ticket for more than 255 people has form 2, with 2 bytes for the places. All others keep form 1, which
copies of the verifier read that were made before.

A QR code holds capital letters and digits in 5.5 bits, other characters in 8. Scanners that type like a
keyboard also get capital letters and digits right in any layout, and signs not.
"""

from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from datetime import UTC, datetime, timedelta
from struct import Struct, error
from uuid import UUID

import msgspec

from services.registration.booking.rules import Registration
from services.registration.sessions.rules import Session
from shared.runtime.errors import Conflict

PREFIX = "KW1"
FORM = 1
FORM_FOR_MANY = 2
PLACES_IN_FORM_1_MAX = 255
SIGNATURE_BYTES = 64
# Before what is signed: no signature of a ticket is one of anything else, and the other way round.
SIGNED_AS = b"kepu-ticket-1\n"
# With the longest session id it has 259, and in form 2 two more.
TICKET_TEXT_CHARS_MAX = 261
ROUND_MAX = 0xFFFF
# The door opens before a session begins. After the end, tickets that were not scanned in time can still be
# scanned.
CHECK_IN_BEFORE = timedelta(hours=3)
CHECK_IN_AFTER = timedelta(hours=2)

_HEADS = {FORM: Struct(">B4s16sHBII"), FORM_FOR_MANY: Struct(">B4s16sHHII")}


class SignedTicket(msgspec.Struct, frozen=True):
    """
    What a ticket says.

    Attributes:
        key_id: of the key that signs it, in hex.
        valid_from: the times are those when the ticket was made, for readers that know nothing else. A
            session may move: a door goes by the times of the session as it is now.
    """

    key_id: str
    registration_id: str
    round: int
    places: int
    valid_from: datetime
    valid_until: datetime
    session_id: str


def window(session: Session) -> tuple[datetime, datetime]:
    """When the door of a session opens and closes."""
    return session.starts_at - CHECK_IN_BEFORE, session.ends_at + CHECK_IN_AFTER


def ticket_of(registration: Registration, session: Session, key_id: str) -> SignedTicket:
    """
    The ticket of a registration with a place.

    Raises:
        Conflict: it has no place (`ticket_missing`): it waits, or is cancelled.
    """
    if registration.status not in ("confirmed", "checked_in") or registration.ticket_locked is None:
        raise Conflict(
            f"registration {registration.registration_id} holds no place, so it has no ticket",
            code="ticket_missing",
        )
    opens_at, closes_at = window(session)
    return SignedTicket(
        key_id=key_id,
        registration_id=registration.registration_id,
        round=min(registration.round, ROUND_MAX),
        places=registration.places,
        valid_from=opens_at,
        valid_until=closes_at,
        session_id=session.session_id,
    )


def body_of(ticket: SignedTicket) -> bytes:
    """The bytes of a ticket before its signature."""
    form = FORM if ticket.places <= PLACES_IN_FORM_1_MAX else FORM_FOR_MANY
    head = _HEADS[form].pack(
        form,
        bytes.fromhex(ticket.key_id),
        UUID(ticket.registration_id).bytes,
        ticket.round,
        ticket.places,
        int(ticket.valid_from.timestamp()),
        int(ticket.valid_until.timestamp()),
    )
    return head + ticket.session_id.encode("ascii")


def ticket_in(body: bytes) -> SignedTicket | None:
    """The ticket that these bytes say, whoever has signed them; None if they say none."""
    head = _HEADS.get(body[0]) if body else None
    if head is None:
        return None
    try:
        _, key_id, id_, round_, places, valid_from, valid_until = head.unpack_from(body)
        session_id = body[head.size :].decode("ascii")
    except (error, UnicodeDecodeError):
        return None
    if not session_id:
        return None
    return SignedTicket(
        key_id=key_id.hex(),
        registration_id=str(UUID(bytes=id_)),
        round=round_,
        places=places,
        valid_from=datetime.fromtimestamp(valid_from, UTC),
        valid_until=datetime.fromtimestamp(valid_until, UTC),
        session_id=session_id,
    )


def text_of(signed: bytes) -> str:
    """A ticket with its signature as text for a QR code."""
    return PREFIX + b32encode(signed).decode().rstrip("=")


def looks_signed(text: str) -> bool:
    """True if a text in capital letters is meant as a signed ticket: no typed code is so long."""
    return text.startswith(PREFIX) and len(text) > SIGNATURE_BYTES


def signed_in(text: str) -> bytes | None:
    """The bytes of a ticket's text; None if it is none."""
    if not looks_signed(text) or len(text) > TICKET_TEXT_CHARS_MAX:
        return None
    letters = text.removeprefix(PREFIX)
    try:
        signed = b32decode(letters + "=" * (-len(letters) % 8))
    except (Base32Error, ValueError):
        return None
    # Base32 has spare bits at the end: only one text is this ticket.
    return signed if text_of(signed) == text else None
