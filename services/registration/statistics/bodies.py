"""The answers about statistics."""

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from pydantic import BaseModel, Field

from services.registration.booking.rules import Status
from services.registration.programme.bodies import SESSIONS_MAX
from services.registration.statistics.count import Counted
from services.registration.statistics.rules import ByStatus, Count, no_shows, total
from services.registration.statistics.store import DISTRICTS_MAX, Row
from shared.contracts.events import Audience

# Each audience, and those who did not say.
AUDIENCES_MAX = len(get_args(Audience)) + 1


class CountOut(BaseModel):
    """Some registrations, and their places."""

    registrations: int = Field(examples=[42])
    places: int = Field(examples=[57])

    @classmethod
    def of(cls, count: Count) -> "CountOut":
        return cls(registrations=count.registrations, places=count.places)


class SessionCounts(BaseModel):
    """A session in numbers."""

    session_id: str = Field(examples=["outreach-street-0520-am"])
    starts_at: datetime
    venue: str = Field(examples=["市政府综合办公楼广场"])
    district: str = Field(examples=["华龙区"])
    capacity: int = Field(examples=[200])
    taken: int = Field(description="places that are taken", examples=[57])
    by_status: dict[Status, CountOut]
    no_shows: CountOut | None = Field(
        None, description="those with a place who did not come; null until the session is over"
    )


class PeopleCounts(BaseModel):
    """The registrations of one audience or district; null: they did not say, or are erased."""

    of: str | None = Field(examples=["youth"])
    by_status: dict[Status, CountOut]


class StatisticsOut(BaseModel):
    """An activity in numbers, as they were when they were counted."""

    activity_id: str = Field(examples=["outreach-street"])
    counted_at: datetime = Field(description="some minutes ago, if a large activity is counted again now")
    by_status: dict[Status, CountOut]
    no_shows: CountOut = Field(description="of the sessions that are over")
    sessions: list[SessionCounts] = Field(max_length=SESSIONS_MAX)
    audiences: list[PeopleCounts] = Field(max_length=AUDIENCES_MAX)
    districts: list[PeopleCounts] = Field(
        description=f"those with most registrations, up to {DISTRICTS_MAX}", max_length=DISTRICTS_MAX
    )

    @classmethod
    def of(cls, activity_id: str, counted: Counted) -> "StatisticsOut":
        now, sessions, by_session, audiences, districts = counted
        counts = _by_status(by_session)
        stayed_away = {
            one.session_id: no_shows(counts.get(one.session_id, {}), over=one.is_over(now))
            for one in sessions
        }
        return cls(
            activity_id=activity_id,
            counted_at=now,
            by_status=_out(total(counts.values())),
            no_shows=CountOut.of(sum((one for one in stayed_away.values() if one), Count())),
            sessions=[
                SessionCounts(
                    session_id=one.session_id,
                    starts_at=one.starts_at,
                    venue=one.venue,
                    district=one.district,
                    capacity=one.capacity,
                    taken=one.taken,
                    by_status=_out(counts.get(one.session_id, {})),
                    no_shows=CountOut.of(away) if (away := stayed_away[one.session_id]) else None,
                )
                for one in sessions
            ],
            audiences=_people(audiences),
            districts=_people(districts),
        )


def _by_status(rows: Iterable[Row]) -> dict[str | None, dict[Status, Count]]:
    found: dict[str | None, dict[Status, Count]] = {}
    for of, status, count in rows:
        found.setdefault(of, {})[status] = count
    return found


def _people(rows: Iterable[Row]) -> list[PeopleCounts]:
    """The largest first."""
    found = _by_status(rows)

    def size(of: str | None) -> tuple[int, str]:
        return -sum(count.registrations for count in found[of].values()), of or ""

    return [PeopleCounts(of=of, by_status=_out(found[of])) for of in sorted(found, key=size)]


def _out(by_status: ByStatus) -> dict[Status, CountOut]:
    return {status: CountOut.of(count) for status, count in sorted(by_status.items())}
