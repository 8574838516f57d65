"""
Checks tickets without a network, by a door list that was loaded before.

It stands alone: the standard library and PyNaCl, nothing of this project. Other doors' software may copy it.
What it decides is preliminary. The service decides again when the scans are sent, and finds what one door
alone cannot know: a ticket that was shown at two doors.

The forms of tickets and lists: docs/integrating.md, "Check tickets".
"""

import json
import re
import struct
import unicodedata
from base64 import b32decode, b32encode, b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

PREFIX = "KW1"
TICKET_SIGNED_AS = b"kepu-ticket-1\n"
LIST_SIGNED_AS = b"kepu-door-list-1\n"
SIGNATURE_BYTES = 64
# The zone of the week: a day at the door is a day there. It has no summer time.
ZONE = timezone(timedelta(hours=8))
# A ticket is valid from this time before its session until this time after it.
BEFORE, AFTER = timedelta(hours=3), timedelta(hours=2)

# By the form of the ticket: one for more than 255 people has 2 bytes for the places.
_HEADS = {1: struct.Struct(">B4s16sHBII"), 2: struct.Struct(">B4s16sHHII")}
# A typed code: ten characters of Crockford's base32.
_CODE = re.compile("[0-9A-HJKMNP-TV-Z]{10}")
_BETWEEN = ("Pd", "Zs", "Cc", "Cf")
_MORE_DASHES = str.maketrans("", "", "\u2212\u30fc")
_HEARD = str.maketrans("OIL", "011")


class ListRefused(Exception):
    """The list is not signed by the service, or its pages do not belong together."""


@dataclass(frozen=True)
class Ticket:
    """What a signed ticket says."""

    registration_id: str
    round: int
    places: int
    valid_from: datetime
    valid_until: datetime
    session_id: str


@dataclass(frozen=True)
class Entry:
    """What the list says of a registration, beyond its ticket."""

    round: int
    standing: str
    places: int
    people_in: int


@dataclass(frozen=True)
class DoorList:
    """All pages of a list, checked."""

    session_id: str
    days: frozenset[object]
    opens_at: datetime
    closes_at: datetime
    cancelled: bool
    made_at: datetime
    entries: Mapping[str, Entry]


@dataclass(frozen=True)
class Ruling:
    """
    The verdict on a scan, and how many come in.

    `unchecked`: a typed code, or somebody picked from the list of registrations whom the door's list does not
    know. Nobody can check that without a network. The people at the door decide; the service checks it later.
    """

    verdict: str
    people: int = 0
    registration_id: str | None = None

    @property
    def let_in(self) -> bool:
        """Whether the door opens."""
        return self.verdict in ("ok", "unchecked")


def read_ticket(text: str, keys: Mapping[str, bytes]) -> Ticket | None:
    """The ticket of a scanned text; None if it is none, or none of these keys has signed it."""
    text = plain(text)
    letters = text.removeprefix(PREFIX)
    try:
        signed = b32decode(letters + "=" * (-len(letters) % 8))
        body, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
        head = _HEADS[body[0]]
        _, key_id, id_, round_, places, valid_from, valid_until = head.unpack_from(body)
        if text != PREFIX + b32encode(signed).decode().rstrip("="):
            return None
        VerifyKey(keys[key_id.hex()]).verify(TICKET_SIGNED_AS + body, signature)
        session_id = body[head.size :].decode("ascii")
    except (ValueError, struct.error, LookupError, BadSignatureError):
        return None
    return Ticket(
        registration_id=str(UUID(bytes=id_)),
        round=round_,
        places=places,
        valid_from=datetime.fromtimestamp(valid_from, ZONE),
        valid_until=datetime.fromtimestamp(valid_until, ZONE),
        session_id=session_id,
    )


def read_list(pages: Iterable[Mapping[str, str]], keys: Mapping[str, bytes]) -> DoorList:
    """
    A list from its pages, in their order.

    Args:
        pages: each with `list`, `key_id` and `signature`, as the service answers them.
        keys: public keys by their ids, from `GET /tickets/keys`.

    Raises:
        ListRefused: a page is not signed with one of the keys, or pages are missing.
    """
    contents = [_content(page, keys) for page in pages]
    if not contents:
        raise ListRefused("the list has no page")
    first = contents[0]
    begins = [0, *(page["next_page"] for page in contents)]
    same_session = {page["session_id"] for page in contents} == {first["session_id"]}
    if (
        [page["page_begins"] for page in contents] != begins[:-1]
        or begins[-1] is not None
        or not same_session
    ):
        raise ListRefused("pages of the list are missing, or are of another session")
    entries = {
        entry["registration_id"]: Entry(
            entry["round"], entry["standing"], entry["places"], entry["people_in"]
        )
        for page in contents
        for entry in page["entries"]
    }
    return DoorList(
        session_id=first["session_id"],
        days=frozenset(_day(_time(first[name])) for name in ("starts_at", "ends_at")),
        opens_at=_time(first["door_opens_at"]),
        closes_at=_time(first["door_closes_at"]),
        cancelled=first["cancelled"],
        made_at=min(_time(page["made_at"]) for page in contents),
        entries=entries,
    )


