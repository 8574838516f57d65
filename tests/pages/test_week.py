"""The week's own clock, as the pages show it. The module runs in Node, in another time zone."""

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from tests.support.node import in_node

DAYS = 12 * 366
of_week = partial(in_node, "parts/week.js", zone="America/New_York")


def test_the_week_s_zone_is_ahead_of_utc_by_the_same_hours_all_year() -> None:
    name, hours = of_week("[WEEK.timezone, WEEK.hoursAhead]")
    zone = ZoneInfo(name)
    start = datetime(2023, 1, 1, tzinfo=UTC)
    ahead = {(start + timedelta(days=day)).astimezone(zone).utcoffset() for day in range(DAYS)}
    assert ahead == {timedelta(hours=hours)}


@pytest.mark.parametrize(
    ("time", "wall"),
    [
        ("2026-05-20T01:00:00Z", "2026-05-20T09:00:00"),
        ("2026-05-20T16:00:00Z", "2026-05-21T00:00:00"),
        ("2026-12-31T23:59:59+08:00", "2026-12-31T23:59:59"),
        (0, "1970-01-01T08:00:00"),
    ],
)
def test_a_time_is_shown_as_the_week_s_clock_shows_it(time: str | int, wall: str) -> None:
    assert of_week("[wall(a), date(a)]", time) == [wall, wall[:10]]


def test_what_an_organiser_types_is_a_time_of_the_week_s_clock() -> None:
    assert of_week("new Date(atWall(a)).toISOString()", "2026-05-20T09:00") == "2026-05-20T01:00:00.000Z"
    assert of_week("atWall(a)", "") is None
