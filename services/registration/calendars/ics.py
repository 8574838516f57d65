"""
A calendar file with one entry. Pure.

Source: RFC 5545, sections 3.1 (lines), 3.3.11 (text), 3.6.1 (events)
"""

from datetime import UTC, datetime

from services.registration.calendars.rules import Entry

# Without the line's end (RFC 5545, 3.1).
LINE_OCTETS_MAX = 75
PRODUCT = "-//Kepu Week//registration//EN"


def calendar(entry: Entry, uid: str, now: datetime) -> bytes:
    """The file. `now`: when it is made."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTAMP:{_time(now)}",
        f"DTSTART:{_time(entry.starts_at)}",
        f"DTEND:{_time(entry.ends_at)}",
        f"STATUS:{entry.status}",
        f"SUMMARY:{escaped(entry.title)}",
        f"LOCATION:{escaped(entry.place)}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(folded(line) for line in lines)


def escaped(text: str) -> str:
    """A text as a value: what would end or part it is escaped."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def folded(line: str) -> bytes:
    """
    A line with its end, folded: no part has more than `LINE_OCTETS_MAX` octets.

    A character is not cut. Readers that decode each part by itself would lose it.
    """
    octets, parts = line.encode(), []
    room = LINE_OCTETS_MAX
    while len(octets) > room:
        cut = room
        # 10xxxxxx goes on with the character before it.
        while octets[cut] & 0xC0 == 0x80:
            cut -= 1
        parts.append(octets[:cut])
        octets = octets[cut:]
        # The next part begins with a space.
        room = LINE_OCTETS_MAX - 1
    return b"\r\n ".join([*parts, octets]) + b"\r\n"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