class Door:
    """
    One door at one session.

    Args:
        inside: how many people of each registration this door has let in that the list does not know of.
    """

    def __init__(self, door_list: DoorList, keys: Mapping[str, bytes], inside: Mapping[str, int]) -> None:
        self._list = door_list
        self._keys = keys
        self._inside = dict(inside)

    def scan(self, text: str, people: int | None, at: datetime) -> Ruling:
        """
        Rule on what was scanned or typed, and remember who comes in.

        Args:
            people: how many; None: all who are not in yet.
        """
        if _CODE.fullmatch(_typed(text)):
            return Ruling("unchecked", people or 1)
        ticket = read_ticket(text, self._keys)
        if ticket is None:
            return Ruling("unknown")
        id_ = ticket.registration_id
        if (refusal := self._refusal(ticket, at)) is not None:
            return Ruling(refusal, registration_id=id_)
        entry = self._entry(ticket)
        return self._admit(
            id_, entry.places if entry else ticket.places, entry.people_in if entry else 0, people
        )

    def pick(self, registration_id: str, people: int | None, at: datetime) -> Ruling:
        """
        Rule on somebody without a ticket, whom the people at the door have picked from a list.

        Never call it with what somebody shows: the id of a registration is no secret.
        """
        entry = self._list.entries.get(registration_id)
        refusal = "session_cancelled" if self._list.cancelled else None
        if refusal is None and entry is not None and entry.standing != "place":
            refusal = entry.standing
        if (refusal := refusal or self._refusal_by_time(at)) is not None:
            return Ruling(refusal, registration_id=registration_id)
        if entry is None:
            return Ruling("unchecked", people or 1, registration_id)
        return self._admit(registration_id, entry.places, entry.people_in, people)

    def _admit(self, id_: str, places: int, known: int, people: int | None) -> Ruling:
        left = places - known - self._inside.get(id_, 0)
        wanted = people or left
        if left <= 0:
            return Ruling("already_checked_in", registration_id=id_)
        if wanted > left:
            return Ruling("too_many", registration_id=id_)
        self._inside[id_] = self._inside.get(id_, 0) + wanted
        return Ruling("ok", wanted, id_)

    def _refusal(self, ticket: Ticket, at: datetime) -> str | None:
        days, entry = self._list.days, self._list.entries.get(ticket.registration_id)
        if ticket.session_id != self._list.session_id:
            theirs = {_day(ticket.valid_from + BEFORE), _day(ticket.valid_until - AFTER)}
            return "wrong_session" if theirs & days else "wrong_day"
        if entry is not None and ticket.round < entry.round:
            return "revoked"
        if self._list.cancelled:
            return "session_cancelled"
        if (same := self._entry(ticket)) is not None and same.standing in ("cancelled", "revoked"):
            return same.standing
        return self._refusal_by_time(at)

    def _refusal_by_time(self, at: datetime) -> str | None:
        if self._list.opens_at <= at <= self._list.closes_at:
            return None
        if _day(at) not in self._list.days:
            return "wrong_day"
        return "too_early" if at < self._list.opens_at else "too_late"

    def _entry(self, ticket: Ticket) -> Entry | None:
        """The list's entry of this very ticket. A later one was made after the list."""
        entry = self._list.entries.get(ticket.registration_id)
        # Who waits on the list has got a place since: otherwise there would be no ticket.
        return entry if entry is not None and entry.round == ticket.round else None


def plain(text: str) -> str:
    """A scanned text in plain capital letters, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def _typed(text: str) -> str:
    """A text as a typed code: without spaces and dashes of any kind, and O read as 0, I and L as 1."""
    kept = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in _BETWEEN)
    return "".join(kept).translate(_MORE_DASHES).upper().translate(_HEARD)


def keys_of(answer: Mapping[str, list[dict[str, str]]]) -> dict[str, bytes]:
    """The public keys of an answer of `GET /tickets/keys`, by their ids."""
    return {key["key_id"]: b64decode(key["public_key"]) for key in answer["keys"]}


def _content(page: Mapping[str, str], keys: Mapping[str, bytes]) -> dict[str, Any]:
    text = page["list"].encode()
    try:
        VerifyKey(keys[page["key_id"]]).verify(LIST_SIGNED_AS + text, b64decode(page["signature"]))
    except (KeyError, ValueError, BadSignatureError):
        raise ListRefused("the list is not signed by a key that is known here") from None
    content: dict[str, Any] = json.loads(text)
    return content


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _day(at: datetime) -> object:
    return at.astimezone(ZONE).date()
