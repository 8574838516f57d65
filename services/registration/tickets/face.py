"""What stands on a ticket beside its code, in lines that fit. All functions are pure."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.registration.sessions.rules import ZONE, Session

# Of a line, in halves of a Chinese character.
LINE_HALVES = 32
LINES_MAX = 3
WEEKDAYS = "一二三四五六日"


class Row(NamedTuple):
    """A label and what it labels, in one or more lines."""

    label: str
    lines: Sequence[str]


class Face(NamedTuple):
    """A ticket as people read it. No name: registration knows none."""

    title: Sequence[str]
    rows: Sequence[Row]
    ticket_code: str
    text: str


def face(session: Session, places: int, ticket_code: str, text: str) -> Face:
    """What stands on a ticket; both languages, since one paper serves a family."""
    return Face(
        title=fitted(session.activity_title),
        rows=[
            Row("时间 Time", fitted(times(session.starts_at, session.ends_at))),
            Row("地点 Venue", fitted(session.venue)),
            Row("人数 Places", [str(places)]),
        ],
        ticket_code=ticket_code,
        text=text,
    )


def times(starts_at: datetime, ends_at: datetime) -> str:
    """From when until when, in the zone of the week."""
    starts, ends = starts_at.astimezone(ZONE), ends_at.astimezone(ZONE)
    day = f"{starts:%Y-%m-%d} 周{WEEKDAYS[starts.weekday()]} {starts:%H:%M}"
    return f"{day}-{ends:%H:%M}" if ends.date() == starts.date() else f"{day} - {ends:%Y-%m-%d %H:%M}"


def fitted(text: str, halves: int = LINE_HALVES, lines_max: int = LINES_MAX) -> list[str]:
    """A text in lines of at most this width. What does not fit is cut, with an ellipsis."""
    lines = [""]
    for character in text:
        if _width(lines[-1]) + _width(character) > halves:
            lines.append("")
        lines[-1] += character
    if len(lines) > lines_max:
        last = lines[lines_max - 1]
        while _width(last) > halves - 2:
            last = last[:-1]
        lines[lines_max - 1 :] = [f"{last}…"]
    return [line.strip() for line in lines]


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(character) in "WFA") for character in text)
